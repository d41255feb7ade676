package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR200_TheFirstProofForgetsWhatStrangersUsedUp lets an attacker register an address and use up
// the enrollment budgets of its account and mailbox. The owner's first proof of any kind resets
// these budgets. Budgets that limit the cost of messages are not reset.
func TestR200_TheFirstProofForgetsWhatStrangersUsedUp(t *testing.T) {
	fill := m{"password": newSecret, "password_confirm": newSecret}
	by := func(path, kind string) func(w *world, email string) *browser {
		return func(w *world, email string) *browser {
			b := w.browser()
			b.Post(path, m{"email": email}).Want(200)
			b.Post(w.link(kind, email), fill).Want(200)
			b.Post("/login", m{"email": email, "password": newSecret}).Want(200)
			return b
		}
	}
	for name, c := range map[string]struct {
		confirmable bool
		prove       func(w *world, email string) *browser
	}{
		"a reset of the password":             {false, by("/reset", "reset")},
		"a link that confirms it":             {true, by("/confirm", "confirm")},
		"a reset of an account not confirmed": {true, by("/reset", "confirm")},
		"a code mailed to a session": {false, func(w *world, email string) *browser {
			b := w.browser()
			b.Post("/login", m{"email": email, "password": secret}).Want(200)
			b.Post("/tf-setup", m{"setup": "authenticator"}).Want(400)
			b.Post("/tf-validate", m{"code": w.Mail.Code(w.T, email)}).Want(200)
			return b
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := enrolling(t, func(config *twofold.Config) {
				l := &config.Advanced.Limits
				l.SendGap, l.SendShort, l.SendDay = time.Second, 6, 6
				config.Accounts.Confirmable, config.Accounts.LoginUnconfirmed = c.confirmable, c.confirmable
			})
			const email = "victim@good.test"
			_, b := w.stranger(email)
			w.settled()
			setup := func(b *browser) *answer { return b.Post("/tf-setup", m{"setup": storage.Email}) }
			for setup(b).Status == 200 {
				w.Advance(2 * time.Second)
				w.settled()
			}
			setup(b).Want(429)
			owner := c.prove(w, email)
			paid := `SELECT COALESCE(SUM(n), 0) FROM twofold_counters WHERE name LIKE 'sendmost:%'`
			most := w.number(paid)
			w.Advance(2 * time.Second)
			if r := setup(owner); r.Status != 200 {
				t.Errorf("the owner sets up mail: %d %s", r.Status, r.Body)
			}
			if r := owner.Post("/tf-setup",
				m{"setup": storage.SMS, "phone": otherPhone, "add": true}); r.Status != 200 {
				t.Errorf("the owner sets up a phone: %d %s", r.Status, r.Body)
			}
			if got := w.number(paid); got != most+2 || most == 0 {
				t.Errorf("%d places of what bounds cost are taken, want %d", got, most+2)
			}
		})
	}
}

// TestR201_ThePageTakesTheNewestCode checks that /tf-validate accepts the code of the newest step,
// even if the signed-in user requested a code for another step before.
func TestR201_ThePageTakesTheNewestCode(t *testing.T) {
	w, _ := enrolling(t, func(c *twofold.Config) { c.Advanced.Limits.SendGap = time.Second })
	proof := func(b *browser) { b.Post("/tf-setup", m{"setup": "authenticator"}).Want(400) }
	mailbox := func(b *browser) { b.Post("/tf-setup", m{"setup": storage.Email}).Want(200) }
	i := 0
	for name, steps := range map[string][]func(b *browser){
		"a proof, then a set-up":          {proof, mailbox},
		"a set-up, then a proof":          {mailbox, proof},
		"a proof between two set-ups":     {mailbox, proof, mailbox},
		"a set-up between two proofs":     {proof, mailbox, proof},
		"another set-up after the set-up": {mailbox, mailbox},
	} {
		i++
		p, b := w.stranger("new" + string(rune('a'+i)) + "@good.test")
		for _, step := range steps {
			step(b)
			w.settled()
			w.Advance(2 * time.Second)
		}
		b.Get("/tf-validate").Want(200)
		if r := b.Post("/tf-validate", m{"code": p.Mailed()}); r.Status != 200 {
			t.Errorf("%s: the newest code: %d %s", name, r.Status, r.Body)
		}
	}
	// A fresh session with a pending re-authentication enrolls a phone: the page asks for the code
	// by SMS.
	p := w.person("alice").enrollApp()
	b := w.plantSession(p)
	b.Post("/verify", m{"password": secret}).Want(200)
	b.Post("/tf-setup", m{"setup": storage.SMS, "phone": otherPhone, "add": true}).Want(200)
	b.Post("/tf-validate", m{"code": w.SMS.Code(t, otherPhone)}).Want(200)
	b.in(p, 2)
}
