package account

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	maxPace = 3 * time.Second // the longest wait after a wrong password
	// firstPace is what an answer of the former system is taken to last until one came.
	firstPace = 250 * time.Millisecond
	paceOf    = 200 // accounts that are looked at when a process starts
)

// pace makes a wrong password last as long for every account. The hash of another
// system takes another time than ours, and an account that its former system is asked
// about yet another; a stranger must not tell by the clock who has one.
type pace struct{ slowest atomic.Int64 }

// saw notes how long one took that is not of ours. What is known falls slowly towards
// that and rises at once.
func (p *pace) saw(took time.Duration) {
	for {
		known := p.slowest.Load()
		next := max(int64(min(took, maxPace)), known-(known-int64(took))/16)
		if p.slowest.CompareAndSwap(known, next) {
			return
		}
	}
}

// wait returns when that time has passed since start, or ctx is done. It holds no slot.
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

// LearnPace looks at some accounts and measures the costliest hash of another system
// among them, so that the first wrong password after a start lasts as long as others.
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
