package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// MarkSeen implements storage.AccountMarks. The one statement compares and writes, so of several
// marks at once the latest stays.
func (s marks) MarkSeen(ctx context.Context, userID string, through int64, e storage.Event) error {
	return s.tx(ctx, "mark seen", func(t *txn) error {
		if err := t.putEvent(e); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO twofold_seen (user_id, through_row)
			SELECT u.id, CASE WHEN last.row_no < CAST($2 AS BIGINT) THEN last.row_no ELSE CAST($2 AS BIGINT) END
			FROM twofold_users AS u
			CROSS JOIN (SELECT COALESCE(MAX(row_no), 0) AS row_no FROM twofold_events) AS last
			WHERE u.id = $1
			ON CONFLICT (user_id) DO UPDATE SET through_row = CASE
				WHEN twofold_seen.through_row < excluded.through_row THEN excluded.through_row
				ELSE twofold_seen.through_row END`, userID, max(through, 0))
		return found(n, err)
	})
}

// SeenThrough implements storage.AccountMarks.
func (s marks) SeenThrough(ctx context.Context, userID string) (int64, error) {
	through, err := one(ctx, s.Store, "seen through",
		`SELECT through_row FROM twofold_seen WHERE user_id = $1`, scanInt, userID)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	return through, err
}

// CodeSetOf implements storage.AccountMarks.
func (s marks) CodeSetOf(ctx context.Context, userID string) (storage.CodeSet, error) {
	set, err := one(ctx, s.Store, "code set", `SELECT made, made_at FROM twofold_code_sets WHERE user_id = $1`,
		func(scan scanner) (c storage.CodeSet, err error) {
			err = scan(&c.Made, (*stamp)(&c.At))
			return c, err
		}, userID)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.CodeSet{}, nil
	}
	return set, err
}

// dropCodes removes a user's recovery codes and their record.
var dropCodes = []string{
	`DELETE FROM twofold_recovery_codes WHERE user_id = $1`,
	`DELETE FROM twofold_code_sets WHERE user_id = $1`,
}

const codeSetColumns = `user_id, made, made_at`

// codeSetRow returns the values of codeSetColumns.
func codeSetRow(userID string, made int, at time.Time) []any {
	return []any{userID, int64(made), micros(at)}
}

// putCodeSet stores the record of a set whose codes are stored in this transaction. The record of an
// earlier set is removed before.
func (t *txn) putCodeSet(userID string, made int, at time.Time) error {
	_, err := t.exec(`INSERT INTO twofold_code_sets (`+codeSetColumns+`) VALUES ($1, $2, $3)`,
		codeSetRow(userID, made, at)...)
	return err
}

// UseLink implements storage.UsedLinks. The one statement decides which of several callers uses a
// link. A link that an older version used has a budget of that name.
func (s marks) UseLink(ctx context.Context, id string, until time.Time) error {
	n, err := s.exec(ctx, "use link", `INSERT INTO twofold_used_links (id, expires_at)
		SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT)
		WHERE NOT EXISTS (SELECT 1 FROM twofold_counters WHERE name = $1)
		ON CONFLICT (id) DO NOTHING`, id, micros(until))
	if err == nil && n == 0 {
		err = storage.ErrUsed
	}
	return err
}
