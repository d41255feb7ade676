package security_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// deaf is a store that, while it is shut, refuses messages that are not part of a transaction. It
// simulates a process that crashes after a change and before it queues the notice.
type deaf struct {
	storage.Store
	shut    atomic.Bool
	refused atomic.Int64
}

func (d *deaf) wrap(s storage.Store) storage.Store { d.Store = s; return d }

func (d *deaf) PutMessage(ctx context.Context, m storage.Message) error {
	if d.shut.Load() {
		d.refused.Add(1)
		return errBroken
	}
	return d.Store.PutMessage(ctx, m)
}

// TestR061_NoChangeWithoutItsNotice checks that the notice is stored together with the change, so
// that a crash right after the change does not lose it.
func TestR061_NoChangeWithoutItsNotice(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) {
		c.TwoFactor.Recovery, c.Passwordless = true, &twofold.Passwordless{}
		c.Accounts.Recoverable, c.Accounts.Changeable, c.Accounts.ChangeEmail, c.Accounts.ChangeUsername = true, true,
			true, true
		tokens(c)
	})
	d := &deaf{}
	n := w.Start(d.wrap)
	for kind, prepare := range noticedChanges(w, n) {
		p := w.person(strings.ReplaceAll(kind, "_", ""))
		act := prepare(p)
		before := w.kinds(p.Email)[kind]
		d.shut.Store(true)
		act()
		d.shut.Store(false)
		if got := w.kinds(p.Email)[kind] - before; got != 1 {
			t.Errorf("%s: %d notices, want 1", kind, got)
		}
	}
	if got := d.refused.Load(); got != 0 {
		t.Errorf("%d messages were queued beside a change", got)
	}
	b := w.plantSession(w.person("asks")).on(n)
	d.shut.Store(true)
	if b.Post("/change-email", m{"email": "new@good.test"}); d.refused.Load() == 0 {
		t.Error("nothing was refused: this test shows nothing")
	}
}

// noticedChanges returns, by the kind of notice, the preparation of a change of a person's account
// and the change.
func noticedChanges(w *world, n *node) map[string]func(p *person) (act func()) {
	ctx, auth := w.T.Context(), n.Auth
	on := func(p *person) *browser { return w.plantSession(p).on(n) }
	return map[string]func(p *person) func(){
		"factor_changed": func(p *person) func() {
			b := on(p)
			r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
			p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
			return func() { b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200) }
		},
		"factor_removed": func(p *person) func() {
			b := on(p.enrollApp().enrollSMS("+16505551212"))
			return func() { b.del("/tf-factors/" + p.factorIDs()["sms"]).Want(200) }
		},
		"factor_disabled": func(p *person) func() {
			b := on(p.enrollApp())
			return func() { b.Post("/tf-setup", m{"setup": "disable"}).Want(200) }
		},
		"codes_made": func(p *person) func() {
			b := on(p.enrollApp())
			return func() { b.newCodes() }
		},
		"codes_ended": func(p *person) func() {
			p.enrollApp().recoveryCodes()
			w.Must(auth.StartRecovery(ctx, p.ID, "ticket 4711"))
			links := p.links()
			b := w.browser().on(n)
			b.Post(links[len(links)-1], m{"password": secret}).Want(200)
			r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
			p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
			return func() { b.validate(p.Code(0)).Want(200) }
		},
		"code_used": func(p *person) func() {
			code := p.enrollApp().recoveryCodes()[0]
			b := w.plantPending(p).on(n)
			return func() { b.Post("/mf-recovery", m{"code": code}).Want(200) }
		},
		"first_factor_changed": func(p *person) func() {
			b := on(p)
			r := b.Post("/us-setup", m{"chosen_method": "email"}).Want(200)
			code := p.Mailed()
			return func() { b.Post("/us-setup/"+r.Text("state"), m{"passcode": code}).Want(200) }
		},
		"first_factor_removed": func(p *person) func() {
			b := on(p.begins("email"))
			return func() { b.Post("/us-setup", m{"delete_method": []string{"email"}}).Want(200) }
		},
		"token_minted": func(p *person) func() {
			b := on(p)
			return func() { _, r := b.personal("read"); r.Want(200) }
		},
		"token_copied": func(p *person) func() {
			_, _, refresh := p.enrollApp().pair()
			w.exchange(refresh)
			return func() { w.browser().on(n).Post("/refresh-token", m{"refresh_token": refresh}).Want(400) }
		},
		"rescued": func(p *person) func() {
			b := w.plantPending(p.enrollApp()).on(n)
			b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
			code := p.Mailed()
			return func() { b.validate(code).Want(200) }
		},
		"device_trusted": func(p *person) func() {
			b := w.browser().on(n)
			b.login(p.enrollApp(), m{"remember": true}).Want(200)
			return func() { b.validate(p.Next()).Want(200) }
		},
		"device_copied": func(p *person) func() {
			owner := w.trusted(p.enrollApp())
			thief := owner.copy().on(n)
			owner.login(p).Want(200)
			w.Advance(11 * time.Second)
			return func() { thief.login(p).Want(200) }
		},
		"recovery_asked": func(p *person) func() {
			b := w.plantPending(p.enrollApp()).on(n)
			return func() { b.Post("/tf-rescue", m{"help_setup": "recovery_request"}).Want(200) }
		},
		"recovery_started": func(p *person) func() {
			p.enrollApp()
			return func() { w.Must(auth.StartRecovery(ctx, p.ID, "ticket 4711")) }
		},
		"password_reset": func(p *person) func() {
			link := w.browser().resets(p.Email)
			return func() {
				w.browser().on(n).Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
			}
		},
		"username_changed": func(p *person) func() {
			b := on(p)
			return func() { b.Post("/change-username", m{"username": "zed" + p.Name[:3]}).Want(200) }
		},
		"identity_changed": func(p *person) func() {
			b := on(p)
			b.Post("/change-email", m{"email": "new" + p.Email}).Want(200)
			link := w.link("change_email", "new"+p.Email)
			return func() { b.Post(link, m{}).Want(200) }
		},
		"password_changed": func(p *person) func() {
			return func() { w.Must(auth.SetPassword(ctx, p.ID, "another horse 72 battery")) }
		},
		"access_reset": func(p *person) func() { return func() { w.Must(auth.ResetAccess(ctx, p.ID)) } },
	}
}
