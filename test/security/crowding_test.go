package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestR206_StrangersPushOutNoSignInOfAKnownBrowser: a thief who knows the password
// begins more sign-ins than an account may have waiting. One that the owner began in
// a browser that signed in before goes on, and so does a re-authentication.
func TestR206_StrangersPushOutNoSignInOfAKnownBrowser(t *testing.T) {
	w := newWorld(t)
	p := w.withApp("alice")
	home := w.browser()
	home.login(p).want(200)
	home.validate(p.next()).want(200)
	known, session := home.noted(), home.copy()
	w.advance(time.Minute)
	known.login(p).want(200)
	session.post("/verify", m{"password": secret}).want(200)
	first := w.browser()
	first.login(p).want(200)
	for range 12 {
		w.advance(time.Second)
		w.browser().login(p).want(200)
	}
	first.validate(p.next()).want(400).refused("the oldest of the strangers' sign-ins")
	known.validate(p.next()).want(200)
	known.in(p, 2)
	w.advance(time.Minute)
	session.validate(p.next()).want(200)
	// Nor do the owner's sign-ins push out one in a new browser.
	fresh := w.browser()
	fresh.login(p).want(200)
	for range 6 {
		w.advance(time.Second)
		home.noted().login(p).want(200)
	}
	w.advance(time.Minute)
	fresh.validate(p.next()).want(200)
}

// TestR207_WhoKnowsThePasswordEndsNoFactor: others who know the password try all
// codes that they may. The factor has ended for them, also for a right code, and it
// is taken in a browser that signed in before, which opens it for all again.
func TestR207_WhoKnowsThePasswordEndsNoFactor(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.Limits.SecondFailures, c.Limits.FactorFailures = 5, 20 })
	p := w.withApp("alice")
	home := w.browser()
	home.login(p).want(200)
	home.validate(p.next()).want(200)
	tried := 0
	for range 6 {
		w.advance(16 * time.Minute)
		thief := w.browser()
		thief.login(p).want(200)
		for range 5 {
			if thief.validate(p.wrong()).status == 400 {
				tried++
			}
		}
	}
	if tried != 10 {
		t.Errorf("strangers tried %d codes, want 10", tried)
	}
	w.advance(365 * 24 * time.Hour / 4)
	b := w.browser()
	b.login(p).want(200)
	b.validate(p.next()).want(429).refused("a right code of a browser that is not known")
	known := home.noted()
	known.login(p).want(200)
	known.validate(p.next()).want(200)
	known.in(p, 2)
	w.advance(time.Minute)
	b = w.browser()
	b.login(p).want(200)
	b.validate(p.next()).want(200)
	// The factor still ends for everybody after as many wrong codes as before.
	tried = 0
	for range 10 {
		w.advance(16 * time.Minute)
		for _, b := range []*browser{w.browser(), home.noted()} {
			b.login(p).want(200)
			for range 5 {
				if b.validate(p.wrong()).status == 400 {
					tried++
				}
			}
		}
	}
	if tried != 20 {
		t.Errorf("%d codes were tried at the factor, want 20", tried)
	}
}

// TestR205_WrongPasskeysPauseNoKnownBrowser: others who know the password send as
// many wrong answers as passkeys may give. The owner's passkey is taken in a browser
// that signed in before, whose wrong answers are bounded too.
func TestR205_WrongPasskeysPauseNoKnownBrowser(t *testing.T) {
	w := newWorld(t)
	p := w.person("alice")
	key, other := w.key(simpleKey), w.key(simpleKey)
	w.plantSession(p).register(key, "second", "secondary").want(200)
	home := w.browser()
	home.login(p).want(200)
	home.signInBy(key).want(200)
	known := home.noted()
	w.advance(time.Minute)
	thief := w.browser()
	thief.login(p).want(200)
	for range 10 {
		thief.signInBy(other).want(400)
	}
	thief.signInBy(key).want(429).refused("an eleventh answer")
	known.login(p).want(200)
	for range 9 {
		known.signInBy(other).want(400)
	}
	known.signInBy(key).want(200)
	known.in(p, 2)
	again := home.noted()
	again.login(p).want(200)
	for range 10 {
		again.signInBy(other).want(400)
	}
	again.signInBy(key).want(429).refused("an eleventh answer of a known browser")
}
