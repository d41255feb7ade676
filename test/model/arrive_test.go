package model_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
)

// Invitations: a single-use link creates an account with a password or a passkey. An address has at
// most one invitation.

const (
	inviteLife = 7 * 24 * time.Hour
	mostPeople = 6 // accounts of a walk at the same time
)

// guests are the invited addresses. No account moves to one of them.
var guests = []string{"dora@walk.test", "emil@walk.test", "fred@walk.test"}

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"accept": (*turn).accept, "ask invited": (*turn).askInvited, "accept by passkey": (*turn).acceptByKey,
	} {
		asks[what] = fill
	}
}

// holder returns the account with an address, or nil.
func (m *model) holder(email string) *account {
	if i := slices.IndexFunc(m.accounts, func(a *account) bool { return a.email == email }); i >= 0 {
		return m.accounts[i]
	}
	return nil
}

// invites reports whether the link of an invitation works.
func (m *model) invites(l *link) bool {
	return l != nil && l.kind == "invite" && l.of.version == l.version && m.now.Before(l.at.Add(l.life))
}

// invite is an operator's invitation.
func (w *world) invite(s step, a *account) error {
	email := guests[s.n%len(guests)]
	if s.v%10 == 0 {
		email = a.email
	}
	if len(w.accounts) >= mostPeople {
		return nil
	}
	_, err := w.auth.Invitations().Send(w.context(), twofold.NewUser{Email: email})
	if w.holder(email) != nil {
		if !errors.Is(err, store.ErrExists) {
			return wrong("an invitation of %s, who has an account: %v", email, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	w.done["invite"]++
	if former := w.invited[email]; former != nil {
		former.of.version++
	}
	w.guests++
	who := &account{
		name: fmt.Sprint("guest", w.guests), email: email, phone: fmt.Sprintf("+1650555%04d", 1300+w.guests),
		required: s.v%2 == 0, active: true,
	}
	who.isProven()
	l := &link{kind: "invite", to: email, of: who, at: w.now, life: inviteLife}
	w.invited[email] = l
	return w.delivered(&want{letters: []*link{l}})
}

// revokeInvitation is an operator's revocation.
func (w *world) revokeInvitation(s step) error {
	email := guests[s.n%len(guests)]
	was, err := w.auth.Invitations().Revoke(w.context(), email)
	l := w.invited[email]
	if err != nil {
		return err
	}
	if was != w.invites(l) && !(was && l != nil && l.of.version == l.version) { // one that is too old may be kept
		return wrong("an invitation of %s was revoked: %v, the model says %v", email, was, w.invites(l))
	}
	if l != nil {
		l.of.version++
	}
	if was {
		w.done["revoke invitation"]++
	}
	return w.delivered(&want{})
}

// enters creates the account of an invitation.
func (w *world) joins(l *link, password string, key *factor) *account {
	of := l.of
	of.version++
	delete(w.invited, l.to)
	of.born, of.password = w.now, password
	if password != "" {
		of.hashes++
	}
	if key != nil {
		of.firsts = []*factor{key}
	}
	w.accounts = append(w.accounts, of)
	return of
}

// learnID learns the public id of the account that a step created.
func (w *world) learnID(x *want, of *account) *want {
	x.learn = func(answer) error {
		u, err := w.auth.FindUser(w.context(), of.email)
		of.id = u.ID
		return err
	}
	return x
}

func (t *turn) accept() *want {
	l, token := t.someLink("invite")
	password := []string{passwords[0], passwords[1], ""}[t.v%3]
	t.q.form = false
	t.post("/tf-invite/"+token, map[string]any{"password": password, "password_confirm": password})
	t.w.former = t.cookie
	if t.who != nil || password == "" || !t.w.invites(l) || t.w.holder(l.to) != nil {
		return refused(400)
	}
	of := t.w.joins(l, password, nil)
	return t.w.learnID(t.w.gate(of, "register", t.b[deviceCookie], false, false), of)
}

// askInvited requests the challenge for the passkey that replaces the password.
func (t *turn) askInvited() *want {
	l, token := t.someLink("invite")
	t.post("/tf-invite/"+token, map[string]any{"passkey": true})
	t.q.form = false
	if t.who != nil || !t.w.invites(l) {
		return refused(400)
	}
	return t.asking(t.w.put(&want{status: 200}, &question{owner: "invite", link: l}))
}

// invitedOwner returns the owner of the challenge, which is a link. Each challenge has its own
// name, so that two browsers do not interfere with each other.
func invitedOwner(token, state string) string { return "invite " + token + " " + state }

func (t *turn) acceptByKey() *want {
	w := t.w
	state, a := t.sign("invite ", true)
	l, token := t.someLink("invite")
	if q := w.newest("invite ", 0); q != nil && t.n%5 > 0 {
		l, token = q.link, q.link.token
	}
	t.post("/tf-invite/"+token, map[string]any{"wan_state": state, "credential": raw(a)})
	t.q.form = false
	w.former = t.cookie
	if t.who != nil || !w.invites(l) {
		return refused(400)
	}
	q, _ := w.answered(invitedOwner(token, state), state, nil)
	if q == nil || a == nil || !q.try() || !a.made || a.to != q {
		return refused(400)
	}
	if _, taken := w.registered(a.by); taken != nil {
		return refused(400)
	}
	delete(w.questions, q.owner)
	if w.holder(l.to) != nil {
		return refused(400)
	}
	of := w.joins(l, "", &factor{
		id: w.id(), method: passkeyMethod, name: "Passkey", soft: a.by, usage: useFirst, counter: a.counter,
		handle: a.handle, made: w.now,
	})
	if !a.verified {
		return w.learnID(w.gate(of, passkeyMethod, t.b[deviceCookie], false, false), of)
	}
	x := &want{status: 200}
	if p := w.pendings[t.cookie]; p != nil {
		p.dead = true
	}
	w.issue(x, of, grant{level: 2, proofs: w.proven(passkeyMethod, w.now)})
	return w.learnID(x, of)
}

// lowers reports whether one factor would prove less than a passkey that counts as both, where two
// are required and none is enrolled. Such a session can only enroll one. The tests of R170 cover
// it, since no step of a walk leads to it.
func lowers(who *session) bool { return who != nil && who.of.required && len(who.of.factors) == 0 }

// opens reports whether the account can be signed in to without some of its factors.
func (a *account) opens(without ...*factor) bool {
	stays := func(f *factor) bool { return !slices.Contains(without, f) }
	if a.password != "" {
		return true
	}
	seconds := slices.DeleteFunc(slices.Clone(a.factors), func(f *factor) bool { return !stays(f) })
	for _, first := range slices.Concat(a.firsts, a.sites) {
		follows := func(f *factor) bool { return !same(first.method, f.method) }
		if stays(first) && (first.soft != nil || len(seconds) == 0 || slices.ContainsFunc(seconds, follows)) {
			return true
		}
	}
	return false
}

// mayFollow reports whether an additional second factor still allows a sign-in.
func (a *account) mayFollow(method string, add bool) bool {
	more := *a
	var replaced *factor
	if i := slices.IndexFunc(a.factors, func(k *factor) bool { return k.soft == nil }); !add && i >= 0 {
		replaced = a.factors[i]
	}
	more.factors = append(slices.Clone(a.factors), &factor{method: method})
	return more.opens(replaced)
}
