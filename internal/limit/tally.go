package limit

import (
	"sync"
	"time"
)

// tally counts in one node, so that not every wrong password of the site writes the row that all
// nodes share. The count is added to the row once a second, or earlier when it reaches a 64th of
// the limit. It is lost if the node stops before.
type tally struct {
	mu     sync.Mutex
	n      int
	told   time.Time // time at which the count was last added to the row
	closed time.Time // time until which the row is full
}

// count adds one. It returns the number to add to the row now, if any, and whether the row is full.
func (t *tally) count(now time.Time, limit int) (times int, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.closed) {
		return 0, true
	}
	t.n++
	if t.n < max(1, limit/64) && now.Sub(t.told).Abs() < time.Second {
		return 0, false
	}
	times, t.n, t.told = t.n, 0, now
	return times, false
}

// until records the time until which the row is full.
func (t *tally) until(end time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = end
}
