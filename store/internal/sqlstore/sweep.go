package sqlstore

import (
	"context"
	"time"
)

// sweepBatch bounds how long one statement holds the write lock.
const sweepBatch = 200

// sweeps delete up to $2 records of a kind that are dead at $1. Verbs compare
// times on every read, so a record that is still there is no less dead.
var sweeps = [...]string{
	`DELETE FROM twofold_sessions WHERE hash IN (SELECT hash FROM twofold_sessions WHERE ends_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_pendings WHERE hash IN (SELECT hash FROM twofold_pendings WHERE expires_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_drafts WHERE owner IN (SELECT owner FROM twofold_drafts WHERE expires_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_challenges WHERE name IN (SELECT name FROM twofold_challenges WHERE expires_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_counters WHERE name IN (SELECT name FROM twofold_counters WHERE ends_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_messages WHERE id IN (SELECT id FROM twofold_messages WHERE expires_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_devices WHERE id IN (SELECT id FROM twofold_devices WHERE expires_at <= $1 LIMIT $2)`,
	`DELETE FROM twofold_tokens WHERE id IN (SELECT id FROM twofold_tokens WHERE expires_at <= $1 LIMIT $2)`,
}

// Sweep implements store.Store.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, query := range sweeps {
		for left := limit; left > 0; {
			batch := min(left, sweepBatch)
			n, err := s.exec(ctx, "sweep", query, micros(now), batch)
			if err != nil {
				return total, err
			}
			total += int(n)
			if int(n) < batch {
				break
			}
			left -= batch
		}
	}
	return total, nil
}
