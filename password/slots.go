package password

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// slots is a semaphore with two queues, each served in order of arrival: one for all callers, and
// one for callers that have proven something (see [Reserve]). While callers wait in both, slots go
// to the queues in turn, so neither can block the other.
type slots struct {
	size int
	wait time.Duration
	held atomic.Int64 // estimated nanoseconds for which a slot is held

	mu     sync.Mutex
	taken  int
	queues [2][]*waiter
	turn   int            // the queue to serve next if callers wait in both
	shares map[string]int // number of slots and places held by callers with a share, by name
}

// The queues.
const (
	anybody = iota
	reserved
)

// perShare is the maximum number of callers with a share of one name that wait in the reserved
// queue or hash at once. Further callers wait in the other queue.
const perShare = 4

// waiter is a caller in a queue; ready is closed when it has a slot.
type waiter struct{ ready chan struct{} }

// slotKey is the context key of the slot that a context holds.
type slotKey struct{ of *slots }

// shareKey is the context key of the names of shares.
type shareKey struct{}

// Reserve returns a context with which callers use a separate queue for a slot. The names identify
// what they have proven, such as a browser that has signed in to the account before. A few callers
// with each name have a place in that queue at a time. They are served even during a flood of other
// callers.
func Reserve(ctx context.Context, names ...string) context.Context {
	return context.WithValue(ctx, shareKey{}, names)
}

// A slot is held from take until the first call of leave.
type slot struct {
	of     *slots
	since  time.Time
	shares []string
	once   sync.Once
	left   atomic.Bool
}

// take waits for a slot until ctx ends, for at most s.wait. A caller that gives up leaves the
// queue, so it does not delay those behind it. If the expected wait is longer than s.wait, take
// returns ErrBusy at once.
func (s *slots) take(ctx context.Context) (*slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, shares, err := s.enqueue(ctx)
	if err != nil {
		return nil, err
	}
	if w != nil {
		late := time.NewTimer(s.wait)
		defer late.Stop()
		select {
		case <-w.ready:
		case <-ctx.Done():
			err = ctx.Err()
		case <-late.C:
			err = ErrBusy
		}
	}
	if err != nil && s.giveUp(w, shares) {
		return nil, err
	}
	return &slot{of: s, since: time.Now(), shares: shares}, nil
}

// enqueue takes a slot, or a place in a queue.
func (s *slots) enqueue(ctx context.Context) (*waiter, []string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shares, queue := s.share(ctx), anybody
	if len(shares) > 0 {
		queue = reserved
	}
	if s.taken < s.size {
		s.taken++
		return nil, shares, nil
	}
	before := len(s.queues[queue]) + 1
	before += min(before, len(s.queues[1-queue])) // callers of the other queue that are served in turn
	if time.Duration(int64(before)*s.held.Load()/int64(s.size)) > s.wait {
		s.giveBack(shares)
		return nil, nil, ErrBusy
	}
	w := &waiter{make(chan struct{})}
	s.queues[queue] = append(s.queues[queue], w)
	return w, shares, nil
}

// share takes one place for each name, or none if one of the names has no place left.
func (s *slots) share(ctx context.Context) []string {
	names, _ := ctx.Value(shareKey{}).([]string)
	for _, name := range names {
		if s.shares[name] >= perShare {
			return nil
		}
	}
	for _, name := range names {
		s.shares[name]++
	}
	return names
}

func (s *slots) giveBack(shares []string) {
	for _, name := range shares {
		if s.shares[name]--; s.shares[name] <= 0 {
			delete(s.shares, name)
		}
	}
}

// giveUp leaves the queue. It returns false if the caller has already been served.
func (s *slots) giveUp(w *waiter, shares []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for q := range s.queues {
		if i := slices.Index(s.queues[q], w); i >= 0 {
			s.queues[q] = slices.Delete(s.queues[q], i, i+1)
			s.giveBack(shares)
			return true
		}
	}
	return false
}

// leave returns the slot. It moves the estimate of how long a slot is held an eighth of the way
// toward the time of this one. The estimate starts at zero, so that no caller is refused before
// some hashes are done. Further calls do nothing.
func (l *slot) leave() {
	l.once.Do(func() {
		l.left.Store(true)
		known := l.of.held.Load()
		// Of two concurrent updates one may be lost, which is acceptable for an estimate.
		l.of.held.Store(known + (int64(time.Since(l.since))-known)/8)
		l.of.pass(l.shares)
	})
}

// pass gives a slot to the next caller.
func (s *slots) pass(shares []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(shares)
	queue := s.turn
	if len(s.queues[queue]) == 0 {
		queue = 1 - queue
	}
	if len(s.queues[queue]) == 0 {
		s.taken--
		return
	}
	s.turn = 1 - queue
	close(s.queues[queue][0].ready)
	s.queues[queue] = slices.Delete(s.queues[queue], 0, 1)
}

// load returns the number of taken slots and of waiting callers.
func (s *slots) load() (taken, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken, len(s.queues[anybody]) + len(s.queues[reserved])
}

// enter returns a function that ends the use of a slot. If ctx holds a slot, the function does
// nothing, because the caller of Acquire returns it. Otherwise enter takes a slot, which the
// function returns.
func (s *slots) enter(ctx context.Context) (leave func(), err error) {
	if l, ok := ctx.Value(slotKey{s}).(*slot); ok && !l.left.Load() {
		return func() {}, ctx.Err()
	}
	l, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	return l.leave, nil
}
