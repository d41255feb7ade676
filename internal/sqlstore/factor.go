package sqlstore

import (
	"context"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const factorColumns = `id, user_id, method, name, destination, secret, last_step, is_primary, created_at, last_used_at, credential, passkey_use`

func factorFields(f *storage.Factor) []any {
	return []any{
		&f.ID, &f.UserID, &f.Method, &f.Name, &f.Destination, (*blob)(&f.Secret), &f.LastStep, &f.Primary,
		(*stamp)(&f.CreatedAt), (*stamp)(&f.LastUsedAt), &f.Key, &f.Usage,
	}
}

func scanFactor(scan scanner) (f storage.Factor, err error) {
	err = scan(factorFields(&f)...)
	return f, err
}

// FactorsOf implements storage.Factors.
func (s factors) FactorsOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	return all(ctx, s.Store, "factors", `SELECT `+factorColumns+` FROM twofold_factors WHERE user_id = $1
		AND passkey_use <> 'first' ORDER BY is_primary DESC, created_at, id`, scanFactor, userID)
}

// SealedOtherwise implements storage.Factors.
func (s factors) SealedOtherwise(ctx context.Context, heads [][]byte, limit int) ([][]byte, error) {
	query, args := `SELECT substr(secret, 1, 257) FROM twofold_factors WHERE length(secret) > 0`, []any{}
	for _, h := range heads {
		args = append(args, h)
		query += ` AND substr(secret, 1, ` + strconv.Itoa(len(h)) + `) <> $` + strconv.Itoa(len(args))
	}
	args = append(args, limit)
	query += limitOf(`$` + strconv.Itoa(len(args)))
	return all(ctx, s.Store, "sealed otherwise", query, func(scan scanner) (head []byte, err error) {
		err = scan((*blob)(&head))
		return head, err
	}, args...)
}

// PasskeysOf implements storage.Factors.
func (s factors) PasskeysOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	return all(ctx, s.Store, "passkeys", `SELECT `+factorColumns+` FROM twofold_factors WHERE user_id = $1
		AND method = 'webauthn' ORDER BY created_at, id`, scanFactor, userID)
}

// PasskeyByKey implements storage.Factors.
func (s factors) PasskeyByKey(ctx context.Context, key string) (storage.Factor, error) {
	return one(ctx, s.Store, "passkey by key", `SELECT `+factorColumns+` FROM twofold_factors
		WHERE credential = $1 AND credential <> ''`, scanFactor, key)
}

// UsePasskey implements storage.Factors.
func (s factors) UsePasskey(ctx context.Context, id string, old, new []byte, now time.Time) error {
	const verb = "use passkey"
	n, err := s.exec(ctx, verb, `UPDATE twofold_factors SET secret = $3, last_used_at = $4 WHERE id = $1 AND secret = $2
		AND method = 'webauthn'`, id, bytesOf(old), bytesOf(new), micros(now))
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, factorCount+` AND method = 'webauthn'`, id)
}

// FirstFactorsOf implements storage.Factors.
func (s factors) FirstFactorsOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	return all(ctx, s.Store, "first factors", `SELECT `+factorColumns+` FROM twofold_factors WHERE user_id = $1
		AND passkey_use = 'first' AND method <> 'webauthn' ORDER BY created_at, id`, scanFactor, userID)
}

// ChangeFactors implements storage.Factors. The compare-and-set on the account comes first, because
// it locks the account.
func (s factors) ChangeFactors(ctx context.Context, c storage.FactorChange) error {
	if c.Add != nil && c.Add.UserID != c.UserID {
		return s.fail("change factors", &rowError{"the factor belongs to another user"})
	}
	return s.tx(ctx, "change factors", func(t *txn) error {
		n, err := t.exec(`UPDATE twofold_users SET uniquifier = $3, updated_at = $4 WHERE id = $1 AND uniquifier = $2`,
			c.UserID, c.From, c.To, micros(c.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return t.noSuchVersion(c.UserID)
		}
		if _, err := t.exec(`DELETE FROM twofold_devices WHERE user_id = $1`, c.UserID); err != nil {
			return err
		}
		if err := t.removeFactors(c); err != nil {
			return err
		}
		if err := t.addFactor(c.Add); err != nil {
			return err
		}
		if c.Prefer != "" {
			if err := t.prefer(c.UserID, c.Prefer); err != nil && err != errNone {
				return err
			}
		}
		if err := t.putCodes(c); err != nil {
			return err
		}
		return t.putMessages(c.Messages)
	})
}

// NameFactor implements storage.Factors.
func (s factors) NameFactor(ctx context.Context, userID, id, name string) error {
	return found(s.exec(ctx, "name factor",
		`UPDATE twofold_factors SET name = $3 WHERE user_id = $1 AND id = $2`, userID, id, name))
}

// PreferFactor implements storage.Factors. The account is locked first, as
// ChangeFactors does it, so that two of them never make two primaries.
func (s factors) PreferFactor(ctx context.Context, userID, id string) error {
	return s.tx(ctx, "prefer factor", func(t *txn) error {
		if _, err := get(t, `SELECT 1 FROM twofold_users WHERE id = $1`+s.d.ForUpdate, scanInt, userID); err != nil {
			return err
		}
		return t.prefer(userID, id)
	})
}

// prefer requires that the account is locked. It returns errNone if there is no such second factor;
// then the primary factor does not change.
func (t *txn) prefer(userID, id string) error {
	const there = `(SELECT COUNT(*) FROM twofold_factors WHERE user_id = $1 AND id = $2 AND passkey_use <> 'first') = 1`
	if _, err := t.exec(`UPDATE twofold_factors SET is_primary = 0 WHERE user_id = $1 AND is_primary = 1 AND `+there,
		userID, id); err != nil {
		return err
	}
	n, err := t.exec(`UPDATE twofold_factors SET is_primary = 1 WHERE user_id = $1 AND id = $2 AND passkey_use <> 'first'`, userID, id)
	if err == nil && n == 0 {
		return errNone
	}
	return err
}

func (t *txn) noSuchVersion(userID string) error {
	n, err := get(t, `SELECT COUNT(*) FROM twofold_users WHERE id = $1`, scanInt, userID)
	if err != nil {
		return err
	}
	if n == 0 {
		return storage.ErrNotFound
	}
	return storage.ErrUsed
}

func (t *txn) removeFactors(c storage.FactorChange) error {
	if c.RemoveAll {
		if _, err := t.exec(`DELETE FROM twofold_factors WHERE user_id = $1 AND passkey_use <> 'first'`,
			c.UserID); err != nil {
			return err
		}
	}
	if c.RemoveFirst {
		if _, err := t.exec(`DELETE FROM twofold_factors WHERE user_id = $1 AND passkey_use = 'first'`,
			c.UserID); err != nil {
			return err
		}
	}
	if c.RemoveConnections {
		if _, err := t.exec(`DELETE FROM twofold_connections WHERE user_id = $1`, c.UserID); err != nil {
			return err
		}
	}
	for _, id := range c.Disconnect {
		if _, err := t.exec(`DELETE FROM twofold_connections WHERE user_id = $1 AND id = $2`, c.UserID,
			id); err != nil {
			return err
		}
	}
	for _, id := range c.Remove {
		if _, err := t.exec(`DELETE FROM twofold_factors WHERE user_id = $1 AND id = $2`, c.UserID, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) addFactor(f *storage.Factor) error {
	if f == nil {
		return nil
	}
	if f.Primary {
		if _, err := t.exec(`UPDATE twofold_factors SET is_primary = 0 WHERE user_id = $1 AND is_primary = 1`,
			f.UserID); err != nil {
			return err
		}
	}
	_, err := t.exec(`INSERT INTO twofold_factors (`+factorColumns+
		`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		factorRow(*f)...)
	return err
}

// factorRow returns the values of factorColumns.
func factorRow(f storage.Factor) []any {
	return []any{
		f.ID, f.UserID, f.Method, f.Name, f.Destination, bytesOf(f.Secret), f.LastStep, bit(f.Primary),
		micros(f.CreatedAt), micros(f.LastUsedAt), f.Key, f.Usage,
	}
}

const factorCount = `SELECT COUNT(*) FROM twofold_factors WHERE id = $1`

// AdvanceStep implements storage.Factors. The condition depends only on the step, not on the clock,
// so a clock that steps back makes no step valid again.
func (s factors) AdvanceStep(ctx context.Context, id string, step int64, now time.Time) error {
	const verb = "advance step"
	statement := advanceStatement(id, step, now)
	n, err := s.exec(ctx, verb, statement.Query, statement.Args...)
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, factorCount, id)
}

// advanceStatement accepts a TOTP step. It writes no row if a later step was accepted or the factor
// no longer exists.
func advanceStatement(id string, step int64, now time.Time) Statement {
	return Statement{`UPDATE twofold_factors SET last_step = $2, last_used_at = $3 WHERE id = $1 AND last_step < $2`,
		[]any{id, step, micros(now)}, 1}
}

// MarkUsed implements storage.Factors.
func (s factors) MarkUsed(ctx context.Context, id string, now time.Time) error {
	return found(s.exec(ctx, "mark used", `UPDATE twofold_factors SET last_used_at = $2 WHERE id = $1`, id,
		micros(now)))
}

// Reseal implements storage.Factors. Comparing sealed bytes in SQL reveals nothing, because both are
// ciphertext that the database contains anyway.
func (s factors) Reseal(ctx context.Context, id string, old, new []byte) error {
	const verb = "reseal"
	n, err := s.exec(ctx, verb, `UPDATE twofold_factors SET secret = $3 WHERE id = $1 AND secret = $2`,
		id, bytesOf(old), bytesOf(new))
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, factorCount, id)
}
