package model_test

import (
	"fmt"
	"slices"
	"time"
)

// Enrollment of second factors, in a fresh session or in a sign-in that requires one.

// owner returns the owner of the draft.
func owner(s *session, p *pending) string {
	if s != nil {
		return fmt.Sprint("session ", s.id)
	}
	return fmt.Sprint("pending ", p.id)
}

func (m *model) draft(owner string, of *account) *draft {
	d := m.drafts[owner]
	if d == nil || d.of != of || d.version != of.version || !m.now.Before(d.until) {
		return nil
	}
	return d
}

// begin starts an enrollment. The answer contains the draft's token and secret.
func (m *model) begin(who *session, cookie, method, phone, name string, add bool) *want {
	var p *pending
	if who == nil {
		if p = m.waiting(cookie, nil); p == nil || p.state != "setup" {
			return refused(400)
		}
	} else if !m.fresh(who, freshForUs) {
		return refused(401)
	}
	how := cameBy(who, p)
	if who == nil {
		add = add && p.lost == nil
	}
	if same(how, method) {
		return refused(400) // it cannot become the second factor of what it began
	}
	if who != nil && !who.of.mayFollow(method, add) {
		return refused(400)
	}
	if of := actor(who, p); of.unproven && method != "email" && (p == nil || p.lost == nil) {
		if who == nil {
			return refused(400)
		}
		return m.proofFirst(who, cookie)
	}
	d := &draft{id: m.id(), method: method, name: name, add: add, until: m.now.Add(draftLife)}
	if who != nil {
		d.of = who.of
	} else {
		d.of = p.of
	}
	d.version = d.of.version
	w := &want{status: 200}
	switch method {
	case "sms":
		d.dest = phone
	case "email":
		d.dest = d.of.email
	}
	if !m.reserve(setUps(d.of)) {
		return refused(429)
	}
	m.drafts[owner(who, p)] = d
	if !m.sendDraft(w, d) {
		return refused(429) // the draft stands, its code can be asked for
	}
	w.draft = d
	if who != nil {
		if p := m.waiting(cookie, who); p != nil { // its page takes the code of the newest step
			p.dead = true
		}
	}
	return w
}

// cameBy returns the first factor of a session or of a pending sign-in.
func cameBy(who *session, p *pending) string {
	if who != nil {
		return who.how
	}
	return p.how
}

func actor(who *session, p *pending) *account {
	if who != nil {
		return who.of
	}
	return p.of
}

// draftClaims returns the budgets of a draft's code. A code that proves the address counts with all
// others that do.
func (m *model) draftClaims(of *account, d *draft, own string) []claim {
	if d.method == "email" && of.unproven {
		return []claim{m.second(of), mailedClaim(of)}
	}
	return []claim{second("draft " + own)}
}

// rightDraft releases the places that a correct code of a draft used. A mailed code also proves the
// address.
func (m *model) rightDraft(of *account, d *draft, guesses []claim, how string) {
	m.giveBack(answered("claimed|", d.method, d.dest, guesses[0].key))
	if len(guesses) > 1 {
		delete(m.budgets, guesses[1].key)
	}
	if d.method == "email" {
		m.reads(of, how)
	}
}

func setUps(of *account) claim {
	return claim{key: "set-ups " + of.name, limit: setupHour, window: time.Hour}
}

// enrolls reports whether a code is the first one of the new factor.
func (m *model) enrolls(d *draft, f *factor, code string) (ok bool) {
	if d.method != "authenticator" {
		return m.try(fmt.Sprint("setup ", d.id), d.method, d.dest, code, d.version)
	}
	f.last, ok = m.step(d.secret, -1, code)
	return ok
}

// confirm activates a draft. Everything issued before is invalid, except the current browser, which
// gets a new session.
func (m *model) confirm(who *session, p *pending, state, code string, token bool) *want {
	if who == nil && p == nil {
		return refused(401)
	}
	of, own := (*account)(nil), owner(who, p)
	if who != nil {
		of = who.of
	} else {
		of = p.of
	}
	d := m.draft(own, of)
	if code == "" || d == nil || state != "" && state != d.token {
		return refused(400)
	}
	if digits(code) == "" {
		return refused(400)
	}
	how := cameBy(who, p)
	if same(how, d.method) {
		return refused(400) // proven again in between, by the same thing
	}
	guesses := m.draftClaims(of, d, own)
	if !m.reserve(guesses...) {
		return refused(429)
	}
	f := &factor{id: m.id(), method: d.method, dest: d.dest, name: d.name, secret: d.secret, primary: !d.add ||
		len(of.factors) == 0}
	if !m.enrolls(d, f, code) {
		return refused(400)
	}
	m.rightDraft(of, d, guesses, how)
	of.used = append(of.used, code)
	delete(m.drafts, own)
	if p != nil {
		p.dead = true
	}
	kept := of.factors
	// It replaces the first factor, but not a passkey.
	ends := p != nil && p.lost != nil || p == nil && who.rescued
	if i := slices.IndexFunc(kept, func(k *factor) bool { return k.soft == nil }); !d.add && i >= 0 {
		kept = slices.Delete(slices.Clone(kept), i, i+1)
	}
	if p != nil && p.lost != nil {
		kept = slices.DeleteFunc(slices.Clone(of.factors), func(k *factor) bool { return k == p.lost })
	}
	// The same phone or mailbox replaces itself.
	kept = slices.DeleteFunc(slices.Clone(kept), func(k *factor) bool {
		same := f.dest != "" && k.method == f.method && k.dest == f.dest
		f.primary = f.primary || same && k.primary
		return same
	})
	if len(kept) >= maxFactors {
		return refused(400)
	}
	for _, k := range kept {
		k.primary = k.primary && !f.primary
	}
	of.factors = ordered(append(kept, f))
	w := &want{status: 200}
	m.announce(w, of, "factor_changed")
	if ends {
		m.endCodes(w, of)
	}
	m.change(of)
	if who != nil {
		m.renew(w, who, grant{level: 2, proofs: m.proven(who.how, who.first)})
		return w
	}
	of.regained()
	m.issue(w, of, grant{level: 2, proofs: m.proven(p.how, p.made), token: token})
	if p.remember {
		m.trust(w, of)
	}
	return w
}

func (m *model) disable(who *session) *want {
	switch {
	case who == nil:
		return refused(400)
	case !m.fresh(who, freshForUs):
		return refused(401)
	case who.of.required:
		return refused(400)
	}
	return m.disableAll(who)
}

func (m *model) disableAll(who *session) *want {
	who.of.factors = nil
	m.change(who.of)
	w := &want{status: 200}
	m.announce(w, who.of, "factor_disabled")
	m.renew(w, who, grant{level: 1, proofs: proofs{how: who.how, first: who.first, newest: who.first}})
	return w
}
