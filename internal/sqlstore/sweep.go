package sqlstore

import (
	"context"
	"time"
)

// One statement of a sweep removes so many rows that it holds the write lock for about
// sweepTime. The wait for the lock is part of the time, so a sweep removes fewer where
// others write.
const (
	sweepTime  = 4 * time.Millisecond
	sweepLeast = 16
	sweepMost  = 200
)

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
	{"deleted_users", "user_key", "ends_at"},
	{"invitations", "email_key", "expires_at"},
}

// Sweep implements store.Store. Nodes that sweep at once take different rows
// where the database lets them; MATERIALIZED keeps it from choosing twice.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total, size := 0, sweepLeast
	for _, w := range sweeps {
		query := `WITH dead AS MATERIALIZED (SELECT ` + w.key + ` FROM twofold_` + w.table +
			` WHERE ` + w.end + ` <= $1 LIMIT $2` + s.d.SkipLocked + `)
			DELETE FROM twofold_` + w.table + ` WHERE ` + w.key + ` IN (SELECT ` + w.key + ` FROM dead)`
		for left := limit; left > 0; {
			batch := min(left, size)
			start := time.Now()
			n, err := s.exec(ctx, "sweep", query, micros(now), batch)
			if err != nil {
				return total, err
			}
			total += int(n)
			if int(n) < batch {
				break
			}
			left -= batch
			switch took := time.Since(start); {
			case took > sweepTime:
				size = max(sweepLeast, size/2)
			case took < sweepTime/2:
				size = min(sweepMost, size*2)
			}
		}
	}
	return total, nil
}
