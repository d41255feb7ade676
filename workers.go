package twofold

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/deletion"
	"github.com/twofold-auth/twofold/internal/storage"
)

// closeTrail seals the audit trail every few seconds and logs its head every hour, so that a copy
// of the head exists outside the database. If the trail is partitioned, it begins a partition for
// each month, within an hour.
func closeTrail(ctx context.Context, trail *event.Trail, log *slog.Logger) {
	if fits, err := trail.Fits(ctx); err == nil && !fits {
		log.ErrorContext(ctx, "the key does not fit this database: second factors set up under another key do not "+
			"open; use that key, or add it alongside the new one")
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := trail.Close(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "the audit trail could not be sealed", "cause", err)
		}
		if n%720 == 0 {
			if err := trail.NextPart(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "the audit trail got no partition for this month, so rows are added to the one "+
					"before", "cause", err)
			}
			if head, err := trail.Head(ctx); err == nil {
				log.InfoContext(ctx, "audit trail", "head", head)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// deleteDue deletes the accounts whose owners asked for it, after the waiting period.
func deleteDue(ctx context.Context, d *deletion.Deletions, log *slog.Logger) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := d.Due(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "an account whose owner asked for it could not be deleted", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep removes expired data in small batches, so that it does not delay sign-ins.
func sweep(ctx context.Context, s storage.Store, now func() time.Time, log *slog.Logger) {
	const batch = 500
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		n, err := s.Sweep(ctx, now(), batch)
		if err != nil && !errors.Is(err, context.Canceled) {
			log.WarnContext(ctx, "expired records could not be removed", "cause", err)
		}
		if err == nil && n >= batch {
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// auditAge says how long rows of the audit trail are kept, and where they are archived, if at all.
type auditAge struct {
	days    int
	archive string
}

// remove removes rows that are older, and returns their number.
func (a auditAge) remove(ctx context.Context, trail *event.Trail, now time.Time) (int, error) {
	before := now.Add(-time.Duration(a.days) * 24 * time.Hour)
	if a.archive != "" {
		return trail.ArchiveBefore(ctx, before, a.archive)
	}
	return trail.RemoveBefore(ctx, before)
}

// sweepTrail removes old rows of the audit trail.
func sweepTrail(ctx context.Context, trail *event.Trail, age auditAge, now func() time.Time, log *slog.Logger) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for minute := 0; ; {
		n, err := age.remove(ctx, trail, now())
		if err != nil && ctx.Err() == nil && minute%60 == 0 { // the error will repeat, so log it once an hour
			log.ErrorContext(ctx, "old rows of the audit trail were not removed", "cause", err)
		}
		wait := tick.C
		if n > 0 {
			wait = time.After(100 * time.Millisecond)
		} else {
			minute++
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		}
	}
}
