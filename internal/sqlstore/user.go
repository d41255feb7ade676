package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const userColumns = `id, email, email_key, username, username_key, password_hash, active, uniquifier, roles, reset_at, created_at,
	updated_at, confirmed_at, proven_key, language, moved_at, profile, password_at`

func userFields(u *storage.User) []any {
	return []any{
		&u.ID, &u.Email, &u.EmailKey, &u.Username, &u.UsernameKey, &u.PasswordHash, &u.Active, &u.CredentialVersion,
		listOf[string]{&u.Roles}, (*stamp)(&u.ResetAt), (*stamp)(&u.CreatedAt), (*stamp)(&u.UpdatedAt),
		(*stamp)(&u.ConfirmedAt), &u.ProvenKey, &u.Language, (*stamp)(&u.MovedAt), &u.Profile,
		(*stamp)(&u.PasswordAt),
	}
}

func scanUser(scan scanner) (u storage.User, err error) {
	err = scan(userFields(&u)...)
	return u, err
}

// UserByID implements storage.UserReader.
func (s users) UserByID(ctx context.Context, id string) (storage.User, error) {
	return one(ctx, s.Store, "user by id", `SELECT `+userColumns+` FROM twofold_users WHERE id = $1`,
		scanUser, id)
}

// UserByIdentity implements storage.UserReader.
func (s users) UserByIdentity(ctx context.Context, key string) (storage.User, error) {
	if key == "" {
		return storage.User{}, storage.ErrNotFound
	}
	return one(ctx, s.Store, "user by identity", `SELECT `+userColumns+` FROM twofold_identities
		JOIN twofold_users ON id = user_id WHERE identity = $1`, scanUser, key)
}

// ListUsers implements storage.UserReader.
func (s users) ListUsers(ctx context.Context, after string, limit int) ([]storage.User, error) {
	if limit <= 0 { // SQLite would read a negative LIMIT as none
		return []storage.User{}, nil
	}
	return all(ctx, s.Store, "list users", `SELECT `+userColumns+` FROM twofold_users
		WHERE id > $1 ORDER BY id LIMIT CAST($2 AS BIGINT)`, scanUser, after, limit)
}

// userRow returns the values of userColumns.
func userRow(u storage.User) []any {
	return []any{
		u.ID, u.Email, u.EmailKey, u.Username, u.UsernameKey, u.PasswordHash, bit(u.Active), u.CredentialVersion,
		text(u.Roles), micros(u.ResetAt), micros(u.CreatedAt), micros(u.UpdatedAt), micros(u.ConfirmedAt),
		u.ProvenKey, u.Language, micros(u.MovedAt), u.Profile, micros(u.PasswordAt),
	}
}

// CreateUser implements storage.UserWriter.
func (s users) CreateUser(ctx context.Context, u storage.User, factors ...storage.Factor) error {
	return s.tx(ctx, "create user", func(t *txn) error { return t.createUser(u, factors...) })
}

func (t *txn) createUser(u storage.User, factors ...storage.Factor) error {
	n, err := t.exec(`INSERT INTO twofold_users (`+userColumns+`)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
		WHERE NOT EXISTS (SELECT 1 FROM twofold_deleted_users WHERE user_key = $19)`,
		append(userRow(u), userKey(u.ID))...)
	if err != nil {
		return err
	}
	if n == 0 { // the id was a deleted account's
		return storage.ErrExists
	}
	for _, f := range factors {
		if err := t.addFactor(&f); err != nil {
			return err
		}
	}
	return t.claimIdentities(u)
}

// identitiesOf returns the account's keys in the namespace that e-mail addresses and usernames
// share.
func identitiesOf(u storage.User) (keys []string) {
	for _, key := range []string{u.EmailKey, u.UsernameKey} {
		if key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// claimIdentities stores the account's keys. The primary key of their table, not a look-up, decides
// whether they are free.
func (t *txn) claimIdentities(u storage.User) error {
	for _, key := range identitiesOf(u) {
		if _, err := t.exec(`INSERT INTO twofold_identities (identity, user_id) VALUES ($1, $2)`, key,
			u.ID); err != nil {
			return err
		}
	}
	return nil
}

// SetIdentity implements storage.UserWriter.
func (s users) SetIdentity(ctx context.Context, u storage.User, version string, messages ...storage.Message) error {
	return s.tx(ctx, "set identity", func(t *txn) error {
		former, err := get(t, `SELECT `+userColumns+` FROM twofold_users WHERE id = $1`+s.d.ForUpdate, scanUser, u.ID)
		if err == errNone {
			err = storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := t.changeUser(u.ID,
			`UPDATE twofold_users SET email = $2, email_key = $3, username = $4, username_key = $5,
			uniquifier = $6, updated_at = CAST($7 AS BIGINT),
			moved_at = CASE WHEN email_key <> $3 THEN CAST($7 AS BIGINT) ELSE moved_at END WHERE id = $1`,
			u.Email, u.EmailKey, u.Username, u.UsernameKey, version, micros(u.UpdatedAt)); err != nil {
			return err
		}
		if err := t.moveMail(u.ID, u.Email); err != nil {
			return err
		}
		if former.EmailKey != u.EmailKey {
			if err := t.newMailbox(u.ID); err != nil {
				return err
			}
		}
		if _, err := t.exec(`DELETE FROM twofold_identities WHERE user_id = $1`, u.ID); err != nil {
			return err
		}
		if err := t.claimIdentities(u); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
}

// changeUser runs an UPDATE of one account under a new credential version; its trusted devices are removed
// in the same transaction.
func (t *txn) changeUser(id, update string, args ...any) error {
	n, err := t.exec(update, append([]any{id}, args...)...)
	if err != nil {
		return err
	}
	if n == 0 {
		return storage.ErrNotFound
	}
	_, err = t.exec(`DELETE FROM twofold_devices WHERE user_id = $1`, id)
	return err
}

// SetPassword implements storage.UserWriter.
func (s users) SetPassword(ctx context.Context, p storage.NewPassword, messages ...storage.Message) error {
	return s.tx(ctx, "set password", func(t *txn) error {
		if err := t.changeUser(p.UserID,
			`UPDATE twofold_users SET password_hash = $2, uniquifier = $3, updated_at = CAST($4 AS BIGINT),
			password_at = CAST($4 AS BIGINT),
			reset_at = CASE WHEN CAST($5 AS INTEGER) = 1 THEN CAST($4 AS BIGINT) ELSE reset_at END WHERE id = $1`,
			p.Hash, p.CredentialVersion, micros(p.Now), bit(p.ViaMailbox)); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
}

// UpgradePassword implements storage.UserWriter.
func (s users) UpgradePassword(ctx context.Context, id, old, new string) error {
	const verb = "upgrade password"
	n, err := s.exec(ctx, verb, `UPDATE twofold_users SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, id,
		old, new)
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, `SELECT COUNT(*) FROM twofold_users WHERE id = $1`, id)
}

// usedIfThere returns the reason why a conditional statement changed no row. The second query is
// safe, because nothing is granted in either case.
func usedIfThere(ctx context.Context, s *Store, verb, count, id string) error {
	n, err := one(ctx, s, verb, count, scanInt, id)
	if err != nil {
		return err
	}
	if n == 0 {
		return storage.ErrNotFound
	}
	return storage.ErrUsed
}

// SetActive implements storage.UserWriter.
func (s users) SetActive(ctx context.Context, id string, active bool, version string, now time.Time) error {
	return s.tx(ctx, "set active", func(t *txn) error {
		return t.changeUser(id, `UPDATE twofold_users SET active = $2, uniquifier = $3, updated_at = $4 WHERE id = $1`,
			bit(active), version, micros(now))
	})
}

// SetRoles implements storage.UserWriter.
func (s users) SetRoles(ctx context.Context, id string, roles []string, now time.Time) error {
	return found(s.exec(ctx, "set roles", `UPDATE twofold_users SET roles = $2, updated_at = $3 WHERE id = $1`,
		id, text(roles), micros(now)))
}

// found returns ErrNotFound if no row was changed.
func found(n int64, err error) error {
	if err == nil && n == 0 {
		return storage.ErrNotFound
	}
	return err
}
