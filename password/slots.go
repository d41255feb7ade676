package password

import (
	"context"
	"sync/atomic"
	"time"
)

// slots is a semaphore with a queue: the channel holds one value for each hash that
// runs, and Go serves its blocked senders in the order they came.
type slots struct {
	free    chan struct{}
	wait    time.Duration
	waiting atomic.Int64
}

// take waits for a slot, at most s.wait and no longer than ctx lives. A caller that
// gives up leaves the queue, so it costs those behind it nothing.
func (s *slots) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.free <- struct{}{}:
		return nil
	default:
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	late := time.NewTimer(s.wait)
	defer late.Stop()
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return ErrBusy
	}
}

func (s *slots) release() { <-s.free }
