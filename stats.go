package twofold

import (
	"context"
	"time"
)

// Stats is how busy a node is.
type Stats struct {
	Running     bool // Run runs the workers
	HashSlots   int  // passwords that may be hashed at once
	HashBusy    int  // and are, now
	HashWaiting int  // sign-ins that wait for one of them
	// Outbox is how many messages wait to be delivered, on all nodes together;
	// OutboxSince is when the oldest was stored (zero: none waits).
	Outbox      int
	OutboxSince time.Time
}

// Stats reports how busy this node is, and whether it works. If the store fails, it
// returns the error and the figures that do not need the store.
func (a *Auth) Stats(ctx context.Context) (Stats, error) {
	l := Stats{Running: a.work.running.Load()}
	l.HashSlots, l.HashBusy, l.HashWaiting = a.hasher.Load()
	var err error
	l.Outbox, l.OutboxSince, err = a.outbox.Backlog(ctx)
	return l, err
}
