package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR205_KnowingThePasswordPausesNoKnownBrowser lets attackers who know the password use up
// their guesses at the second factor. In a browser that signed in before, the owner's codes are
// still sent and accepted for every kind of proof, with or without a session. The total limit of
// guesses at one factor still applies.
func TestR205_KnowingThePasswordPausesNoKnownBrowser(t *testing.T) {
	const phone = "+16505551313"
	for name, c := range map[string]struct {
		enroll func(p *person)
		code   func(p *person) string
	}{
		"an app":  {func(p *person) { p.enrollApp() }, func(p *person) string { return p.Next() }},
		"a phone": {func(p *person) { p.enrollSMS(phone) }, func(p *person) string { return p.Texted() }},
		"mail":    {func(p *person) { p.enrollMail() }, func(p *person) string { return p.Mailed() }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, proxied, func(config *twofold.Config) {
				config.Advanced.Limits.SendGap,
					config.Advanced.Limits.SendShort = time.Nanosecond, 100
			})
			p := w.person("alice")
			c.enroll(p)
			home := w.at("203.0.113.5")
			home.login(p).Want(200)
			home.validate(c.code(p)).Want(200)
			session := home.copy().only("twofold", "twofold-known")
			known := home.copy().only("twofold-known")
			w.Advance(time.Minute)
			thief := w.at("198.51.100.7")
			thief.login(p).Want(200)
			for range 5 {
				thief.validate(p.Wrong()).Want(400)
			}
			if r := thief.validate(p.Wrong()); r.Status != 429 {
				t.Fatalf("the thief is not paused: %d", r.Status)
			}
			known.login(p).Want(200)
			w.settled()
			known.validate(c.code(p)).Want(200)
			known.in(p, 2)
			w.Advance(time.Minute)
			session.Post("/verify", m{"password": secret}).Want(200)
			w.settled()
			session.Post("/tf-validate", m{"code": c.code(p)}).Want(200)
			// The known browser has the same small number of guesses, and all count for the factor.
			again := known.copy().only("twofold-known")
			again.login(p).Want(200)
			for range 5 {
				again.validate(p.Wrong()).Want(400)
			}
			again.validate(p.Wrong()).Want(429).Refused("a sixth guess of a known browser")
			if n := w.number(`SELECT MAX(n) FROM twofold_counters WHERE name LIKE 'factor:%'`); n != 5 {
				t.Errorf("%d guesses count at the factor since it was proven, want 5", n)
			}
		})
	}
	t.Run("in all", func(t *testing.T) {
		w := newWorld(t, proxied, func(config *twofold.Config) { config.Advanced.Limits.FactorFailures = 12 })
		p := w.withApp("alice")
		home := w.at("203.0.113.5")
		home.login(p).Want(200)
		home.validate(p.Next()).Want(200)
		w.Advance(time.Minute)
		tried := 0
		for i := range 6 {
			b := w.at("198.51.100.7")
			if i%2 == 1 {
				b = home.copy().only("twofold-known")
			}
			b.login(p).Want(200)
			for b.validate(p.Wrong()).Status == 400 {
				tried++
			}
			w.Advance(16 * time.Minute)
		}
		if tried != 12 {
			t.Errorf("%d guesses at one factor, want 12", tried)
		}
		if f := p.Factors(); len(f) != 1 || f[0].Method != storage.Authenticator {
			t.Error("the factor is gone")
		}
	})
}

// TestR313_AKnownNetworkIsCountedApart lets attackers who know the password use up the guesses of
// unknown browsers. In a network from which the account signed in before, another browser of the
// owner has its own guesses at each step. They are fewer than the total limit of the factor.
func TestR313_AKnownNetworkIsCountedApart(t *testing.T) {
	const home, away = "203.0.113.5", "198.51.100.7"
	t.Run("second factors", func(t *testing.T) {
		w := newWorld(t, proxied)
		p := w.withApp("alice")
		old := w.at(home)
		old.login(p).Want(200)
		old.validate(p.Next()).Want(200)
		thief := w.at(away)
		thief.login(p).Want(200)
		for range 5 {
			thief.validate(p.Wrong()).Want(400)
		}
		thief.validate(p.Next()).Want(429).Refused("a right code of an unknown browser")
		b := w.at(home)
		b.login(p).Want(200)
		b.validate(p.Next()).Want(200)
		w.at(away).login(p).Want(200)
		near := w.at(home)
		near.login(p).Want(200)
		for range 5 {
			near.validate(p.Wrong()).Want(400)
		}
		near.validate(p.Next()).Want(429).Refused("a sixth guess in a known network")
		// An attacker in a known network does not have twice as many guesses either.
		w.Advance(time.Hour)
		near = w.at(home)
		near.login(p).Want(200)
		for range 5 {
			near.validate(p.Wrong()).Want(400)
		}
		near.validate(p.Next()).Want(429).Refused("a sixth guess, where strangers had used up none")
	})
	t.Run("passkeys", func(t *testing.T) {
		w := newWorld(t, proxied)
		p := w.person("alice")
		key, other := w.key(simpleKey), w.key(simpleKey)
		w.plantSession(p).register(key, "second", "secondary").Want(200)
		old, thief := w.at(home), w.at(away)
		old.login(p).Want(200)
		old.signInBy(key).Want(200)
		w.Advance(time.Minute)
		thief.login(p).Want(200)
		for range 10 {
			thief.signInBy(other).Want(400)
		}
		thief.signInBy(key).Want(429).Refused("an eleventh answer")
		b := w.at(home)
		b.login(p).Want(200)
		b.signInBy(key).Want(200)
	})
	t.Run("an app that begins sign-ins", func(t *testing.T) {
		w := newWorld(t, unified, proxied, func(c *twofold.Config) { c.Advanced.Limits.FactorFailures = 20 })
		p := w.person("alice").begins(storage.Authenticator)
		p.enrollSMS("+16505551212")
		old := w.at(home)
		old.login(p).Want(200)
		w.settled()
		old.validate(p.Texted()).Want(200)
		for i := range 20 {
			w.at(fmt.Sprintf("198.51.%d.7", i)).passcode(p, p.Wrong())
		}
		w.at(away).passcode(p, p.Next()).Want(400).Refused("a right code of a stranger")
		w.at(home).passcode(p, p.Next()).Want(200)
	})
	t.Run("all that they may try together", func(t *testing.T) {
		w := newWorld(t, proxied, func(c *twofold.Config) {
			l := &c.Advanced.Limits
			l.SecondFailures, l.FactorFailures, l.FirstFailures = 5, 40, 100
		})
		p := w.withApp("alice")
		old := w.at(home)
		old.login(p).Want(200)
		old.validate(p.Next()).Want(200)
		tried := map[string]int{}
		for range 8 { // strangers first: a network that is known has these places too while there are any
			for _, from := range []string{away, home} {
				w.Advance(16 * time.Minute)
				b := w.at(from)
				b.login(p).Want(200)
				for range 5 {
					if b.validate(p.Wrong()).Status == 400 {
						tried[from]++
					}
				}
			}
		}
		if n := tried[away] + tried[home]; n != 30 {
			t.Errorf("strangers and neighbors tried %d codes, want 30 of 40: %v", n, tried)
		}
		known := old.noted()
		known.login(p).Want(200)
		known.validate(p.Next()).Want(200)
		if n := w.number(`SELECT COUNT(*) FROM twofold_counters WHERE name LIKE 'factornetworks:%'`); n != 0 {
			t.Error("what was tried in known networks is counted after a right code")
		}
	})
}

// TestR048_NoCodesWhilePaused checks that no code is sent while codes are refused, at sign-in, on a
// resend or as a rescue.
func TestR048_NoCodesWhilePaused(t *testing.T) {
	w := newWorld(t, open)
	a := w.person("alice").enrollSMS("+16505551212")
	b := w.plantPending(a)
	for range 10 {
		b.validate(a.Wrong()).Want(400)
	}
	sent, mailed := w.SMS.Count("+16505551212"), len(w.Mail.To(a.Email))
	late := w.browser()
	late.login(a).Want(429)
	late.Post("/tf-resend", m{}).Want(429)
	late.Post("/tf-rescue", m{"help_setup": "email"}).Want(429)
	if n := w.SMS.Count("+16505551212"); n != sent {
		t.Errorf("%d texts while paused", n-sent)
	}
	w.settled()
	for _, mail := range w.Mail.To(a.Email)[mailed:] {
		if code := testkit.Code(mail.Text); mail.Kind == "two_factor_code" {
			t.Errorf("a code was mailed while paused: %s", code)
		}
	}
	w.Advance(15*time.Minute + time.Second)
	late = w.browser()
	late.login(a).Want(200)
	late.validate(a.Texted()).Want(200)
	late.in(a, 2)
}
