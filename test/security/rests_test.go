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
	b.through(corp, "corp").Want(200)
	options, _ := b.Get("/tf-rescue").Want(200).JSON["recovery_options"].(m)
	if options["email"] != nil || options["recovery_request"] != nil || options["help"] == nil {
		t.Errorf("after an account elsewhere: %v", options)
	}
	for _, option := range []string{"email", "recovery_request"} {
		b.Post("/tf-rescue", m{"help_setup": option}).Want(400).Refused(option)
	}
	b.validate(full.Next()).Want(200)
	b.in(full, 2)
	b = w.browser()
	b.through(club, "club").Want(200)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	b.validate(full.Mailed()).Want(200)
	b.in(full, 2)

	// The mailbox as second factor is accepted after the password, not after the provider.
	corp.SignIn("mail")
	club.SignIn("mail")
	mail.connected(corp, "corp")
	mail.connected(club, "club")
	w.Advance(time.Minute)
	w.settled()
	n := len(w.Mail.To(mail.Email))
	b = w.browser()
	b.through(corp, "corp").Want(400).Refused("one mailbox twice")
	w.settled()
	if len(w.Mail.To(mail.Email)) != n {
		t.Error("a code went to the mailbox that was the first factor")
	}
	b.out("one mailbox twice")
	b = w.browser()
	b.through(club, "club").Want(200)
	b.validate(mail.Mailed()).Want(200)
	b.in(mail, 2)

	// The mailbox can neither be enrolled in a session that began with the provider, nor be the
	// only second factor.
	plain := w.person("plain")
	corp.SignIn("plain")
	plain.connected(corp, "corp")
	b = w.browser()
	b.through(corp, "corp").Want(200)
	b.Post("/tf-setup", m{"setup": "email"}).Want(400).Refused("set up after itself")
}

// TestR152_SessionsOfASingleFactorThatCountedAsTwoEnd checks that sessions whose single factor
// counted as two before have ended, and that they make nothing fresh.
func TestR152_SessionsOfASingleFactorThatCountedAsTwoEnd(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.withApp("alice")
	for _, pair := range [][]string{{"oauth", "rescue"}, {"oauth", storage.Email}, {storage.Email, storage.Email},
		{"reset", "rescue"}} {
		w.plantSession(p).in(p, 2)
		b := w.plantSession(p)
		w.write(`UPDATE twofold_sessions SET proofs = ?`, `[{"method":"`+pair[0]+
			`","at":"2026-03-01T12:00:00Z"},{"method":"`+pair[1]+`","at":"2026-03-01T12:00:00Z"}]`)
		b.Post("/tf-setup", m{"setup": "disable"}).Want(400).Refused(pair[0] + " and " + pair[1])
		b.out(pair[0] + " and " + pair[1])
	}
}

// TestR152_AnIndependentSiteCountsWhileTheOperatorDeclaresIt checks that a session with a provider
// and a mailed code ends when the provider no longer counts as independent, and so does a sign-in
// between the two steps.
func TestR152_AnIndependentSiteCountsWhileTheOperatorDeclaresIt(t *testing.T) {
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
	b.through(corp, "corp").Want(200)
	b.validate(p.Mailed()).Want(200)
	b.in(p, 2)
	w.Advance(time.Minute)
	between := w.browser()
	between.through(corp, "corp").Want(200)
	code := p.Mailed()
	mixed := w.withApp("robert")
	whole := w.plantSession(mixed)

	n := w.Restart()
	b.on(n)
	b.in(p, 2)
	independent = false
	n = w.Restart()
	b.on(n)
	between.on(n)
	whole.on(n)
	b.out("one mailbox twice, by what the operator says today")
	between.validate(code).Refused("one mailbox twice, by what the operator says today")
	between.out("one mailbox twice, by what the operator says today")
	whole.in(mixed, 2)
}

// TestR153_ARescueHasItsOwnGuesses checks that a factor that ended after too many wrong codes can
// be rescued by mail, and that wrong rescue codes do not count as guesses at it.
func TestR153_ARescueHasItsOwnGuesses(t *testing.T) {
	w := newWorld(t, plenty, proxied, func(c *twofold.Config) {
		c.Advanced.Limits.SecondFailures, c.Advanced.Limits.FactorFailures = 10, 20
	})
	p := w.withApp("alice")
	away := func() *browser {
		b := w.plantPending(p)
		b.Header["X-Forwarded-For"] = "198.51.100.7"
		return b
	}
	wrong := func(b *browser, n int) {
		for range n {
			b.validate(p.Wrong()).Want(400)
		}
	}
	wrong(away(), 9)
	w.Advance(16 * time.Minute)
	b := away()
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	wrong(b, 1)
	home := w.plantPending(p)
	home.Header["X-Forwarded-For"] = "203.0.113.5"
	home.validate(p.Next()).Want(200) // that was no tenth guess

	w.Advance(16 * time.Minute)
	wrong(away(), 9)
	w.Advance(16 * time.Minute)
	b = away()
	wrong(b, 1)
	w.Advance(16 * time.Minute)
	dead := away()
	dead.validate(p.Next()).Want(429).Refused("the factor has ended")
	dead.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	code := p.Mailed()
	dead.validate(p.Next()).Want(400).Refused("the factor has ended, whatever is awaited")
	dead.validate(other(code)).Want(400)
	dead.validate(code).Want(200)
	dead.in(p, 2)

	// The guesses of a rescue are limited too.
	for n := 0; ; {
		w.Advance(2 * time.Hour)
		b := away()
		if b.Post("/tf-rescue", m{"help_setup": "email"}).Status != 200 {
			w.Advance(24 * time.Hour)
			continue
		}
		code := p.Mailed()
		r := b.validate(other(code))
		if r.Status == 429 {
			break
		}
		if n++; n > 40 {
			t.Fatalf("%d wrong codes of rescues in a row", n)
		}
	}
}
