package storage

import (
	"context"
	"time"
)

// Claim asks for one place in a budget. The counter with Key starts at zero and counts claims. It
// is removed Window after its first claim. The claim that reaches Limit is still granted and closes
// the budget for Hold or, if Hold is zero, until the window ends. Each later claim in the same
// window closes it for twice as long as before, up to MaxHold. A hold may last longer than the
// window.
type Claim struct {
	Key     string
	Limit   int
	Window  time.Duration
	Hold    time.Duration // zero means until the window ends
	MaxHold time.Duration // zero means Hold
	// If Look is set, no place is taken: a closed budget refuses, and an open one does not change.
	// All other fields but Key are ignored.
	Look bool
	// Times is the number of places to take; zero means one. An open budget grants all of them,
	// even beyond Limit.
	Times int
}

// Counters stores budgets of guesses and of sent messages. They are durable: they survive a crash
// and are shared by all nodes.
type Counters interface {
	// Reserve takes a place in every budget. If a budget is closed at now, it takes no place and
	// returns ErrUsed and the time at which the last of the closed budgets opens. Claims are
	// reserved before a guess is checked, so parallel guesses cannot exceed the limit.
	Reserve(ctx context.Context, now time.Time, claims ...Claim) (opens time.Time, err error)
	// Release returns places after a success. For keys in own it returns the caller's place, and
	// ends the hold if fewer than Limit places remain taken. For keys in whole it resets the
	// counter. Unknown keys are ignored.
	Release(ctx context.Context, own, whole []string) error
	// Forget removes every budget whose key starts with one of the prefixes, each of which ends in
	// a colon.
	Forget(ctx context.Context, prefixes ...string) error
}
