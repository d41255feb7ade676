package security_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
)

// duel runs two operations at once, delaying one or the other at random.
func duel(i int, a, b func()) {
	ops := []func(){a, b}
	if i%2 == 1 {
		ops[0], ops[1] = ops[1], ops[0]
	}
	par(2, func(k int) { ops[k]() })
}

// TestR147_OperationsInParallel checks that the result of two concurrent operations equals that of
// one order or the other, and that nothing issued before a change survives it. There are two
// hundred rounds over all pairs, or fifty in a short run.
func TestR147_OperationsInParallel(t *testing.T) {
	rounds := 6
	if storetest.Thorough() {
		rounds = 25
	}
	ctx := t.Context()
	w := newWorld(t, open)
	second := w.start(nil)
	auth := w.nodes[0].auth
	sessions := func(p *person) int {
		return w.number(`SELECT COUNT(*) FROM twofold_sessions s JOIN twofold_users u ON u.id = s.user_id AND u.uniquifier = s.uniquifier AND u.active = 1 WHERE u.id = ?`, p.id)
	}
	var won, lost atomic.Int32
	verified := func(a *answer) {
		switch a.status {
		case 200:
			won.Add(1)
		case 400:
			lost.Add(1)
		default:
			a.want(200)
		}
	}
	pairs := map[string]func(i int, p *person){
		"switch off and verify": func(i int, p *person) {
			b := w.plantPending(p).on(second)
			code := p.next()
			duel(i, func() { verified(b.validate(code)) }, func() { w.must(auth.SetActive(ctx, p.id, false)) })
			if n := sessions(p); n != 0 {
				t.Errorf("%d living sessions of a user who was switched off", n)
			}
			w.nodes[0].fresh(b).out("switched off")
			w.must(auth.SetActive(ctx, p.id, true))
			w.nodes[0].fresh(b).out("switched on again")
		},
		"new password and verify": func(i int, p *person) {
			b := w.plantPending(p).on(second)
			code := p.next()
			duel(i, func() { verified(b.validate(code)) },
				func() { w.must(auth.SetPassword(ctx, p.id, fmt.Sprintf("another horse %d battery", i))) })
			if n := sessions(p); n != 0 {
				t.Errorf("%d sessions survive a new password", n)
			}
			w.nodes[0].fresh(b).out("the old password's sign-in")
		},
		"no more factors and verify": func(i int, p *person) {
			acting, b := w.plantSession(p), w.plantPending(p).on(second)
			code := p.next()
			duel(i, func() { verified(b.validate(code)) },
				func() { acting.post("/tf-setup", m{"setup": "disable"}).want(200) })
			w.nodes[0].fresh(b).out("the sign-in of before")
			acting.in(p, 1)
			if n := sessions(p); n != 1 || len(p.factors()) != 0 {
				t.Errorf("%d sessions, %d factors after switching off", n, len(p.factors()))
			}
			p.enrollApp()
		},
		"operator's reset and verify": func(i int, p *person) {
			b := w.plantPending(p).on(second)
			code := p.next()
			duel(i, func() { verified(b.validate(code)) }, func() { w.must(auth.ResetAccess(ctx, p.id)) })
			w.nodes[0].fresh(b).out("the sign-in of before")
			if n := sessions(p); n != 0 || len(p.factors()) != 0 {
				t.Errorf("%d sessions, %d factors after the reset", n, len(p.factors()))
			}
			p.enrollApp()
		},
		"confirm and confirm": func(i int, p *person) {
			var done atomic.Int32
			have := len(p.factors())
			one, other := w.plantSession(p), w.plantSession(p).on(second)
			confirm := func(b *browser) func() {
				r := b.post("/tf-setup", m{"setup": "authenticator", "add": have < 5}).want(200)
				code := totp(decode(w, r.text("tf_authr_b32key")), w.Now().Unix()/30)
				return func() {
					if b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": code}).status == 200 {
						done.Add(1)
					}
				}
			}
			duel(i, confirm(one), confirm(other))
			want := have + 1
			if have >= 5 {
				want = have
			}
			if done.Load() != 1 || len(p.factors()) != want || sessions(p) != 1 {
				t.Errorf("%d confirmed, %d factors, want 1 and %d; %d sessions", done.Load(), len(p.factors()), want,
					sessions(p))
			}
		},
		"sign out and activity": func(i int, p *person) {
			before := sessions(p)
			b := w.plantSession(p)
			there := b.copy().on(second)
			copied := b.copy()
			duel(i, func() { copied.form("/logout") }, func() { there.get("/app/user"); there.get("/me") })
			w.nodes[0].fresh(b).out("signed out")
			if n := sessions(p); n != before {
				t.Errorf("%d sessions after signing out, want %d", n, before)
			}
		},
		"new phone and send": func(i int, p *person) {
			phones := []string{"+16505551212", "+16505553434"}
			if len(p.factors()) != 1 || p.factors()[0].Method != storage.SMS {
				w.must(auth.ResetAccess(ctx, p.id))
				p.enrollSMS(phones[(i+1)%2])
			}
			p.phone = phones[(i+1)%2]
			b, acting := w.plantPending(p).on(second), w.plantSession(p)
			r := acting.post("/tf-setup", m{"setup": "sms", "phone": phones[i%2]}).want(200)
			arrived, _ := w.sms.Last(phones[i%2])
			duel(i, func() { b.post("/tf-resend", m{}) }, func() {
				acting.post("/tf-setup/"+r.text("tf_state_token"),
					m{"code": sixDigits.FindString(arrived.Text)}).want(200)
			})
			for _, phone := range phones {
				if last, ok := w.sms.Last(phone); ok {
					b.copy().validate(sixDigits.FindString(last.Text)).refused("a code of before the change")
				}
			}
			if f := p.factors(); len(f) != 1 || f[0].Destination != phones[i%2] {
				t.Errorf("factors %+v", f)
			}
			acting.in(p, 2)
		},
		"not me and verify": func(i int, p *person) {
			b, link := w.plantPending(p).on(second), p.newestStop()
			code := p.next()
			duel(i, func() { verified(b.validate(code)) }, func() { w.browser().form("/tf-not-me/" + link).want(200) })
			w.nodes[0].fresh(b).out("after 'not me'")
			if n := sessions(p); n != 0 {
				t.Errorf("%d sessions survive 'not me'", n)
			}
			w.must(auth.SetPassword(ctx, p.id, fmt.Sprintf("another horse %d battery", i))) // for the next link
		},
	}
	n := 0
	for name, pair := range pairs {
		p := w.withApp(fmt.Sprintf("user%d", n))
		n++
		for i := range rounds {
			w.write(`DELETE FROM twofold_counters`) // a code that comes too late counts as wrong
			pair(i, p)
			if t.Failed() {
				t.Fatalf("%s, round %d", name, i)
			}
		}
	}
	// Both orders must occur, or the test proves nothing.
	if least := int32(rounds / 5); won.Load() < least || lost.Load() < least {
		t.Errorf("the codes were first %d times and last %d times", won.Load(), lost.Load())
	}
}

// fresh returns the same cookies in front of a node.
func (n *node) fresh(b *browser) *browser { return b.copy().on(n) }
