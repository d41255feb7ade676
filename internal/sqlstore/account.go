package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// ConfirmUser implements storage.OwnerWriter.
func (s users) ConfirmUser(ctx context.Context, id, emailKey, provenKey string, now time.Time) error {
	const verb = "confirm user"
	n, err := s.exec(ctx, verb, `UPDATE twofold_users SET proven_key = $4, updated_at = CAST($3 AS BIGINT),
			confirmed_at = CASE WHEN confirmed_at = 0 THEN CAST($3 AS BIGINT) ELSE confirmed_at END
		WHERE id = $1 AND email_key = $2 AND (confirmed_at = 0 OR proven_key <> $4)`, id, emailKey, micros(now), provenKey)
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, `SELECT COUNT(*) FROM twofold_users WHERE id = $1`, id)
}

// ChangePassword implements storage.OwnerWriter.
func (s users) ChangePassword(ctx context.Context, c storage.PasswordChange) error {
	return s.tx(ctx, "change password", func(t *txn) error {
		at, mailbox := micros(c.Now), bit(c.ViaMailbox)
		if err := t.changeVersion(c.UserID,
			`UPDATE twofold_users SET password_hash = $3, uniquifier = $4, updated_at = CAST($5 AS BIGINT),
			password_at = CAST($5 AS BIGINT),
			reset_at = CASE WHEN CAST($6 AS INTEGER) = 1 THEN CAST($5 AS BIGINT) ELSE reset_at END,
			confirmed_at = CASE WHEN CAST($6 AS INTEGER) = 1 AND confirmed_at = 0 THEN CAST($5 AS BIGINT) ELSE confirmed_at END,
			proven_key = CASE WHEN CAST($7 AS TEXT) <> '' THEN CAST($7 AS TEXT) ELSE proven_key END,
			moved_at = CASE WHEN CAST($8 AS INTEGER) = 1 THEN CAST($5 AS BIGINT) ELSE moved_at END
			WHERE id = $1 AND uniquifier = $2`,
			c.From, c.Hash, c.To, at, mailbox, c.ProvenKey, bit(c.Moved)); err != nil {
			return err
		}
		if c.MailTo != "" {
			if err := t.moveMail(c.UserID, c.MailTo); err != nil {
				return err
			}
		}
		if c.DropPlanted {
			if err := t.drop(c.UserID, planted...); err != nil {
				return err
			}
		}
		if c.DropSeconds {
			if err := t.drop(c.UserID, seconds...); err != nil {
				return err
			}
		}
		return t.putMessages(c.Messages)
	})
}

// First factors other than the password and the mailbox, and second factors. Everything bound to
// the credential version is already invalid.
var (
	planted = []string{
		`DELETE FROM twofold_factors WHERE user_id = $1 AND passkey_use = 'first' AND method <> 'email'`,
		`DELETE FROM twofold_connections WHERE user_id = $1`,
	}
	seconds = []string{
		`DELETE FROM twofold_factors WHERE user_id = $1 AND passkey_use <> 'first'`,
		dropCodes[0], dropCodes[1],
	}
)

func (t *txn) drop(userID string, queries ...string) error {
	for _, query := range queries {
		if _, err := t.exec(query, userID); err != nil {
			return err
		}
	}
	return nil
}

// moveMail sets the destination of factors by mail to the account's address.
func (t *txn) moveMail(userID, email string) error {
	_, err := t.exec(`UPDATE twofold_factors SET destination = $2 WHERE user_id = $1 AND method = 'email'`, userID,
		email)
	return err
}

// newMailbox removes first factors when the address of an account changes to one that was not
// proven, because they may belong to a person who does not read that mailbox. The only way to sign
// in stays.
func (t *txn) newMailbox(userID string) error {
	n, err := get(t, `SELECT COUNT(*) FROM twofold_users WHERE id = $1 AND (password_hash <> '' OR EXISTS (
		SELECT 1 FROM twofold_factors WHERE user_id = $1 AND passkey_use = 'first' AND method = 'email'))`, scanInt, userID)
	if err != nil || n == 0 {
		return err
	}
	return t.drop(userID, planted...)
}

// changeVersion is like changeUser, for an UPDATE with the credential version in its condition. It must be
// the first statement in its transaction, because it locks the account.
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

// ChangeIdentity implements storage.OwnerWriter.
func (s users) ChangeIdentity(ctx context.Context, c storage.IdentityChange) error {
	return s.tx(ctx, "change identity", func(t *txn) error {
		if err := t.changeVersion(c.UserID,
			`UPDATE twofold_users SET uniquifier = $3, updated_at = $4 WHERE id = $1 AND uniquifier = $2`,
			c.From, c.To, micros(c.Now)); err != nil {
			return err
		}
		u, err := get(t, `SELECT `+userColumns+` FROM twofold_users WHERE id = $1`, scanUser, c.UserID)
		if err != nil {
			return err
		}
		if c.EmailKey != "" {
			if err := t.moveMail(u.ID, c.Email); err != nil {
				return err
			}
			u.Email, u.EmailKey, u.ProvenKey, u.ConfirmedAt = c.Email, c.EmailKey, c.EmailKey, c.Now
		}
		if c.UsernameKey != "" || c.NoUsername {
			u.Username, u.UsernameKey = c.Username, c.UsernameKey
		}
		if _, err := t.exec(`UPDATE twofold_users SET email = $2, email_key = $3, username = $4, username_key = $5, confirmed_at = $6, proven_key = $7 WHERE id = $1`,
			u.ID, u.Email, u.EmailKey, u.Username, u.UsernameKey, micros(u.ConfirmedAt), u.ProvenKey); err != nil {
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

// SetLanguage implements storage.OwnerWriter.
func (s users) SetLanguage(ctx context.Context, id, old, new string) error {
	const verb = "set language"
	n, err := s.exec(ctx, verb, `UPDATE twofold_users SET language = $3 WHERE id = $1 AND language = $2`, id, old, new)
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, `SELECT COUNT(*) FROM twofold_users WHERE id = $1`, id)
}

// SetProfile implements storage.OwnerWriter.
func (s users) SetProfile(ctx context.Context, id, old, new string, now time.Time) error {
	const verb = "set profile"
	n, err := s.exec(ctx, verb, `UPDATE twofold_users SET profile = $3, updated_at = $4 WHERE id = $1 AND profile = $2`,
		id, old, new, micros(now))
	if err != nil || n == 1 {
		return err
	}
	return usedIfThere(ctx, s.Store, verb, `SELECT COUNT(*) FROM twofold_users WHERE id = $1`, id)
}
