package security_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// duel runs two operations at once, delaying one or the other at random.
func duel(i int, a, b func()) {
	ops := []func(){a, b}
	if i%2 == 1 {
		ops[0], ops[1] = ops[1], ops[0]
	}
	testkit.Par(2, func(k int) { ops[k]() })
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
	second := w.Start(nil)
	auth := w.Nodes[0].Auth
	sessions := func(p *person) int {
		return w.number(`SELECT COUNT(*) FROM twofold_sessions s JOIN twofold_users u ON u.id = s.user_id AND u.uniquifier = s.uniquifier AND u.active = 1 WHERE u.id = ?`, p.ID)
	}
	var won, lost atomic.Int32
	verified := func(a *answer) {
		switch a.Status {
		case 200:
			won.Add(1)
		case 400:
			lost.Add(1)
		default:
			a.Want(200)
		}
	}
	pairs := map[string]func(i int, p *person){
		"switch off and verify": func(i int, p *person) {
			b := w.plantPending(p).on(second)
			code := p.Next()
			duel(i, func() { verified(b.validate(code)) }, func() { w.Must(auth.SetActive(ctx, p.ID, false)) })
			if n := sessions(p); n != 0 {
				t.Errorf("%d living sessions of a user who was switched off", n)
			}
			fresh(w.Nodes[0], b).out("switched off")
			w.Must(auth.SetActive(ctx, p.ID, true))
			fresh(w.Nodes[0], b).out("switched on again")
		},
		"new password and verify": func(i int, p *person) {
			b := w.plantPending(p).on(second)
			code := p.Next()
			duel(i, func() { verified(b.validate(code)) },
				func() { w.Must(auth.SetPassword(ctx, p.ID, fmt.Sprintf("another horse %d battery", i))) })
			if n := sessions(p); n != 0 {
				t.Errorf("%d sessions survive a new password", n)
			}
			fresh(w.Nodes[0], b).out("the old password's sign-in")
		},
		"no more factors and verify": func(i int, p *person) {
			acting, b := w.plantSession(p), w.plantPending(p).on(second)
			code := p.Next()
			duel(i, func() { verified(b.validate(code)) },
				func() { acting.Post("/tf-setup", m{"setup": "disable"}).Want(200) })
			fresh(w.Nodes[0], b).out("the sign-in of before")
			acting.in(p, 1)
			if n := sessions(p); n != 1 || len(p.Factors()) != 0 {
				t.Errorf("%d sessions, %d factors after switching off", n, len(p.Factors()))
			}
			p.enrollApp()
		},
		"operator's reset and verify": func(i int, p *person) {
			b := w.plantPending(p).on(second)
			code := p.Next()
			duel(i, func() { verified(b.validate(code)) }, func() { w.Must(auth.ResetAccess(ctx, p.ID)) })
			fresh(w.Nodes[0], b).out("the sign-in of before")
			if n := sessions(p); n != 0 || len(p.Factors()) != 0 {
				t.Errorf("%d sessions, %d factors after the reset", n, len(p.Factors()))
			}
			p.enrollApp()
		},
		"confirm and confirm": func(i int, p *person) {
			var done atomic.Int32
			have := len(p.Factors())
			one, other := w.plantSession(p), w.plantSession(p).on(second)
			confirm := func(b *browser) func() {
				r := b.Post("/tf-setup", m{"setup": "authenticator", "add": have < 5}).Want(200)
				code := testkit.ReadApp(w.T, r.Text("tf_authr_b32key")).Code(w.Now())
				return func() {
					if b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code}).Status == 200 {
						done.Add(1)
					}
				}
			}
			duel(i, confirm(one), confirm(other))
			want := have + 1
			if have >= 5 {
				want = have
			}
			if done.Load() != 1 || len(p.Factors()) != want || sessions(p) != 1 {
				t.Errorf("%d confirmed, %d factors, want 1 and %d; %d sessions", done.Load(), len(p.Factors()), want,
					sessions(p))
			}
		},
		"sign out and activity": func(i int, p *person) {
			before := sessions(p)
			b := w.plantSession(p)
			there := b.copy().on(second)
			copied := b.copy()
			duel(i, func() { copied.Form("/logout") }, func() { there.Get("/app/user"); there.Get("/me") })
			fresh(w.Nodes[0], b).out("signed out")
			if n := sessions(p); n != before {
				t.Errorf("%d sessions after signing out, want %d", n, before)
			}
		},
		"new phone and send": func(i int, p *person) {
			phones := []string{"+16505551212", "+16505553434"}
			if len(p.Factors()) != 1 || p.Factors()[0].Method != storage.SMS {
				w.Must(auth.ResetAccess(ctx, p.ID))
				p.enrollSMS(phones[(i+1)%2])
			}
			p.Phone = phones[(i+1)%2]
			b, acting := w.plantPending(p).on(second), w.plantSession(p)
			r := acting.Post("/tf-setup", m{"setup": "sms", "phone": phones[i%2]}).Want(200)
			arrived, _ := w.SMS.Last(phones[i%2])
			duel(i, func() { b.Post("/tf-resend", m{}) }, func() {
				acting.Post("/tf-setup/"+r.Text("tf_state_token"),
					m{"code": testkit.Code(arrived.Text)}).Want(200)
			})
			for _, phone := range phones {
				if last, ok := w.SMS.Last(phone); ok {
					b.copy().validate(testkit.Code(last.Text)).Refused("a code of before the change")
				}
			}
			if f := p.Factors(); len(f) != 1 || f[0].Destination != phones[i%2] {
				t.Errorf("factors %+v", f)
			}
			acting.in(p, 2)
		},
		"not me and verify": func(i int, p *person) {
			b, link := w.plantPending(p).on(second), p.newestStop()
			code := p.Next()
			duel(i, func() { verified(b.validate(code)) }, func() { w.browser().Form("/tf-not-me/" + link).Want(200) })
			fresh(w.Nodes[0], b).out("after 'not me'")
			if n := sessions(p); n != 0 {
				t.Errorf("%d sessions survive 'not me'", n)
			}
			w.Must(auth.SetPassword(ctx, p.ID, fmt.Sprintf("another horse %d battery", i))) // for the next link
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
func fresh(n *node, b *browser) *browser { return b.copy().on(n) }
