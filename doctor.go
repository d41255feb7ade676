package twofold

import (
	"context"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/factor"
	"github.com/twofold-auth/twofold/store"
)

// StoreReport is what CheckStore found.
type StoreReport struct {
	Users, Factors, Sessions, Events int
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
// stands behind, and the audit trail. It changes nothing and may run beside a
// server in use; it takes about a millisecond for an account.
func (a *Auth) CheckStore(ctx context.Context) (StoreReport, error) {
	var r StoreReport
	for after := ""; ; {
		users, err := a.store.ListUsers(ctx, after, 200)
		if err != nil {
			return r, err
		}
		for _, u := range users {
			if err := a.checkUser(ctx, u, &r); err != nil {
				return r, err
			}
			after = u.ID
		}
		if len(users) == 0 {
			break
		}
	}
	trail, err := a.AuditVerify(ctx, "")
	if err != nil {
		return r, err
	}
	r.Events = trail.Rows
	for _, what := range trail.Problems {
		r.Problems = append(r.Problems, "audit trail: "+what)
	}
	return r, nil
}

// checkUser looks at one account. One that is changed meanwhile is looked at
// again: half of the old and half of the new need not fit.
func (a *Auth) checkUser(ctx context.Context, u store.User, r *StoreReport) error {
	for range 5 {
		c := examination{a: a, u: u}
		if err := c.run(ctx); err != nil {
			return err
		}
		now, err := a.store.UserByID(ctx, u.ID)
		if err == nil && len(c.problems) > 0 && now.Uniquifier != u.Uniquifier {
			u = now
			continue
		}
		r.Users++
		r.Factors += len(c.factors)
		r.Sessions += c.sessions
		r.Problems = append(r.Problems, c.problems...)
		return nil
	}
	r.Problems = append(r.Problems, "account "+u.ID+": it changes all the time and was not checked")
	return nil
}

// examination is the look at one account.
type examination struct {
	a        *Auth
	u        store.User
	factors  []store.Factor
	second   int // factors that a sign-in asks for
	sessions int
	problems []string
}

func (c *examination) problem(format string, args ...any) {
	c.problems = append(c.problems, "account "+c.u.ID+": "+fmt.Sprintf(format, args...))
}

func (c *examination) run(ctx context.Context) error {
	if c.u.Uniquifier == "" {
		c.problem("it has no uniquifier, so nothing issued to it can be ended")
	}
	for _, key := range []string{c.u.EmailKey, c.u.UsernameKey} {
		if key == "" {
			continue
		}
		if found, err := c.a.store.UserByIdentity(ctx, key); err != nil || found.ID != c.u.ID {
			c.problem("it is not found by its own address or name (%v)", err)
		}
	}
	if err := c.checkFactors(ctx); err != nil {
		return err
	}
	return c.checkSessions(ctx)
}

func (c *examination) checkFactors(ctx context.Context) (err error) {
	if c.factors, err = c.a.store.FactorsOf(ctx, c.u.ID); err != nil {
		return err
	}
	primaries, latest := 0, c.a.now().Unix()/30+5
	for _, f := range c.factors {
		if f.Usage != store.UseFirst {
			c.second++
		}
		if f.Primary {
			primaries++
		}
		switch f.Method {
		case store.SMS, store.Email:
			if f.Destination == "" {
				c.problem("factor %s has no destination", f.ID)
			}
		case store.Authenticator, store.Passkey:
			if len(f.Secret) == 0 {
				c.problem("factor %s has no secret", f.ID)
			} else if m := c.a.opens[f.Method]; m != nil && m.Opens(f) != nil {
				c.problem("the secret of factor %s does not open: it is damaged, moved, or sealed by a key that is missing", f.ID)
			}
		default:
			c.problem("factor %s is of an unknown method", f.ID)
		}
		if f.Method == store.Authenticator && f.LastStep > latest {
			c.problem("factor %s has used codes of the future: its codes are refused until then (was the clock wrong?)", f.ID)
		}
	}
	if primaries > 1 {
		c.problem("%d factors are its default", primaries)
	}
	return nil
}

// checkSessions looks at the living ones that the account's present
// credentials stand behind; all others open nothing.
func (c *examination) checkSessions(ctx context.Context) error {
	list, err := c.a.store.SessionsOf(ctx, c.u.ID, c.a.now())
	if err != nil || len(list) == 0 {
		return err
	}
	recorded, err := c.recorded(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Uniquifier != c.u.Uniquifier || !c.u.Active {
			continue
		}
		c.sessions++
		methods := map[string]bool{}
		for _, p := range s.Proofs {
			methods[p.Method] = true
		}
		switch {
		case len(methods) == 0:
			c.problem("session %s rests on no proof", s.ID)
		case s.Level >= store.TwoFactors && !s.Trusted && len(methods) < 2 && !methods[store.Passkey]:
			c.problem("session %s counts as two factors and rests on one", s.ID)
		case s.Level < store.TwoFactors && !s.Trusted && c.second > 0:
			c.problem("session %s has one factor, and the account asks for two", s.ID)
		case !recorded[s.ID]:
			c.problem("the audit trail does not know session %s", s.ID)
		}
		for _, p := range s.Proofs {
			if p.Method == store.Authenticator && !c.spent(p.At) {
				c.problem("session %s rests on an authenticator's code that was not used up", s.ID)
			}
		}
	}
	return nil
}

// spent reports whether a code accepted at that time is used up: some app of
// the account has taken a step no earlier, less the clock's tolerance.
func (c *examination) spent(at time.Time) bool {
	for _, f := range c.factors {
		if f.Method == store.Authenticator && f.LastStep >= at.Unix()/30-5 {
			return true
		}
	}
	return false
}

// recorded are the sessions that the audit trail knows of this account.
func (c *examination) recorded(ctx context.Context) (map[string]bool, error) {
	ids := map[string]bool{}
	for after := int64(0); ; {
		rows, err := c.a.store.EventsBy(ctx, store.EventFilter{UserID: c.u.ID, After: after})
		if err != nil || len(rows) == 0 {
			return ids, err
		}
		for _, e := range rows {
			ids[e.Session] = true
			after = e.Row
		}
	}
}
