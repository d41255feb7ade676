package security_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
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
	n := w.start(d.wrap)
	for kind, prepare := range noticedChanges(w, n) {
		p := w.person(strings.ReplaceAll(kind, "_", ""))
		act := prepare(p)
		before := w.kinds(p.email)[kind]
		d.shut.Store(true)
		act()
		d.shut.Store(false)
		if got := w.kinds(p.email)[kind] - before; got != 1 {
			t.Errorf("%s: %d notices, want 1", kind, got)
		}
	}
	if got := d.refused.Load(); got != 0 {
		t.Errorf("%d messages were queued beside a change", got)
	}
	b := w.plantSession(w.person("asks")).on(n)
	d.shut.Store(true)
	if b.post("/change-email", m{"email": "new@good.test"}); d.refused.Load() == 0 {
		t.Error("nothing was refused: this test shows nothing")
	}
}

// noticedChanges returns, by the kind of notice, the preparation of a change of a person's account
// and the change.
func noticedChanges(w *world, n *node) map[string]func(p *person) (act func()) {
	ctx, auth := w.t.Context(), n.auth
	on := func(p *person) *browser { return w.plantSession(p).on(n) }
	return map[string]func(p *person) func(){
		"factor_changed": func(p *person) func() {
			b := on(p)
			r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
			p.app = decode(w, r.text("tf_authr_b32key"))
			return func() { b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.code(0)}).want(200) }
		},
		"factor_removed": func(p *person) func() {
			b := on(p.enrollApp().enrollSMS("+16505551212"))
			return func() { b.del("/tf-factors/" + p.factorIDs()["sms"]).want(200) }
		},
		"factor_disabled": func(p *person) func() {
			b := on(p.enrollApp())
			return func() { b.post("/tf-setup", m{"setup": "disable"}).want(200) }
		},
		"codes_made": func(p *person) func() {
			b := on(p.enrollApp())
			return func() { b.newCodes() }
		},
		"codes_ended": func(p *person) func() {
			p.enrollApp().recoveryCodes()
			w.must(auth.StartRecovery(ctx, p.id, "ticket 4711"))
			links := p.links()
			b := w.browser().on(n)
			b.post(links[len(links)-1], m{"password": secret}).want(200)
			r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
			p.app = decode(w, r.text("tf_authr_b32key"))
			return func() { b.validate(p.code(0)).want(200) }
		},
		"code_used": func(p *person) func() {
			code := p.enrollApp().recoveryCodes()[0]
			b := w.plantPending(p).on(n)
			return func() { b.post("/mf-recovery", m{"code": code}).want(200) }
		},
		"first_factor_changed": func(p *person) func() {
			b := on(p)
			r := b.post("/us-setup", m{"chosen_method": "email"}).want(200)
			code := p.mailed()
			return func() { b.post("/us-setup/"+r.text("state"), m{"passcode": code}).want(200) }
		},
		"first_factor_removed": func(p *person) func() {
			b := on(p.begins("email"))
			return func() { b.post("/us-setup", m{"delete_method": []string{"email"}}).want(200) }
		},
		"token_minted": func(p *person) func() {
			b := on(p)
			return func() { _, r := b.personal("read"); r.want(200) }
		},
		"token_copied": func(p *person) func() {
			_, _, refresh := p.enrollApp().pair()
			w.exchange(refresh)
			return func() { w.browser().on(n).post("/refresh-token", m{"refresh_token": refresh}).want(400) }
		},
		"rescued": func(p *person) func() {
			b := w.plantPending(p.enrollApp()).on(n)
			b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
			code := p.mailed()
			return func() { b.validate(code).want(200) }
		},
		"device_trusted": func(p *person) func() {
			b := w.browser().on(n)
			b.login(p.enrollApp(), m{"remember": true}).want(200)
			return func() { b.validate(p.next()).want(200) }
		},
		"device_copied": func(p *person) func() {
			owner := w.trusted(p.enrollApp())
			thief := owner.copy().on(n)
			owner.login(p).want(200)
			w.advance(11 * time.Second)
			return func() { thief.login(p).want(200) }
		},
		"recovery_asked": func(p *person) func() {
			b := w.plantPending(p.enrollApp()).on(n)
			return func() { b.post("/tf-rescue", m{"help_setup": "recovery_request"}).want(200) }
		},
		"recovery_started": func(p *person) func() {
			p.enrollApp()
			return func() { w.must(auth.StartRecovery(ctx, p.id, "ticket 4711")) }
		},
		"password_reset": func(p *person) func() {
			link := w.browser().resets(p.email)
			return func() {
				w.browser().on(n).post(link, m{"password": newSecret, "password_confirm": newSecret}).want(200)
			}
		},
		"username_changed": func(p *person) func() {
			b := on(p)
			return func() { b.post("/change-username", m{"username": "zed" + p.name[:3]}).want(200) }
		},
		"identity_changed": func(p *person) func() {
			b := on(p)
			b.post("/change-email", m{"email": "new" + p.email}).want(200)
			link := w.link("change_email", "new"+p.email)
			return func() { b.post(link, m{}).want(200) }
		},
		"password_changed": func(p *person) func() {
			return func() { w.must(auth.SetPassword(ctx, p.id, "another horse 72 battery")) }
		},
		"access_reset": func(p *person) func() { return func() { w.must(auth.ResetAccess(ctx, p.id)) } },
	}
}
