package model_test

import (
	"fmt"
	"slices"
	"time"
)

// Mailed links: each is single-use, expires, and ends when anything that it depends on changes.

const (
	resetLife     = time.Hour
	changeLife    = 2 * time.Hour
	recoveryWait  = 24 * time.Hour
	recoveryLife  = 24 * time.Hour
	linkHour      = 3
	rescueBlocked = 24 * time.Hour // after a reset through the mailbox
)

// link is a mailed link.
type link struct {
	kind, to, token string
	of              *account
	version         int
	data            string // the address that is to be; what made it
	asked           string // the cookie of the browser that asked
	at              time.Time
	active          bool // as the account was then
	life            time.Duration
	code            *challenge // of the code alongside it
}

// recovery is a request to sign in without the second factor.
type recovery struct {
	link         *link
	version      int
	lost         *factor
	opens, until time.Time
}

func (m *model) mail(w *want, l *link) {
	l.version, l.at, l.active = l.of.version, m.now.Truncate(time.Second), l.of.active
	w.letters = append(w.letters, l)
}

// stands reports whether everything that a link depends on is unchanged.
func (m *model) stands(l *link) bool {
	return l != nil && l.version == l.of.version && m.now.Sub(l.at) < l.life
}

// links claims one mailed link.
func (m *model) links(kind string, of *account) bool {
	return m.reserve(linkClaim(kind, of.email+m.caller(of, "")))
}

func linkClaim(kind, of string) claim {
	return claim{key: "link1h " + kind + " " + of, limit: linkHour, window: time.Hour}
}

// mailbox reports whether the first factor was sent by mail, so that no mailed code counts as the
// second one.
func mailbox(how string) bool { return how == "email" || how == "confirm" || how == "reset" }

// same reports whether a factor is the same thing as the first factor of a sign-in. An account at
// the other site counts as the mailbox, because most such accounts can be opened through one.
func same(how, method string) bool {
	return how == method && method != passkeyMethod || method == "email" && (mailbox(how) || how == siteMethod)
}

func (m *model) askReset(of *account) *want {
	if !m.links("reset", of) {
		return refused(429)
	}
	w := &want{status: 200}
	switch {
	case of.unconfirmed && of.active: // that link sets a password too
		m.mail(w, &link{kind: "confirm", to: of.email, of: of, life: confirmLife})
	case !of.kept():
		m.mail(w, &link{kind: "reset", to: of.email, of: of, life: resetLife})
	}
	return w
}

// reset sets a password. Second factors are kept. In the browser that requested it, the link is a
// first factor too.
func (m *model) reset(t *turn, l *link, password string) *want {
	if password == "" || !m.stands(l) || l.of.kept() {
		return refused(400)
	}
	of, w := l.of, &want{status: 200}
	of.password, of.resetAt = password, m.now
	of.hashes++
	if of.unproven {
		m.dropPlanted(of)
		if of.never {
			of.factors, of.codes = nil, nil
		}
	}
	m.proved(of)
	m.change(of)
	who := t.who
	if who != nil && who.of == of {
		who = nil
	}
	if who == nil && l.asked != "" && l.asked == t.b[askedCookie] {
		p := &pending{of: of, how: "reset"}
		if len(of.factors) == 0 || len(m.choices(p)) > 0 {
			w = m.gate(of, "reset", "", false, false)
		}
		w.status = 200 // even if a code has to wait: the password is set
	}
	m.announce(w, of, "password_reset")
	if w.note == nil { // the owner reads the account's mail here
		m.remember(w, of)
	}
	return w
}

func (m *model) askChange(who *session, email string) *want {
	switch {
	case who == nil:
		return refused(401)
	case email == "":
		return refused(400)
	case !m.fresh(who, freshForUs):
		return refused(401)
	case !m.reserve(linkClaim("change", who.of.name), linkClaim("change", who.of.name+" "+email)):
		return refused(429)
	}
	w := &want{status: 200, of: who.of}
	m.announce(w, who.of, "email_wanted")
	kind := "change_email"
	if slices.ContainsFunc(m.accounts, func(a *account) bool { return a.email == email }) {
		kind = "email_wanted" // its owner is told, and no link goes out
	}
	m.mail(w, &link{kind: kind, to: email, of: who.of, data: email, life: changeLife})
	return w
}

// moved replaces the address by the one to which the link was mailed.
func (m *model) moved(who *session, l *link) *want {
	switch {
	case !m.stands(l) || l.kind != "change_email":
		return refused(400)
	case who == nil: // a click alone moves no address
		return refused(401)
	case who.of != l.of:
		return refused(400)
	}
	if slices.ContainsFunc(m.accounts, func(a *account) bool { return a.email == l.data }) {
		l.life = 0 // spent anyway
		return refused(400)
	}
	of, w := l.of, &want{status: 200}
	m.announce(w, of, "identity_changed")
	for _, f := range slices.Concat(of.factors, of.firsts) {
		if f.method == "email" && f.dest == of.email {
			f.dest = l.data
		}
	}
	of.email = l.data
	of.isProven()
	m.announce(w, of, "identity_changed")
	m.change(of)
	m.carry(w, who)
	w.of = nil
	return w
}

// askRecovery stores a request. A pending one is kept unchanged.
func (m *model) askRecovery(w *want, p *pending) *want {
	of := p.of
	if r := of.recovery; r != nil && r.version == of.version && m.now.Before(r.until) {
		return w
	}
	l := &link{kind: "recovery", to: of.email, of: of, life: 31 * 24 * time.Hour}
	m.mail(w, l)
	of.recovery = &recovery{link: l, version: of.version, lost: p.factor, opens: m.now.Add(recoveryWait),
		until: m.now.Add(recoveryWait + recoveryLife)}
	m.announce(w, of, "recovery_asked")
	for _, f := range m.choices(p) {
		if f.method == "sms" {
			w.texts = append(w.texts, f.dest)
		}
	}
	return w
}

// waits returns the request of a link if it still exists.
func (m *model) waits(l *link) *recovery {
	if !m.stands(l) || l.of.recovery == nil || l.of.recovery.link != l || !l.of.active ||
		!m.now.Before(l.of.recovery.until) {
		return nil
	}
	return l.of.recovery
}

// recover leads to an enrollment that replaces the lost factor, and to nothing else.
func (m *model) recover(t *turn, l *link, password string) *want {
	r := m.waits(l)
	if t.who != nil || password == "" || r == nil || m.now.Before(r.opens) {
		return refused(400)
	}
	of := l.of
	if w := m.password(of, password, fmt.Sprintf("recovery %p", r)); w != nil {
		return w
	}
	if of.locked {
		return refused(400)
	}
	of.recovery = nil
	m.reads(of, "password")
	for _, d := range m.devices {
		d.dead = d.dead || d.of == of
	}
	w := &want{status: 200}
	m.announce(w, of, "rescued")
	m.wait(w, &pending{of: of, how: "password", state: "setup", lost: r.lost})
	return w
}

func (m *model) cancel(who *session) *want {
	switch {
	case who == nil:
		return refused(401)
	case who.of.recovery == nil || who.of.recovery.version != who.of.version || !m.now.Before(who.of.recovery.until):
		return refused(404)
	}
	who.of.recovery = nil
	return &want{status: 200}
}

// regained ends the recovery, because a user who proved a second factor has not lost it.
func (a *account) regained() { a.shut, a.recovery = false, nil }

func (l *link) String() string { return fmt.Sprint(l.kind, " to ", l.to) }
