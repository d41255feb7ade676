package model_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Accounts at an OAuth provider: a person is redirected there and returns once, in the same
// browser. The callback names a user of the provider. It opens the account that the user is
// connected to, and no other, whatever address the provider reports. If there is none, it may
// create one for a proven address without an account.

const (
	siteName   = "corp"
	siteMethod = "oauth"
	siteDomain = "@corp.test" // the site itself runs its mailboxes
	oauthLife  = 10 * time.Minute
	signUpLife = 10 * time.Minute
	maxSites   = 10
)

// The purposes of a redirect.
const (
	toSignIn = iota
	toConnect
	toVerify
)

// told holds the provider's data about its user.
type told struct {
	user, email string
	verified    bool
}

// oauthState is the state of a browser that was redirected to the provider.
type oauthState struct {
	intent  int
	session int    // of who is signed in
	cookie  string // of the browser that was sent
	back    string // the callback, with what the site adds
	tells   told
	taken   bool
	until   time.Time
}

// signUp is an account that is being created through the provider.
type signUp struct {
	tells         told
	key, owner    string // of its code and of its budgets
	proven, taken bool
	until         time.Time
	required      bool // as its account will be
}

// startOAuth redirects a browser to the provider.
func (m *model) startOAuth(t *turn, intent int, tells told) *want {
	who := t.who
	switch {
	case intent == toSignIn && who != nil:
		return refused(400)
	case intent != toSignIn && who == nil:
		return refused(401)
	case intent == toConnect && !m.fresh(who, freshForUs):
		return refused(401)
	case intent == toConnect && who.of.unproven:
		t.w.done["no connection before the proof"]++
		return m.proofFirst(who, t.cookie)
	}
	w := &want{status: 302, oauth: &oauthState{intent: intent, tells: tells, until: m.now.Add(oauthLife)}}
	if who != nil {
		w.oauth.session = who.id
	}
	return w
}

// oauthCallback takes the provider's answer. It uses up the state, whatever the result is.
func (m *model) oauthCallback(t *turn, p *oauthState) *want {
	if t.b[oauthCookie] != p.cookie || p.taken || !m.now.Before(p.until) {
		return refused(400)
	}
	p.taken = true
	who := t.who
	if (who == nil) != (p.intent == toSignIn) || who != nil && who.id != p.session {
		return refused(400)
	}
	of := m.connected(p.tells.user)
	switch {
	case p.intent == toConnect:
		return m.connect(who, p.tells.user, t.cookie)
	case p.intent == toVerify:
		if of != who.of || of.locked {
			return refused(400)
		}
		return m.again(who, siteMethod, false)
	case of != nil:
		return m.enterFrom(t, of)
	}
	return m.beginSignUp(t, p.tells)
}

// connected returns the account that is connected to a user of the provider. The address that the
// provider reports does not matter.
func (m *model) connected(user string) *account {
	for _, a := range m.accounts {
		if a.siteOf(user) != nil {
			return a
		}
	}
	return nil
}

func (a *account) siteOf(user string) *factor {
	for _, f := range a.sites {
		if f.name == user {
			return f
		}
	}
	return nil
}

// enterFrom is one first factor. The gate decides the next step, as after any other one.
func (m *model) enterFrom(t *turn, of *account) *want {
	if of.kept() {
		return refused(400)
	}
	if len(of.factors) > 0 {
		t.w.done["a second factor after the site"]++
	}
	return m.gate(of, siteMethod, t.b[deviceCookie], false, false)
}

// connect adds a first factor to the caller's account, like any other one.
func (m *model) connect(who *session, user, cookie string) *want {
	of := who.of
	switch {
	case !m.fresh(who, freshForUs):
		return refused(401)
	case len(of.sites) >= maxSites:
		return refused(400)
	case of.unproven:
		return m.proofFirst(who, cookie)
	case m.connected(user) != nil:
		return refused(400)
	}
	of.sites = append(of.sites, m.siteFactor(user))
	return m.firstChanged(who, "connection_added")
}

func (m *model) siteFactor(user string) *factor {
	return &factor{id: m.id(), method: siteMethod, name: user, made: m.now}
}

// disconnect removes a connection, unless it is the only first factor.
func (m *model) disconnect(who *session, f *factor) *want {
	switch {
	case who == nil, !m.fresh(who, freshForUs):
		return refused(401)
	case f == nil || !slices.Contains(who.of.sites, f) || !who.of.opens(f):
		return refused(400)
	}
	who.of.sites = slices.DeleteFunc(who.of.sites, func(o *factor) bool { return o == f })
	return m.firstChanged(who, "connection_removed")
}

// beginSignUp handles a user of the provider without an account. An address that the provider did
// not verify creates none. A taken address is refused: its owner can sign in and connect. The
// provider proves addresses of its own domain; for others a code is mailed.
func (m *model) beginSignUp(t *turn, tells told) *want {
	switch {
	case !tells.verified:
		t.w.done["an address that is not verified"]++
		return refused(400)
	case m.holder(tells.email) != nil:
		t.w.done["an address that is taken"]++
		return refused(400)
	}
	up := &signUp{tells: tells, until: m.now.Add(signUpLife), required: t.n%2 == 0}
	if strings.HasSuffix(tells.email, siteDomain) {
		return m.signedUp(t, up)
	}
	up.key = fmt.Sprint("sign-up ", m.id())
	up.owner = m.ownerOf(tells.email)
	w := &want{status: 200, signUp: up}
	if !m.sendSignUp(w, up) {
		w.status = 429
	}
	return w
}

// ownerOf returns the owner of the budgets of codes to an address. These budgets do not belong to
// an account and outlive its deletion.
func (m *model) ownerOf(email string) string {
	i := slices.Index(m.signUpMails, email)
	if i < 0 {
		i, m.signUpMails = len(m.signUpMails), append(m.signUpMails, email)
	}
	return fmt.Sprint("mailbox #", i, " ")
}

func (m *model) sendSignUp(w *want, up *signUp) bool {
	return m.send(w, "claimed|"+up.key, up.key, "email", up.tells.email, 0)
}

// waitingUp returns the sign-up of a cookie, or nil.
func (m *model) waitingUp(cookie string) *signUp {
	up := m.signUps[cookie]
	if up == nil || up.taken || !m.now.Before(up.until) {
		return nil
	}
	return up
}

// resendUp mails another code.
func (m *model) resendUp(who *session, up *signUp) *want {
	if who != nil || up == nil || up.proven {
		return refused(400)
	}
	w := &want{status: 200}
	if !m.sendSignUp(w, up) {
		w.status = 429
	}
	return w
}

// proveUp takes the code and creates the account.
func (m *model) proveUp(t *turn, up *signUp, code string) *want {
	if t.who != nil || up == nil {
		return refused(400)
	}
	w := refused(429)
	mailed := claim{key: "mailed " + up.owner, limit: factorFailures, window: forever, hold: 24 * time.Hour}
	switch pause := second(up.owner); {
	case up.proven:
	case digits(code) == "":
		return refused(400)
	case !m.reserve(pause, mailed):
		return refused(429)
	case !m.try(up.key, "email", up.tells.email, code, 0):
		return refused(400)
	default:
		m.giveBack(answered("claimed|", "email", up.tells.email, pause.key))
		delete(m.budgets, mailed.key)
		up.proven, up.until, w.signUp = true, m.now.Add(signUpLife), up // its cookie lives on, too
	}
	if !m.reserve(claim{key: "set-ups " + up.owner, limit: setupHour, window: time.Hour}) {
		return w
	}
	return m.signedUp(t, up)
}

// signedUp creates the account of a proven address and signs in to it. If an account with the
// address was created in the meantime, it signs in to the user's own and refuses another's.
func (m *model) signedUp(t *turn, up *signUp) *want {
	up.taken = true
	if of := m.connected(up.tells.user); of != nil {
		return m.enterFrom(t, of)
	}
	if m.holder(up.tells.email) != nil {
		t.w.done["an address that was taken meanwhile"]++
		return refused(400)
	}
	m.joined++
	of := &account{
		name: fmt.Sprint("joined", m.joined), email: up.tells.email, phone: fmt.Sprintf("+1650555%04d", 1500+m.joined),
		required: up.required, active: true, born: m.now, sites: []*factor{m.siteFactor(up.tells.user)},
	}
	of.isProven()
	m.accounts = append(m.accounts, of)
	return t.w.learnID(m.gate(of, siteMethod, t.b[deviceCookie], false, false), of)
}
