package model_test

import (
	"fmt"
	"slices"
	"time"
)

// Passkeys: which responses a challenge accepts, and what they lead to.

const (
	passkeyMethod   = "webauthn"
	useFirst        = "first"
	useSecond       = "secondary"
	questionLife    = 5 * time.Minute
	passkeyFailures = 4
	maxPasskeys     = 10
	questionTries   = 5
)

// question is a passkey challenge. It is answered once, where it was issued, and accepts a limited
// number of wrong responses.
type question struct {
	tries        int
	owner, token string
	options      []byte
	of           *account // nil: anyone who signs in
	version      int
	allowed      []*soft // if bound
	bound, must  bool    // must: its user has to be verified
	name, usage  string  // of one that is made
	link         *link   // of an invitation, which it is about
	until        time.Time
}

// signed is a response with its signer, its challenge and its content.
type signed struct {
	by         *soft
	to         *question
	made       bool // of a passkey that was made
	verified   bool
	counter    uint32
	handle     string // whose it says it is
	state, raw string
}

func (m *model) put(w *want, q *question) *want {
	q.until = m.now.Add(questionLife)
	if q.of != nil {
		q.version = q.of.version
	}
	w.question = q
	return w
}

// answered finds a challenge. over reports that it existed but has expired.
func (m *model) answered(owner, token string, of *account) (q *question, over bool) {
	q = m.questions[owner]
	if q == nil || q.token != token || q.of != of || of != nil && q.version != of.version {
		return nil, false
	}
	if !m.now.Before(q.until) {
		return nil, true
	}
	return q, false
}

// registered returns the factor of a passkey and its account, or nil.
func (m *model) registered(k *soft) (*account, *factor) {
	for _, a := range m.accounts {
		for _, f := range a.passkeys() {
			if f.soft == k {
				return a, f
			}
		}
	}
	return nil, nil
}

// passkeys returns an account's passkeys of both uses.
func (a *account) passkeys(uses ...string) (out []*factor) {
	for _, f := range slices.Concat(a.factors, a.firsts) {
		if f.soft != nil && (len(uses) == 0 || slices.Contains(uses, f.usage)) {
			out = append(out, f)
		}
	}
	return out
}

func softs(in []*factor) (out []*soft) {
	for _, f := range in {
		out = append(out, f.soft)
	}
	return out
}

// named returns an account's passkey with a name, or nil.
func (a *account) named(name string) *factor {
	for _, f := range a.passkeys() {
		if f.name == name {
			return f
		}
	}
	return nil
}

// try counts a well-formed response. It returns false if there were too many.
func (q *question) try() bool {
	q.tries++
	return q.tries <= questionTries
}

// examine returns the factor that a response proves, or the refusal. Wrong responses of an owner
// are counted.
func (m *model) examine(q *question, a *signed, uses ...string) (*account, *factor, *want) {
	c := claim{limit: passkeyFailures, window: 15 * time.Minute, hold: 15 * time.Minute}
	if q.of != nil {
		if c.key = "passkey " + q.of.name + " " + m.caller(q.of, ""); !m.reserve(c) {
			return nil, nil, refused(429)
		}
	}
	if a == nil || !q.try() {
		return nil, nil, refused(400)
	}
	of, f := m.registered(a.by)
	switch {
	case f == nil, q.of != nil && of != q.of, !slices.Contains(uses, f.usage), q.bound &&
		!slices.Contains(q.allowed, a.by),
		a.made, a.handle != f.handle, a.to != q, q.must && !a.verified:
		return nil, nil, refused(400)
	case (a.counter != 0 || f.counter != 0) && a.counter <= f.counter: // someone has a copy
		w := refused(400)
		m.announce(w, of, "passkey_copied")
		delete(m.questions, q.owner)
		return nil, nil, w
	}
	f.counter = a.counter
	delete(m.questions, q.owner)
	delete(m.budgets, c.key)
	return of, f, nil
}

// enrolling returns the sign-in that must enroll a second factor and is at that step.
func (m *model) enrolling(who *session, cookie string) *pending {
	if p := m.waiting(cookie, nil); who == nil && p != nil && p.state == "setup" {
		return p
	}
	return nil
}

// newPasskey starts a registration.
func (m *model) newPasskey(who *session, cookie, name, usage string) *want {
	p := m.enrolling(who, cookie)
	if p == nil && (who == nil || !m.fresh(who, freshForUs)) {
		return refused(401)
	}
	of := actor(who, p)
	if name == "" || usage != useFirst && usage != useSecond || of.named(name) != nil ||
		len(of.passkeys()) >= maxPasskeys {
		return refused(400)
	}
	switch {
	case !of.unproven || p != nil && p.lost != nil:
	case p != nil:
		return refused(400)
	default:
		return m.proofFirst(who, cookie)
	}
	if !m.reserve(setUps(of)) {
		return refused(429)
	}
	if p != nil {
		usage = useSecond
	}
	return m.put(&want{status: 200}, &question{owner: "create " + owner(who, p), of: of, name: name, usage: usage})
}

// addPasskey completes the registration. A second factor counts for the session at once.
func (m *model) addPasskey(who *session, cookie, token string, a *signed, wantToken bool) *want {
	p := m.enrolling(who, cookie)
	if p == nil && (who == nil || !m.fresh(who, freshForUs)) {
		return refused(401)
	}
	of := actor(who, p)
	q, _ := m.answered("create "+owner(who, p), token, of)
	if q == nil || of.named(q.name) != nil || len(of.passkeys()) >= maxPasskeys {
		return refused(400)
	}
	if a == nil || !q.try() || !a.made || a.to != q {
		return refused(400)
	}
	delete(m.questions, q.owner)
	if p != nil {
		p.dead = true
	}
	if _, taken := m.registered(a.by); taken != nil {
		return refused(400)
	}
	f := &factor{id: m.id(), method: passkeyMethod, name: q.name, soft: a.by, usage: q.usage, counter: a.counter,
		handle: a.handle, made: m.now}
	w := &want{status: 200}
	switch {
	case f.usage == useFirst:
		of.firsts = append(of.firsts, f)
		m.change(of)
		m.renew(w, who, grant{level: who.level, trusted: who.trusted, proofs: who.proofs, token: wantToken})
	case p != nil:
		kept := slices.DeleteFunc(slices.Clone(of.factors), func(k *factor) bool { return k == p.lost })
		f.primary = len(of.factors) == 0 || p.lost != nil && p.lost.primary
		of.factors = ordered(append(kept, f))
		if p.lost != nil {
			m.endCodes(w, of)
		}
		m.change(of)
		of.regained()
		m.issue(w, of, grant{level: 2, proofs: m.proven(p.how, p.made), token: wantToken})
		if p.remember {
			m.trust(w, of)
		}
	default:
		f.primary = len(of.factors) == 0
		of.factors = ordered(append(of.factors, f))
		if who.rescued {
			m.endCodes(w, of)
		}
		m.change(of)
		m.renew(w, who, grant{level: 2, proofs: m.proven(who.how, who.first)})
	}
	m.announce(w, of, "passkey_added")
	return w
}

func (m *model) dropPasskey(who *session, name string) *want {
	if who == nil || !m.fresh(who, freshForUs) {
		return refused(401)
	}
	of, f := who.of, who.of.named(name)
	if f == nil {
		return refused(400)
	}
	if f.usage == useSecond {
		w := m.remove(who, f)
		if w.status == 200 {
			w.of = of
		}
		return w
	}
	if !of.opens(f) {
		return refused(400)
	}
	of.firsts = slices.DeleteFunc(of.firsts, func(o *factor) bool { return o == f })
	m.change(of)
	w := &want{status: 200}
	m.announce(w, of, "passkey_removed")
	m.carry(w, who)
	return w
}

// awaits returns the sign-in that waits for a passkey as its second factor.
func (m *model) awaits(cookie string, who *session) *pending {
	if p := m.waiting(cookie, who); p != nil && p.state == "ready" && p.factor.method == passkeyMethod {
		return p
	}
	return nil
}

func (m *model) askSecond(p *pending) *want {
	return m.put(&want{status: 200}, &question{
		owner: fmt.Sprint("second ", p.id), of: p.of, bound: true, allowed: softs(p.of.passkeys(useSecond)),
	})
}

// askPasskey issues a challenge for the second factor if one is expected, otherwise for the first
// factor of a named account or any account.
func (m *model) askPasskey(who *session, cookie string, hint *account) *want {
	if who != nil {
		return refused(400)
	}
	if p := m.awaits(cookie, nil); p != nil {
		return m.askSecond(p)
	}
	q := &question{owner: "first"}
	if hint != nil {
		q.bound = true
		if hint.active {
			q.allowed = softs(hint.passkeys(useFirst))
		}
	}
	return m.put(&want{status: 200}, q)
}

// first returns the owner of a challenge for the first factor, which is the browser that requested
// it.
func first(asked, token string) string { return "first " + asked + " " + token }

func (m *model) passkey(t *turn, token string, a *signed, remember bool) *want {
	if t.who != nil {
		return refused(400)
	}
	if p := m.awaits(t.cookie, nil); p != nil {
		q, over := m.answered(fmt.Sprint("second ", p.id), token, p.of)
		if q != nil {
			return m.bySecond(p, nil, q, a, t.token)
		}
		if over {
			return refused(400)
		}
	}
	q, _ := m.answered(first(t.b[askedCookie], token), token, nil)
	if q == nil {
		return refused(400)
	}
	of, _, w := m.examine(q, a, useFirst)
	switch {
	case w != nil:
		return w
	case of.kept():
		return refused(400)
	case !a.verified:
		return m.gate(of, passkeyMethod, t.b[deviceCookie], remember, t.token)
	}
	// Possession of the key and user verification are two factors.
	if p := m.pendings[t.cookie]; p != nil {
		p.dead = true
	}
	w = &want{status: 200}
	m.issue(w, of, grant{level: 2, proofs: m.proven(passkeyMethod, m.now), token: t.token})
	of.regained()
	return w
}

func (m *model) bySecond(p *pending, who *session, q *question, a *signed, token bool) *want {
	if _, _, w := m.examine(q, a, useSecond); w != nil {
		return w
	}
	return m.complete(p, who, token)
}

// askAgain issues a challenge for re-authentication. If the account has a second factor, only a
// passkey that verifies its user is accepted.
func (m *model) askAgain(who *session, cookie string) *want {
	if who == nil {
		return refused(401)
	}
	if p := m.awaits(cookie, who); p != nil {
		return m.askSecond(p)
	}
	return m.put(&want{status: 200}, &question{
		owner: fmt.Sprint("verify ", who.id), of: who.of, bound: true, allowed: softs(who.of.passkeys()),
		must: len(who.of.factors) > 0,
	})
}

func (m *model) passkeyAgain(t *turn, token string, a *signed) *want {
	who := t.who
	if who == nil {
		return refused(401)
	}
	if p := m.awaits(t.cookie, who); p != nil {
		q, over := m.answered(fmt.Sprint("second ", p.id), token, p.of)
		if q != nil {
			return m.bySecond(p, who, q, a, t.token)
		}
		if over {
			return refused(400)
		}
	}
	q, _ := m.answered(fmt.Sprint("verify ", who.id), token, who.of)
	if q == nil {
		return refused(400)
	}
	of, _, w := m.examine(q, a, useFirst, useSecond)
	if w != nil {
		return w
	}
	if of.locked {
		return refused(400)
	}
	g := grant{level: 1, proofs: m.proven(passkeyMethod, m.now), renews: who, token: t.token}
	if a.verified {
		g.level = 2
		of.regained()
	}
	w = &want{status: 200}
	m.issue(w, of, g)
	return w
}
