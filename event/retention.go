package event

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// RemoveBefore removes the oldest rows that were written before the given time, at most about a
// thousand, and returns their number. It removes whole sealed ranges and stores a checkpoint in
// their place. The checkpoint contains the seal of the last range and is sealed itself, so Verify
// still detects every other removal.
//
// Rows that do not match their seals are kept and cause an error, because removing them would hide
// the change. The newest sealed range always stays.
//
// If the trail is stored in parts, the oldest part is removed as a whole, once all of its rows are
// that old. Rows of the first part, which may be from many months, are removed in ranges.
func (t *Trail) RemoveBefore(ctx context.Context, before time.Time) (int, error) {
	before = before.UTC().Truncate(time.Microsecond) // the precision of stored rows
	old, err := t.events.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	part, err := t.oldestPart(ctx, old)
	if err == nil && part.Through > 0 && !part.First {
		return t.removePart(ctx, old, part, before, "")
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return 0, err
	}
	v := verifier{t: t}
	v.begin(old)
	seals, err := t.events.SealsAfter(ctx, old.Through, 100)
	if err != nil {
		return 0, err
	}
	last, err := t.events.LastSeal(ctx)
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, s := range seals {
		if s.After >= last.After || removed+s.Count > rangeRows && removed > 0 {
			break
		}
		aged, err := v.aged(ctx, s, before)
		if err != nil {
			return 0, err
		}
		if !aged || len(v.Problems) > 0 {
			break
		}
		v.last, removed = s, removed+s.Count
	}
	if removed == 0 {
		return 0, v.stuck(ctx, old)
	}
	if err := t.events.RemoveEvents(ctx, old.Through, t.checkpoint(old, v.last, removed, before)); errors.Is(err,
		storage.ErrUsed) {
		return 0, nil // another node is removing rows
	} else if err != nil {
		return 0, err
	}
	return removed, nil
}

// checkpoint returns the checkpoint that replaces the rows up to a seal.
func (t *Trail) checkpoint(old storage.Checkpoint, last storage.Seal, rows int, before time.Time) storage.Checkpoint {
	c := storage.Checkpoint{
		Through: last.Through, Rows: old.Rows + int64(rows), Seal: last.MAC,
		Before: before, At: t.now().UTC().Truncate(time.Microsecond),
	}
	c.MAC = t.keys.MAC("checkpoint", checkpointed(c)...)
	return c
}

// stuck returns an error that explains why nothing can be removed, or nil if another node has just
// removed rows.
func (v *verifier) stuck(ctx context.Context, old storage.Checkpoint) error {
	if len(v.Problems) == 0 {
		return nil
	}
	now, err := v.t.events.Checkpoint(ctx)
	if err != nil || now.Through != old.Through {
		return err
	}
	return fmt.Errorf("audit trail: old rows cannot be removed because they were changed: %s", v.Problems[0])
}

// aged checks a range and reports whether it is older than the given time, by the signed times of
// its rows. It reads the first row alone, because that row is almost always too recent.
func (v *verifier) aged(ctx context.Context, s storage.Seal, before time.Time) (bool, error) {
	first, err := v.t.events.EventsBy(ctx, store.EventFilter{After: v.last.Through, Limit: 1})
	if err != nil || len(first) > 0 && !first[0].At.Before(before) {
		return false, err
	}
	rows, err := v.stretch(ctx, s)
	for _, e := range rows {
		if !e.At.Before(before) {
			return false, err
		}
	}
	return err == nil, err
}

func checkpointed(c storage.Checkpoint) []string {
	return []string{
		strconv.FormatInt(c.Through, 10), strconv.FormatInt(c.Rows, 10), string(c.Seal),
		strconv.FormatInt(c.Before.UnixMicro(), 10), strconv.FormatInt(c.At.UnixMicro(), 10),
	}
}

// begin starts a check after the rows that were removed because of their age.
func (v *verifier) begin(c storage.Checkpoint) {
	if c.Through == 0 && len(c.MAC) == 0 {
		return
	}
	v.last = storage.Seal{Through: c.Through, MAC: c.Seal}
	v.RemovedThrough, v.RemovedRows, v.RemovedBefore, v.RemovedAt = c.Through, c.Rows, c.Before.UTC(), c.At.UTC()
	if !v.t.any(c.MAC, "checkpoint", checkpointed(c)) {
		v.problem("rows 1 to %d: the checkpoint of their removal is not genuine", c.Through)
	}
}

// returned reports rows that were removed and exist again.
func (v *verifier) returned(ctx context.Context) error {
	rows, err := v.t.events.EventsBy(ctx, store.EventFilter{Limit: 1})
	if err == nil && len(rows) > 0 && rows[0].Row <= v.RemovedThrough {
		v.problem("row %d: it was removed because of its age but exists again", rows[0].Row)
	}
	return err
}

// oldHeadFits compares an earlier head with a checkpoint.
func (v *verifier) oldHeadFits(c storage.Checkpoint) error {
	if v.oldHead == headOf(storage.Seal{}) { // of a trail without seals, of which every trail is a continuation
		v.headSeen = true
		return nil
	}
	row, _, _ := strings.Cut(v.oldHead, ":")
	n, err := strconv.ParseInt(row, 10, 64)
	if err == nil && n < c.Through {
		return fmt.Errorf("the head %s belongs to rows that were removed because of their age: use a head of row %d "+
			"or later",
			v.oldHead, c.Through)
	}
	v.headSeen = c.Through > 0 && v.oldHead == fmt.Sprintf("%d:%x", c.Through, c.Seal)
	return nil
}
