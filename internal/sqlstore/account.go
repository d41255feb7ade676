package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// ConfirmUser implements store.OwnerWriter.
func (s *Store) ConfirmUser(ctx context.Context, id, emailKey string, now time.Time) error {
	const verb = "confirm user"
	n, err := s.exec(ctx, verb, `UPDATE twofold_users SET confirmed_at = $3, updated_at = $3
		WHERE id = $1 AND email_key = $2 AND confirmed_at = 0`, id, emailKey, micros(now))
	if err != nil || n == 1 {
		return err
	}
	return s.usedIfThere(ctx, verb, `SELECT COUNT(*) FROM twofold_users WHERE id = $1`, id)
}

// ChangePassword implements store.OwnerWriter.
func (s *Store) ChangePassword(ctx context.Context, c store.PasswordChange) error {
	return s.tx(ctx, "change password", func(t *txn) error {
		at, mailbox := micros(c.Now), bit(c.ViaMailbox)
		if err := t.changeVersion(c.UserID, `UPDATE twofold_users SET password_hash = $3, uniquifier = $4, updated_at = CAST($5 AS BIGINT),
			reset_at = CASE WHEN CAST($6 AS INTEGER) = 1 THEN CAST($5 AS BIGINT) ELSE reset_at END,
			confirmed_at = CASE WHEN CAST($6 AS INTEGER) = 1 AND confirmed_at = 0 THEN CAST($5 AS BIGINT) ELSE confirmed_at END
			WHERE id = $1 AND uniquifier = $2`, c.From, c.Hash, c.To, at, mailbox); err != nil {
			return err
		}
		if c.DropPlanted {
			if err := t.dropPlanted(c.UserID); err != nil {
				return err
			}
		}
		return t.putMessages(c.Messages)
	})
}

// dropPlanted removes everything that opens an account beside its password.
// What is bound to the uniquifier is dead already.
func (t *txn) dropPlanted(userID string) error {
	for _, query := range []string{
		`DELETE FROM twofold_factors WHERE user_id = $1 AND NOT (method = 'email' AND passkey_use = 'first')`,
		`DELETE FROM twofold_recovery_codes WHERE user_id = $1`,
		`DELETE FROM twofold_connections WHERE user_id = $1`,
	} {
		if _, err := t.exec(query, userID); err != nil {
			return err
		}
	}
	return nil
}

// changeVersion is changeUser for an UPDATE with the uniquifier in its
// condition. It comes first in its transaction: it locks the account, so the
// rest is alone.
func (t *txn) changeVersion(id, update string, args ...any) error {
	n, err := t.exec(update, append([]any{id}, args...)...)
	if err != nil {
		return err
	}
	if n == 0 {
		return t.noSuchVersion(id)
	}
	_, err = t.exec(`DELETE FROM twofold_devices WHERE user_id = $1`, id)
	return err
}

// ChangeIdentity implements store.OwnerWriter.
func (s *Store) ChangeIdentity(ctx context.Context, c store.IdentityChange) error {
	return s.tx(ctx, "change identity", func(t *txn) error {
		if err := t.changeVersion(c.UserID, `UPDATE twofold_users SET uniquifier = $3, updated_at = $4 WHERE id = $1 AND uniquifier = $2`,
			c.From, c.To, micros(c.Now)); err != nil {
			return err
		}
		u, err := get(t, `SELECT `+userColumns+` FROM twofold_users WHERE id = $1`, scanUser, c.UserID)
		if err != nil {
			return err
		}
		if c.EmailKey != "" {
			if err := t.moveMail(u, c.Email); err != nil {
				return err
			}
			u.Email, u.EmailKey, u.ConfirmedAt = c.Email, c.EmailKey, c.Now
		}
		if c.UsernameKey != "" {
			u.Username, u.UsernameKey = c.Username, c.UsernameKey
		}
		if _, err := t.exec(`UPDATE twofold_users SET email = $2, email_key = $3, username = $4, username_key = $5, confirmed_at = $6 WHERE id = $1`,
			u.ID, u.Email, u.EmailKey, u.Username, u.UsernameKey, micros(u.ConfirmedAt)); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM twofold_identities WHERE user_id = $1`, u.ID); err != nil {
			return err
		}
		if err := t.claimIdentities(u); err != nil {
			return err
		}
		return t.putMessages(c.Messages)
	})
}

// moveMail sends factors by mail to the new address, where they went to the
// former one.
func (t *txn) moveMail(u store.User, to string) error {
	_, err := t.exec(`UPDATE twofold_factors SET destination = $4 WHERE user_id = $1 AND method = $2 AND destination = $3`,
		u.ID, store.Email, u.Email, to)
	return err
}
