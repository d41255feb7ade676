package security_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// plenty raises the limits so that they do not interfere with a test.
func plenty(c *twofold.Config) {
	c.Advanced.Limits = limit.Limits{SecondFailures: 10, SendGap: time.Nanosecond, SendShort: 1000, SendDay: 1000,
		SendAddress: 100_000, AddressFailures: 100_000}
}

// walk is a browser that takes steps and tracks what they may allow.
type walk struct {
	b      *browser
	a, v   *person
	last   *person // whose first factor was proven last
	proven bool    // and the user's second one after that
}

// steps holds the steps that can be tried in any order.
func (k *walk) steps() []func() {
	w := k.b.w
	first := func(p *person) func() {
		return func() {
			if k.b.Get("/app/user").Status == 200 {
				k.b.Post("/login", m{"email": p.Email, "password": secret}).Want(400)
				return
			}
			k.b.Jar["twofold-pending"] = w.plantPending(p).Jar["twofold-pending"]
			k.last, k.proven = p, false
		}
	}
	second := func(p *person, code func() string) func() {
		return func() {
			k.b.validate(code())
			k.proven = k.proven || k.last == p
		}
	}
	newest := func(p *person) func() string {
		return func() string {
			if mail, ok := w.Mail.Last(p.Email); ok {
				return testkit.Code(mail.Text)
			}
			return "000000"
		}
	}
	post := func(path string, body m) func() { return func() { k.b.Post(path, body) } }
	return []func(){
		first(k.a), first(k.v),
		post("/login", m{"email": k.a.Email, "password": ""}),
		post("/tf-select", m{"which": "email"}), post("/tf-select", m{"which": "authenticator"}),
		post("/tf-select", m{"which": ""}),
		post("/tf-resend", nil),
		second(k.a, k.a.Next), second(k.v, k.v.Next), second(k.a, newest(k.a)), second(k.v, newest(k.v)),
		post("/tf-validate", m{"code": k.a.Wrong()}), post("/tf-validate", m{}),
		post("/tf-rescue", m{"help_setup": "email"}), post("/tf-rescue", m{"help_setup": "help"}),
		post("/tf-setup", m{"setup": "authenticator"}),
		func() { k.b.Get("/login") },
		func() { k.b.Post("/logout", nil); k.last = nil },
	}
}

// TestR017_StepsInAnyOrder tries all pairs of steps after a first factor and a choice, and random
// sequences of five. No sequence signs in without both factors of one account since the start of
// the last sign-in.
func TestR017_StepsInAnyOrder(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice").enrollMail(), w.withApp("victor").enrollMail()
	probe := &walk{b: w.browser(), a: a, v: v}
	n := len(probe.steps())
	var orders [][]int
	for i := range n {
		for j := range n {
			orders = append(orders, []int{0, 4, i, j})
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		orders = append(orders, []int{r.IntN(2), r.IntN(n), r.IntN(n), r.IntN(n), r.IntN(n)})
	}
	inside := 0
	for _, order := range orders {
		k := &walk{b: w.browser(), a: a, v: v}
		steps := k.steps()
		for _, i := range order {
			steps[i]()
			r := k.b.Get("/app/user")
			_, who, in := strings.Cut(r.Body, "signed in as ")
			if !in {
				continue
			}
			inside++
			if k.last == nil || !k.proven || !strings.HasPrefix(who, k.last.Email+" ") {
				t.Errorf("steps %v: in as %s without his two factors", order, who)
			}
		}
		w.Advance(16 * time.Minute)
	}
	if inside < 20 {
		t.Errorf("only %d orders led in: this test would not see a hole", inside)
	}
}

// TestR024_APendingSignInEndsWithItsConditions checks that a pending sign-in ends after ten minutes, and at
// once when anything it depends on changes.
func TestR024_APendingSignInEndsWithItsConditions(t *testing.T) {
	w := newWorld(t)
	a, ctx := w.withApp("alice"), t.Context()
	inTime, late := w.plantPending(a), w.plantPending(a)
	w.Advance(10*time.Minute - time.Second)
	inTime.validate(a.Code(0)).Want(200)
	spent := w.browser()
	spent.Jar["twofold-pending"] = late.Jar["twofold-pending"]
	w.Advance(2 * time.Second)
	w.Advance(30 * time.Second)
	late.validate(a.Code(0)).Want(400).Refused("after ten minutes")
	late.out("after ten minutes")

	auth := w.Nodes[0].Auth
	changes := map[string]func(b *browser) error{
		"logout":        func(b *browser) error { b.copy().Post("/logout", nil).Want(200); return nil },
		"new password":  func(*browser) error { return auth.SetPassword(ctx, a.ID, "another horse 71 battery") },
		"new address":   func(*browser) error { return auth.SetIdentity(ctx, a.ID, "alice2@good.test", "") },
		"switched off":  func(*browser) error { return auth.SetActive(ctx, a.ID, false) },
		"factor change": func(*browser) error { a.enrollMail(); return nil },
		"success":       func(b *browser) error { b.copy().validate(a.Next()).Want(200); return nil },
	}
	// The change of the factor comes last, because the account has no app after it.
	for _, name := range []string{"logout", "new password", "new address", "switched off", "success", "factor change"} {
		change := changes[name]
		b := w.plantPending(a)
		b.Post("/tf-select", m{"which": "authenticator"})
		w.Must(change(b))
		b.validate(a.Next()).Want(400).Refused(name)
		b.out("after: " + name)
		w.Must(auth.SetActive(ctx, a.ID, true))
		w.Must(auth.SetIdentity(ctx, a.ID, a.Email, ""))
	}
	b := w.plantPending(a)
	w.Must(auth.ResetAccess(ctx, a.ID))
	b.validate(a.Next()).Want(400).Refused("factors removed")
	b.out("factors removed")
}

// TestR025_ErrorsAreRefusals checks that no error signs anyone in.
func TestR025_ErrorsAreRefusals(t *testing.T) {
	w := newWorld(t)
	a, s := w.withApp("alice"), w.person("susan").enrollSMS("+16505551212")
	b := w.plantPending(a)
	for _, code := range []string{a.Wrong(), s.Texted(), "\x01\x02", strings.Repeat("9", 900), "null", "true"} {
		b.validate(code).Refused("garbage " + code[:2])
		w.Advance(time.Minute)
	}
	b.out("garbage")

	w.SMS.FailWith(errors.New("the gateway refuses"))
	b = w.browser()
	// The wire contract requires a 500 here; the sign-in stays pending.
	if r := b.login(s); r.Status != 500 || b.Jar["twofold"] != "" {
		t.Errorf("gateway refuses: status %d", r.Status)
	}
	b.out("gateway refuses")
	b.validate("000000").Refused("no code was sent")
	w.SMS.FailWith(nil)

	w.Advance(time.Hour)
	wrongKey := func(c *twofold.Config) { c.Key = twofold.KeyText(twofold.NewKey()) }
	w.Restart(wrongKey)
	b = w.plantPending(a)
	// A fault of the operator causes a 503, and no guess is counted.
	b.validate(a.Next()).Want(503).Refused("wrong key")
	b.out("wrong key")
	if !strings.Contains(w.Log.String(), "factor cannot be verified") {
		t.Error("the operator is not told that a factor's secret does not open")
	}
	n := w.Restart()
	b = w.plantPending(a)
	w.Must(n.Store.Close())
	b.validate(a.Next()).Want(503).Refused("store closed")
	if r := b.Get("/app/user"); r.Status != 401 && r.Status != 503 {
		t.Errorf("store closed: status %d", r.Status)
	}
	stolen := w.browser()
	stolen.Jar["twofold"] = strings.Repeat("A", 43)
	if r := stolen.Get("/app/user"); r.Status != 503 {
		t.Errorf("a session that cannot be looked up: status %d, want 503", r.Status)
	}
	b.on(w.Restart()).out("afterwards")
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}

// TestR026_ClientCannotDeclareItDone checks that no field, header or query skips a step.
func TestR026_ClientCannotDeclareItDone(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.plantPending(a)
	for _, field := range []m{
		{"method": "passkey"}, {"method": "none"}, {"method": ""}, {"skip": "1"}, {"verified": true},
		{"two_factor": false},
		{"aal": 2}, {"success": true}, {"tf_required": false}, {"tf_state": "done"}, {"level": 2}, {"remember": true},
	} {
		b.Post("/tf-validate", field).Want(400).Refused("declared")
		field["code"] = a.Wrong()
		w.write(`DELETE FROM twofold_counters`) // the budget is another test's matter
		b.Post("/tf-validate", field).Want(400).Refused("declared with a wrong code")
		b.Post("/tf-select", field).Refused("declared at the choice")
	}
	for _, q := range []string{"skip=1", "verified=true", "two_factor=false", "aal=2", "method=none", "debug=1",
		"next=/app/two"} {
		b.Post("/tf-validate?"+q, m{}).Want(400).Refused(q)
		b.out(q)
	}
	for name, value := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Original-URL": "/app/two", "X-Rewrite-URL": "/app/two", "X-Skip-2FA": "1",
		"X-Debug":          "1",
		"X-Forwarded-User": a.Email, "Remote-User": a.Email, "X-Real-IP": "127.0.0.1",
	} {
		b.Post("/tf-validate", m{}, name, value).Want(400).Refused(name)
		c := b.copy()
		c.Header[name] = value
		c.out(name)
	}
	for _, cookie := range []string{"tf_validity", "two_factor", "verified", "tf_done", "trusted"} {
		c := b.copy()
		c.Jar[cookie] = "1"
		c.validate(a.Wrong()).Refused("cookie " + cookie)
		c.out("cookie " + cookie)
		w.Advance(16 * time.Minute)
		b = w.plantPending(a)
	}
	declared := w.browser()
	declared.Post("/login", m{"email": a.Email, "password": secret, "two_factor": false}).Want(200)
	declared.out("declared at sign-in")
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}
