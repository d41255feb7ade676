package password

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// slots is a semaphore with two queues, each served in the order of arrival: that of
// anybody, and that of callers who proved something (see [Reserve]). While callers wait
// in both, slots go to them by turns, so neither can hold up the other.
type slots struct {
	size int
	wait time.Duration
	held atomic.Int64 // nanoseconds that a slot is held, about

	mu     sync.Mutex
	taken  int
	queues [2][]*waiter
	turn   int            // the queue that is served next if callers wait in both
	shares map[string]int // slots and places that callers with a share hold, by its name
}

// The queues.
const (
	anybody = iota
	reserved
)

// perShare is how many callers with a share of one name wait in the reserved queue or
// hash at once. More of them wait among anybody.
const perShare = 4

// waiter is a caller in a queue; ready is closed when it has a slot.
type waiter struct{ ready chan struct{} }

// slotKey finds the slot that a context holds.
type slotKey struct{ of *slots }

// shareKey finds the names of a context's shares.
type shareKey struct{}

// Reserve returns a context whose callers have a queue of their own for a slot. The
// names say what they proved, such as a browser that signed in to the account before;
// a few callers of each name have a place there at a time. So a flood of other
// callers does not keep them from being served.
func Reserve(ctx context.Context, names ...string) context.Context {
	return context.WithValue(ctx, shareKey{}, names)
}

// A slot is one of the slots, from take until the first leave.
type slot struct {
	of     *slots
	since  time.Time
	shares []string
	once   sync.Once
	left   atomic.Bool
}

// take waits for a slot, at most s.wait and no longer than ctx lives. A caller that
// gives up leaves the queue, so it costs those behind it nothing. Where the queue
// takes longer than s.wait, the answer is ErrBusy at once.
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
	before += min(before, len(s.queues[1-queue])) // that many of the others are served meanwhile
	if time.Duration(int64(before)*s.held.Load()/int64(s.size)) > s.wait {
		s.giveBack(shares)
		return nil, nil, ErrBusy
	}
	w := &waiter{make(chan struct{})}
	s.queues[queue] = append(s.queues[queue], w)
	return w, shares, nil
}

// share takes one place of each name, or none if one of them has no place left.
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

// giveUp leaves the queue. It reports false if the caller was served meanwhile.
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

// leave gives the slot back. What is known of how long one is held moves by an eighth
// towards how long this one was; it begins at nothing, so that no caller is refused
// before some hashes are done. A call after the first does nothing.
func (l *slot) leave() {
	l.once.Do(func() {
		l.left.Store(true)
		known := l.of.held.Load()
		// Two at once may lose one: it is an estimate.
		l.of.held.Store(known + (int64(time.Since(l.since))-known)/8)
		l.of.pass(l.shares)
	})
}

// pass hands a slot to who is next.
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

// load says how many slots are taken and how many callers wait.
func (s *slots) load() (taken, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken, len(s.queues[anybody]) + len(s.queues[reserved])
}

// enter returns what ends the use of a slot: of the one that ctx holds, nothing,
// because who queued for it gives it back; else of one that is taken here.
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
