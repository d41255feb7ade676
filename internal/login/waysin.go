package login

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// keepsWayIn is ErrLastWayIn if the account could not begin a sign-in any more
// without what has these ids. A way in is a password, a first factor or passkey
// whose method is offered, an account at another site that can be reached; and
// where there are second factors, one of them must be able to follow it.
// Every removal asks here first, and then changes the account under the version
// that was asked about.
func (l *Login) keepsWayIn(ctx context.Context, u store.User, without ...string) error {
	return l.waysIn(ctx, u, nil, without)
}

// follows is ErrMethod if nothing that begins the sign-ins of who is signed in
// could be followed by a factor of this method, nor by one of those that stay
// alongside it: what began this session may be gone. The draft is bound to the
// version that was asked about.
func (l *Login) follows(ctx context.Context, a actor, method string, add bool) error {
	if a.who == nil || a.who.User.PasswordHash != "" {
		return nil
	}
	present, err := l.c.Factors.FactorsOf(ctx, a.who.User.ID)
	if err != nil {
		return err
	}
	err = l.waysIn(ctx, a.who.User, &store.Factor{Method: method}, []string{replaced(present, "", add)})
	if errors.Is(err, ErrLastWayIn) {
		return ErrMethod
	}
	return err
}

// waysIn is keepsWayIn with a second factor more, if one is added.
func (l *Login) waysIn(ctx context.Context, u store.User, added *store.Factor, without []string) error {
	if u.PasswordHash != "" {
		return nil
	}
	stays := func(id string) bool { return !slices.Contains(without, id) }
	seconds, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	seconds = slices.DeleteFunc(seconds, func(f store.Factor) bool { return !stays(f.ID) })
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

// waysOf are the ways in of an account that stay.
func (l *Login) waysOf(ctx context.Context, u store.User, stays func(id string) bool) (policy.Ways, error) {
	w := policy.Ways{Password: u.PasswordHash != ""}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return w, err
	}
	if l.c.Policy.Life.ByLink {
		w.Others = append(w.Others, policy.By(store.Email))
	}
	for _, f := range firsts {
		if stays(f.ID) && l.offersFirst(f.Method) {
			w.Others = append(w.Others, policy.By(f.Method))
		}
	}
	if l.c.Passkeys != nil && l.c.Policy.Passkeys.First {
		passkeys, err := l.c.Factors.PasskeysOf(ctx, u.ID)
		if err != nil {
			return w, err
		}
		passkeys = l.readable(ctx, passkeys, store.UseFirst)
		w.Passkey = slices.ContainsFunc(passkeys, func(f store.Factor) bool { return stays(f.ID) })
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
