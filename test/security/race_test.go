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
	w.t.Helper()
	browsers, answers := make([]*browser, storm), make([]*answer, storm)
	par(storm, func(i int) { browsers[i], answers[i] = send(i, w.nodes[i%2]) })
	statuses = map[int]int{}
	for i, r := range answers {
		statuses[r.status]++
		if r.cookie("twofold") != "" {
			in = append(in, browsers[i])
		}
	}
	return statuses, in
}

// once checks that one request succeeds, all others are refused, and one session is added.
func (w *world) once(what string, statuses map[int]int, in []*browser, sessions int) {
	w.t.Helper()
	total := 0
	for s, n := range statuses {
		total += n
		if s != 200 && s != 400 && s != 401 && s != 429 {
			w.t.Errorf("%s: %d replies with status %d", what, n, s)
		}
	}
	cookies := map[string]bool{} // who sends the same answer twice gets the same session
	for _, b := range in {
		cookies[b.jar["twofold"]] = true
	}
	if statuses[200] == 0 || statuses[200] != len(in) || len(cookies) != 1 || total != storm {
		w.t.Errorf("%s: statuses %v, %d sessions handed out, want one success", what, statuses, len(in))
	}
	if n := w.count("sessions"); n != sessions {
		w.t.Errorf("%s: %d sessions stored, want %d", what, n, sessions)
	}
}

// TestR144_TOTPStepOnceInParallel uses five sign-ins at once, so that only the TOTP step can detect
// the reuse.
func TestR144_TOTPStepOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.start(nil)
	a := w.withApp("alice")
	for round := range rounds() {
		w.advance(16 * time.Minute)
		var pendings []*browser
		for range 5 {
			pendings = append(pendings, w.plantPending(a))
		}
		sessions := w.count("sessions")
		code := a.code(0)
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
	w.start(nil)
	a := w.withApp("alice")
	for round := range rounds() {
		w.advance(16 * time.Minute)
		pending, sessions := w.plantPending(a), w.count("sessions")
		statuses, in := w.submit(func(i int, n *node) (*browser, *answer) {
			b := pending.copy().on(n)
			return b, b.validate(a.code(int64(i%3) - 1))
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions+1)
	}
}

// TestR144_SentCodesOnceInParallel covers mail and SMS.
func TestR144_SentCodesOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.start(nil)
	for _, p := range []*person{w.person("erika").enrollMail(), w.person("susan").enrollSMS("+16505551212")} {
		read := p.mailed
		if p.phone != "" {
			read = p.texted
		}
		for round := range rounds() {
			w.advance(16 * time.Minute)
			pending := w.plantPending(p)
			pending.post("/tf-resend", m{}).want(200)
			sessions, code := w.count("sessions"), read()
			statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
				b := pending.copy().on(n)
				return b, b.validate(code)
			})
			w.once(fmt.Sprint(p.name, " round ", round), statuses, in, sessions+1)
		}
	}
}

// TestR144_DraftOnceInParallel checks for one factor and one renewed session.
func TestR144_DraftOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.start(nil)
	for round := range rounds() {
		w.advance(16 * time.Minute)
		p := w.person(fmt.Sprintf("person%d", round))
		session := w.plantSession(p)
		r := session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
		code := totp(decode(w, r.text("tf_authr_b32key")), w.Now().Unix()/30)
		sessions := w.count("sessions") // the old one goes, the new one comes
		statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
			b := session.copy().on(n)
			return b, b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": code})
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions)
		if f := p.factors(); len(f) != 1 {
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
	w.start(f.wrap)
	for _, after := range []bool{false, true} {
		writes := 0
		for k := 1; k < 20; k++ {
			name := fmt.Sprintf("app%v%d", after, k)
			a := w.withApp(name)
			b := w.plantPending(a).on(w.nodes[1])
			w.write(`UPDATE twofold_pendings SET remember = 1 WHERE user_id = ?`, a.id)
			old, code := b.copy(), a.next()
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
	w.t.Helper()
	if failed == "" {
		r.want(200)
		b.in(a, 2)
	} else if r.status == 200 && b.jar["twofold"] != "" {
		b.in(a, 2) // what failed came after the grant and takes nothing back
	} else {
		r.refused(name + ": " + failed + " failed")
		b.out(name + ": " + failed + " failed")
	}
	granted := map[string]bool{} // a repeated answer gets the session that was granted
	for _, again := range []*browser{old.copy().on(w.nodes[0]), w.plantPending(a)} {
		if again.validate(code).status == 200 {
			granted[again.jar["twofold"]] = true
		}
	}
	if session := b.jar["twofold"]; session != "" {
		granted[session] = true
	}
	if len(granted) > 1 {
		w.t.Errorf("%s: %s failed: the code worked %d times", name, failed, len(granted))
	}
	w.advance(16 * time.Minute)
	c := w.plantPending(a)
	c.validate(a.next()).want(200)
	c.in(a, 2)
}

// TestR145_SetUpIsAllOrNothing does the same for the enrollment of a second factor.
func TestR145_SetUpIsAllOrNothing(t *testing.T) {
	w := newWorld(t, plenty)
	f := &faulty{}
	w.start(f.wrap)
	for _, after := range []bool{false, true} {
		writes := 0
		for k := 1; k < 20; k++ {
			p := w.withApp(fmt.Sprintf("setup%v%d", after, k))
			old := *p
			session := w.plantSession(p).on(w.nodes[1])
			d := session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
			key := decode(w, d.text("tf_authr_b32key"))
			f.arm(k, after)
			r := session.post("/tf-setup/"+d.text("tf_state_token"), m{"code": totp(key, w.Now().Unix()/30)})
			failed := f.disarm()
			if failed != "" && r.status != 200 {
				r.refused(failed + " failed")
			}
			factors := p.factors()
			if len(factors) != 1 || len(factors[0].Secret) == 0 {
				t.Errorf("%s failed: factors %+v", failed, factors)
			}
			w.advance(16 * time.Minute)
			withOld := w.plantPending(p).validate(old.code(0)).status
			withNew := w.plantPending(p).validate(totp(key, w.Now().Unix()/30)).status
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
	old, code := right.copy(), a.next()
	release := w.place.block()
	answers := make([]*answer, 2)
	par(2, func(i int) {
		if i == 0 {
			answers[0] = right.validate(code)
		} else {
			answers[1] = wrong.validate(a.wrong())
		}
	})
	for _, r := range answers {
		r.want(503).refused("store locked")
		if r.header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	right.out("store locked")
	release()
	granted := 0
	for _, b := range []*browser{old.copy(), w.plantPending(a), w.plantPending(a)} {
		if b.validate(code).status == 200 {
			granted++
		}
	}
	if granted > 1 {
		t.Errorf("afterwards the code worked %d times", granted)
	}
	w.advance(16 * time.Minute)
	b := w.plantPending(a)
	b.validate(a.next()).want(200)
	b.in(a, 2)
}

// TestR148_Clock checks that setting the clock back makes no spent step, expired code or lock valid
// again, and that setting it forward only expires things.
func TestR148_Clock(t *testing.T) {
	w := newWorld(t)
	a, e := w.withApp("alice"), w.person("erika").enrollMail()
	code := a.next()
	w.plantPending(a).validate(code).want(200)
	b := w.plantPending(e)
	b.post("/tf-resend", m{}).want(200)
	mailed := e.mailed()
	w.advance(5*time.Minute + time.Second)
	b.validate(mailed).want(400).refused("expired")
	w.advance(-5 * time.Minute)
	b.validate(mailed).want(400).refused("expired code after a step back")
	w.plantPending(a).validate(code).want(400).refused("spent step after a step back")
	w.advance(-time.Minute)
	w.plantPending(a).validate(a.code(0)).want(400).refused("a step before the spent one")
	w.advance(20 * time.Minute)
	for range 5 {
		w.plantPending(a).validate(a.wrong()).want(400)
	}
	w.advance(-5 * time.Minute)
	w.plantPending(a).validate(a.code(0)).want(429).refused("locked, after a step back")
	w.advance(21 * time.Minute)
	c := w.plantPending(a)
	c.validate(a.code(0)).want(200)
	// The clocks of two nodes differ by two seconds.
	ahead := w.start(nil, func(cfg *twofold.Config) {
		cfg.Advanced.Now = func() time.Time { return w.Now().Add(2 * time.Second) }
	})
	code = a.next()
	var granted atomic.Int32
	pendings := []*browser{w.plantPending(a), w.plantPending(a).on(ahead)}
	par(2, func(i int) {
		if pendings[i].validate(code).status == 200 {
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
	w.start(nil)
	p := w.person("alice")
	b, step := w.browser(), 0
	next := func() *browser {
		step++
		if step%3 == 0 {
			w.restart()
			w.start(nil)
		}
		return b.on(w.nodes[step%2])
	}
	next().login(p, m{"remember": true}).want(200)
	r := next().post("/tf-setup", m{"setup": "authenticator"}).want(200)
	p.app = decode(w, r.text("tf_authr_b32key"))
	next().post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.code(0)}).want(200)
	next().in(p, 2)
	old := b.copy()
	next().post("/logout", m{}).want(200)
	time.Sleep(1100 * time.Millisecond) // another node may remember a session for a second
	for _, n := range w.nodes {
		old.on(n).out("ended on another node")
	}
	next().login(p, m{"remember": true}).want(200)
	next().validate(p.wrong()).want(400)
	code := p.next()
	next().validate(code).want(200)
	next().in(p, 2)
	c := w.plantPending(p).on(w.nodes[1])
	c.validate(code).want(400).refused("code used on another node")
	device := b.only("tf_validity")
	next()
	if r := device.login(p).want(200); r.json["tf_required"] != false {
		t.Errorf("the trusted device is not known on another node: %s", r.body)
	}
	e := w.person("erika").enrollMail()
	b = w.plantPending(e)
	next().post("/tf-resend", m{}).want(200)
	mailed := e.mailed()
	next().validate(mailed).want(200)
	next().in(e, 2)
	session := b.copy()
	next()
	w.must(w.nodes[0].auth.SetPassword(t.Context(), e.id, "another horse 73 battery"))
	time.Sleep(1100 * time.Millisecond)
	for _, n := range w.nodes {
		session.on(n).out("password changed on another node")
	}
	if strings.Contains(w.log.String(), "panic") {
		t.Error("the log speaks of a panic")
	}
}
