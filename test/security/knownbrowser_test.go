package security_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// fewGuesses limits the budget that callers of many networks share to twenty wrong passwords.
func fewGuesses(c *twofold.Config) {
	c.Advanced.Limits.FirstFailures, c.Advanced.Limits.AccountFailures = 10, 20
}

// at returns a browser in a network.
func (w *world) at(address string) *browser {
	b := w.browser()
	b.Header["X-Forwarded-For"] = address
	return b
}

// noted returns a copy of a browser with only the cookie that records who signed in there.
func (b *browser) noted() *browser { return b.copy().only("__Host-twofold-known", "twofold-known") }

// TestR166_ANewPasswordEndsWhatMadeBrowsersKnown lets an attacker who knew the password sign in
// with several browsers and networks. After the owner changes the password, the attacker's guesses
// count as a stranger's and do not use the budget of the owner's browser.
func TestR166_ANewPasswordEndsWhatMadeBrowsersKnown(t *testing.T) {
	w := newWorld(t, life, proxied, fewGuesses)
	for name, change := range map[string]func(p *person, home *browser){
		"changed": func(p *person, home *browser) {
			home.login(p).Want(200)
			home.Post("/change", m{"password": secret, "new_password": newSecret,
				"new_password_confirm": newSecret}).Want(200)
		},
		"reset": func(p *person, home *browser) {
			home.Post(home.resets(p.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
		},
		"replaced": func(p *person, home *browser) {
			w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, newSecret))
			home.Post("/login", m{"email": p.Email, "password": newSecret}).Want(200)
		},
	} {
		p := w.person(name)
		var thieves []*browser
		for i := range 4 {
			b := w.at(fmt.Sprintf("198.51.%d.%d", 100+i, len(name)))
			b.login(p).Want(200)
			thieves = append(thieves, b.noted())
		}
		home := w.at("203.0.113." + fmt.Sprint(len(name)))
		change(p, home)
		for _, b := range thieves {
			for range 8 {
				b.Post("/login", m{"email": p.Email, "password": "wrong password"}).Refused(name + ": a guess")
			}
		}
		if r := w.at("192.0.2.9").login(p); r.Status != 429 {
			t.Errorf("%s: strangers have guesses left: %d", name, r.Status)
		}
		r := home.noted().Post("/login", m{"email": p.Email, "password": newSecret})
		if r.Status != 200 {
			t.Errorf("%s: the owner's browser is refused: %d %s", name, r.Status, r.Body)
		}
	}
}

// TestR166_AResetMakesItsBrowserKnown covers JSON and the page. No session begins, and the JSON
// answer stays empty.
func TestR166_AResetMakesItsBrowserKnown(t *testing.T) {
	w := newWorld(t, life, proxied, fewGuesses)
	for name, reset := range map[string]func(b *browser, path string){
		"json": func(b *browser, path string) {
			r := b.Post(path, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
			if len(r.JSON) != 0 {
				t.Errorf("the answer says %v", r.JSON)
			}
		},
		"page": func(b *browser, path string) {
			b.Form(path, "password", newSecret, "password_confirm", newSecret).Want(303)
		},
	} {
		p := w.person(name)
		home := w.at("203.0.113.5")
		reset(home, home.resets(p.Email))
		home.out("after a reset")
		for i := range 3 {
			for range 8 {
				w.guess(p.Email, fmt.Sprintf("198.51.%d.7", 100+i))
			}
		}
		w.at("192.0.2.9").login(p).Want(429)
		if !strings.Contains(fmt.Sprint(home.noted().Jar), "known") {
			t.Fatalf("%s: the browser got no note: %v", name, home.Jar)
		}
		home.noted().Post("/login", m{"email": p.Email, "password": newSecret}).Want(200)
	}
}

// usedUp uses up the budget of guesses at an account that callers of many networks share.
func (w *world) usedUp(p *person) {
	w.T.Helper()
	for i := range 3 {
		for range 8 {
			w.guess(p.Email, fmt.Sprintf("198.51.%d.7", 100+i))
		}
	}
	w.at("192.0.2.9").login(p).Want(429)
}

// TestR202_ARenewedHashKeepsItsBrowserKnown checks that a sign-in that replaces an outdated
// password hash records its browser under the new hash, whichever step takes the password.
func TestR202_ARenewedHashKeepsItsBrowserKnown(t *testing.T) {
	const outdated = "$argon2id$v=19$m=8,t=1,p=1$d2Fsa3dhbGt3YWxrd2Fsaw$pq5MWo7FB8AXDUibQzt8xnKz2Vp4c8UPDBaFMIkjyqU"
	const phrase = "walking boots 71"
	w := newWorld(t, life, proxied, fewGuesses, unified)
	fields := m{"password": phrase}
	for name, step := range map[string]func(p *person, b *browser) *answer{
		"signin": func(p *person, b *browser) *answer {
			return b.Post("/login", m{"email": p.Email,
				"password": phrase})
		},
		"unified": func(p *person, b *browser) *answer { return b.passcode(p, phrase) },
		"again":   func(p *person, b *browser) *answer { return b.Post("/verify", fields) },
		"unifiedagain": func(p *person, b *browser) *answer {
			return b.Post("/us-verify", m{"passcode": phrase, "chosen_method": "password"})
		},
	} {
		p := w.person(name)
		b := w.at("203.0.113.5")
		if strings.HasSuffix(name, "again") {
			b = w.plantSession(p)
			b.Header["X-Forwarded-For"] = "203.0.113.6"
		}
		w.write(`UPDATE twofold_users SET password_hash = ? WHERE id = ?`, outdated, p.ID)
		w.Advance(time.Minute)
		step(p, b).Want(200)
		if w.hashOf(p.Email) == outdated {
			t.Fatalf("%s: the hash was not replaced", name)
		}
		w.usedUp(p)
		again := b.noted()
		if r := again.Post("/login", m{"email": p.Email, "password": phrase}); r.Status != 200 {
			t.Errorf("%s: its browser is not known any more: %d %s", name, r.Status, r.Body)
		}
	}
}

// TestR202_AForgedCookieMakesNoBrowserKnown checks that only the cookie of an earlier sign-in to this
// account gives a caller a budget other than a stranger's.
func TestR202_AForgedCookieMakesNoBrowserKnown(t *testing.T) {
	w := newWorld(t, proxied, fewGuesses)
	name := "twofold-known"
	alice, eve := w.person("alice"), w.person("mallory")
	home, mine := w.at("203.0.113.5"), w.at("198.51.100.66")
	home.login(alice).Want(200)
	mine.login(eve).Want(200)
	hers, own := home.Jar[name], mine.Jar[name]
	if hers == "" || own == "" {
		t.Fatalf("no notes: %v %v", home.Jar, mine.Jar)
	}
	content, mac, _ := strings.Cut(hers, ".")
	foreign, ownMAC, _ := strings.Cut(own, ".")
	raw, err := base64.RawURLEncoding.DecodeString(content)
	w.Must(err)
	changed := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), `"b":"`, `"b":"A`, 1)))
	pending := w.at("198.51.100.66")
	pending.Post("/tf-validate", m{"code": "000000"})
	w.usedUp(alice)
	for what, value := range map[string]string{
		"of another account":        own,
		"under the mark of another": content + "." + ownMAC,
		"another's under this mark": foreign + "." + mac,
		"of another browser":        changed + "." + mac,
		"without a mark":            content,
		"with an empty mark":        content + ".",
		"as plain text":             string(raw),
		"of a session":              mine.Jar["twofold"],
		"twice":                     hers + hers,
		"empty":                     "",
	} {
		b := w.at("198.51.100.67")
		b.Jar[name] = value
		if r := b.login(alice); r.Status != 429 {
			t.Errorf("%s: %d %s", what, r.Status, r.Body)
		}
		b.out(what)
	}
	b := w.at("198.51.100.68")
	b.Jar[name] = hers
	b.out("the note alone")
	wrong := m{"email": alice.Email, "password": "wrong password"}
	b.Post("/login", wrong).Want(400).Refused("the note and a wrong password")
	b.login(alice).Want(200)
}
