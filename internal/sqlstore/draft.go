package sqlstore

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

const draftColumns = `owner, id, user_id, uniquifier, factor_id, method, name, adds, destination, secret, created_at, expires_at`

func scanDraft(scan scanner) (d storage.Draft, err error) {
	err = scan(&d.Owner, &d.ID, &d.UserID, &d.CredentialVersion, &d.FactorID, &d.Method, &d.Name, &d.Add,
		&d.Destination,
		(*blob)(&d.Secret), (*stamp)(&d.CreatedAt), (*stamp)(&d.ExpiresAt))
	return d, err
}

// PutDraft implements storage.Drafts.
func (s pendings) PutDraft(ctx context.Context, d storage.Draft) error {
	statement := s.d.draftStatement(d)
	return found(s.exec(ctx, "put draft", statement.Query, statement.Args...))
}

// draftStatement stores a draft. It misses if the user is deleted.
func (d Dialect) draftStatement(v storage.Draft) Statement {
	return Statement{`INSERT INTO twofold_drafts (` + draftColumns + `)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12` + d.unlessDeleted(13) + `
		ON CONFLICT (owner) DO UPDATE SET id = excluded.id, user_id = excluded.user_id, uniquifier = excluded.uniquifier,
			factor_id = excluded.factor_id, method = excluded.method, name = excluded.name, adds = excluded.adds,
			destination = excluded.destination, secret = excluded.secret, created_at = excluded.created_at,
			expires_at = excluded.expires_at`, []any{
		v.Owner, v.ID, v.UserID, v.CredentialVersion, v.FactorID, v.Method, v.Name, bit(v.Add), v.Destination,
		bytesOf(v.Secret), micros(v.CreatedAt), micros(v.ExpiresAt),
		v.UserID, userKey(v.UserID),
	}, 1}
}

// Draft implements storage.Drafts.
func (s pendings) Draft(ctx context.Context, owner string) (storage.Draft, error) {
	return one(ctx, s.Store, "draft", `SELECT `+draftColumns+` FROM twofold_drafts WHERE owner = $1`, scanDraft,
		owner)
}

// TakeDraft implements storage.Drafts.
func (s pendings) TakeDraft(ctx context.Context, owner, id string) error {
	n, err := s.exec(ctx, "take draft", `DELETE FROM twofold_drafts WHERE owner = $1 AND id = $2`, owner, id)
	if err == nil && n == 0 {
		return storage.ErrUsed
	}
	return err
}
