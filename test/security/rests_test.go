package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR152_AnAccountElsewhereAndItsMailboxAreOneThing assumes that an attacker with a user's
// account at a provider usually has the mailbox too. After a sign-in with the provider, mail is
// neither a second factor nor a rescue, unless the provider is declared independent.
func TestR152_AnAccountElsewhereAndItsMailboxAreOneThing(t *testing.T) {
	w, corp, club := sites(t, plenty, func(c *twofold.Config) {
		c.TwoFactor.Recovery = true
		for i, p := range c.Accounts.OAuth {
			if p.Name() == "club" {
				c.Accounts.OAuth[i] = federated.Independent(p)
			}
		}
	})
	full, mail := w.withApp("full"), w.person("mail").enrollMail()
	corp.SignIn("full")
	club.SignIn("full")
	full.connected(corp, "corp")
	full.connected(club, "club")
	b := w.browser()
	b.through(corp, "corp").want(200)
	options, _ := b.get("/tf-rescue").want(200).json["recovery_options"].(m)
	if options["email"] != nil || options["recovery_request"] != nil || options["help"] == nil {
		t.Errorf("after an account elsewhere: %v", options)
	}
	for _, option := range []string{"email", "recovery_request"} {
		b.post("/tf-rescue", m{"help_setup": option}).want(400).refused(option)
	}
	b.validate(full.next()).want(200)
	b.in(full, 2)
	b = w.browser()
	b.through(club, "club").want(200)
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	b.validate(full.mailed()).want(200)
	b.in(full, 2)

	// The mailbox as second factor is accepted after the password, not after the provider.
	corp.SignIn("mail")
	club.SignIn("mail")
	mail.connected(corp, "corp")
	mail.connected(club, "club")
	w.advance(time.Minute)
	w.settled()
	n := len(w.mail.To(mail.email))
	b = w.browser()
	b.through(corp, "corp").want(400).refused("one mailbox twice")
	w.settled()
	if len(w.mail.To(mail.email)) != n {
		t.Error("a code went to the mailbox that was the first factor")
	}
	b.out("one mailbox twice")
	b = w.browser()
	b.through(club, "club").want(200)
	b.validate(mail.mailed()).want(200)
	b.in(mail, 2)

	// The mailbox can neither be enrolled in a session that began with the provider, nor be the
	// only second factor.
	plain := w.person("plain")
	corp.SignIn("plain")
	plain.connected(corp, "corp")
	b = w.browser()
	b.through(corp, "corp").want(200)
	b.post("/tf-setup", m{"setup": "email"}).want(400).refused("set up after itself")
}

// TestR152_WhatCountedAsTwoIsOver checks that sessions whose single factor counted as two before
// have ended, and that they make nothing fresh.
func TestR152_WhatCountedAsTwoIsOver(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.withApp("alice")
	for _, pair := range [][]string{{"oauth", "rescue"}, {"oauth", storage.Email}, {storage.Email, storage.Email},
		{"reset", "rescue"}} {
		w.plantSession(p).in(p, 2)
		b := w.plantSession(p)
		w.write(`UPDATE twofold_sessions SET proofs = ?`, `[{"method":"`+pair[0]+
			`","at":"2026-03-01T12:00:00Z"},{"method":"`+pair[1]+`","at":"2026-03-01T12:00:00Z"}]`)
		b.post("/tf-setup", m{"setup": "disable"}).want(400).refused(pair[0] + " and " + pair[1])
		b.out(pair[0] + " and " + pair[1])
	}
}

// TestR152_AnIndependentSiteIsOneAsLongAsTheOperatorSaysSo checks that a session with a provider
// and a mailed code ends when the provider no longer counts as independent, and so does a sign-in
// between the two steps.
func TestR152_AnIndependentSiteIsOneAsLongAsTheOperatorSaysSo(t *testing.T) {
	independent := true
	w, corp, _ := sites(t, plenty, func(c *twofold.Config) {
		if independent {
			for i, p := range c.Accounts.OAuth {
				c.Accounts.OAuth[i] = federated.Independent(p)
			}
		}
	})
	p := w.person("alice").enrollMail()
	corp.SignIn("alice")
	p.connected(corp, "corp")
	b := w.browser()
	b.through(corp, "corp").want(200)
	b.validate(p.mailed()).want(200)
	b.in(p, 2)
	w.advance(time.Minute)
	between := w.browser()
	between.through(corp, "corp").want(200)
	code := p.mailed()
	mixed := w.withApp("robert")
	whole := w.plantSession(mixed)

	n := w.restart()
	b.on(n)
	b.in(p, 2)
	independent = false
	n = w.restart()
	b.on(n)
	between.on(n)
	whole.on(n)
	b.out("one mailbox twice, by what the operator says today")
	between.validate(code).refused("one mailbox twice, by what the operator says today")
	between.out("one mailbox twice, by what the operator says today")
	whole.in(mixed, 2)
}

// TestR153_ARescueHasGuessesOfItsOwn checks that a factor that ended after too many wrong codes can
// be rescued by mail, and that wrong rescue codes do not count as guesses at it.
func TestR153_ARescueHasGuessesOfItsOwn(t *testing.T) {
	w := newWorld(t, plenty, proxied, func(c *twofold.Config) {
		c.Advanced.Limits.SecondFailures, c.Advanced.Limits.FactorFailures = 10, 20
	})
	p := w.withApp("alice")
	away := func() *browser {
		b := w.plantPending(p)
		b.header["X-Forwarded-For"] = "198.51.100.7"
		return b
	}
	wrong := func(b *browser, n int) {
		for range n {
			b.validate(p.wrong()).want(400)
		}
	}
	wrong(away(), 9)
	w.advance(16 * time.Minute)
	b := away()
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	wrong(b, 1)
	home := w.plantPending(p)
	home.header["X-Forwarded-For"] = "203.0.113.5"
	home.validate(p.next()).want(200) // that was no tenth guess

	w.advance(16 * time.Minute)
	wrong(away(), 9)
	w.advance(16 * time.Minute)
	b = away()
	wrong(b, 1)
	w.advance(16 * time.Minute)
	dead := away()
	dead.validate(p.next()).want(429).refused("the factor has ended")
	dead.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	code := p.mailed()
	dead.validate(p.next()).want(400).refused("the factor has ended, whatever is awaited")
	dead.validate(other(code)).want(400)
	dead.validate(code).want(200)
	dead.in(p, 2)

	// The guesses of a rescue are limited too.
	for n := 0; ; {
		w.advance(2 * time.Hour)
		b := away()
		if b.post("/tf-rescue", m{"help_setup": "email"}).status != 200 {
			w.advance(24 * time.Hour)
			continue
		}
		code := p.mailed()
		r := b.validate(other(code))
		if r.status == 429 {
			break
		}
		if n++; n > 40 {
			t.Fatalf("%d wrong codes of rescues in a row", n)
		}
	}
}
