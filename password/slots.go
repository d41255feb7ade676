package password

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// slots is a semaphore with a queue: the channel holds one value for each hash that
// runs, and Go serves its blocked senders in the order they came.
type slots struct {
	free    chan struct{}
	wait    time.Duration
	waiting atomic.Int64
	held    atomic.Int64 // nanoseconds that a slot is held, about
}

// slotKey finds the slot that a context holds.
type slotKey struct{ of *slots }

// A slot is one of the slots, from take until the first leave.
type slot struct {
	of    *slots
	since time.Time
	once  sync.Once
	left  atomic.Bool
}

// take waits for a slot, at most s.wait and no longer than ctx lives. A caller that
// gives up leaves the queue, so it costs those behind it nothing. Where the queue
// takes longer than s.wait, the answer is ErrBusy at once.
func (s *slots) take(ctx context.Context) (*slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.free <- struct{}{}:
		return s.taken(), nil
	default:
	}
	place := s.waiting.Add(1)
	defer s.waiting.Add(-1)
	if time.Duration(place*s.held.Load()/int64(cap(s.free))) > s.wait {
		return nil, ErrBusy
	}
	late := time.NewTimer(s.wait)
	defer late.Stop()
	select {
	case s.free <- struct{}{}:
		return s.taken(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, ErrBusy
	}
}

func (s *slots) taken() *slot { return &slot{of: s, since: time.Now()} }

// leave gives the slot back. What is known of how long one is held moves by an eighth
// towards how long this one was; it begins at nothing, so that no caller is refused
// before some hashes are done. A call after the first does nothing.
func (l *slot) leave() {
	l.once.Do(func() {
		l.left.Store(true)
		known := l.of.held.Load()
		// Two at once may lose one: it is an estimate.
		l.of.held.Store(known + (int64(time.Since(l.since))-known)/8)
		<-l.of.free
	})
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
