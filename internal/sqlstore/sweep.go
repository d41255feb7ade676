package sqlstore

import (
	"context"
	"time"
)

// One statement of a sweep deletes as many rows as it can in about sweepTime, for
// which it holds the write lock. This includes the wait for the lock, so a sweep
// deletes fewer rows while others write.
const (
	sweepTime  = 4 * time.Millisecond
	sweepLeast = 16
	sweepMost  = 200
)

// sweeps are the tables with records that expire, with their keys and the columns
// of their ends. Every read compares these times, so an expired record that was not
// deleted yet has no effect.
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
	{"used_links", "id", "expires_at"},
}

// Sweep implements storage.Store. Concurrent nodes delete different rows if the
// database allows it. MATERIALIZED makes the database select the rows only once.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total, size := 0, sweepLeast
	for _, w := range sweeps {
		query := `WITH dead AS MATERIALIZED (SELECT ` + w.key + ` FROM twofold_` + w.table +
			` WHERE ` + w.end + ` <= $1 LIMIT CAST($2 AS BIGINT)` + s.d.SkipLocked + `)
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
