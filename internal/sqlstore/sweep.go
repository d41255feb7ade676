package sqlstore

import (
	"context"
	"time"
)

// sweepBatch bounds how long one statement holds the write lock.
const sweepBatch = 200

// sweeps names what dies, its key and the time of its death. Verbs compare
// times on every read, so a record that is still there is no less dead.
var sweeps = [...]struct{ table, key, end string }{
	{"sessions", "hash", "ends_at"},
	{"pendings", "hash", "expires_at"},
	{"drafts", "owner", "expires_at"},
	{"challenges", "name", "expires_at"},
	{"counters", "name", "ends_at"},
	{"messages", "id", "expires_at"},
	{"devices", "id", "expires_at"},
	{"recoveries", "user_id", "expires_at"},
	{"tokens", "id", "expires_at"},
}

// Sweep implements store.Store. Nodes that sweep at once take different rows
// where the database lets them; MATERIALIZED keeps it from choosing twice.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, w := range sweeps {
		query := `WITH dead AS MATERIALIZED (SELECT ` + w.key + ` FROM twofold_` + w.table +
			` WHERE ` + w.end + ` <= $1 LIMIT $2` + s.d.SkipLocked + `)
			DELETE FROM twofold_` + w.table + ` WHERE ` + w.key + ` IN (SELECT ` + w.key + ` FROM dead)`
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
