package twofold

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// StoreReport is the result of Checks.Store.
type StoreReport struct {
	Users, Factors, Sessions, Events int
	// Trail is the report on the audit trail. Its problems are also in Problems.
	Trail event.Report
	// Problems contains one sentence for each problem, with the ID of the row concerned.
	Problems []string
}

// opener is implemented by methods whose factors have a sealed secret.
type opener interface{ Opens(f storage.Factor) error }

func openers(methods map[string]factor.Method, passkeys factor.Passkeys) map[string]opener {
	out := map[string]opener{}
	if m, ok := methods[storage.Authenticator].(opener); ok {
		out[storage.Authenticator] = m
	}
	if m, ok := passkeys.(opener); ok {
		out[storage.Passkey] = m
	}
	return out
}

// Checks checks the data of a sign-in. It changes nothing and may be used while a server runs.
type Checks struct{ a *Auth }

// Checks returns the checks of the data.
func (a *Auth) Checks() Checks { return Checks{a} }

// KeyFits reports whether a configured key signed the newest sealed row of the audit trail. If not,
// the key belongs to another database, or someone changed that row.
func (c Checks) KeyFits(ctx context.Context) (bool, error) { return c.a.trail.Fits(ctx) }

// MissingKeys counts the second factors that no configured key decrypts, grouped by the name of the
// key that encrypted them: a tag of TwoFactor.Secrets, or a name that starts with "k" for a key of
// Config.Key. It stops counting at 1,000.
func (c Checks) MissingKeys(ctx context.Context) (map[string]int, error) {
	sealed, err := c.a.store.SealedOtherwise(ctx, c.a.ring.Heads(), 1000)
	if err != nil || len(sealed) == 0 {
		return nil, err
	}
	out := map[string]int{}
	for _, s := range sealed {
		out[seal.TagOf(s)]++
	}
	return out, nil
}

// Store reads the whole store and reports inconsistencies, such as a crashed process may have
// left: accounts that cannot be found by their address or name, factors without required data,
// secrets that cannot be decrypted, sessions without proofs, codes that were used more often than
// allowed, budgets over their limit, and problems of the audit trail. It takes about a millisecond
// for an account.
func (c Checks) Store(ctx context.Context) (StoreReport, error) {
	a := c.a
	var r StoreReport
	for after := ""; ; {
		users, err := a.store.ListUsers(ctx, after, 200)
		if err != nil {
			return r, err
		}
		for _, u := range users {
			if err := checkUser(ctx, a, u, &r); err != nil {
				return r, err
			}
			after = u.ID
		}
		if len(users) == 0 {
			break
		}
	}
	own, err := a.store.Examine(ctx, a.now())
	if err != nil {
		return r, err
	}
	r.Problems = append(r.Problems, own...)
	trail, err := a.trail.Verify(ctx, "")
	if err != nil {
		return r, err
	}
	r.Events, r.Trail = trail.Rows, trail
	for _, what := range trail.Problems {
		r.Problems = append(r.Problems, "audit trail: "+what)
	}
	return r, nil
}

// checkUser examines one account. The store may be in use, so one examination may mix old and new
// data. A problem is reported only if the next examination finds it too.
func checkUser(ctx context.Context, a *Auth, u storage.User, r *StoreReport) error {
	var before []string
	for range 6 {
		c := examination{a: a, u: u}
		if err := c.run(ctx); err != nil {
			return err
		}
		if len(c.problems) == 0 || slices.Equal(c.problems, before) {
			r.Users++
			r.Factors += len(c.factors)
			r.Sessions += c.sessions
			r.Problems = append(r.Problems, c.problems...)
			return nil
		}
		before = c.problems
		now, err := a.store.UserByID(ctx, u.ID)
		if errors.Is(err, storage.ErrNotFound) {
			return nil // deleted meanwhile
		} else if err != nil {
			return err
		}
		u = now
	}
	r.Problems = append(r.Problems, "account "+u.ID+": it changes all the time and was not checked")
	return nil
}
