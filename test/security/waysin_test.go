package security_test

import (
	"slices"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR059_TheLastWayInStays checks that the last first factor of an account, of whatever kind,
// cannot be removed, and that all others can.
func TestR059_TheLastWayInStays(t *testing.T) {
	w, corp, _ := sites(t)
	disconnect := func(b *browser) *answer {
		connections, _ := b.Get("/me").Want(200).JSON["oauth_connections"].([]any)
		id, _ := connections[0].(m)["id"].(string)
		return b.Post("/login/oauth-disconnect", m{"id": id})
	}
	remove := func(b *browser) *answer { return b.Post("/wan-delete", m{"name": "key"}) }
	// passwordless returns an account with a passkey, a connection and no password, signed in with
	// the passkey.
	passwordless := func(name string) (*person, *softkey.Key, *browser) {
		p, k := w.person(name), w.key(phoneKey)
		corp.SignIn(name)
		b := p.connected(corp, "corp")
		b.register(k, "key", storage.UseFirst).Want(200)
		w.write(`UPDATE twofold_users SET password_hash = '' WHERE email_key = $1`, p.Email)
		b = w.browser()
		b.signInBy(k).Want(200)
		return p, k, b
	}

	_, k, b := passwordless("alice")
	disconnect(b).Want(200)
	remove(b).Want(400)
	w.browser().signInBy(k).Want(200)

	_, _, b = passwordless("robert")
	remove(b).Want(200)
	disconnect(b).Want(400)
	w.browser().through(corp, "corp").Want(200)
}

// byKey registers without a password, adds a passkey as first factor, and signs in with it.
func (w *world) byKey(name string) (*person, *browser) {
	w.T.Helper()
	p, k := w.opened(name), w.key(phoneKey)
	b, _ := p.byMail()
	b.register(k, "key", storage.UseFirst).Want(200)
	b = w.browser()
	b.signInBy(k).Want(200)
	return p, b
}

// mailbox enrolls the mailbox as second factor.
func (b *browser) mailbox(p *person, add bool) *answer {
	b.w.T.Helper()
	r := b.Post("/tf-setup", m{"setup": "email", "add": add})
	if r.Status == 200 {
		r = b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Mailed()})
	}
	return r
}

// TestR059_TheRemainingFactorDiffersFromAFirstFactor checks that a second factor cannot be removed
// if the remaining ones are the same factor as every first factor.
func TestR059_TheRemainingFactorDiffersFromAFirstFactor(t *testing.T) {
	w := newWorld(t, keyless)
	p, b := w.byKey("alice")
	b.mailbox(p, true).Want(200)
	p.enrollApp()
	b = w.plantSession(p)
	app, mail := p.factorIDs()["authenticator"], p.factorIDs()["email"]
	b.Post("/wan-delete", m{"name": "key"}).Want(200)
	b.remove(app).Want(400).Refused("the mailbox alone would be left, after the mailbox")
	b.Form("/tf-factors/"+app, "action", "remove").Want(303)
	if len(p.Factors()) != 2 {
		t.Errorf("left: %+v", p.Factors())
	}
	b.remove(mail).Want(200)
	in, r := p.byMail()
	r.Want(200)
	in.validate(p.Next()).Want(200)
	in.in(p, 2)
	b.remove(app).Want(200)
	in, r = p.byMail()
	r.Want(200)
	in.in(p, 1)

	// If it is a passkey, the list of passkeys can remove it too.
	q, b := w.byKey("robert")
	b.mailbox(q, true).Want(200)
	b.register(w.key(phoneKey), "second", storage.UseSecond).Want(200)
	b.Post("/wan-delete", m{"name": "key"}).Want(200)
	b.Post("/wan-delete", m{"name": "second"}).Want(400).Refused("the mailbox alone would be left, after the mailbox")
	if len(q.Factors()) != 2 {
		t.Errorf("left: %+v", q.Factors())
	}
}

// TestR059_ResettingTheAccessOpensAnAccountWithAnotherAddress covers an operator who changes the
// address of an account without a password whose second factor is its mailbox. The mailbox is then
// the first factor and cannot complete a sign-in. ResetAccess opens the account.
func TestR059_ResettingTheAccessOpensAnAccountWithAnotherAddress(t *testing.T) {
	w := newWorld(t, keyless)
	p, b := w.byKey("alice")
	b.mailbox(p, true).Want(200)
	auth := w.Nodes[0].Auth
	p.Email = "alice2@good.test"
	w.Must(auth.SetIdentity(t.Context(), p.ID, p.Email, "alice"))
	b, r := p.byMail()
	r.Want(400).Refused("the mailbox after the mailbox")
	b.out("the mailbox alone")
	w.Must(auth.ResetAccess(t.Context(), p.ID))
	b, r = p.byMail()
	r.Want(200)
	b.in(p, 1)
}

// TestR059_ANewSecondFactorDiffersFromAFirstFactor checks that users cannot lock themselves out with a second
// factor that is the same factor as every first factor, even if this session began with another
// one.
func TestR059_ANewSecondFactorDiffersFromAFirstFactor(t *testing.T) {
	w := newWorld(t, keyless)
	offers := func(b *browser) bool {
		methods, _ := b.Get("/tf-setup").Want(200).JSON["tf_available_methods"].([]any)
		return slices.Contains(methods, any("email"))
	}
	p, b := w.byKey("alice")
	if !offers(b) {
		t.Error("not offered beside a passkey")
	}
	b.Post("/wan-delete", m{"name": "key"}).Want(200)
	if offers(b) {
		t.Error("offered though the mailbox is the only way in")
	}
	for _, add := range []bool{true, false} {
		b.mailbox(p, add).Want(400).Refused("the mailbox after the mailbox")
	}
	in, r := p.byMail()
	r.Want(200)
	in.in(p, 1)

	// It may be enrolled in addition to an app, but not instead of it.
	p.enrollApp()
	b = w.plantSession(p)
	b.mailbox(p, false).Want(400).Refused("in the place of the app")
	if !offers(b) {
		t.Error("not offered beside an app")
	}
	b.mailbox(p, true).Want(200)
	in, r = p.byMail()
	r.Want(200)
	in.validate(p.Next()).Want(200)
	in.in(p, 2)
}

// TestR059_AnUnusableMethodIsNoWayIn checks that a removal does not count an account at a
// provider that is no longer offered, or a passkey where passkeys are not a first factor.
func TestR059_AnUnusableMethodIsNoWayIn(t *testing.T) {
	w, corp, club := sites(t)
	disconnect := func(b *browser, name string) *answer {
		connections, _ := b.Get("/me").Want(200).JSON["oauth_connections"].([]any)
		for _, c := range connections {
			if c := c.(m); c["provider"] == name {
				return b.Post("/login/oauth-disconnect", m{"id": c["id"]})
			}
		}
		t.Fatalf("no connection to %s in %v", name, connections)
		return nil
	}
	p := w.person("alice")
	corp.SignIn("alice")
	club.SignIn("alice")
	p.connected(corp, "corp")
	p.connected(club, "club")
	q := w.person("robert")
	corp.SignIn("robert")
	q.connected(corp, "corp").register(w.key(phoneKey), "key", storage.UseFirst).Want(200)
	w.write(`UPDATE twofold_users SET password_hash = ''`)

	n := w.Restart(func(c *twofold.Config) { c.Accounts.OAuth = c.Accounts.OAuth[1:] })
	disconnect(w.plantSession(p).on(n), "club").Want(400).Refused("the other site is not offered any more")
	n = w.Restart(func(c *twofold.Config) { c.Passkeys.FirstFactor = false })
	disconnect(w.plantSession(q).on(n), "corp").Want(400).Refused("a passkey is none here")
	n = w.Restart()
	disconnect(w.plantSession(p).on(n), "club").Want(200)
	disconnect(w.plantSession(q).on(n), "corp").Want(200)
}

// TestR008_OnlyAMailedCodeOrLinkProvesTheAddress checks that a code by SMS or from an app opens an account
// without a password but does not prove its address, and that a mailed code or link does. For an
// account with a password a mailed code is not enough, because others may have known the password.
func TestR008_OnlyAMailedCodeOrLinkProvesTheAddress(t *testing.T) {
	w := newWorld(t, keyless, unconfirming, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{"password", storage.Email, storage.SMS, storage.Authenticator}
	})
	p := w.of(testkit.Person{Email: "alice@good.test"})
	w.browser().Post("/register", m{"email": p.Email}).Want(200)
	w.identify(p)
	w.write(`UPDATE twofold_users SET proven_key = email_key WHERE id = ?`, p.ID)
	p.begins(storage.SMS, "+16505551212").begins(storage.Authenticator)
	forget := func() { w.write(`UPDATE twofold_users SET confirmed_at = 0, proven_key = '' WHERE id = ?`, p.ID) }
	proven := func() bool {
		u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID)
		w.Must(err)
		return u.Proven() && !u.ConfirmedAt.IsZero()
	}
	for how, sign := range map[string]func(b *browser) *answer{
		"text": func(b *browser) *answer { b.ask(p.Email, storage.SMS).Want(200); return b.passcode(p, p.Texted()) },
		"app":  func(b *browser) *answer { return b.passcode(p, p.Next()) },
		"mail": func(b *browser) *answer { b.ask(p.Email, storage.Email).Want(200); return b.passcode(p, p.Mailed()) },
		"link": func(b *browser) *answer { b.ask(p.Email, storage.Email).Want(200); return b.Post(p.linked(), m{}) },
	} {
		forget()
		before, mailed := len(happened[event.UserConfirmed](w)), how == "mail" || how == "link"
		b := w.browser()
		sign(b).Want(200)
		b.in(p, 1)
		if told := len(happened[event.UserConfirmed](w)) > before; proven() != mailed || told != mailed {
			t.Errorf("by %s: the address is proven %v, told %v", how, proven(), told)
		}
	}
	q := w.person("robert").begins(storage.Email)
	w.write(`UPDATE twofold_users SET confirmed_at = 0, proven_key = '' WHERE id = ?`, q.ID)
	b, r := q.byMail()
	r.Want(200)
	b.in(q, 1)
	if u, err := w.Nodes[0].Store.UserByID(t.Context(), q.ID); err != nil || !u.ConfirmedAt.IsZero() || u.Proven() {
		t.Errorf("with a password: proven at %v, %v", u.ConfirmedAt, err)
	}
}
