package twofold

import (
	"context"
	"time"
)

// Stats describes the load of a node.
type Stats struct {
	Running     bool // whether Run is running
	HashSlots   int  // number of passwords that may be hashed at once
	HashBusy    int  // number of passwords that are being hashed
	HashWaiting int  // number of sign-ins that wait for a slot
	// Outbox is the number of undelivered messages of all nodes. OutboxSince is the time at which
	// the oldest was stored, or zero if there is none.
	Outbox      int
	OutboxSince time.Time
}

// Stats reports the load of this node. If the store fails, it returns the error and the figures
// that do not need the store.
func (a *Auth) Stats(ctx context.Context) (Stats, error) {
	l := Stats{Running: a.work.running.Load()}
	l.HashSlots, l.HashBusy, l.HashWaiting = a.hasher.Load()
	var err error
	l.Outbox, l.OutboxSince, err = a.outbox.Backlog(ctx)
	return l, err
}
