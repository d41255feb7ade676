package store

import (
	"context"
	"time"
)

// Claim asks for one place in a budget. The counter behind Key starts at zero
// and counts claims. Its first claim sets when it is forgotten: Window later,
// whatever is claimed meanwhile. The claim that makes it reach Limit is still
// granted and closes the budget until the window ends, or, if there is a Hold,
// for so long; each later one in the same window closes it for twice as long as
// before, up to MaxHold. A hold that outlives the window is still kept.
type Claim struct {
	Key     string
	Limit   int
	Window  time.Duration
	Hold    time.Duration // zero: until the window ends
	MaxHold time.Duration // zero: Hold
	// Look takes no place: a closed budget refuses, an open one stays as it is. The
	// other fields but Key mean nothing then.
	Look bool
	// Times is how many places are taken; zero means one. An open budget takes all of
	// them, also beyond Limit.
	Times int
}

// Counters keeps budgets of guesses and of sent messages. They are durable:
// they survive a crash and are shared by all nodes.
type Counters interface {
	// Reserve takes a place in every budget or, if one of them is closed at
	// now, in none: then it returns when the last of the closed ones opens,
	// and ErrUsed. Claims are reserved before a guess is answered, so
	// parallel guesses cannot beat the counter.
	Reserve(ctx context.Context, now time.Time, claims ...Claim) (opens time.Time, err error)
	// Release gives places back after a success: of the keys in own the caller's
	// place (and the hold, if fewer than Limit are left), of those in whole
	// everything counted. An unknown key is ignored.
	Release(ctx context.Context, own, whole []string) error
	// Forget ends every budget whose key begins with one of the prefixes, each of
	// which ends in a colon.
	Forget(ctx context.Context, prefixes ...string) error
}
