package security_test

import (
	"slices"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR059_TheLastWayInStays checks that the last first factor of an account, of whatever kind,
// cannot be removed, and that all others can.
func TestR059_TheLastWayInStays(t *testing.T) {
	w, corp, _ := sites(t)
	disconnect := func(b *browser) *answer {
		connections, _ := b.get("/me").want(200).json["oauth_connections"].([]any)
		id, _ := connections[0].(m)["id"].(string)
		return b.post("/login/oauth-disconnect", m{"id": id})
	}
	remove := func(b *browser) *answer { return b.post("/wan-delete", m{"name": "key"}) }
	// passwordless returns an account with a passkey, a connection and no password, signed in with
	// the passkey.
	passwordless := func(name string) (*person, *softkey.Key, *browser) {
		p, k := w.person(name), w.key(phoneKey)
		corp.SignIn(name)
		b := p.connected(corp, "corp")
		b.register(k, "key", storage.UseFirst).want(200)
		w.write(`UPDATE twofold_users SET password_hash = '' WHERE email_key = $1`, p.email)
		b = w.browser()
		b.signInBy(k).want(200)
		return p, k, b
	}

	_, k, b := passwordless("alice")
	disconnect(b).want(200)
	remove(b).want(400)
	w.browser().signInBy(k).want(200)

	_, _, b = passwordless("robert")
	remove(b).want(200)
	disconnect(b).want(400)
	w.browser().through(corp, "corp").want(200)
}

// byKey registers without a password, adds a passkey as first factor, and signs in with it.
func (w *world) byKey(name string) (*person, *browser) {
	w.t.Helper()
	p, k := w.opened(name), w.key(phoneKey)
	b, _ := p.byMail()
	b.register(k, "key", storage.UseFirst).want(200)
	b = w.browser()
	b.signInBy(k).want(200)
	return p, b
}

// mailbox enrolls the mailbox as second factor.
func (b *browser) mailbox(p *person, add bool) *answer {
	b.w.t.Helper()
	r := b.post("/tf-setup", m{"setup": "email", "add": add})
	if r.status == 200 {
		r = b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.mailed()})
	}
	return r
}

// TestR059_WhatIsLeftFollowsAWayIn checks that a second factor cannot be removed if the remaining
// ones are the same factor as every first factor.
func TestR059_WhatIsLeftFollowsAWayIn(t *testing.T) {
	w := newWorld(t, keyless)
	p, b := w.byKey("alice")
	b.mailbox(p, true).want(200)
	p.enrollApp()
	b = w.plantSession(p)
	app, mail := p.factorIDs()["authenticator"], p.factorIDs()["email"]
	b.post("/wan-delete", m{"name": "key"}).want(200)
	b.remove(app).want(400).refused("the mailbox alone would be left, after the mailbox")
	b.form("/tf-factors/"+app, "action", "remove").want(303)
	if len(p.factors()) != 2 {
		t.Errorf("left: %+v", p.factors())
	}
	b.remove(mail).want(200)
	in, r := p.byMail()
	r.want(200)
	in.validate(p.next()).want(200)
	in.in(p, 2)
	b.remove(app).want(200)
	in, r = p.byMail()
	r.want(200)
	in.in(p, 1)

	// If it is a passkey, the list of passkeys can remove it too.
	q, b := w.byKey("robert")
	b.mailbox(q, true).want(200)
	b.register(w.key(phoneKey), "second", storage.UseSecond).want(200)
	b.post("/wan-delete", m{"name": "key"}).want(200)
	b.post("/wan-delete", m{"name": "second"}).want(400).refused("the mailbox alone would be left, after the mailbox")
	if len(q.factors()) != 2 {
		t.Errorf("left: %+v", q.factors())
	}
}

// TestR059_ResettingTheAccessOpensAnAccountWithAnotherAddress covers an operator who changes the
// address of an account without a password whose second factor is its mailbox. The mailbox is then
// the first factor and cannot complete a sign-in. ResetAccess opens the account.
func TestR059_ResettingTheAccessOpensAnAccountWithAnotherAddress(t *testing.T) {
	w := newWorld(t, keyless)
	p, b := w.byKey("alice")
	b.mailbox(p, true).want(200)
	auth := w.nodes[0].auth
	p.email = "alice2@good.test"
	w.must(auth.SetIdentity(t.Context(), p.id, p.email, "alice"))
	b, r := p.byMail()
	r.want(400).refused("the mailbox after the mailbox")
	b.out("the mailbox alone")
	w.must(auth.ResetAccess(t.Context(), p.id))
	b, r = p.byMail()
	r.want(200)
	b.in(p, 1)
}

// TestR059_WhatIsSetUpFollowsAWayIn checks that users cannot lock themselves out with a second
// factor that is the same factor as every first factor, even if this session began with another
// one.
func TestR059_WhatIsSetUpFollowsAWayIn(t *testing.T) {
	w := newWorld(t, keyless)
	offers := func(b *browser) bool {
		methods, _ := b.get("/tf-setup").want(200).json["tf_available_methods"].([]any)
		return slices.Contains(methods, any("email"))
	}
	p, b := w.byKey("alice")
	if !offers(b) {
		t.Error("not offered beside a passkey")
	}
	b.post("/wan-delete", m{"name": "key"}).want(200)
	if offers(b) {
		t.Error("offered though the mailbox is the only way in")
	}
	for _, add := range []bool{true, false} {
		b.mailbox(p, add).want(400).refused("the mailbox after the mailbox")
	}
	in, r := p.byMail()
	r.want(200)
	in.in(p, 1)

	// It may be enrolled in addition to an app, but not instead of it.
	p.enrollApp()
	b = w.plantSession(p)
	b.mailbox(p, false).want(400).refused("in the place of the app")
	if !offers(b) {
		t.Error("not offered beside an app")
	}
	b.mailbox(p, true).want(200)
	in, r = p.byMail()
	r.want(200)
	in.validate(p.next()).want(200)
	in.in(p, 2)
}

// TestR059_WhatCannotBeReachedIsNoWayIn checks that a removal does not count an account at a
// provider that is no longer offered, or a passkey where passkeys are not a first factor.
func TestR059_WhatCannotBeReachedIsNoWayIn(t *testing.T) {
	w, corp, club := sites(t)
	disconnect := func(b *browser, name string) *answer {
		connections, _ := b.get("/me").want(200).json["oauth_connections"].([]any)
		for _, c := range connections {
			if c := c.(m); c["provider"] == name {
				return b.post("/login/oauth-disconnect", m{"id": c["id"]})
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
	q.connected(corp, "corp").register(w.key(phoneKey), "key", storage.UseFirst).want(200)
	w.write(`UPDATE twofold_users SET password_hash = ''`)

	n := w.restart(func(c *twofold.Config) { c.Accounts.OAuth = c.Accounts.OAuth[1:] })
	disconnect(w.plantSession(p).on(n), "club").want(400).refused("the other site is not offered any more")
	n = w.restart(func(c *twofold.Config) { c.Passkeys.FirstFactor = false })
	disconnect(w.plantSession(q).on(n), "corp").want(400).refused("a passkey is none here")
	n = w.restart()
	disconnect(w.plantSession(p).on(n), "club").want(200)
	disconnect(w.plantSession(q).on(n), "corp").want(200)
}

// TestR008_OnlyTheMailboxProvesItself checks that a code by SMS or from an app opens an account
// without a password but does not prove its address, and that a mailed code or link does. For an
// account with a password a mailed code is not enough, because others may have known the password.
func TestR008_OnlyTheMailboxProvesItself(t *testing.T) {
	w := newWorld(t, keyless, unconfirming, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{"password", storage.Email, storage.SMS, storage.Authenticator}
	})
	p := &person{w: w, email: "alice@good.test"}
	w.browser().post("/register", m{"email": p.email}).want(200)
	w.identify(p)
	w.write(`UPDATE twofold_users SET proven_key = email_key WHERE id = ?`, p.id)
	p.begins(storage.SMS, "+16505551212").begins(storage.Authenticator)
	forget := func() { w.write(`UPDATE twofold_users SET confirmed_at = 0, proven_key = '' WHERE id = ?`, p.id) }
	proven := func() bool {
		u, err := w.nodes[0].db.UserByID(t.Context(), p.id)
		w.must(err)
		return u.Proven() && !u.ConfirmedAt.IsZero()
	}
	for how, sign := range map[string]func(b *browser) *answer{
		"text": func(b *browser) *answer { b.ask(p.email, storage.SMS).want(200); return b.passcode(p, p.texted()) },
		"app":  func(b *browser) *answer { return b.passcode(p, p.next()) },
		"mail": func(b *browser) *answer { b.ask(p.email, storage.Email).want(200); return b.passcode(p, p.mailed()) },
		"link": func(b *browser) *answer { b.ask(p.email, storage.Email).want(200); return b.post(p.linked(), m{}) },
	} {
		forget()
		before, mailed := len(happened[event.UserConfirmed](w)), how == "mail" || how == "link"
		b := w.browser()
		sign(b).want(200)
		b.in(p, 1)
		if told := len(happened[event.UserConfirmed](w)) > before; proven() != mailed || told != mailed {
			t.Errorf("by %s: the address is proven %v, told %v", how, proven(), told)
		}
	}
	q := w.person("robert").begins(storage.Email)
	w.write(`UPDATE twofold_users SET confirmed_at = 0, proven_key = '' WHERE id = ?`, q.id)
	b, r := q.byMail()
	r.want(200)
	b.in(q, 1)
	if u, err := w.nodes[0].db.UserByID(t.Context(), q.id); err != nil || !u.ConfirmedAt.IsZero() || u.Proven() {
		t.Errorf("with a password: proven at %v, %v", u.ConfirmedAt, err)
	}
}
