package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR150_ADemandedSetUpWaitsForTheProof checks that if a second factor is required, a user who
// has just registered must enter a mailed code first.
func TestR150_ADemandedSetUpWaitsForTheProof(t *testing.T) {
	w, _ := enrolling(t, required)
	p := w.of(testkit.Person{Email: "new@good.test"})
	b := w.browser()
	r := b.Post("/register", m{"email": p.Email, "password": secret, "password_confirm": secret}).Want(200)
	w.identify(p)
	if r.JSON["tf_state"] != "ready" || r.JSON["tf_method"] != "email" {
		t.Errorf("after the registration: %s", r.Body)
	}
	b.copy().Post("/tf-setup", m{"setup": "authenticator"}).Want(400).Refused("a set-up before the proof")
	b.out("before the proof")
	b.validate(p.Mailed()).Want(200)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	b.out("nothing set up")
}

// TestR150_AMailedSecondFactorProvesTheAddress also covers a rescue by mail. Both come after the
// password. A password alone does not prove the address.
func TestR150_AMailedSecondFactorProvesTheAddress(t *testing.T) {
	w, _ := enrolling(t)
	proven := func(p *person) bool {
		u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID)
		w.Must(err)
		return u.Proven()
	}
	mailed, app := w.person("erika").enrollMail(), w.withApp("alice")
	rescued := w.withApp("robert")
	for _, p := range []*person{mailed, app, rescued} {
		p.setProven("-")
	}
	b := w.browser()
	b.login(app).Want(200)
	b.validate(app.Next()).Want(200)
	if proven(app) {
		t.Error("password and app prove an address")
	}
	b = w.browser()
	b.login(mailed).Want(200)
	if proven(mailed) {
		t.Error("a password proves an address")
	}
	b.validate(mailed.Mailed()).Want(200)
	if !proven(mailed) {
		t.Error("password and mailed code do not prove the address")
	}
	b = w.browser()
	b.login(rescued).Want(200)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	b.validate(rescued.Mailed()).Want(200)
	if !proven(rescued) {
		t.Error("password and rescue do not prove the address")
	}
}

// TestR166_ANewPasswordEndsWhatMadeANetworkKnown also covers a password that an operator sets.
// Other changes by an operator do not have this effect.
func TestR166_ANewPasswordEndsWhatMadeANetworkKnown(t *testing.T) {
	w := newWorld(t, proxied, fewGuesses)
	for name, c := range map[string]struct {
		change func(p *person)
		known  bool
	}{
		"roles":    {func(p *person) { w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), p.ID, "editor")) }, true},
		"password": {func(p *person) { w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, newSecret)) }, false},
	} {
		p := w.person(name)
		w.at("203.0.113.5").login(p).Want(200)
		w.Advance(time.Second)
		c.change(p)
		for i := range 3 {
			for range 8 {
				w.guess(p.Email, fmt.Sprintf("198.51.%d.7", i))
			}
		}
		right := secret
		if !c.known {
			right = newSecret
		}
		r := w.at("203.0.113.5").Post("/login", m{"email": p.Email, "password": right})
		if (r.Status == 200) != c.known {
			t.Errorf("after new %s: the network gets %d", name, r.Status)
		}
	}
}

// TestR161_ABrowserKnowsSeveralAccounts checks that a second user's sign-in does not make the
// browser a new one for the first user.
func TestR161_ABrowserKnowsSeveralAccounts(t *testing.T) {
	w := newWorld(t, proxied, fewGuesses)
	people := []*person{w.person("alice"), w.person("erika"), w.person("robert")}
	home := w.at("203.0.113.5")
	for _, p := range people {
		home.login(p).Want(200)
		home.Post("/logout", m{}).Want(200)
	}
	home = home.noted()
	home.Header["X-Forwarded-For"] = "203.0.114.5" // in another network
	for i, p := range people {
		for n := range 24 {
			w.guess(p.Email, fmt.Sprintf("198.51.%d.%d", n/8, i))
		}
		w.at("192.0.2.9").login(p).Want(429)
		home.copy().login(p).Want(200)
	}
}
