package model_test

import (
	"fmt"
	"slices"
	"time"
)

// A browser keeps a note of who signed in there. It opens nothing: it chooses
// budgets, and says whether the owner hears of a new browser.

const (
	knownLife    = 180 * 24 * time.Hour
	knownRenewed = 7 * 24 * time.Hour
	youngAccount = 30 * 24 * time.Hour // its first sign-in is its owner's
)

// note is what the cookie says.
type note struct {
	browser int
	users   []noted
}

type noted struct {
	of     *account
	hashes int // which of its passwords it had then
	at     time.Time
}

// current says that a sign-in of that time still counts.
func (m *model) current(of *account, at time.Time) bool {
	return !at.Before(of.resetAt) && m.now.Sub(at) < knownLife
}

// known is the name of the request's browser if it signed in to an account
// before, with the password of today; empty: the browser is a stranger's.
func (m *model) known(of *account) string {
	n := m.notes[m.note]
	if n == nil {
		return ""
	}
	for _, e := range n.users {
		if e.of == of && e.hashes == of.hashes && m.current(of, e.at) {
			return fmt.Sprint("known ", n.browser)
		}
	}
	return ""
}

// never is before everything.
var never time.Time

// near says that an account signed in from the network of the request before. All
// browsers of a walk are in one network.
func (m *model) near(of *account) bool { return !of.nearAt.IsZero() && m.current(of, of.nearAt) }

// remember hands the request's browser a note, unless it has one of this week.
func (m *model) remember(w *want, of *account) {
	next := &note{browser: m.id()}
	if n := m.notes[m.note]; n != nil {
		next.browser = n.browser
		for _, e := range n.users {
			switch {
			case e.of != of:
				next.users = append(next.users, e)
			case e.hashes == of.hashes && m.current(of, e.at) && m.now.Sub(e.at) < knownRenewed:
				return
			}
		}
	}
	next.users = append([]noted{{of, of.hashes, m.now}}, next.users...)
	w.note = next
}

// arrived tells the owner of a sign-in in a browser that is new, once a day. Of a
// young account the first sign-in is its owner's.
func (m *model) arrived(w *want, of *account) {
	of.signIns++
	of.nearAt = m.now
	n, d := m.notes[m.note], m.devices[m.device]
	before := n != nil && slices.ContainsFunc(n.users, func(e noted) bool { return e.of == of && m.current(of, e.at) })
	switch {
	case before, d != nil && d.of == of && d.version == of.version:
	case of.signIns < 2 && m.now.Sub(of.born) < youngAccount:
	case m.reserve(claim{key: "new browser " + of.name, limit: 1, window: sessionLife}):
		m.announce(w, of, "new_browser")
	}
}
