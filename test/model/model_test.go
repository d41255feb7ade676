package model_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// The limits that the library is configured with or has by default.
const (
	idleLife     = time.Hour
	sessionLife  = 24 * time.Hour
	headerLife   = 15 * time.Minute
	pendingLife  = 10 * time.Minute
	draftLife    = 10 * time.Minute
	codeLife     = 5 * time.Minute
	freshForPage = 5 * time.Minute
	freshForUs   = 15 * time.Minute
	deviceLife   = 12 * time.Hour
	deviceGrace  = 10 * time.Second
	noticeLife   = 7 * 24 * time.Hour
	maxFactors   = 10
	maxPendings  = 5
	codeTries    = 5
)

type account struct {
	name             string // never changes: budgets are by it
	email, phone, id string
	password         string
	hashes           int // how often a password was set: a count of guesses ends with what it guards
	born             time.Time
	movedAt          time.Time // by an operator
	signIns          int
	active, required bool
	waiting          bool   // its password was with the former system when it was made
	vouched          bool   // the former system has seen that its address is its owner's
	locked           bool   // by the application
	unproven         bool   // no one has shown that its address is theirs
	never            bool   // nor that any former one was
	provenAs         string // the address that was proven last
	unconfirmed      bool   // so it does not sign in
	shut             bool   // no rescue by mail until a real factor was proven
	resetAt          time.Time
	nearAt           time.Time // of the newest sign-in since the password was set
	recovery         *recovery
	leaving          *leaving  // asked for by the owner
	version          int       // grows whenever everything issued before becomes invalid
	factors          []*factor // second ones, the default first
	firsts           []*factor // with which a sign-in begins, alongside the password
	sites            []*factor // connections to the other site
	codes, former    []string  // recovery codes that are good, and all others he ever had
	used             []string  // codes that were accepted
}

type factor struct {
	id           int
	ref          string // its id outside
	method, dest string
	name         string
	secret       []byte
	last         int64
	primary      bool
	soft         *soft // of a passkey
	usage        string
	counter      uint32
	handle       string
	made         time.Time // of one that begins a sign-in
}

// proofs holds the first factor of a sign-in, the times of its first and newest proof, and whether
// the newest one is a rescue code.
type proofs struct {
	how           string
	first, newest time.Time
	rescued       bool
}

type session struct {
	of                       *account
	id, version, level       int
	trusted, header, dead    bool
	by                       *device // that stood for the second factor
	fresh, seen, idle, until time.Time
	proofs
}

type pending struct {
	of                     *account
	id, version            int
	how                    string // the first factor
	state                  string // ready, select, setup
	factor                 *factor
	lost                   *factor // in the place of which one is set up
	rescue, remember, dead bool
	session                int  // re-authentication of this one
	known                  bool // in a browser that signed in before
	made, until            time.Time
}

type draft struct {
	of                 *account
	id, version        int
	token              string
	method, dest, name string
	secret             []byte
	add                bool
	until              time.Time
}

type challenge struct {
	code, channel, dest string
	of                  *account // of one in place of a password
	link                *link    // that was mailed alongside it
	version, tries      int
	taken               bool
	until               time.Time
}

type device struct {
	of             *account
	version        int
	cookies        []string // the last one is the present one
	rotated, until time.Time
	dead           bool
}

type notice struct {
	of       *account
	kind, to string
	token    string
	used     bool
	at       time.Time
	mute     bool // it has no link: an operator took the address away
}

// model is the expected state.
type model struct {
	now      time.Time
	ids      int
	device   string // cookie of a trusted device that the request shows
	note     string // cookie of what the browser notes, that the request shows
	notes    map[string]*note
	shown    int // addresses that were proven by a code that was asked for
	accounts []*account
	sessions map[string]*session
	pendings map[string]*pending
	former   string                // pending cookie of the browser that signs in
	drafts   map[string]*draft     // by owner
	codes    map[string]*challenge // by purpose and transaction
	devices  map[string]*device    // by every cookie it ever had
	budgets  map[string]*budget
	alive    []*pending

	questions map[string]*question // to passkeys, by owner
	invited   map[string]*link     // the newest invitation of each address
	guests    int                  // who were ever invited
	lasting   []*lasting           // tokens, by age

	signUps     map[string]*signUp // by cookie
	signUpMails []string           // addresses of sign-ups, by age
	joined      int                // accounts that were made through the site
	came        int                // accounts of the former system
	dropped     int                // connections that went when an address was proven, or became another one
}

// want is the expected result of a step. A nil field must not happen.
type want struct {
	status  int
	of      *account // who the answer speaks of
	session *session // in a cookie
	header  *session // in the answer's body
	pending *pending
	device  *device
	draft   *draft
	note    *note

	oauth    *oauthState
	signUp   *signUp
	question *question
	family   *lasting // a refresh token of it, in the answer's body
	personal *lasting
	sends    []*challenge
	letters  []*link
	texts    []string // phones that hear of a recovery
	notices  []*notice
	learn    func(a answer) error // what only the answer says, and is held against
	asks     bool                 // which only the answer can decide
}

func refused(status int) *want { return &want{status: status} }

func (m *model) id() int { m.ids++; return m.ids }

// digits returns a typed code without blanks and dashes, or "" if it is not a code.
func digits(code string) string {
	code = strings.NewReplacer(" ", "", "-", "").Replace(code)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}

// try spends a sent code.
func (m *model) try(key, channel, dest, code string, version int) bool {
	c := m.codes[key]
	code = digits(code)
	if c == nil || code == "" || c.taken || c.tries == 0 || !m.now.Before(c.until) {
		return false
	}
	c.taken = c.code == code && c.channel == channel && c.dest == dest && c.version == version
	if !c.taken {
		c.tries--
	}
	return c.taken
}

// step returns the TOTP period of a code, by RFC 6238 with one period of slack.
func (m *model) step(secret []byte, after int64, code string) (int64, bool) {
	now := m.now.Unix() / 30
	for s := max(now-1, after+1); s <= now+1; s++ {
		if digits(code) == testkit.App(secret).At(s) {
			return s, true
		}
	}
	return 0, false
}

// find returns the session of a token, or nil. A lookup resets its idle time.
func (m *model) find(token string, header bool) *session {
	s := m.peek(token, header)
	if s != nil && !header && m.now.Sub(s.seen) >= idleLife/60 {
		s.seen, s.idle = m.now, m.now.Add(idleLife)
	}
	return s
}

func (m *model) peek(token string, header bool) *session {
	s := m.sessions[token]
	if s == nil || s.dead || s.header != header || !s.of.active || s.version != s.of.version ||
		!m.now.Before(s.idle) || !m.now.Before(s.until) || m.ended(s.by) {
		return nil
	}
	return s
}

// ended reports whether a device that replaced a second factor has ended, and so has everything
// that depends on it. Nil means that nothing depends on a device.
func (m *model) ended(d *device) bool {
	return d != nil && (d.dead || d.version != d.of.version || !m.now.Before(d.until))
}

// waiting returns the pending sign-in of a token, or nil. A sign-in is for callers without a
// session; a re-authentication is for the session that started it.
func (m *model) waiting(token string, who *session) *pending {
	p := m.pendings[token]
	if p == nil || p.dead || p.of.kept() || p.version != p.of.version || !m.now.Before(p.until) {
		return nil
	}
	if who == nil && p.session != 0 || who != nil && p.session != who.id {
		return nil
	}
	return p
}

// fresh is the rule for security changes.
func (m *model) fresh(s *session, within time.Duration) bool {
	return !s.trusted && m.now.Sub(s.fresh) < within && (s.level == 2 || len(s.of.factors) == 0)
}

// grant holds the proofs for which a session is issued.
type grant struct {
	level   int
	trusted bool
	by      *device
	proofs
	renews *session // the new one takes its place
	token  bool     // a header token is wanted alongside it
}

// proven returns the proofs of a sign-in with one factor, or with a second one now.
func (m *model) proven(how string, first time.Time) proofs {
	return proofs{how: how, first: first, newest: m.now}
}

func (m *model) issue(w *want, of *account, g grant) {
	s := &session{
		of: of, id: m.id(), version: of.version, level: g.level, trusted: g.trusted, by: g.by, proofs: g.proofs,
		fresh: m.now, seen: m.now, idle: m.now.Add(idleLife), until: m.now.Add(sessionLife),
	}
	w.of = of
	switch r := g.renews; {
	case r != nil && r.header:
		r.version, r.level, r.trusted, r.by, r.fresh, r.proofs = of.version, g.level, g.trusted, g.by, m.now, g.proofs
		return
	case r != nil:
		r.dead, s.id = true, r.id
	}
	w.session = s
	if g.renews == nil {
		of.leaving = nil // a sign-in stops a deletion
		m.arrived(w, of)
	}
	m.remember(w, of)
	if g.token {
		h := *s
		h.header, h.idle, h.until = true, m.now.Add(headerLife), m.now.Add(headerLife)
		if w.header = &h; !of.unproven {
			w.family = m.family(&h)
		}
	}
}

// carry moves a session with its proofs to the account's new version. A change ends all trust,
// except that of the session that made it.
func (m *model) carry(w *want, who *session) {
	m.renew(w, who, grant{level: who.level, trusted: who.trusted, proofs: who.proofs})
}

// renew gives the caller of a change a new session, which is not fresher, because a change proves
// nothing.
func (m *model) renew(w *want, who *session, g grant) {
	fresh := who.fresh
	g.renews = who
	m.issue(w, who.of, g)
	if w.session != nil {
		w.session.fresh = fresh
		if w.header != nil {
			w.header.fresh = fresh
		}
	} else {
		who.fresh = fresh
	}
}

// change ends everything that was issued to an account.
func (m *model) change(of *account) {
	of.version++
	if len(of.factors) == 0 { // codes stand in for a factor, and for nothing else
		of.former = append(of.former, of.codes...)
		of.codes = nil
	}
}

// wait starts a pending sign-in. An account keeps the newest five that were started in browsers
// that signed in before, and the newest five others.
func (m *model) wait(w *want, p *pending) bool {
	if former := m.pendings[m.former]; former != nil { // one browser has one
		former.dead = true
	}
	p.id, p.version, p.made, p.until = m.id(), p.of.version, m.now, m.now.Add(pendingLife)
	p.known = p.session != 0 || m.caller(p.of, "") != ""
	m.alive = append(slices.DeleteFunc(m.alive, func(o *pending) bool { return o.dead }), p)
	n := 0
	for _, o := range slices.Backward(m.alive) {
		if o.of == p.of && o.known == p.known {
			n++
			o.dead = n > maxPendings
		}
	}
	w.pending = p
	switch {
	case p.state == "setup":
		return true
	case p.state == "owner":
		return m.sendOwner(w, p)
	case len(m.choices(p)) == 1:
		p.state, p.factor = "ready", m.choices(p)[0]
		return m.sendFactor(w, p)
	}
	p.state = "select"
	return true
}

// choices returns the second factors that can continue a sign-in.
func (m *model) choices(p *pending) (out []*factor) {
	passkeys := 0
	for _, f := range p.of.factors {
		if same(p.how, f.method) {
			continue
		}
		if f.soft != nil {
			if passkeys++; passkeys > 1 {
				continue // one choice, whichever of them the browser finds
			}
		}
		out = append(out, f)
	}
	// After a reset by mail, the password depends on the mailbox too.
	other := func(f *factor) bool { return f.method != "email" }
	if m.now.Sub(p.of.resetAt) < rescueBlocked && slices.ContainsFunc(out, other) {
		out = slices.DeleteFunc(out, func(f *factor) bool { return !other(f) })
	}
	return out
}

func (p *pending) key() string {
	if p.session != 0 {
		return fmt.Sprint("verify ", p.id)
	}
	return fmt.Sprint("sign-in ", p.id)
}

func (m *model) sendFactor(w *want, p *pending) bool {
	return p.factor.dest == "" || // no code is sent that could not be used
		m.open(m.second(p.of)) && m.send(w, m.as("proven", p.of, p.session)+fmt.Sprint("p", p.id), p.key(),
			p.factor.method, p.factor.dest, p.version)
}

// recognize reports whether a cookie is a trusted device of the account. w gets the device if its
// cookie changes.
func (m *model) recognize(w *want, of *account, cookie string) bool {
	d := m.devices[cookie]
	if d == nil || d.dead || d.of != of || d.version != of.version || !m.now.Before(d.until) {
		return false
	}
	n := len(d.cookies)
	switch {
	case cookie == d.cookies[n-1]:
		w.device, d.rotated = d, m.now
		return true
	case n > 1 && cookie == d.cookies[n-2] && m.now.Before(d.rotated.Add(deviceGrace)):
		return true
	}
	// A retired cookie was copied, so all sessions end.
	d.dead = true
	m.change(of)
	m.announce(w, of, "device_copied")
	return false
}

func (m *model) trust(w *want, of *account) {
	w.device = &device{of: of, version: of.version, until: m.now.Add(deviceLife)}
	m.announce(w, of, "device_trusted")
}

func (m *model) announce(w *want, of *account, kind string) {
	w.notices = append(w.notices,
		&notice{of: of, kind: "notice_" + kind, to: of.email, at: m.now.Truncate(time.Second)})
}
