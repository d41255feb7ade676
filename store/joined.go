package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Keeper keeps the house of a store, or of a part of one.
type Keeper interface {
	// Sweep deletes up to limit records of each kind that are dead at now and
	// returns how many it deleted.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
	// Examine reads everything and says, a sentence each, what no verb leaves
	// behind: a code that was taken beyond its tries, a budget that is used up and
	// open. It changes nothing and may run while a server is in use.
	Examine(ctx context.Context, now time.Time) ([]string, error)
	// Ping answers nil if the store can read and write.
	Ping(ctx context.Context) error
	// Close releases it.
	Close() error
}

// durableKeeper is a store of what must survive.
type durableKeeper interface {
	Durable
	Keeper
}

// VolatileKeeper is a store of what expires.
type VolatileKeeper interface {
	Volatile
	Keeper
}

// Join makes one store of two. No verb touches both: what binds a volatile
// record to the account is the uniquifier in it, so a record that outlives a
// change of the account, or a volatile store that comes back empty or old, opens
// nothing.
//
// It is a Notifier if one of the two is, the volatile one first.
func Join(durable durableKeeper, volatile VolatileKeeper) Store {
	j := joined{durable, volatile, durable, volatile}
	for _, part := range []Keeper{volatile, durable} {
		if n, ok := part.(Notifier); ok {
			return struct {
				joined
				Notifier
			}{j, n}
		}
	}
	return j
}

type joined struct {
	Durable
	Volatile
	d, v Keeper
}

// barred is how long the volatile store takes nothing of a user who is being
// deleted: longer than any request that read the account before runs on.
const barred = 5 * time.Minute

// DeleteUser implements Deletions. The volatile records go first, and none may
// come after them: if this ends halfway, the account is there and can be deleted
// again, and no record is left without its account.
func (j joined) DeleteUser(ctx context.Context, d Deletion) error {
	if err := j.Volatile.DropUser(ctx, d.UserID, time.Now().Add(barred)); err != nil {
		return err
	}
	err := j.Durable.DeleteUser(ctx, d)
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = errors.Join(err, j.Volatile.DropUser(ctx, d.UserID, time.Time{}))
	}
	return err
}

// orphans are what the volatile store has of users whom the durable one does not
// know.
func (j joined) orphans(ctx context.Context) (out []string, err error) {
	ids, err := j.Volatile.Owners(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		switch _, err := j.Durable.UserByID(ctx, id); {
		case errors.Is(err, ErrNotFound):
			out = append(out, "there are sessions, sign-ins or drafts of the account "+id+", which does not exist")
		case err != nil:
			return nil, err
		}
	}
	return out, nil
}

// Sweep implements Store.
func (j joined) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := j.d.Sweep(ctx, now, limit)
	if err != nil {
		return n, err
	}
	m, err := j.v.Sweep(ctx, now, limit)
	return n + m, err
}

// Examine implements Store.
func (j joined) Examine(ctx context.Context, now time.Time) ([]string, error) {
	durable, err := j.d.Examine(ctx, now)
	if err != nil {
		return nil, err
	}
	volatile, err := j.v.Examine(ctx, now)
	if err != nil {
		return nil, err
	}
	orphans, err := j.orphans(ctx)
	return slices.Concat(durable, volatile, orphans), err
}

// Ping implements Store.
func (j joined) Ping(ctx context.Context) error {
	if err := j.d.Ping(ctx); err != nil {
		return err
	}
	return j.v.Ping(ctx)
}

// Close implements Store.
func (j joined) Close() error { return errors.Join(j.v.Close(), j.d.Close()) }
