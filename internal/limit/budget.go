package limit

import (
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// name is the name of a budget.
type name string

// Budget is a row of the table of budgets: who may claim a place, how places are counted, and who
// is affected if there are none left. docs/security.md contains the same table, which a test
// compares.
type Budget struct {
	Name   name   // prefix of the names of its counters
	Claims string // who claims a place, and with what
	Per    string // what has its own counter
	Number func(n Limits) int
	Window func(n Limits) time.Duration
	// Hold, if not nil, returns the time for which a full budget is closed. It doubles with each
	// further claim, up to Longest. Without Hold, the budget opens when its window ends.
	Hold, Longest func(n Limits) time.Duration
	Returns       string // what returns places, or resets the counter
	Hurts         string // who must wait when it is full
	// Networks is set if a client's network is the last part of the key. An IPv6 address counts
	// with its /64, its /56 and its /48.
	Networks bool
	// costs is set if the budget bounds costs or only triggers notices. Unlocking an account does
	// not reset it.
	costs bool
}

// claim returns a claim of one place in the budget of a key.
func (l *Limiter) claim(of name, parts ...string) storage.Claim {
	b := l.rows[of]
	c := storage.Claim{Key: key(b.Name, parts...), Limit: b.Number(l.n), Window: b.Window(l.n)}
	if b.Hold != nil {
		c.Hold = b.Hold(l.n)
		c.MaxHold = c.Hold
	}
	if b.Longest != nil {
		c.MaxHold = b.Longest(l.n)
	}
	return c
}

// byNetwork returns claims of one place in each budget of the networks of an address.
func (l *Limiter) byNetwork(b name, address string, parts ...string) []storage.Claim {
	var out []storage.Claim
	for i, n := range networks(address) {
		c := l.claim(b, append(parts[:len(parts):len(parts)], n)...)
		c.Limit = (c.Limit*(2+i) + 1) / 2 // 1, 1.5 and 2 times the limit
		out = append(out, c)
	}
	return out
}

func firstHold(n Limits) time.Duration    { return n.FirstHold }
func firstMaxHold(n Limits) time.Duration { return n.FirstMaxHold }
func firstFailures(n Limits) int          { return n.FirstFailures }
func accountFailures(n Limits) int        { return n.AccountFailures }
func addressFailures(n Limits) int        { return n.AddressFailures }
func factorFailures(n Limits) int         { return n.FactorFailures }
func sendShort(n Limits) int              { return n.SendShort }
func sendDay(n Limits) int                { return n.SendDay }

// Budgets returns the table.
func Budgets() []Budget {
	return slices.Concat(
		firsts(), captchas(), seconds(), attempts(), ofPasskeys(), codes(), behindFirst(), mailBudgets(), costly(),
		edits(),
	)
}

func quarter(Limits) time.Duration { return 15 * time.Minute }
func hour(Limits) time.Duration    { return time.Hour }
func day(Limits) time.Duration     { return 24 * time.Hour }
func forever(Limits) time.Duration { return 10 * 365 * 24 * time.Hour }
func short(Limits) time.Duration   { return 10 * time.Minute }
