package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
)

// TestR205_WhoKnowsThePasswordPausesNoKnownBrowser: others who know the password use
// up all guesses at the second factor that they have. The owner's codes are sent and
// taken in a browser that signed in before, signed in or not, however the second
// factor is proven; the bound of guesses at one factor stays.
func TestR205_WhoKnowsThePasswordPausesNoKnownBrowser(t *testing.T) {
	const phone = "+16505551313"
	for name, c := range map[string]struct {
		enrol func(p *person)
		code  func(p *person) string
	}{
		"an app":  {func(p *person) { p.enrolApp() }, func(p *person) string { return p.next() }},
		"a phone": {func(p *person) { p.enrolSMS(phone) }, func(p *person) string { return p.texted() }},
		"mail":    {func(p *person) { p.enrolMail() }, func(p *person) string { return p.mailed() }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(config *twofold.Config) {
				config.Limits.SendGap,
					config.Limits.SendShort = time.Nanosecond, 100
			})
			p := w.person("alice")
			c.enrol(p)
			home := w.browser()
			home.login(p).want(200)
			home.validate(c.code(p)).want(200)
			session := home.copy().only("twofold", "twofold-known")
			known := home.copy().only("twofold-known")
			w.advance(time.Minute)
			thief := w.browser()
			thief.login(p).want(200)
			for range 5 {
				thief.validate(p.wrong()).want(400)
			}
			if r := thief.validate(p.wrong()); r.status != 429 {
				t.Fatalf("the thief is not paused: %d", r.status)
			}
			known.login(p).want(200)
			w.settled()
			known.validate(c.code(p)).want(200)
			known.in(p, 2)
			w.advance(time.Minute)
			session.post("/verify", m{"password": secret}).want(200)
			w.settled()
			session.post("/tf-validate", m{"code": c.code(p)}).want(200)
			// The known browser has as few guesses, and all count at the factor.
			again := known.copy().only("twofold-known")
			again.login(p).want(200)
			for range 5 {
				again.validate(p.wrong()).want(400)
			}
			again.validate(p.wrong()).want(429).refused("a sixth guess of a known browser")
			if n := w.number(`SELECT MAX(n) FROM twofold_counters WHERE name LIKE 'factor:%'`); n != 5 {
				t.Errorf("%d guesses count at the factor since it was proven, want 5", n)
			}
		})
	}
	t.Run("in all", func(t *testing.T) {
		w := newWorld(t, func(config *twofold.Config) { config.Limits.FactorFailures = 12 })
		p := w.withApp("alice")
		home := w.browser()
		home.login(p).want(200)
		home.validate(p.next()).want(200)
		w.advance(time.Minute)
		tried := 0
		for i := range 6 {
			b := w.browser()
			if i%2 == 1 {
				b = home.copy().only("twofold-known")
			}
			b.login(p).want(200)
			for b.validate(p.wrong()).status == 400 {
				tried++
			}
			w.advance(16 * time.Minute)
		}
		if tried != 12 {
			t.Errorf("%d guesses at one factor, want 12", tried)
		}
		if f := p.factors(); len(f) != 1 || f[0].Method != store.Authenticator {
			t.Error("the factor is gone")
		}
	})
}
