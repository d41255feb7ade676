package limit

import (
	"sync"
	"time"
)

// tally counts in one node what all nodes add up in one row, so that not every wrong
// password of the site writes that row. The row gets a count a second, or sooner where
// a 64th of the limit came together; what a node counted since is lost if it stops.
type tally struct {
	mu     sync.Mutex
	n      int
	told   time.Time // when the row last got the count
	closed time.Time // the row was full, and stays so until then
}

// count adds one. It returns how many to add to the row now, if any, and else whether
// the row was full.
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

// until notes how long the row is full.
func (t *tally) until(end time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = end
}
