package storage

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Keeper maintains a store or a part of one.
type Keeper interface {
	// Sweep deletes up to limit records of each kind that are expired at now and returns the number
	// of deleted records.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
	// Examine reads everything and returns one sentence for each inconsistency that no method can
	// cause, such as a code with more attempts than allowed or a used-up budget that is open. It
	// changes nothing and may run while the store is in use.
	Examine(ctx context.Context, now time.Time) ([]string, error)
	// Ping returns nil if the store can read and write.
	Ping(ctx context.Context) error
	// Close closes the store.
	Close() error
}

// DurableKeeper stores records that must survive a crash.
type DurableKeeper interface {
	Durable
	Keeper
}

// VolatileKeeper stores records that expire.
type VolatileKeeper interface {
	Volatile
	Keeper
}

// Join combines two stores. A volatile record is bound to its account by the credential version in it. So a
// record that is older than a change of the account gives no access, and it is safe if the volatile
// store loses data or is restored from an old state.
//
// The result is a Notifier if one of the two stores is. If both are, the volatile one is used.
func Join(durable DurableKeeper, volatile VolatileKeeper) Store {
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

// barred is the time for which the volatile store refuses records of a user who is being deleted.
// It is longer than any request that has read the account before.
const barred = 5 * time.Minute

// DeleteUser implements Deletions. Volatile records are deleted first and none may be added
// afterwards. If the process crashes in between, the account still exists and can be deleted again,
// and no record is left without its account.
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

// orphans reports users that have records in the volatile store but do not exist in the durable
// one.
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
