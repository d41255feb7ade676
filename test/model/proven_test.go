package model_test

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Where addresses need no confirmation, a stranger signs in with an unproven address. Nothing can
// be added to the account until a code mailed to the address is entered; then budgets used before
// are reset. An address that an operator sets is unproven too.

// forever is longer than any walk.
const forever = 10 * 365 * sessionLife

// mailedClaim is a guess at a code that proves the address.
func mailedClaim(of *account) claim {
	return claim{key: "mailed " + of.name, limit: factorFailures, window: forever, hold: 24 * time.Hour}
}

// reads records that a person who knows the password reads the mail too. The mailbox alone does not
// show who chose the password, if there is one.
func (m *model) reads(of *account, how string) {
	if of.unproven && !mailboxAlone(of, how) {
		m.proved(of)
	}
}

func mailboxAlone(of *account, how string) bool { return mailbox(how) && of.password != "" }

// readsMail takes over an account without a password whose address an operator changed, after a
// sign-in with a code mailed to that address.
func (m *model) readsMail(w *want, of *account) {
	of.resetAt = m.now
	m.dropPlanted(of)
	m.proved(of)
	m.change(of)
	m.announce(w, of, "password_reset")
}

// isProven records that the owner of the account proved its address.
func (of *account) isProven() { of.unproven, of.never, of.provenAs = false, false, of.email }

func (m *model) proved(of *account) {
	if !of.unproven {
		return
	}
	of.isProven()
	for _, key := range []string{
		mailedClaim(of).key, "rescue " + of.name, setUps(of).key,
		"short claimed|email" + of.email, "day claimed|email" + of.email,
	} {
		delete(m.budgets, key)
	}
	begins := second(of.name + " ").key // of strangers, networks and known browsers
	for key := range m.budgets {
		for _, of := range []string{begins, "recovery " + begins, "passkey " + of.name + " "} {
			if strings.HasPrefix(key, of) {
				delete(m.budgets, key)
			}
		}
	}
}

// dropPlanted removes what was enrolled before the owner proved the address.
func (m *model) dropPlanted(of *account) {
	m.dropped += len(of.sites)
	var kept []*factor
	for _, f := range of.firsts {
		if f.method == "email" {
			kept = append(kept, f)
		}
	}
	of.firsts, of.sites = kept, nil
}

// proofFirst refuses an addition to an account, and mails the code that must be entered first.
func (m *model) proofFirst(who *session, cookie string) *want {
	if mailboxAlone(who.of, who.how) {
		return refused(401)
	}
	w := refused(400)
	if p := m.waiting(cookie, who); p != nil && p.state == "owner" {
		return w
	}
	m.former = cookie
	if !m.wait(w, &pending{of: who.of, how: who.how, session: who.id, state: "owner"}) {
		w.status = 429
	}
	return w
}

// sendOwner mails the code that proves the address.
func (m *model) sendOwner(w *want, p *pending) bool {
	return m.open(m.second(p.of)) &&
		m.send(w, m.as("proven", p.of, p.session)+fmt.Sprint("p", p.id), p.key(), "email", p.of.email, p.version)
}

// proveOwner proves the mailbox only; the session has no additional factor.
func (m *model) proveOwner(who *session, p *pending, code string, token bool) *want {
	if digits(code) == "" {
		return refused(400)
	}
	of := p.of
	if !m.reserve(m.second(of), mailedClaim(of)) {
		return refused(429)
	}
	if !m.try(p.key(), "email", of.email, code, p.version) {
		return refused(400)
	}
	m.giveBack(answered(m.as("proven", of, p.session), "email", of.email, m.second(of).key))
	delete(m.budgets, mailedClaim(of).key)
	of.used = append(of.used, code)
	m.reads(of, p.how)
	m.shown++
	w := &want{status: 200}
	if who == nil { // a sign-in that must enroll goes on to its set-up
		p.state = "setup"
		return w
	}
	p.dead = true
	m.renew(w, who, grant{level: who.level, trusted: who.trusted, proofs: who.proofs, token: token})
	return w
}

// readdress is an operator's change of the address. The new address is unproven, unless it was the
// last one proven. Factors that open the account alone are removed.
func (w *world) readdress(s step, a *account) error {
	former, email := a.email, a.name+[]string{"@walk.test", ".c@walk.test"}[s.v%2]
	for _, other := range w.accounts {
		if other != a && other.email == email {
			return nil
		}
	}
	if err := w.auth.SetIdentity(context.Background(), a.id, email, ""); err != nil {
		return err
	}
	x := &want{}
	w.announce(x, a, "identity_changed")
	if a.email = email; email != former {
		w.announce(x, a, "identity_changed")
		for _, f := range append(a.factors[:len(a.factors):len(a.factors)], a.firsts...) {
			if f.method == "email" {
				f.dest = email
			}
		}
		if a.password != "" || a.firstOf("email") != nil { // else nothing would open it
			w.dropPlanted(a)
		}
		a.unproven, a.movedAt = email != a.provenAs, w.now
		x.notices[0].mute = true
	}
	w.change(a)
	w.done["readdressed"]++
	return w.delivered(x)
}
