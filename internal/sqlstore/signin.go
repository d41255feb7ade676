package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// CountSignIn implements storage.SignInCounter. The one statement reads and writes,
// so none of several sign-ins at once is lost.
func (s users) CountSignIn(ctx context.Context, userID string, at time.Time, address string) error {
	_, err := s.exec(ctx, "count sign-in", `INSERT INTO twofold_sign_ins
			(user_id, current_at, last_at, current_address, last_address, count) VALUES ($1, $2, $2, $3, '', 1)
		ON CONFLICT (user_id) DO UPDATE SET last_at = twofold_sign_ins.current_at,
			last_address = twofold_sign_ins.current_address, current_at = excluded.current_at,
			current_address = excluded.current_address, count = twofold_sign_ins.count + 1`,
		userID, micros(at), address)
	return err
}

// SignInsOf implements storage.SignInCounter.
func (s users) SignInsOf(ctx context.Context, userID string) (storage.SignIns, error) {
	n, err := one(ctx, s.Store, "sign-ins", `SELECT current_at, last_at, current_address, last_address, count
		FROM twofold_sign_ins WHERE user_id = $1`, func(scan scanner) (n storage.SignIns, err error) {
		err = scan((*stamp)(&n.CurrentAt), (*stamp)(&n.LastAt), &n.CurrentAddress, &n.LastAddress, &n.Count)
		return n, err
	}, userID)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.SignIns{}, nil
	}
	return n, err
}
