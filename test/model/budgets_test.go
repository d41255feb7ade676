package model_test

import (
	"strings"
	"time"
)

// budget counts claims; see claim.
type budget struct {
	n           int
	opens, ends time.Time
}

// claim is one place. The first claim sets the end of the window. Without a hold, a full budget is
// closed until then.
type claim struct {
	key        string
	limit      int
	window     time.Duration
	hold, most time.Duration
}

// open reports whether a budget has places left.
func (m *model) open(c claim) bool {
	b := m.budgets[c.key]
	return b == nil || !m.now.Before(b.ends) || !m.now.Before(b.opens)
}

// reserve takes a place in all budgets or in none.
func (m *model) reserve(claims ...claim) bool {
	for _, c := range claims {
		if !m.open(c) {
			return false
		}
	}
	for _, c := range claims {
		b := m.budgets[c.key]
		if b == nil || !m.now.Before(b.ends) {
			b = &budget{ends: m.now.Add(c.window)}
			m.budgets[c.key] = b
		}
		b.n++
		if b.n >= c.limit {
			hold := c.hold
			for range b.n - c.limit {
				hold = min(2*hold, max(c.hold, c.most))
			}
			b.opens = m.now.Add(hold)
			if c.hold == 0 {
				b.opens = b.ends
			}
		}
		b.ends = later(b.ends, b.opens)
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// giveBack releases one place in each budget.
func (m *model) giveBack(limits map[string]int) {
	for key, limit := range limits {
		if b := m.budgets[key]; b != nil {
			b.n = max(0, b.n-1)
			if b.n < limit {
				b.opens = time.Time{}
			}
		}
	}
}

// second returns the budget of codes of a subject.
func second(of string) claim {
	return claim{key: "second " + of, limit: secondFailures, window: secondWindow, hold: secondWindow}
}

// second returns the budget of second factors of an account. Each browser that signed in to the
// account before has its own budget; strangers share one.
func (m *model) second(of *account) claim { return second(of.name + " " + m.caller(of, "")) }

// recoveryCode returns the budget of recovery codes, by the same rule.
func (m *model) recoveryCode(of *account) claim {
	c := m.second(of)
	c.key = "recovery " + c.key
	return c
}

// send claims one message of a transaction. The name of the transaction begins with the kind of
// caller, because each kind has its own budget.
func (m *model) send(w *want, transaction, key, channel, dest string, version int) bool {
	kind, transaction, _ := strings.Cut(transaction, "|")
	ok := m.reserve(
		claim{key: "gap " + transaction + channel, limit: 1, window: sendGap},
		claim{key: "short " + kind + "|" + channel + dest, limit: sendShort, window: 10 * time.Minute},
		claim{key: "day " + kind + "|" + channel + dest, limit: sendDay, window: 24 * time.Hour})
	if ok {
		c := &challenge{channel: channel, dest: dest, version: version, tries: codeTries, until: m.now.Add(codeLife)}
		m.codes[key] = c
		w.sends = append(w.sends, c)
	}
	return ok
}

// answered returns the budgets that a correct code releases.
func answered(kind, channel, dest string, more string) map[string]int {
	out := map[string]int{more: secondFailures}
	if dest != "" {
		out["short "+kind+channel+dest], out["day "+kind+channel+dest] = sendShort, sendDay
	}
	return out
}
