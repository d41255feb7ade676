package security_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const storm = 50

// rounds is the number of attempts for each single-use operation.
func rounds() int {
	if storetest.Thorough() {
		return 20
	}
	return 4
}

// submit sends the same request fifty times at once, half to each of two nodes, and counts the
// responses by status. It returns every browser that got a session.
func (w *world) submit(send func(i int, n *node) (*browser, *answer)) (statuses map[int]int, in []*browser) {
	w.T.Helper()
	browsers, answers := make([]*browser, storm), make([]*answer, storm)
	testkit.Par(storm, func(i int) { browsers[i], answers[i] = send(i, w.Nodes[i%2]) })
	statuses = map[int]int{}
	for i, r := range answers {
		statuses[r.Status]++
		if r.Cookie("twofold") != "" {
			in = append(in, browsers[i])
		}
	}
	return statuses, in
}

// once checks that one request succeeds, all others are refused, and one session is added.
func (w *world) once(what string, statuses map[int]int, in []*browser, sessions int) {
	w.T.Helper()
	total := 0
	for s, n := range statuses {
		total += n
		if s != 200 && s != 400 && s != 401 && s != 429 {
			w.T.Errorf("%s: %d replies with status %d", what, n, s)
		}
	}
	cookies := map[string]bool{} // who sends the same answer twice gets the same session
	for _, b := range in {
		cookies[b.Jar["twofold"]] = true
	}
	if statuses[200] == 0 || statuses[200] != len(in) || len(cookies) != 1 || total != storm {
		w.T.Errorf("%s: statuses %v, %d sessions handed out, want one success", what, statuses, len(in))
	}
	if n := w.count("sessions"); n != sessions {
		w.T.Errorf("%s: %d sessions stored, want %d", what, n, sessions)
	}
}

// TestR144_TOTPStepOnceInParallel uses five sign-ins at once, so that only the TOTP step can detect
// the reuse.
func TestR144_TOTPStepOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.Start(nil)
	a := w.withApp("alice")
	for round := range rounds() {
		w.Advance(16 * time.Minute)
		var pendings []*browser
		for range 5 {
			pendings = append(pendings, w.plantPending(a))
		}
		sessions := w.count("sessions")
		code := a.Code(0)
		statuses, in := w.submit(func(i int, n *node) (*browser, *answer) {
			b := pendings[i%5].copy().on(n)
			return b, b.validate(code)
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions+1)
		for _, b := range in {
			b.in(a, 2)
		}
	}
}

// TestR144_PendingOnceInParallel checks that three valid codes for one sign-in open one session.
func TestR144_PendingOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.Start(nil)
	a := w.withApp("alice")
	for round := range rounds() {
		w.Advance(16 * time.Minute)
		pending, sessions := w.plantPending(a), w.count("sessions")
		statuses, in := w.submit(func(i int, n *node) (*browser, *answer) {
			b := pending.copy().on(n)
			return b, b.validate(a.Code(int64(i%3) - 1))
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions+1)
	}
}

// TestR144_SentCodesOnceInParallel covers mail and SMS.
func TestR144_SentCodesOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.Start(nil)
	for _, p := range []*person{w.person("erika").enrollMail(), w.person("susan").enrollSMS("+16505551212")} {
		read := p.Mailed
		if p.Phone != "" {
			read = p.Texted
		}
		for round := range rounds() {
			w.Advance(16 * time.Minute)
			pending := w.plantPending(p)
			pending.Post("/tf-resend", m{}).Want(200)
			sessions, code := w.count("sessions"), read()
			statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
				b := pending.copy().on(n)
				return b, b.validate(code)
			})
			w.once(fmt.Sprint(p.Name, " round ", round), statuses, in, sessions+1)
		}
	}
}

// TestR144_DraftOnceInParallel checks for one factor and one renewed session.
func TestR144_DraftOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.Start(nil)
	for round := range rounds() {
		w.Advance(16 * time.Minute)
		p := w.person(fmt.Sprintf("person%d", round))
		session := w.plantSession(p)
		r := session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
		code := testkit.ReadApp(w.T, r.Text("tf_authr_b32key")).Code(w.Now())
		sessions := w.count("sessions") // the old one goes, the new one comes
		statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
			b := session.copy().on(n)
			return b, b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code})
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions)
		if f := p.Factors(); len(f) != 1 {
			t.Errorf("round %d: %d factors", round, len(f))
		}
	}
}

// TestR145_ConsumeThenGrant fails each write of a sign-in and of an enrollment in turn, before or
// after it is done (as a crash between two writes would). No failure signs the user in, no code
// works twice, no factor is stored in part, and the person can still sign in.
func TestR145_ConsumeThenGrant(t *testing.T) {
	w := newWorld(t, plenty)
	f := &faulty{}
	w.Start(f.wrap)
	for _, after := range []bool{false, true} {
		writes := 0
		for k := 1; k < 20; k++ {
			name := fmt.Sprintf("app%v%d", after, k)
			a := w.withApp(name)
			b := w.plantPending(a).on(w.Nodes[1])
			w.write(`UPDATE twofold_pendings SET remember = 1 WHERE user_id = ?`, a.ID)
			old, code := b.copy(), a.Next()
			f.arm(k, after)
			r := b.validate(code)
			failed := f.disarm()
			w.afterFailure(name, failed, a, b, old, code, r)
			if failed == "" {
				break
			}
			writes++
		}
		if writes < 4 {
			t.Errorf("a sign-in has %d writes that can fail: this test looks in the wrong place", writes)
		}
	}
}

// afterFailure checks the invariants after a write has failed, or after none has.
func (w *world) afterFailure(name, failed string, a *person, b, old *browser, code string, r *answer) {
	w.T.Helper()
	if failed == "" {
		r.Want(200)
		b.in(a, 2)
	} else if r.Status == 200 && b.Jar["twofold"] != "" {
		b.in(a, 2) // what failed came after the grant and takes nothing back
	} else {
		r.Refused(name + ": " + failed + " failed")
		b.out(name + ": " + failed + " failed")
	}
	granted := map[string]bool{} // a repeated answer gets the session that was granted
	for _, again := range []*browser{old.copy().on(w.Nodes[0]), w.plantPending(a)} {
		if again.validate(code).Status == 200 {
			granted[again.Jar["twofold"]] = true
		}
	}
	if session := b.Jar["twofold"]; session != "" {
		granted[session] = true
	}
	if len(granted) > 1 {
		w.T.Errorf("%s: %s failed: the code worked %d times", name, failed, len(granted))
	}
	w.Advance(16 * time.Minute)
	c := w.plantPending(a)
	c.validate(a.Next()).Want(200)
	c.in(a, 2)
}

// TestR145_SetUpIsAllOrNothing does the same for the enrollment of a second factor.
func TestR145_SetUpIsAllOrNothing(t *testing.T) {
	w := newWorld(t, plenty)
	f := &faulty{}
	w.Start(f.wrap)
	for _, after := range []bool{false, true} {
		writes := 0
		for k := 1; k < 20; k++ {
			p := w.withApp(fmt.Sprintf("setup%v%d", after, k))
			old := *p
			session := w.plantSession(p).on(w.Nodes[1])
			d := session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
			key := testkit.ReadApp(w.T, d.Text("tf_authr_b32key"))
			f.arm(k, after)
			r := session.Post("/tf-setup/"+d.Text("tf_state_token"),
				m{"code": testkit.App(key).At(w.Now().Unix() / 30)})
			failed := f.disarm()
			if failed != "" && r.Status != 200 {
				r.Refused(failed + " failed")
			}
			factors := p.Factors()
			if len(factors) != 1 || len(factors[0].Secret) == 0 {
				t.Errorf("%s failed: factors %+v", failed, factors)
			}
			w.Advance(16 * time.Minute)
			withOld := w.plantPending(p).validate(old.Code(0)).Status
			withNew := w.plantPending(p).validate(testkit.App(key).At(w.Now().Unix() / 30)).Status
			if (withOld == 200) == (withNew == 200) {
				t.Errorf("%s failed: the old app answers %d, the new one %d; want one of them to work", failed, withOld,
					withNew)
			}
			if failed == "" {
				if withNew != 200 {
					t.Error("nothing failed, and the new app does not work")
				}
				break
			}
			writes++
		}
		if writes < 4 {
			t.Errorf("a set-up has %d writes that can fail: this test looks in the wrong place", writes)
		}
	}
}

// TestR146_StoreTroubleIsRefusal holds the write lock for longer than any request waits.
func TestR146_StoreTroubleIsRefusal(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	right, wrong := w.plantPending(a), w.plantPending(a)
	old, code := right.copy(), a.Next()
	release := w.DB.Block()
	answers := make([]*answer, 2)
	testkit.Par(2, func(i int) {
		if i == 0 {
			answers[0] = right.validate(code)
		} else {
			answers[1] = wrong.validate(a.Wrong())
		}
	})
	for _, r := range answers {
		r.Want(503).Refused("store locked")
		if r.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	right.out("store locked")
	release()
	granted := 0
	for _, b := range []*browser{old.copy(), w.plantPending(a), w.plantPending(a)} {
		if b.validate(code).Status == 200 {
			granted++
		}
	}
	if granted > 1 {
		t.Errorf("afterwards the code worked %d times", granted)
	}
	w.Advance(16 * time.Minute)
	b := w.plantPending(a)
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}

// TestR148_Clock checks that setting the clock back makes no spent step, expired code or lock valid
// again, and that setting it forward only expires things.
func TestR148_Clock(t *testing.T) {
	w := newWorld(t)
	a, e := w.withApp("alice"), w.person("erika").enrollMail()
	code := a.Next()
	w.plantPending(a).validate(code).Want(200)
	b := w.plantPending(e)
	b.Post("/tf-resend", m{}).Want(200)
	mailed := e.Mailed()
	w.Advance(5*time.Minute + time.Second)
	b.validate(mailed).Want(400).Refused("expired")
	w.Advance(-5 * time.Minute)
	b.validate(mailed).Want(400).Refused("expired code after a step back")
	w.plantPending(a).validate(code).Want(400).Refused("spent step after a step back")
	w.Advance(-time.Minute)
	w.plantPending(a).validate(a.Code(0)).Want(400).Refused("a step before the spent one")
	w.Advance(20 * time.Minute)
	for range 5 {
		w.plantPending(a).validate(a.Wrong()).Want(400)
	}
	w.Advance(-5 * time.Minute)
	w.plantPending(a).validate(a.Code(0)).Want(429).Refused("locked, after a step back")
	w.Advance(21 * time.Minute)
	c := w.plantPending(a)
	c.validate(a.Code(0)).Want(200)
	// The clocks of two nodes differ by two seconds.
	ahead := w.Start(nil, func(cfg *twofold.Config) {
		cfg.Advanced.Now = func() time.Time { return w.Now().Add(2 * time.Second) }
	})
	code = a.Next()
	var granted atomic.Int32
	pendings := []*browser{w.plantPending(a), w.plantPending(a).on(ahead)}
	testkit.Par(2, func(i int) {
		if pendings[i].validate(code).Status == 200 {
			granted.Add(1)
		}
	})
	if granted.Load() != 1 {
		t.Errorf("the code worked %d times on two nodes", granted.Load())
	}
	c.in(a, 2)
}

// TestR149_RestartAndNodes runs each step of each flow on another node, with a restart between
// steps.
func TestR149_RestartAndNodes(t *testing.T) {
	w := newWorld(t, with(limit.Limits{SendGap: time.Nanosecond}))
	w.Start(nil)
	p := w.person("alice")
	b, step := w.browser(), 0
	next := func() *browser {
		step++
		if step%3 == 0 {
			w.Restart()
			w.Start(nil)
		}
		return b.on(w.Nodes[step%2])
	}
	next().login(p, m{"remember": true}).Want(200)
	r := next().Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	next().Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	next().in(p, 2)
	old := b.copy()
	next().Post("/logout", m{}).Want(200)
	time.Sleep(1100 * time.Millisecond) // another node may remember a session for a second
	for _, n := range w.Nodes {
		old.on(n).out("ended on another node")
	}
	next().login(p, m{"remember": true}).Want(200)
	next().validate(p.Wrong()).Want(400)
	code := p.Next()
	next().validate(code).Want(200)
	next().in(p, 2)
	c := w.plantPending(p).on(w.Nodes[1])
	c.validate(code).Want(400).Refused("code used on another node")
	device := b.only("tf_validity")
	next()
	if r := device.login(p).Want(200); r.JSON["tf_required"] != false {
		t.Errorf("the trusted device is not known on another node: %s", r.Body)
	}
	e := w.person("erika").enrollMail()
	b = w.plantPending(e)
	next().Post("/tf-resend", m{}).Want(200)
	mailed := e.Mailed()
	next().validate(mailed).Want(200)
	next().in(e, 2)
	session := b.copy()
	next()
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), e.ID, "another horse 73 battery"))
	time.Sleep(1100 * time.Millisecond)
	for _, n := range w.Nodes {
		session.on(n).out("password changed on another node")
	}
	if strings.Contains(w.Log.String(), "panic") {
		t.Error("the log speaks of a panic")
	}
}
