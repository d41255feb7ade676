package model_test

import (
	"fmt"
	"slices"
	"time"
)

// The expected result of every operation. Each function gets the session of the request, or nil,
// and changes the model as the operation must change the real state.

func (m *model) login(who *session, of *account, password, deviceCookie string, remember, token bool) *want {
	if who != nil || password == "" {
		return refused(400)
	}
	if w := m.password(of, password, ""); w != nil {
		return w
	}
	if of.kept() {
		return refused(400)
	}
	return m.gate(of, "password", deviceCookie, remember, token)
}

// gate is the step after a first factor.
func (m *model) gate(of *account, how, deviceCookie string, remember, token bool) *want {
	w, p := &want{status: 200}, &pending{of: of, how: how, remember: remember}
	if how == "email" && of.unproven && of.password == "" {
		m.readsMail(w, of)
	}
	switch {
	case len(of.factors) == 0 && of.required:
		if p.state = "setup"; of.unproven && !mailbox(how) {
			p.state = "owner"
		}
		if !m.wait(w, p) {
			w.status = 429
		}
	case len(of.factors) == 0:
		m.issue(w, of, grant{level: 1, proofs: m.proven(how, m.now), token: token})
	case m.recognize(w, of, deviceCookie):
		m.issue(w, of, grant{level: 1, trusted: true, by: m.devices[deviceCookie], proofs: m.proven(how, m.now),
			token: token})
	case len(m.choices(p)) == 0: // one thing is not two
		w.status = 400
	case !m.wait(w, p):
		w.status = 429
	}
	return w
}

// password returns nil if the password is right. within is the session or the recovery that asks
// for it.
func (m *model) password(of *account, password, within string) *want {
	key, w := m.firstPlace(of, within)
	switch {
	case w != nil:
		return w
	case password != of.password:
		return refused(400)
	}
	delete(m.budgets, key)
	if of.waits() { // the former system was asked, for the last time
		of.hashes++
	}
	return nil
}

// firstPlace counts a guess at a first factor. Guesses of strangers do not lock out a session or a
// browser that the account trusts, since each has its own budget. A new password starts a new
// count.
func (m *model) firstPlace(of *account, within string) (string, *want) {
	c := claim{
		key: fmt.Sprint("first ", of.name, of.hashes, " ", m.counted(of,
			within)), limit: firstFailures, window: sessionLife,
		hold: firstHold, most: firstMaxHold,
	}
	if !m.reserve(c) {
		return "", refused(429)
	}
	return c.key, nil
}

// caller returns the prefix of the budgets that only the caller has, or "" for a stranger.
func (m *model) caller(of *account, within string) string {
	if within != "" {
		return "in " + within
	}
	if known := m.known(of); known != "" {
		return known
	}
	if d := m.devices[m.device]; d != nil && d.of == of && d.version == of.version {
		return fmt.Sprintf("by %p", d)
	}
	return ""
}

// counted names the callers whose guesses and mails count together: the caller alone, or all
// strangers who entered the address.
func (m *model) counted(of *account, within string) string {
	if own := m.caller(of, within); own != "" {
		return own
	}
	return of.email
}

// as prefixes the name of a transaction with the kind of caller.
func (m *model) as(class string, of *account, session int) string {
	if session != 0 || m.caller(of, "") != "" {
		class += " owner"
	}
	return class + "|"
}

// logout ends the session, the header token that was issued with it, and the pending sign-in that
// the request presents, whichever user it belongs to.
func (m *model) logout(who *session, pendingCookie string) *want {
	if p := m.pendings[pendingCookie]; p != nil {
		p.dead = true
	}
	if who != nil {
		m.end(who.of, who.id)
	}
	return &want{status: 200}
}

func (m *model) verify(who *session, password string, token bool) *want {
	if who == nil {
		return refused(401)
	}
	if password == "" {
		return refused(400)
	}
	of := who.of
	if w := m.password(of, password, fmt.Sprint(who.id)); w != nil {
		return w
	}
	if of.locked {
		return refused(400)
	}
	return m.again(who, "password", token)
}

func (m *model) choose(who *session, cookie, which string) *want {
	p := m.waiting(cookie, who)
	if p == nil || p.state == "setup" || p.state == "owner" || len(m.choices(p)) < 2 {
		return refused(400)
	}
	var chosen *factor
	for _, f := range m.choices(p) {
		if which != "" && (f.ref == which || f.method == which && chosen == nil) {
			chosen = f
		}
	}
	if chosen == nil {
		return refused(400)
	}
	p.state, p.factor = "ready", chosen
	w := &want{status: 200}
	if !m.sendFactor(w, p) {
		w.status = 429
	}
	return w
}

func (m *model) resend(who *session, cookie string) *want {
	p, w, ok := m.waiting(cookie, who), &want{status: 200}, false
	switch {
	case p != nil && p.state == "ready" && p.factor.dest == "": // nothing is sent for it
		return refused(400)
	case p != nil && p.state == "owner":
		ok = m.sendOwner(w, p)
	case p != nil && p.state == "ready":
		ok = m.sendFactor(w, p)
	case who == nil && (p == nil || p.state != "setup"):
		return refused(400)
	default: // what is being set up
		var of *account
		if who != nil {
			of, p = who.of, nil
		} else {
			of = p.of
		}
		d := m.draft(owner(who, p), of)
		if d == nil || d.method == "authenticator" {
			return refused(400)
		}
		ok = m.sendDraft(w, d)
	}
	if !ok {
		w.status = 429
	}
	return w
}

func (m *model) sendDraft(w *want, d *draft) bool {
	return d.method == "authenticator" ||
		m.send(w, fmt.Sprint("claimed|draft ", d.id), fmt.Sprint("setup ", d.id), d.method, d.dest, d.version)
}

var rescues = []string{"help", "email", "recovery_code", "recovery_request"}

func (m *model) rescue(who *session, cookie, option string) *want {
	p := m.waiting(cookie, who)
	if who != nil || p == nil || p.state != "ready" || !slices.Contains(rescues, option) {
		return refused(400)
	}
	if option == "recovery_code" { // nothing is sent for it
		if len(p.of.codes) == 0 {
			return refused(400)
		}
		return &want{status: 200}
	}
	if option == "recovery_request" && p.of.password == "" { // its link asks for it
		return refused(400)
	}
	if option != "help" && (p.of.shut || same(p.how, "email") || m.now.Sub(p.of.resetAt) < rescueBlocked) {
		return refused(400)
	}
	w := &want{status: 200}
	if !m.reserve(claim{key: "rescue1h " + option + p.of.name, limit: 3, window: time.Hour},
		claim{key: "rescue24h " + option + p.of.name, limit: 5, window: sessionLife}) {
		return refused(429)
	}
	if option == "recovery_request" {
		return m.askRecovery(w, p)
	}
	if option == "help" {
		m.announce(w, p.of, "rescue_asked")
		return w
	}
	if !m.open(m.second(p.of)) || !m.send(w, m.as("rescue", p.of, 0)+fmt.Sprint("rescue", p.id),
		fmt.Sprint("rescue ", p.id), "email", p.of.email, p.version) {
		return refused(429)
	}
	m.announce(w, p.of, "rescue_asked")
	p.rescue = true
	return w
}

// validate is the second factor of a sign-in or of a re-authentication, or the first code of an
// enrollment.
func (m *model) validate(who *session, cookie, code string, token bool) *want {
	p := m.waiting(cookie, who)
	if who != nil {
		settingUp := m.draft(owner(who, nil), who.of) != nil
		switch {
		case p == nil && !settingUp: // nothing was asked for
			return refused(400)
		case code == "":
			return refused(400)
		case p == nil:
			return m.confirm(who, nil, "", code, token)
		}
	}
	switch {
	case p == nil || code == "":
		return refused(400)
	case p.state == "setup":
		return m.confirm(nil, p, "", code, token)
	case p.state == "owner":
		return m.proveOwner(who, p, code, token)
	case p.state != "ready":
		return refused(400)
	}
	return m.prove(who, p, code, token)
}

func (m *model) prove(who *session, p *pending, code string, token bool) *want {
	if digits(code) == "" {
		return refused(400) // not a guess
	}
	of, f := p.of, p.factor
	pause, lives := m.second(of), true
	ways := m.lives(of, f, p.session != 0)
	if p.rescue { // it has guesses of its own
		lives = slices.ContainsFunc(ways, func(way []claim) bool {
			return !slices.ContainsFunc(way, func(c claim) bool { return !m.open(c) })
		})
		ways = [][]claim{{{key: "rescue " + of.name, limit: rescueFailures, window: forever, hold: 24 * time.Hour}}}
	}
	guesses := m.first(ways, pause)
	if guesses == nil {
		return refused(429)
	}
	rescued := p.rescue && m.try(fmt.Sprint("rescue ", p.id), "email", of.email, code, p.version)
	switch {
	case rescued:
		m.giveBack(answered(m.as("rescue", of, 0), "email", of.email, pause.key))
		delete(m.budgets, guesses[0].key)
	case lives && m.proves(f, p, code):
		m.giveBack(answered(m.as("proven", of, p.session), f.method, f.dest, pause.key))
		delete(m.budgets, guesses[0].key)
		m.lived(f)
	case lives && f.method == "authenticator" && m.spent(f, code): // no guess
		m.giveBack(map[string]int{pause.key: secondFailures})
		for _, c := range guesses {
			m.giveBack(map[string]int{c.key: c.limit})
		}
		return refused(400)
	default:
		return m.warn(of)
	}
	of.used = append(of.used, code)
	if rescued || f.method == "email" {
		m.reads(of, p.how)
	}
	if !rescued {
		return m.complete(p, who, token)
	}
	p.dead = true
	for _, d := range m.devices {
		d.dead = d.dead || d.of == of // anyone who is rescued has none of them at hand
	}
	w := &want{status: 200}
	by := m.proven(p.how, p.made)
	by.rescued = true
	m.issue(w, of, grant{level: 2, proofs: by, renews: who, token: token})
	m.announce(w, of, "rescued")
	return w
}

// complete completes a sign-in or a re-authentication after the second factor.
func (m *model) complete(p *pending, who *session, token bool) *want {
	p.dead = true
	w := &want{status: 200}
	m.issue(w, p.of, grant{level: 2, proofs: m.proven(p.how, p.made), renews: who, token: token})
	p.of.regained()
	if p.remember && p.session == 0 {
		m.trust(w, p.of)
	}
	return w
}

// warn notifies the owner of the third wrong code within an hour, once an hour.
func (m *model) warn(of *account) *want {
	w := refused(400)
	if !m.reserve(claim{key: "wrong " + of.name, limit: 2, window: time.Hour}) &&
		m.reserve(claim{key: "warned " + of.name, limit: 1, window: time.Hour}) {
		m.announce(w, of, "codes_tried")
	}
	return w
}

func (m *model) proves(f *factor, p *pending, code string) bool {
	if f.soft != nil {
		return false
	}
	if f.method != "authenticator" {
		return m.try(p.key(), f.method, f.dest, code, p.version)
	}
	step, ok := m.step(f.secret, f.last, code)
	if ok {
		f.last = step
	}
	return ok
}

// spent reports whether a code was right and has been used.
func (m *model) spent(f *factor, code string) bool {
	_, ok := m.step(f.secret, 0, code)
	return ok
}

func (m *model) notMe(n *notice) *want {
	taken := n.at.Unix() <= n.of.movedAt.Unix() && n.to != n.of.email // who reads its mailbox has no say
	if n.used || taken || m.now.Sub(n.at) >= noticeLife {
		return refused(400)
	}
	n.used = true
	// Factors that open the account alone are removed if they are of that week or later; the code
	// to the account's own mailbox is kept.
	since := n.at.Add(-noticeLife)
	recent := slices.DeleteFunc(slices.Clone(n.of.firsts), func(f *factor) bool {
		return f.method == "email" || f.made.Before(since)
	})
	sites := slices.DeleteFunc(slices.Clone(n.of.sites), func(f *factor) bool { return f.made.Before(since) })
	if n.of.opens(slices.Concat(recent, sites)...) {
		n.of.sites = slices.DeleteFunc(n.of.sites, func(f *factor) bool { return slices.Contains(sites, f) })
		n.of.firsts = slices.DeleteFunc(n.of.firsts, func(f *factor) bool { return slices.Contains(recent, f) })
	}
	m.change(n.of)
	n.of.shut, n.of.recovery, n.of.leaving = true, nil, nil // anyone who was in may have asked for it
	return &want{status: 200}
}
