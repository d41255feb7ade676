package sqlstore

import (
	"context"
	"strings"

	"github.com/twofold-auth/twofold/internal/storage"
)

// trimmed is what one account may have only so many of.
type trimmed[T any] struct {
	verb, table, key, columns, where string
	scan                             func(scanner) (T, error)
}

// trim removes all but the newest records of a user. To count them first costs
// one look at an index; that there are too many is rare, and only then is
// something written.
func trim[T any](ctx context.Context, s *Store, w trimmed[T], userID string, keep int) ([]T, error) {
	n, err := one(ctx, s, w.verb, `SELECT COUNT(*) FROM `+w.table+` WHERE user_id = $1`+w.where, scanInt,
		userID)
	if err != nil || n <= int64(keep) {
		return nil, err
	}
	var ended []T
	err = s.tx(ctx, w.verb, func(t *txn) error {
		rows, err := t.query(`DELETE FROM `+w.table+` WHERE user_id = $1`+w.where+` AND `+w.key+` NOT IN (
			SELECT `+w.key+` FROM `+w.table+` WHERE user_id = $1`+w.where+` ORDER BY created_at DESC, `+w.key+` LIMIT CAST($2 AS BIGINT))
			RETURNING `+w.columns, userID, int64(keep))
		ended, err = collect(rows, err, w.scan)
		return err
	})
	return ended, err
}

// TrimSessions implements storage.Sessions.
func (s sessions) TrimSessions(ctx context.Context, userID string, keep int) ([]storage.Session, error) {
	return trim(ctx, s.Store,
		trimmed[storage.Session]{"trim sessions", "twofold_sessions", "hash", sessionColumns, "", scanSession}, userID,
		keep)
}

// TrimDevices implements storage.Devices.
func (s sessions) TrimDevices(ctx context.Context, userID string, keep int) ([]storage.Device, error) {
	columns := strings.ReplaceAll(deviceColumns, "d.", "")
	return trim(ctx, s.Store, trimmed[storage.Device]{"trim devices", "twofold_devices", "id", columns, "", scanDevice},
		userID, keep)
}

// TrimFamilies implements storage.Tokens.
func (s sessions) TrimFamilies(ctx context.Context, userID string, keep int) ([]storage.Token, error) {
	return trim(ctx, s.Store,
		trimmed[storage.Token]{"trim families", "twofold_tokens", "id", tokenColumns, " AND personal = 0", scanToken},
		userID, keep)
}
