package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// keepsWayIn returns ErrLastWayIn if the user could no longer sign in without the items with these
// IDs. A way to sign in is a password, a first factor or passkey whose method is enabled, or a
// connected account whose provider is configured. If there are second factors, one of them must be
// usable after it. Every removal calls keepsWayIn first and then changes the account under the same
// credential version.
func (l Passwordless) keepsWayIn(ctx context.Context, u storage.User, without ...string) error {
	return l.waysIn(ctx, u, nil, without)
}

// follows returns ErrMethod if, with a new factor of this method, no first factor of the user could
// be followed by any second factor. The first factor of the current session may have been removed.
// The draft is bound to the same credential version.
func (l Passwordless) follows(ctx context.Context, a actor, method string, add bool) error {
	if a.who == nil || a.who.User.PasswordHash != "" {
		return nil
	}
	present, err := l.c.Factors.FactorsOf(ctx, a.who.User.ID)
	if err != nil {
		return err
	}
	err = l.waysIn(ctx, a.who.User, &storage.Factor{Method: method}, []string{replaced(present, "", add)})
	if errors.Is(err, ErrLastWayIn) {
		return ErrMethod
	}
	return err
}

// waysIn is like keepsWayIn, with an additional second factor if one is added.
func (l Passwordless) waysIn(ctx context.Context, u storage.User, added *storage.Factor, without []string) error {
	if u.PasswordHash != "" {
		return nil
	}
	stays := func(id string) bool { return !slices.Contains(without, id) }
	seconds, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	seconds = slices.DeleteFunc(seconds, func(f storage.Factor) bool { return !stays(f.ID) })
	if added != nil {
		seconds = append(seconds, *added)
	}
	ways, err := l.waysOf(ctx, u, stays)
	if err != nil {
		return err
	}
	if !policy.Opens(l.rules, ways, seconds) {
		return ErrLastWayIn
	}
	return nil
}

// waysOf returns the remaining ways to sign in to an account.
func (l Passwordless) waysOf(ctx context.Context, u storage.User, stays func(id string) bool) (policy.Ways, error) {
	w := policy.Ways{Password: u.PasswordHash != ""}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return w, err
	}
	if l.c.Policy.Life.ByLink {
		w.Others = append(w.Others, policy.By(storage.Email))
	}
	for _, f := range firsts {
		if stays(f.ID) && l.offersFirst(f.Method) {
			w.Others = append(w.Others, policy.By(f.Method))
		}
	}
	if l.c.Passkeys != nil && l.c.Policy.Passkeys.FirstFactor {
		passkeys, err := l.c.Factors.PasskeysOf(ctx, u.ID)
		if err != nil {
			return w, err
		}
		passkeys = l.WebAuthn.readable(ctx, passkeys, storage.UseFirst)
		w.Passkey = slices.ContainsFunc(passkeys, func(f storage.Factor) bool { return stays(f.ID) })
	}
	if l.c.Connections == nil {
		return w, nil
	}
	connections, err := l.c.Connections.ConnectionsOf(ctx, u.ID)
	if err != nil {
		return w, err
	}
	for _, c := range connections {
		if proof, ok := l.connectionProof(c); ok && stays(c.ID) {
			w.Others = append(w.Others, proof)
		}
	}
	return w, nil
}
