package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// invitations keeps invitations. It is a part of Store.
type invitations struct{ *Store }

const invitationColumns = `id, token_hash, email, email_key, username, roles, language, profile, created_at, expires_at`

func scanInvitation(scan scanner) (i storage.Invitation, err error) {
	err = scan(&i.ID, &i.TokenHash, &i.Email, &i.EmailKey, &i.Username, listOf[string]{&i.Roles}, &i.Language,
		&i.Profile, (*stamp)(&i.CreatedAt), (*stamp)(&i.ExpiresAt))
	return i, err
}

// PutInvitation implements storage.Invitations.
func (s invitations) PutInvitation(ctx context.Context, i storage.Invitation, messages ...storage.Message) error {
	_, err := s.execTelling(ctx, "put invitation", messages, `INSERT INTO twofold_invitations (`+invitationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (email_key) DO UPDATE SET id = excluded.id, token_hash = excluded.token_hash,
			email = excluded.email, username = excluded.username, roles = excluded.roles, language = excluded.language,
			profile = excluded.profile,
			created_at = excluded.created_at, expires_at = excluded.expires_at`,
		i.ID, i.TokenHash, i.Email, i.EmailKey, i.Username, text(i.Roles), i.Language,
		i.Profile, micros(i.CreatedAt), micros(i.ExpiresAt))
	return err
}

// Invitation implements storage.Invitations.
func (s invitations) Invitation(ctx context.Context, tokenHash string, now time.Time) (storage.Invitation, error) {
	return one(ctx, s.Store, "invitation", `SELECT `+invitationColumns+` FROM twofold_invitations
		WHERE token_hash = $1 AND expires_at > $2`, scanInvitation, tokenHash, micros(now))
}

// TakeInvitation implements storage.Invitations.
func (s invitations) TakeInvitation(ctx context.Context, tokenHash string, now time.Time) (storage.Invitation, error) {
	i, err := take(ctx, s.Store, "take invitation", `DELETE FROM twofold_invitations
		WHERE token_hash = $1 AND expires_at > $2 RETURNING `+invitationColumns, scanInvitation, tokenHash, micros(now))
	if err == errNone {
		err = storage.ErrUsed
	}
	return i, err
}

// AcceptInvitation implements storage.Invitations. Of parallel callers, one deletes the
// row. The others see none, because they wait for its transaction to end.
func (s invitations) AcceptInvitation(
	ctx context.Context, tokenHash string, now time.Time, u storage.User, factors ...storage.Factor,
) error {
	return s.tx(ctx, "accept invitation", func(t *txn) error {
		n, err := t.exec(`DELETE FROM twofold_invitations WHERE token_hash = $1 AND expires_at > $2`,
			tokenHash, micros(now))
		if err != nil {
			return err
		}
		if n == 0 {
			return storage.ErrUsed
		}
		return t.createUser(u, factors...)
	})
}

// EndInvitation implements storage.Invitations.
func (s invitations) EndInvitation(ctx context.Context, emailKey string) error {
	return found(s.exec(ctx, "end invitation", `DELETE FROM twofold_invitations WHERE email_key = $1`, emailKey))
}

// ListInvitations implements storage.Invitations.
func (s invitations) ListInvitations(
	ctx context.Context, after string, limit int, now time.Time,
) ([]storage.Invitation, error) {
	return all(ctx, s.Store, "list invitations", `SELECT `+invitationColumns+` FROM twofold_invitations
		WHERE email_key > $1 AND expires_at > $2 ORDER BY email_key LIMIT CAST($3 AS BIGINT)`,
		scanInvitation, after, micros(now), int64(max(limit, 0)))
}
