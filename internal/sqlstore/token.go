package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const tokenColumns = `id, user_id, uniquifier, personal, hash, generation, session_id, name, scopes, level, trusted, proofs,
	created_at, used_at, idle_at, expires_at, trusted_by`

func scanToken(scan scanner) (t storage.Token, err error) {
	err = scan(&t.ID, &t.UserID, &t.CredentialVersion, &t.Personal, &t.Hash, &t.Generation, &t.SessionID, &t.Name,
		listOf[string]{&t.Scopes}, &t.Level, &t.Trusted, listOf[storage.Proof]{&t.Proofs},
		(*stamp)(&t.CreatedAt), (*stamp)(&t.UsedAt), (*stamp)(&t.IdleAt), (*stamp)(&t.ExpiresAt), &t.TrustedBy)
	return t, err
}

// PutToken implements storage.Tokens. The statement that stores a token also counts the
// others. The lock keeps transactions of the same user in order.
func (s tokens) PutToken(ctx context.Context, k storage.Token, messages ...storage.Message) error {
	row := []any{
		k.ID, k.UserID, k.CredentialVersion, bit(k.Personal), k.Hash, k.Generation, k.SessionID, k.Name,
		text(k.Scopes), int64(k.Level), bit(k.Trusted), text(k.Proofs),
		micros(k.CreatedAt), micros(k.UsedAt), micros(k.IdleAt), micros(k.ExpiresAt), k.TrustedBy,
	}
	const insert = `INSERT INTO twofold_tokens (` + tokenColumns + `)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17`
	return s.tx(ctx, "put token", func(t *txn) error {
		query, args := insert, row
		if k.Most > 0 {
			if err := t.lock("personal tokens " + k.UserID); err != nil {
				return err
			}
			query += ` WHERE (SELECT COUNT(*) FROM twofold_tokens WHERE user_id = $18 AND personal = 1
				AND uniquifier = $19 AND expires_at > $20 AND idle_at > $20) < $21`
			args = append(args, k.UserID, k.CredentialVersion, micros(k.CreatedAt), int64(k.Most))
		}
		n, err := t.exec(query, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return storage.ErrUsed
		}
		if err := t.putEvent(k.Event); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
}

// PersonalToken implements storage.Tokens.
func (s tokens) PersonalToken(ctx context.Context, hash string, now time.Time) (storage.Token, error) {
	return one(ctx, s.Store, "personal token", `SELECT `+tokenColumns+` FROM twofold_tokens
		WHERE hash = $1 AND personal = 1 AND expires_at > $2 AND idle_at > $2`, scanToken, hash, micros(now))
}

// RotateToken implements storage.Tokens. The exchange is one conditional
// statement; a loser looks why it lost.
func (s tokens) RotateToken(ctx context.Context, u storage.TokenUse) (storage.Token, error) {
	var next storage.Token
	copied := false
	err := s.tx(ctx, "rotate token", func(t *txn) (err error) {
		next, err = get(t, `UPDATE twofold_tokens SET generation = generation + 1, hash = $4, idle_at = $6,
				used_at = CASE WHEN used_at > $5 THEN used_at ELSE $5 END
			WHERE id = $1 AND generation = $2 AND hash = $3 AND personal = 0 AND expires_at > $5 AND idle_at > $5
			RETURNING `+tokenColumns, scanToken, u.ID, u.Generation, u.Hash, u.Next, micros(u.Now), micros(u.IdleAt))
		if err != errNone {
			return err
		}
		n, err := t.exec(`DELETE FROM twofold_tokens WHERE id = $1 AND personal = 0 AND generation > $2`, u.ID,
			u.Generation)
		if err != nil {
			return err
		}
		if copied = n > 0; !copied {
			return nil
		}
		return t.putCopied(u.Copied) // committed, though the caller gets an error
	})
	switch {
	case err != nil:
		return storage.Token{}, err
	case copied:
		return storage.Token{}, storage.ErrUsed
	case next.ID == "":
		return storage.Token{}, storage.ErrNotFound
	}
	return next, nil
}

// TouchToken implements storage.Tokens.
func (s tokens) TouchToken(ctx context.Context, id string, now time.Time) error {
	return found(s.exec(ctx, "touch token", `UPDATE twofold_tokens SET used_at = $2 WHERE id = $1`, id, micros(now)))
}

// TokensOf implements storage.Tokens. A token issued for earlier credentials is invalid, so it is not listed.
func (s tokens) TokensOf(ctx context.Context, userID string, now time.Time) ([]storage.Token, error) {
	return all(ctx, s.Store, "tokens", `SELECT `+tokenColumns+` FROM twofold_tokens
		WHERE user_id = $1 AND expires_at > $2 AND idle_at > $2
			AND uniquifier = (SELECT uniquifier FROM twofold_users WHERE id = $1)
		ORDER BY created_at DESC, id LIMIT CAST($3 AS BIGINT)`, scanToken, userID, micros(now), int64(storage.MaxListed))
}

// RevokeToken implements storage.Tokens.
func (s tokens) RevokeToken(ctx context.Context, userID, id string) error {
	return found(s.exec(ctx, "revoke token", `DELETE FROM twofold_tokens WHERE user_id = $1 AND id = $2`, userID, id))
}

// RevokeFamilies implements storage.Tokens.
func (s tokens) RevokeFamilies(ctx context.Context, userID, sessionID string) error {
	_, err := s.exec(ctx, "revoke families",
		`DELETE FROM twofold_tokens WHERE user_id = $1 AND personal = 0 AND session_id = $2`,
		userID, sessionID)
	return err
}
