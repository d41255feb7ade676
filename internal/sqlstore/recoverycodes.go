package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// HasRecoveryCode implements storage.RecoveryCodes.
func (s factors) HasRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time) (bool, error) {
	for _, mac := range macs {
		n, err := one(ctx, s.Store, "has recovery code", codesLeft+` AND mac = $3 AND LENGTH(mac) > 0`, scanInt,
			userID, micros(since), bytesOf(mac))
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// SpendRecoveryCode implements storage.RecoveryCodes. Deleting the row is the
// taking: of parallel callers one deletes it. A code has one hash, so of the
// hashes under several keys at most one finds it. What makes comparing in SQL
// safe is said at TryChallenge. The account is locked first, so a code that is
// stored again at this moment (by an import) is not taken for one that is spent.
func (s factors) SpendRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time,
	messages ...storage.Message) (int, error) {
	left, spent := int64(0), int64(0)
	err := s.tx(ctx, "spend recovery code", func(t *txn) (err error) {
		lock := `SELECT 1 FROM twofold_users WHERE id = $1` + s.d.ForUpdate
		if _, err := get(t, lock, scanInt, userID); err == errNone {
			return storage.ErrUsed
		} else if err != nil {
			return err
		}
		for _, mac := range macs {
			if spent == 0 && len(mac) > 0 {
				spent, err = t.exec(`DELETE FROM twofold_recovery_codes WHERE user_id = $1 AND mac = $2 AND created_at >= $3`,
					userID, bytesOf(mac), micros(since))
			}
			if err != nil {
				return err
			}
		}
		if spent == 0 {
			return storage.ErrUsed
		}
		if left, err = get(t, codesLeft, scanInt, userID, micros(since)); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
	return int(left), err
}

const codesLeft = `SELECT COUNT(*) FROM twofold_recovery_codes WHERE user_id = $1 AND created_at >= $2`

// RecoveryCodesLeft implements storage.RecoveryCodes.
func (s factors) RecoveryCodesLeft(ctx context.Context, userID string, since time.Time) (int, error) {
	n, err := one(ctx, s.Store, "recovery codes", codesLeft, scanInt, userID, micros(since))
	return int(n), err
}

// putCodes replaces the user's set, if there is a new one. Without a second
// factor no user has codes, since they replace that factor and nothing else, unless the change says that the
// codes may come first.
func (t *txn) putCodes(c storage.FactorChange) error {
	n, err := get(t, `SELECT COUNT(*) FROM twofold_factors WHERE user_id = $1 AND passkey_use <> 'first'`, scanInt,
		c.UserID)
	switch {
	case err != nil:
		return err
	case n == 0 && (c.KeepOne || len(c.Codes) > 0 && !c.EarlyCodes):
		return storage.ErrNoFactor
	case (n > 0 || c.EarlyCodes) && c.Codes == nil:
		return nil
	}
	if err := t.drop(c.UserID, dropCodes...); err != nil || len(c.Codes) == 0 {
		return err
	}
	for _, mac := range c.Codes {
		if _, err := t.exec(`INSERT INTO twofold_recovery_codes (user_id, mac, created_at) VALUES ($1, $2, $3)`,
			c.UserID, bytesOf(mac), micros(c.Now)); err != nil {
			return err
		}
	}
	return t.putCodeSet(c.UserID, len(c.Codes), c.Now)
}
