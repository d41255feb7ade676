package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
)

// TestR161_TheOwnerHasBudgetsOfTheirOwn: strangers of many networks use up all
// guesses and letters that strangers have. A browser that signed in before, a
// session and the network of an earlier sign-in go on.
func TestR161_TheOwnerHasBudgetsOfTheirOwn(t *testing.T) {
	w := newWorld(t, life, proxied, func(c *twofold.Config) { c.Limits.LinkHour, c.Limits.LinkDay, c.Limits.LinkAddress = 0, 0, 0 })
	a := w.person("alice")
	home := w.browser()
	home.header["X-Forwarded-For"] = "203.0.113.5"
	home.login(a).want(200)
	session := home.copy()
	for i := range 120 {
		address := fmt.Sprintf("198.51.%d.7", i)
		w.guess(a.email, address)
		b := w.browser()
		b.header["X-Forwarded-For"] = address
		b.post("/reset", m{"email": a.email})
	}
	stranger := w.browser()
	stranger.header["X-Forwarded-For"] = "192.0.2.9"
	stranger.login(a).want(429)
	stranger.post("/reset", m{"email": a.email}).want(429)
	session.post("/verify", m{"password": secret}).want(200)
	known := home.copy().only("__Host-twofold-known", "twofold-known")
	known.login(a).want(200)
	known.post("/logout", m{})
	known.post("/reset", m{"email": a.email}).want(200)
	network := w.browser() // another browser at home, and the attack has not ended
	network.header["X-Forwarded-For"] = "203.0.113.5"
	network.login(a).want(200)
}

// TestR163_OneCountOfFailures: an app that begins sign-ins has half of its
// hundred guesses there, over all networks and days. The other half is left for
// who knows the password.
func TestR163_OneCountOfFailures(t *testing.T) {
	w := newWorld(t, unified, proxied)
	p := w.withApp("alice")
	second := p.app
	p.begins(store.Authenticator)
	for i := range 125 {
		b := w.browser()
		b.header["X-Forwarded-For"] = fmt.Sprintf("198.51.%d.%d", i/100, i%100)
		b.passcode(p, p.wrong())
		if i%20 == 0 {
			w.advance(25 * time.Hour)
		}
	}
	w.advance(25 * time.Hour)
	b := w.browser()
	b.header["X-Forwarded-For"] = "203.0.113.1"
	b.passcode(p, p.next()).want(400).refused("a right code after too many wrong ones")
	if n := w.number(`SELECT MAX(n) FROM twofold_counters WHERE name LIKE 'factor:%'`); n != 50 {
		t.Errorf("%d of 125 codes were tried, want 50", n)
	}
	w.advance(time.Minute)
	p.app = second
	b.login(p).want(200)
	b.validate(p.next()).want(200)
	b.in(p, 2)
}

// TestR164_ACountEndsWithItsSecret: strangers have used up their guesses; the
// new password is taken at once.
func TestR164_ACountEndsWithItsSecret(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	for range 12 {
		w.signsIn(a.email, "wrong password")
	}
	w.signsIn(a.email, secret).want(429)
	w.must(w.nodes[0].auth.SetPassword(t.Context(), a.id, newSecret))
	w.signsIn(a.email, newSecret).want(200)
}

// TestR164_AnOperatorUnlocks an account: its password and a factor that ended.
func TestR164_AnOperatorUnlocks(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	for range 12 {
		w.signsIn(a.email, "wrong password")
	}
	for range 5 {
		w.plantPending(a).validate(a.wrong()).want(400)
	}
	w.signsIn(a.email, secret).want(429)
	w.plantPending(a).validate(a.next()).want(429)
	w.must(w.nodes[0].auth.Unlock(t.Context(), a.id))
	b := w.browser()
	b.login(a).want(200)
	b.validate(a.next()).want(200)
	b.in(a, 2)
}
