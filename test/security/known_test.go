package security_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
)

// fewGuesses lets twenty wrong passwords fill the budget that callers of many
// networks share.
func fewGuesses(c *twofold.Config) { c.Limits.FirstFailures, c.Limits.AccountFailures = 10, 20 }

// at is a browser in a network.
func (w *world) at(address string) *browser {
	b := w.browser()
	b.header["X-Forwarded-For"] = address
	return b
}

// noted is a copy of a browser that has left everything but the note of who
// signed in there.
func (b *browser) noted() *browser { return b.copy().only("__Host-twofold-known", "twofold-known") }

// TestR166_ANewPasswordEndsWhatMadeBrowsersKnown: a thief who knew the password
// signed in in several browsers and networks. After the owner has a new one, the
// thief's guesses are those of a stranger: they do not use up what the owner's
// browser may try.
func TestR166_ANewPasswordEndsWhatMadeBrowsersKnown(t *testing.T) {
	w := newWorld(t, life, proxied, fewGuesses)
	for name, change := range map[string]func(p *person, home *browser){
		"changed": func(p *person, home *browser) {
			home.login(p).want(200)
			home.post("/change", m{"password": secret, "new_password": newSecret, "new_password_confirm": newSecret}).want(200)
		},
		"reset": func(p *person, home *browser) {
			home.post(home.resets(p.email), m{"password": newSecret, "password_confirm": newSecret}).want(200)
		},
		"replaced": func(p *person, home *browser) {
			w.must(w.nodes[0].auth.SetPassword(t.Context(), p.id, newSecret))
			home.post("/login", m{"email": p.email, "password": newSecret}).want(200)
		},
	} {
		p := w.person(name)
		var thieves []*browser
		for i := range 4 {
			b := w.at(fmt.Sprintf("198.51.%d.%d", 100+i, len(name)))
			b.login(p).want(200)
			thieves = append(thieves, b.noted())
		}
		home := w.at("203.0.113." + fmt.Sprint(len(name)))
		change(p, home)
		for _, b := range thieves {
			for range 8 {
				b.post("/login", m{"email": p.email, "password": "wrong password"}).refused(name + ": a guess")
			}
		}
		if r := w.at("192.0.2.9").login(p); r.status != 429 {
			t.Errorf("%s: strangers have guesses left: %d", name, r.status)
		}
		r := home.noted().post("/login", m{"email": p.email, "password": newSecret})
		if r.status != 200 {
			t.Errorf("%s: the owner's browser is refused: %d %s", name, r.status, r.body)
		}
	}
}

// TestR166_AResetMakesItsBrowserKnown, by JSON and by the page, though no
// session begins. The JSON answer stays empty.
func TestR166_AResetMakesItsBrowserKnown(t *testing.T) {
	w := newWorld(t, life, proxied, fewGuesses)
	for name, reset := range map[string]func(b *browser, path string){
		"json": func(b *browser, path string) {
			r := b.post(path, m{"password": newSecret, "password_confirm": newSecret}).want(200)
			if len(r.json) != 0 {
				t.Errorf("the answer says %v", r.json)
			}
		},
		"page": func(b *browser, path string) {
			b.form(path, "password", newSecret, "password_confirm", newSecret).want(303)
		},
	} {
		p := w.person(name)
		home := w.at("203.0.113.5")
		reset(home, home.resets(p.email))
		home.out("after a reset")
		for i := range 3 {
			for range 8 {
				w.guess(p.email, fmt.Sprintf("198.51.%d.7", 100+i))
			}
		}
		w.at("192.0.2.9").login(p).want(429)
		if !strings.Contains(fmt.Sprint(home.noted().jar), "known") {
			t.Fatalf("%s: the browser got no note: %v", name, home.jar)
		}
		home.noted().post("/login", m{"email": p.email, "password": newSecret}).want(200)
	}
}
