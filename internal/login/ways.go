package login

import (
	"context"
	"errors"
	"slices"

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
// beside it: what began this session may be gone. The draft is bound to the
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
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	seconds, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	seconds = slices.DeleteFunc(seconds, func(f store.Factor) bool { return !stays(f.ID) })
	if added != nil {
		seconds = append(seconds, *added)
	}
	leads := func(first store.Proof) bool {
		return len(seconds) == 0 || len(l.differing(first, l.usable(seconds))) > 0
	}
	if l.c.Policy.Life.ByLink && leads(by(store.Email)) {
		return nil
	}
	if slices.ContainsFunc(firsts, func(f store.Factor) bool { return stays(f.ID) && l.offersFirst(f.Method) && leads(by(f.Method)) }) {
		return nil
	}
	if l.c.Passkeys != nil && l.c.Policy.Passkeys.First {
		passkeys, err := l.c.Factors.PasskeysOf(ctx, u.ID)
		if err != nil {
			return err
		}
		passkeys = l.readable(ctx, passkeys, store.UseFirst)
		if slices.ContainsFunc(passkeys, func(f store.Factor) bool { return stays(f.ID) }) {
			return nil
		}
	}
	return l.keepsConnection(ctx, u, stays, leads)
}

// keepsConnection is keepsWayIn for accounts at other sites.
func (l *Login) keepsConnection(ctx context.Context, u store.User, stays func(id string) bool, leads func(first store.Proof) bool) error {
	if l.c.Connections == nil {
		return ErrLastWayIn
	}
	connections, err := l.c.Connections.ConnectionsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, c := range connections {
		if proof, ok := l.connectionProof(ctx, c); ok && stays(c.ID) && leads(proof) {
			return nil
		}
	}
	return ErrLastWayIn
}
