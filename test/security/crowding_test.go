package security_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

// TestR206_StrangersEndNoSignInOfAKnownBrowser lets an attacker who knows the password start
// more sign-ins than an account may have pending. A sign-in or re-authentication in a browser that
// the owner used before is not displaced.
func TestR206_StrangersEndNoSignInOfAKnownBrowser(t *testing.T) {
	w := newWorld(t)
	p := w.withApp("alice")
	home := w.browser()
	home.login(p).Want(200)
	home.validate(p.Next()).Want(200)
	known, session := home.noted(), home.copy()
	w.Advance(time.Minute)
	known.login(p).Want(200)
	session.Post("/verify", m{"password": secret}).Want(200)
	first := w.browser()
	first.login(p).Want(200)
	for range 12 {
		w.Advance(time.Second)
		w.browser().login(p).Want(200)
	}
	first.validate(p.Next()).Want(400).Refused("the oldest of the strangers' sign-ins")
	known.validate(p.Next()).Want(200)
	known.in(p, 2)
	w.Advance(time.Minute)
	session.validate(p.Next()).Want(200)
	// The owner's own sign-ins do not displace one in a new browser either.
	fresh := w.browser()
	fresh.login(p).Want(200)
	for range 6 {
		w.Advance(time.Second)
		home.noted().login(p).Want(200)
	}
	w.Advance(time.Minute)
	fresh.validate(p.Next()).Want(200)
}

// TestR207_KnowingThePasswordDisablesNoFactorInAKnownBrowser lets attackers who know the password
// use up all guesses of a code. The factor then refuses even a correct code, except in a browser that
// signed in before. A success there unlocks the factor for all browsers.
func TestR207_KnowingThePasswordDisablesNoFactorInAKnownBrowser(t *testing.T) {
	w := newWorld(t, proxied, func(c *twofold.Config) {
		c.Advanced.Limits.SecondFailures, c.Advanced.Limits.FactorFailures = 5, 20
	})
	p := w.withApp("alice")
	home := w.at("203.0.113.5")
	home.login(p).Want(200)
	home.validate(p.Next()).Want(200)
	tried := 0
	for range 6 {
		w.Advance(16 * time.Minute)
		thief := w.at("198.51.100.7")
		thief.login(p).Want(200)
		for range 5 {
			if thief.validate(p.Wrong()).Status == 400 {
				tried++
			}
		}
	}
	if tried != 10 {
		t.Errorf("strangers tried %d codes, want 10", tried)
	}
	w.Advance(365 * 24 * time.Hour / 4)
	b := w.at("198.51.100.7")
	b.login(p).Want(200)
	b.validate(p.Next()).Want(429).Refused("a right code of a browser that is not known")
	known := home.noted()
	known.login(p).Want(200)
	known.validate(p.Next()).Want(200)
	known.in(p, 2)
	w.Advance(time.Minute)
	b = w.at("198.51.100.7")
	b.login(p).Want(200)
	b.validate(p.Next()).Want(200)
	// The factor still locks for everyone after the same number of wrong codes.
	tried = 0
	for range 10 {
		w.Advance(16 * time.Minute)
		for _, b := range []*browser{w.at("198.51.100.7"), home.noted()} {
			b.login(p).Want(200)
			for range 5 {
				if b.validate(p.Wrong()).Status == 400 {
					tried++
				}
			}
		}
	}
	if tried != 20 {
		t.Errorf("%d codes were tried at the factor, want 20", tried)
	}
}

// TestR205_WrongPasskeysPauseNoKnownBrowser lets attackers who know the password use up all wrong
// answers of passkeys. The owner's passkey still works in a browser that signed in before. The
// wrong answers of that browser are limited too.
func TestR205_WrongPasskeysPauseNoKnownBrowser(t *testing.T) {
	w := newWorld(t, proxied)
	p := w.person("alice")
	key, other := w.key(simpleKey), w.key(simpleKey)
	w.plantSession(p).register(key, "second", "secondary").Want(200)
	home := w.at("203.0.113.5")
	home.login(p).Want(200)
	home.signInBy(key).Want(200)
	known := home.noted()
	w.Advance(time.Minute)
	thief := w.at("198.51.100.7")
	thief.login(p).Want(200)
	for range 10 {
		thief.signInBy(other).Want(400)
	}
	thief.signInBy(key).Want(429).Refused("an eleventh answer")
	known.login(p).Want(200)
	for range 9 {
		known.signInBy(other).Want(400)
	}
	known.signInBy(key).Want(200)
	known.in(p, 2)
	again := home.noted()
	again.login(p).Want(200)
	for range 10 {
		again.signInBy(other).Want(400)
	}
	again.signInBy(key).Want(429).Refused("an eleventh answer of a known browser")
}

// TestR208_FailedAttemptsHideNothing lets attackers try a thousand passwords. The page and the JSON
// answer still show the earlier events of the account, and the attempts as one line with a count.
func TestR208_FailedAttemptsHideNothing(t *testing.T) {
	w := newWorld(t, life, proxied)
	p := w.person("alice")
	home := w.at("203.0.113.5")
	home.login(p).Want(200)
	p.enrollApp()
	home = w.at("203.0.113.5")
	home.login(p).Want(200)
	home.validate(p.Next()).Want(200)
	home.Post("/change", m{"password": secret, "new_password": newSecret, "new_password_confirm": newSecret}).Want(200)
	for i := range 10 {
		w.at("198.51.100.7").Post("/login", m{"email": p.Email, "password": fmt.Sprint("wrong ", i)}).Want(400)
	}
	for range 990 {
		w.Must(w.tell(event.UserFailedAuthn{User: event.Subject{ID: p.ID}, AuthType: "password"}))
	}
	if n := w.number(`SELECT COUNT(*) FROM twofold_events WHERE name = 'user-failed-authn'`); n < 1000 {
		t.Fatalf("%d failed attempts were written down", n)
	}
	counts := map[string]float64{}
	list, _ := home.Get("/me").Want(200).JSON["events"].([]any)
	for _, e := range list {
		counts[e.(m)["event"].(string)] += e.(m)["count"].(float64)
	}
	if len(list) > 13 || counts["password-changed"] != 1 || counts["user-authenticated"] < 1 ||
		counts["user-failed-authn"] != 100 {
		t.Errorf("%d lines: %v", len(list), counts)
	}
	page := home.Page("/me").Want(200).Body
	for _, text := range []string{"Password changed", "at least 100 times"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
	if n := strings.Count(page, "at least "); n != 1 {
		t.Errorf("failed attempts have %d lines", n)
	}
}

// TestR114_JunkFromAProxyIsToldOnce covers a trusted proxy that sends no addresses, so that all
// clients share one. The operator is notified once a day, and not of values that a client put
// before an address.
func TestR114_JunkFromAProxyIsToldOnce(t *testing.T) {
	w := newWorld(t, proxied)
	told := func() int {
		return strings.Count(w.Log.String(), "X-Forwarded-For of a trusted proxy is not an address")
	}
	w.at("unknown, 203.0.113.7").Get("/login").Want(200)
	w.at("203.0.113.7:4711").Get("/login").Want(200)
	if told() != 0 {
		t.Error("told of what is right of the junk")
	}
	for _, junk := range []string{"unknown", "203.0.113.7, _hidden", "203.0.113.7,"} {
		for range 3 {
			w.at(junk).Get("/login").Want(200)
		}
	}
	if n := told(); n != 1 || !strings.Contains(w.Log.String(), "unknown") {
		t.Errorf("told %d times", n)
	}
	w.Advance(25 * time.Hour)
	w.at("203.0.113.7, _hidden").Get("/login").Want(200)
	if n := told(); n != 2 {
		t.Errorf("told %d times the next day", n)
	}
}
