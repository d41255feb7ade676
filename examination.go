package twofold

import (
	"context"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// examination checks one account.
type examination struct {
	a        *Auth
	u        storage.User
	factors  []storage.Factor
	second   int // number of second factors
	sessions int
	problems []string
	trail    accounted
}

func (c *examination) problem(format string, args ...any) {
	c.problems = append(c.problems, "account "+c.u.ID+": "+fmt.Sprintf(format, args...))
}

func (c *examination) run(ctx context.Context) error {
	if c.u.CredentialVersion == "" {
		c.problem("it has no credential version, so nothing issued to it can be ended")
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
	if err := c.readTrail(ctx); err != nil {
		return err
	}
	if err := c.checkCodes(ctx); err != nil {
		return err
	}
	if err := c.checkSeen(ctx); err != nil {
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
		if f.Usage != storage.UseFirst {
			c.second++
		}
		if f.Primary {
			primaries++
		}
		switch f.Method {
		case storage.SMS, storage.Email:
			if f.Destination == "" {
				c.problem("factor %s has no destination", f.ID)
			}
		case storage.Authenticator, storage.Passkey:
			if len(f.Secret) == 0 {
				c.problem("factor %s has no secret", f.ID)
			} else if m := c.a.opens[f.Method]; m != nil && m.Opens(f) != nil {
				c.problem("the secret of factor %s does not open: it is damaged, moved, or sealed by a key that is "+
					"missing", f.ID)
			}
		default:
			c.problem("factor %s is of an unknown method", f.ID)
		}
		if f.Method == storage.Authenticator && f.LastStep > latest {
			c.problem("factor %s has used codes of a future time: its codes are refused until then (was the "+
				"clock wrong?)",
				f.ID)
		}
	}
	if primaries > 1 {
		c.problem("%d factors are its default", primaries)
	}
	return nil
}

// checkSessions checks the sessions that are valid: not expired, issued for the current
// credentials, and of an active account.
func (c *examination) checkSessions(ctx context.Context) error {
	list, err := c.a.store.SessionsOf(ctx, c.u.ID, c.a.now())
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.CredentialVersion != c.u.CredentialVersion || !c.u.Active {
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
		case s.Level >= storage.TwoFactors && !s.Trusted && len(methods) < 2 && !methods[storage.Passkey]:
			c.problem("session %s counts as two factors but rests on one", s.ID)
		case s.Level < storage.TwoFactors && !s.Trusted && c.second > 0:
			c.problem("session %s has one factor, but the account requires two", s.ID)
		case !c.trail.opened[s.ID]:
			c.problem("the audit trail does not know session %s", s.ID)
		}
		for _, p := range s.Proofs {
			if p.Method == storage.Authenticator && !c.spent(p.At) {
				c.problem("session %s rests on an authenticator's code that was not used up", s.ID)
			}
		}
	}
	return nil
}

// spent reports whether an authenticator code accepted at that time is used up: an app of the
// account has recorded its time step or a later one, within the tolerance of the clock.
func (c *examination) spent(at time.Time) bool {
	for _, f := range c.factors {
		if f.Method == storage.Authenticator && f.LastStep >= at.Unix()/30-5 {
			return true
		}
	}
	return false
}

// accounted contains the codes and sessions that the audit trail records for an account.
type accounted struct {
	opened     map[string]bool // session IDs
	sent, used map[string]int  // number of codes, by channel
	set        storage.CodeSet // recovery codes; zero if their number is not known
	codesUsed  int             // number of recovery codes used of that set
	counted    time.Time       // earlier uses do not count, because the rows of their codes may be removed
}

// codeLife is longer than the lifetime of any code that is sent.
const codeLife = time.Hour

// readTrail reads all rows of the account. If old rows were removed, codes used in the first hour
// after them may have been sent before.
func (c *examination) readTrail(ctx context.Context) error {
	c.trail = accounted{opened: map[string]bool{}, sent: map[string]int{}, used: map[string]int{}}
	var err error
	if c.trail.set, err = c.a.store.CodeSetOf(ctx, c.u.ID); err != nil {
		return err
	}
	removed, err := c.a.store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	if removed.Through > 0 {
		first, err := c.a.store.EventsBy(ctx, storage.EventFilter{Limit: 1})
		if err != nil {
			return err
		}
		for _, e := range first {
			c.trail.counted = e.At.Add(codeLife)
		}
	}
	for after := int64(0); ; {
		rows, err := c.a.store.EventsBy(ctx, storage.EventFilter{UserID: c.u.ID, After: after})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, e := range rows {
			c.trail.add(e)
			after = e.Row
		}
	}
}

func (t *accounted) add(e storage.Event) {
	switch e.Name {
	case event.UserAuthenticated{}.Name(), event.UserReauthenticated{}.Name():
		t.opened[e.Session] = true
		switch e.Method {
		case storage.RecoveryCode:
			if !e.At.Before(t.set.At) {
				t.codesUsed++
			}
		case "rescue":
			t.use(e, storage.Email)
		default:
			t.use(e, e.Method)
		}
	case event.FirstFactorProven{}.Name():
		t.use(e, e.Method)
	case event.TFSecurityTokenSent{}.Name(), event.USSecurityTokenSent{}.Name():
		t.sent[e.Method]++
	case event.LoginInstructionsSent{}.Name():
		t.sent[storage.Email]++
	case event.RecoveryCodesMade{}.Name():
		t.codesUsed = 0 // they were of an earlier set
	}
}

func (t *accounted) use(e storage.Event, method string) {
	if !e.At.Before(t.counted) {
		t.used[method]++
	}
}

// checkCodes compares the number of codes used with the number of codes issued.
func (c *examination) checkCodes(ctx context.Context) error {
	for _, channel := range []string{storage.SMS, storage.Email} {
		if used, sent := c.trail.used[channel], c.trail.sent[channel]; used > sent {
			c.problem("%d sign-ins by %s, and %d codes sent: one was used twice", used, channel, sent)
		}
	}
	left, err := c.a.store.RecoveryCodesLeft(ctx, c.u.ID, time.Time{})
	set := c.trail.set
	if err != nil || left == 0 || set.Made == 0 {
		return err
	}
	// A program that does not know the record of a set may have stored a newer one.
	newer, err := c.a.store.RecoveryCodesLeft(ctx, c.u.ID, set.At.Add(time.Microsecond))
	if err == nil && newer == 0 && left+c.trail.codesUsed > set.Made {
		c.problem("%d of %d recovery codes are left after %d were used", left, set.Made, c.trail.codesUsed)
	}
	return err
}

// checkSeen checks that what the owner has marked as seen has happened.
func (c *examination) checkSeen(ctx context.Context) error {
	through, err := c.a.store.SeenThrough(ctx, c.u.ID)
	if err != nil || through == 0 {
		return err
	}
	rows, err := c.a.store.EventsBy(ctx, storage.EventFilter{After: through - 1, Limit: 1})
	if err != nil || len(rows) > 0 {
		return err
	}
	removed, err := c.a.store.Checkpoint(ctx)
	if err == nil && removed.Through < through {
		c.problem("its owner marked row %d of the audit trail as seen, which does not exist", through)
	}
	return err
}
