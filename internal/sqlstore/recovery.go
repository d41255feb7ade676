package sqlstore

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const recoveryColumns = `user_id, id, uniquifier, factor_id, shut, address, agent, created_at, opens_at, expires_at`

func scanRecovery(scan scanner) (r storage.Recovery, err error) {
	err = scan(&r.UserID, &r.ID, &r.CredentialVersion, &r.FactorID, &r.Blocked, &r.Address, &r.Agent,
		(*stamp)(&r.CreatedAt), (*stamp)(&r.OpensAt), (*stamp)(&r.ExpiresAt))
	if r.Blocked {
		r.ExpiresAt = time.Time{}
	}
	return r, err
}

// PutRecovery implements storage.Recoveries. The one statement decides: a request
// that is valid is neither replaced nor delayed, however many requests follow.
func (s factors) PutRecovery(ctx context.Context, r storage.Recovery, messages ...storage.Message) error {
	return s.tx(ctx, "put recovery", func(t *txn) error {
		n, err := t.exec(putRecovery, r.UserID, r.ID, r.CredentialVersion, r.FactorID, r.Address, r.Agent,
			micros(r.CreatedAt), micros(r.OpensAt), micros(r.ExpiresAt))
		if err != nil {
			return err
		}
		if n == 0 {
			return storage.ErrExists
		}
		if err := t.putEvent(r.Event); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
}

const putRecovery = `INSERT INTO twofold_recoveries (` + recoveryColumns + `)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9)
		ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, uniquifier = excluded.uniquifier, factor_id = excluded.factor_id,
			address = excluded.address, agent = excluded.agent, created_at = excluded.created_at,
			opens_at = excluded.opens_at, expires_at = excluded.expires_at
		WHERE twofold_recoveries.shut = 0 AND (twofold_recoveries.expires_at <= excluded.created_at
			OR twofold_recoveries.uniquifier <> excluded.uniquifier)`

// Recovery implements storage.Recoveries.
func (s factors) Recovery(ctx context.Context, userID string) (storage.Recovery, error) {
	return one(ctx, s.Store, "recovery", `SELECT `+recoveryColumns+
		` FROM twofold_recoveries WHERE user_id = $1`, scanRecovery, userID)
}

// TakeRecovery implements storage.Recoveries.
func (s factors) TakeRecovery(ctx context.Context, userID, id, version string, now time.Time,
	messages ...storage.Message) (r storage.Recovery, err error) {
	err = s.tx(ctx, "take recovery", func(t *txn) (err error) {
		r, err = get(t, `DELETE FROM twofold_recoveries WHERE user_id = $1 AND id = $2 AND uniquifier = $3
			AND shut = 0 AND opens_at <= $4 AND expires_at > $4 RETURNING `+recoveryColumns, scanRecovery, userID, id, version, micros(now))
		if err != nil {
			return err
		}
		return t.putMessages(messages)
	})
	if errors.Is(err, errNone) {
		err = storage.ErrUsed
	}
	return r, err
}

// EndRecovery implements storage.Recoveries.
func (s factors) EndRecovery(ctx context.Context, userID string) error {
	_, err := s.exec(ctx, "end recovery", `DELETE FROM twofold_recoveries WHERE user_id = $1`, userID)
	return err
}

// BlockRecovery implements storage.Recoveries.
func (s factors) BlockRecovery(ctx context.Context, userID string, now time.Time) error {
	_, err := s.exec(ctx, "block recovery", `INSERT INTO twofold_recoveries (`+recoveryColumns+`)
		VALUES ($1, '', '', '', 1, '', '', $2, 0, $3)
		ON CONFLICT (user_id) DO UPDATE SET id = '', uniquifier = '', factor_id = '', shut = 1, address = '', agent = '',
			created_at = excluded.created_at, opens_at = 0, expires_at = excluded.expires_at`,
		userID, micros(now), int64(math.MaxInt64)) // it never expires
	return err
}
