package model_test

import (
	"fmt"
	"slices"
	"time"
)

// Unified sign-in: one field accepts a password or a code, and the first factor of a sign-in is
// never its second factor too.

// firstKey identifies the code of a channel that a browser requested.
func firstKey(asked, channel string) string { return "first " + asked + " " + channel }

func againKey(who *session, channel string) string { return fmt.Sprint("again ", who.id, " ", channel) }

// firstOf returns an account's first factor of a method.
func (a *account) firstOf(method string) *factor {
	for _, f := range a.firsts {
		if f.soft == nil && f.method == method {
			return f
		}
	}
	return nil
}

// sendFirst sends a code instead of a password. If the account has no such factor, nothing is sent,
// and the answer is the same.
func (m *model) sendFirst(t *turn, of *account, channel string) *want {
	if t.who != nil || channel != "email" && channel != "sms" {
		return refused(400)
	}
	w := &want{status: 200, asks: true}
	w.learn = func(answer) error { return m.sent(t, w, of, channel) }
	return w
}

// The code can be recorded only when the answer has set the browser's cookie.
func (m *model) sent(t *turn, w *want, of *account, channel string) error {
	asked := t.b[askedCookie]
	ok := m.reserve(
		claim{key: "gap " + asked + channel, limit: 1, window: sendGap},
		claim{key: "first10m " + channel + of.name + m.counted(of, ""), limit: sendShort, window: 10 * time.Minute})
	if !ok {
		w.status = 429
		return nil
	}
	for _, other := range []string{"email", "sms"} { // only the newest is good
		delete(m.codes, firstKey(asked, other))
	}
	c := &challenge{channel: channel, tries: codeTries, until: m.now.Add(codeLife), dest: "nobody"}
	m.codes[firstKey(asked, channel)] = c
	if f := of.firstOf(channel); f != nil && !of.kept() {
		c.of, c.dest, c.version = of, f.dest, of.version
		w.sends = append(w.sends, c)
		if channel == "email" {
			l := &link{kind: "us_code", to: f.dest, of: of, version: of.version, asked: asked,
				at: m.now.Truncate(time.Second), life: codeLife, code: c}
			c.link = l
		}
	}
	return nil
}

// passcode returns the method by which a text proves the first factor, or refuses. The library is
// configured to try codes before the password. within is the session that re-authenticates.
func (m *model) passcode(of *account, text, within string, key func(channel string) string) (string, *want) {
	c, w := m.firstPlace(of, within)
	if w != nil {
		return "", w
	}
	how := ""
	for _, method := range []string{"email", "authenticator", "sms", "password"} {
		f := of.firstOf(method)
		switch {
		case method == "password" && text == of.password:
			how = method
		case method == "password":
		case method == "authenticator":
			if f == nil || digits(text) == "" || m.first(m.begins(of, f, within)) == nil {
				continue
			}
			if step, ok := m.step(f.secret, f.last, text); ok {
				f.last, how = step, method
				m.lived(f) // from whichever browser it was right
				delete(m.budgets, fmt.Sprint("factor ", f.id, " first"))
			}
		default:
			if m.tryFirst(of, f, key(method), method, text) {
				how = method
			}
		}
		if how == "" {
			continue
		}
		if within == "" && (how == "email" || how == "sms") {
			m.giveBack(map[string]int{"first10m " + how + of.name + m.counted(of, ""): sendShort})
		}
		delete(m.budgets, c)
		if how != "password" {
			of.used = append(of.used, text)
		}
		if of.kept() {
			return "", refused(400)
		}
		return how, nil
	}
	return "", refused(400)
}

// lives returns the budgets that lock a factor, in the order in which they are tried: strangers
// have half of the total, and a network that signed in before a quarter.
func (m *model) lives(of *account, f *factor, within bool) [][]claim {
	life := claim{key: fmt.Sprint("factor ", f.id), limit: factorFailures, window: forever}
	if within || m.caller(of, "") != "" {
		return [][]claim{{life}}
	}
	ways := [][]claim{{life, {key: life.key + " strangers", limit: factorFailures / 2, window: forever}}}
	if m.near(of) {
		ways = append(ways, []claim{life, {key: life.key + " networks", limit: factorFailures / 4, window: forever}})
	}
	return ways
}

// first reserves a place in the first open budgets and in the others with them, or returns nil.
func (m *model) first(ways [][]claim, more ...claim) []claim {
	for _, way := range ways {
		if m.reserve(slices.Concat(way, more)...) {
			return way
		}
	}
	return nil
}

// lived resets the guesses at a factor.
func (m *model) lived(f *factor) {
	delete(m.budgets, fmt.Sprint("factor ", f.id))
	delete(m.budgets, fmt.Sprint("factor ", f.id, " strangers"))
	delete(m.budgets, fmt.Sprint("factor ", f.id, " networks"))
}

// begins returns the budgets of an app's code as a first factor: strangers have a quarter of the
// total.
func (m *model) begins(of *account, f *factor, within string) [][]claim {
	ways := m.lives(of, f, within != "")
	if len(ways[0]) > 1 {
		first := claim{key: fmt.Sprint("factor ", f.id, " first"), limit: factorFailures / 4, window: forever}
		ways[0] = append(ways[0], first)
	}
	return ways
}

// tryFirst tries the code of a channel. A code mailed for another account is a wrong one.
func (m *model) tryFirst(of *account, f *factor, key, channel, text string) bool {
	dest := "nowhere"
	if f != nil {
		dest = f.dest
	}
	version := of.version
	if c := m.codes[key]; c == nil || c.of != of {
		version = -1
	}
	return m.try(key, channel, dest, text, version)
}

func (m *model) unified(t *turn, of *account, text string, remember bool) *want {
	if t.who != nil || text == "" {
		return refused(400)
	}
	asked := t.b[askedCookie]
	how, w := m.passcode(of, text, "", func(channel string) string { return firstKey(asked, channel) })
	if w != nil {
		return w
	}
	return m.gate(of, how, t.b[deviceCookie], remember, t.token)
}

// follow clicks the button of the link sent with a mailed code, which is equivalent to the code.
func (m *model) follow(t *turn, l *link, meant bool) *want {
	if t.who != nil || !m.stands(l) || !meant && (l.asked == "" || l.asked != t.b[askedCookie]) {
		return refused(400)
	}
	f := l.of.firstOf("email")
	if f == nil || !m.tryFirst(l.of, f, firstKey(l.asked, "email"), "email", l.code.code) {
		return refused(400)
	}
	m.giveBack(map[string]int{"first10m email" + l.of.name + m.counted(l.of, ""): sendShort})
	if l.of.kept() {
		return refused(400)
	}
	return m.gate(l.of, "email", t.b[deviceCookie], false, t.token)
}

func (m *model) firstVerify(t *turn, text string) *want {
	who := t.who
	if who == nil {
		return refused(401)
	}
	if text == "" {
		return refused(400)
	}
	how, w := m.passcode(who.of, text, fmt.Sprint(who.id),
		func(channel string) string { return againKey(who, channel) })
	if w != nil {
		return w
	}
	return m.again(who, how, t.token)
}

// again continues after the first factor of a re-authentication.
func (m *model) again(who *session, how string, token bool) *want {
	w, p := &want{status: 200}, &pending{of: who.of, how: how, session: who.id}
	switch {
	case len(who.of.factors) == 0:
		m.issue(w, who.of, grant{level: 1, proofs: m.proven(how, m.now), renews: who, token: token})
	case len(m.choices(p)) == 0:
		w.status = 400
	case !m.wait(w, p):
		w.status = 429
	}
	return w
}

func (m *model) sendAgain(who *session, channel string) *want {
	if who == nil {
		return refused(401)
	}
	f := who.of.firstOf(channel)
	if channel != "email" && channel != "sms" || f == nil {
		return refused(400)
	}
	w := &want{status: 200}
	if !m.send(w, fmt.Sprint("again owner|again ", who.id), againKey(who, channel), channel, f.dest, who.of.version) {
		return refused(429)
	}
	w.sends[0].of = who.of
	return w
}

// firstOwner returns the owner of a draft of a first factor.
func firstOwner(who *session) string { return fmt.Sprint("first ", who.id) }

func (m *model) beginFirst(t *turn, method, phone string) *want {
	who := t.who
	switch {
	case who == nil:
		return refused(401)
	case method == "":
		return refused(400)
	case !m.fresh(who, freshForUs):
		return refused(401)
	case !slices.Contains([]string{"email", "sms", "authenticator"}, method):
		return refused(400)
	}
	if who.of.unproven && method != "email" {
		return m.proofFirst(who, t.cookie)
	}
	d := &draft{of: who.of, id: m.id(), version: who.of.version, method: method, until: m.now.Add(draftLife)}
	if d.dest = map[string]string{"email": who.of.email, "sms": phone}[method]; !m.reserve(setUps(who.of)) {
		return refused(429)
	}
	m.drafts[firstOwner(who)] = d
	w := &want{status: 200}
	if !m.sendDraft(w, d) {
		return refused(429)
	}
	w.draft = d
	return w
}

func (m *model) confirmFirst(who *session, state, code string) *want {
	if who == nil {
		return refused(401)
	}
	of, own := who.of, firstOwner(who)
	d := m.draft(own, of)
	if d == nil || d.token != state || digits(code) == "" {
		return refused(400)
	}
	guesses := m.draftClaims(of, d, own)
	if !m.reserve(guesses...) {
		return refused(429)
	}
	f := &factor{id: m.id(), method: d.method, dest: d.dest, secret: d.secret, usage: useFirst, made: m.now}
	if !m.enrolls(d, f, code) {
		return refused(400)
	}
	m.rightDraft(of, d, guesses, who.how)
	of.used = append(of.used, code)
	delete(m.drafts, own)
	of.firsts = append(slices.DeleteFunc(of.firsts, func(o *factor) bool {
		return o.soft == nil &&
			o.method == f.method
	}), f)
	return m.firstChanged(who, "first_factor_changed")
}

func (m *model) removeFirst(who *session, method string) *want {
	if who == nil || !m.fresh(who, freshForUs) {
		return refused(401)
	}
	f := who.of.firstOf(method)
	if f == nil || !who.of.opens(f) {
		return refused(400)
	}
	who.of.firsts = slices.DeleteFunc(who.of.firsts, func(o *factor) bool { return o == f })
	return m.firstChanged(who, "first_factor_removed")
}

func (m *model) firstChanged(who *session, kind string) *want {
	w := &want{status: 200}
	m.change(who.of)
	m.announce(w, who.of, kind)
	m.carry(w, who)
	w.of = nil
	return w
}
