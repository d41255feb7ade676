package twofold

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/store"
)

// StoreReport is what CheckStore found.
type StoreReport struct {
	Users, Factors, Sessions, Events int
	// Trail is the report on the audit trail. Its problems are among Problems.
	Trail event.Report
	// Problems are sentences, each with the id of what it is about.
	Problems []string
}

// opener is a method whose factors have a sealed secret.
type opener interface{ Opens(f store.Factor) error }

func openers(methods map[string]factor.Method, passkeys factor.Passkeys) map[string]opener {
	out := map[string]opener{}
	if m, ok := methods[store.Authenticator].(opener); ok {
		out[store.Authenticator] = m
	}
	if m, ok := passkeys.(opener); ok {
		out[store.Passkey] = m
	}
	return out
}

// CheckStore reads everything and says what does not fit together, whatever
// ended a process in between: accounts and the names they are found by, factors
// without what they need, secrets that do not open, living sessions that nothing
// stands behind, codes that opened more than they may, budgets that do not keep
// their limit, and the audit trail. It changes nothing and may run alongside a
// server in use; it takes about a millisecond for an account.
func (a *Auth) CheckStore(ctx context.Context) (StoreReport, error) {
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
	trail, err := a.AuditVerify(ctx, "")
	if err != nil {
		return r, err
	}
	r.Events, r.Trail = trail.Rows, trail
	for _, what := range trail.Problems {
		r.Problems = append(r.Problems, "audit trail: "+what)
	}
	return r, nil
}

// checkUser examines one account. Users sign in and old rows are removed meanwhile, so
// one examination may mix old and new data. A problem is reported only if the next
// examination finds it too.
func checkUser(ctx context.Context, a *Auth, u store.User, r *StoreReport) error {
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
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted meanwhile
		} else if err != nil {
			return err
		}
		u = now
	}
	r.Problems = append(r.Problems, "account "+u.ID+": it changes all the time and was not checked")
	return nil
}
