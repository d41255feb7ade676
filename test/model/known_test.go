package model_test

import (
	"fmt"
	"slices"
	"time"
)

// A browser has a cookie that records who signed in there. It opens nothing. It selects budgets,
// and decides whether the owner is notified of a new browser.

const (
	knownLife    = 180 * 24 * time.Hour
	knownRenewed = 7 * 24 * time.Hour
	youngAccount = 30 * 24 * time.Hour // its first sign-in is its owner's
)

// note is the content of the cookie.
type note struct {
	browser int
	users   []noted
}

type noted struct {
	of     *account
	hashes int // which of its passwords it had then
	at     time.Time
}

// current reports whether a sign-in at that time still counts.
func (m *model) current(of *account, at time.Time) bool {
	return !at.Before(of.resetAt) && m.now.Sub(at) < knownLife
}

// known returns the name of the request's browser if it signed in to the account before with the
// current password, or "" for a stranger's browser.
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

// never is a time before all others.
var never time.Time

// near reports whether the account signed in from the network of the request before. All browsers
// of a walk are in one network.
func (m *model) near(of *account) bool { return !of.nearAt.IsZero() && m.current(of, of.nearAt) }

// remember sets the cookie of the request's browser, unless it has one of this week.
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

// arrived notifies the owner of a sign-in in a new browser, once a day. For a young account, the
// first sign-in is assumed to be its owner's.
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
