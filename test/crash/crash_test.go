package crash_test

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func TestNoCrashBreaksAFlow(t *testing.T) {
	engines := []string{oneEngine()}
	if thorough() && os.Getenv("TWOFOLD_STORE") == "" {
		engines = append(engines, "postgres", "redis")
	}
	for _, engine := range engines {
		for _, f := range allFlows() {
			if thorough() || f.few {
				t.Run(engine+"/"+f.name, func(t *testing.T) {
					t.Parallel()
					f.crash(newSite(t, engine, f.site))
				})
			}
		}
	}
}

func allFlows() []flow  { return slices.Concat(flows, waysIn) }
func oneEngine() string { return cmp.Or(os.Getenv("TWOFOLD_STORE"), "sqlite") }
func every() bool       { return os.Getenv("TWOFOLD_CRASH") == "all" }
func thorough() bool    { return every() || storetest.Thorough() }

// crash runs the flow repeatedly and kills the child at one call after the other. The database
// before a call is the same as after the last write, and nothing happens before the first write. So
// without TWOFOLD_CRASH=all, the child is killed only after writes: after each one on SQLite in a
// thorough run, otherwise after every few.
func (f flow) crash(s *site) {
	start, kills, step := time.Now(), 0, 3
	if every() || thorough() && s.File != "" {
		step = 1
	}
	var reached []string
	for _, after := range []bool{true, false} {
		if !after && !every() {
			break
		}
		for at := 1; ; at += step {
			p := f.start(s)
			where := f.killed(p, at, after)
			if where == "" {
				break
			}
			kills++
			reached = append(reached, where)
			if f.look(p, where); s.Failed() {
				return
			}
		}
	}
	if kills < 1 {
		s.Errorf("the flow was killed %d times", kills)
	}
	s.Logf("%d kills, %.1f s: %s", kills, time.Since(start).Seconds(), strings.Join(reached, ", "))
}

// killed runs the step and returns the call at which the child died, or "" if the step has fewer
// calls.
func (f flow) killed(p *person, at int, after bool) string {
	s := p.s
	s.Helper()
	s.arm(at, after)
	if p.b == nil {
		p.b = s.browser()
	}
	p.b.marked = true
	f.step(p)
	p.b.marked = false
	if s.alive() && s.disarmed() {
		if f.effect(p) == "" {
			s.Fatalf("%s: not killed, and not done", f.name)
		}
		return ""
	}
	return s.dead()
}

// look checks that the state after the crash keeps the promises.
func (f flow) look(p *person, where string) {
	s := p.s
	s.Helper()
	f.sound(p, where)
	done := f.effect(p)
	if p.again != nil && !f.often {
		p.again()
		f.sound(p, where+", and the request again")
		if now := f.effect(p); done != "" && now != done {
			s.Errorf("killed %s: the request works twice: %s, then %s", where, done, now)
		}
		if done = f.effect(p); done != "" {
			p.again()
			if now := f.effect(p); now != done {
				s.Errorf("killed %s: the request works twice after that: %s, then %s", where, done, now)
			}
		}
	}
	if done == "" {
		f.redo(p, where)
	}
	f.sound(p, where+", and done")
	if !p.enters() {
		s.Errorf("killed %s: the owner cannot sign in", where)
	}
	f.sound(p, where+", and signed in")
}

// redo repeats the step from the start, as its owner does after a failure.
func (f flow) redo(p *person, where string) {
	s := p.s
	s.Helper()
	s.pass(time.Hour)
	if p.b = s.browser(); f.signedIn {
		p.b = p.in()
	}
	if f.step(p); f.effect(p) == "" {
		s.Errorf("killed %s: it cannot be done any more: %s", where, strings.Join(p.b.heard, "\n"))
	}
}

// sound runs the doctor and checks the proofs of the account's sessions.
func (f flow) sound(p *person, where string) {
	s := p.s
	s.Helper()
	report, err := s.auth.Checks().Store(s.Context())
	s.must(err)
	for _, problem := range report.Problems {
		s.Errorf("killed %s: the doctor: %s", where, problem)
	}
	if _, there := p.user(); !there || len(p.factors()) == 0 {
		return
	}
	for _, n := range p.living() {
		two := len(n.Proofs) >= 2 || len(n.Proofs) == 1 && n.Proofs[0].UserVerified
		if full := n.Level == storage.TwoFactors && two || n.Trusted; !full {
			s.Errorf("killed %s: a session of %d proofs", where, len(n.Proofs))
		}
	}
}

// enters signs the owner in from the start.
func (p *person) enters() bool {
	s := p.s
	s.Helper()
	s.pass(time.Hour)
	u, there := p.user()
	if !there {
		return false
	}
	if p.email = u.Email; u.ConfirmedAt.IsZero() {
		b := s.browser()
		link := s.linked(p.email, "confirm", func() *testkit.Answer { return b.post("/confirm", m{"email": p.email}) })
		b.post(link, chosen(p.password))
	}
	b, sent := s.browser(), len(s.mails(p.email, ""))+len(s.mails(p.phone, ""))
	if p.comesIn == nil {
		p.comesIn = func(b *browser) *testkit.Answer { return p.logsIn(b, nil) }
	}
	r := p.comesIn(b)
	factors := p.factors()
	if len(factors) > 1 {
		r = b.post("/tf-select", m{"which": "authenticator"})
	}
	if len(factors) > 0 && r.Status == 200 {
		code := ""
		switch to := map[string]string{storage.SMS: p.phone, storage.Email: p.email}[factors[0].Method]; {
		case p.app != nil:
			code = p.next()
		case len(s.mails(p.email, ""))+len(s.mails(p.phone, "")) > sent:
			code = s.code(to)
		}
		r = b.post("/tf-validate", m{"code": code})
	}
	if !b.in() {
		s.Logf("the last answer: %d %s", r.Status, r.Body)
		return false
	}
	return true
}

// disarmed prevents later calls of the step from killing the child, since some happen after its
// answer. It reports whether the child is running.
func (s *site) disarmed() bool {
	s.Helper()
	time.Sleep(20 * time.Millisecond)
	if s.living.Err() != nil {
		return false
	}
	s.arm(0, false)
	return s.living.Err() == nil
}

// alive reports whether the child still answers.
func (s *site) alive() bool {
	return s.browser().send("GET", "/app/user", nil).Status != 0
}
