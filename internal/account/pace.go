package account

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	maxPace = 3 * time.Second // maximum wait after a wrong password
	// firstPace is the assumed duration of an answer of the former system before the first one.
	firstPace = 250 * time.Millisecond
	paceOf    = 200 // number of accounts that are examined at start
)

// pace makes the check of a wrong password take the same time for every account. Hashes of other
// systems and requests to a former system take different times, which must not reveal to strangers
// who has an account.
type pace struct{ slowest atomic.Int64 }

// saw records the duration of a check that does not use our hash. The estimate rises at once and
// falls slowly.
func (p *pace) saw(took time.Duration) {
	for {
		known := p.slowest.Load()
		next := max(int64(min(took, maxPace)), known-(known-int64(took))/16)
		if p.slowest.CompareAndSwap(known, next) {
			return
		}
	}
}

// wait returns when that time has passed since start, or when ctx is done. It does not hold a slot.
func (p *pace) wait(ctx context.Context, start time.Time) {
	left := time.Duration(p.slowest.Load()) - time.Since(start)
	if left <= 0 {
		return
	}
	giveBack(ctx)
	late := time.NewTimer(left)
	defer late.Stop()
	select {
	case <-late.C:
	case <-ctx.Done():
	}
}

// LearnPace examines some accounts and measures the most expensive hash of another system among
// them, so that the first wrong password after a start takes as long as others.
func (a *Accounts) LearnPace(ctx context.Context) {
	users, err := a.c.Users.ListUsers(ctx, "", paceOf)
	if err != nil {
		return
	}
	costliest, cost := "", time.Duration(0)
	for _, u := range users {
		if c, foreign := a.c.Hasher.Cost(u.PasswordHash); foreign && c > cost {
			costliest, cost = u.PasswordHash, c
		}
	}
	if costliest == "" {
		return
	}
	ctx, leave, err := a.c.Hasher.Acquire(ctx)
	if err != nil {
		return
	}
	defer leave()
	start := time.Now()
	if _, _, err := a.c.Hasher.Verify(ctx, "no password", costliest); err == nil {
		a.pace.saw(time.Since(start))
	}
}
