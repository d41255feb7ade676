package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// deletions deletes accounts. It is a part of Store.
type deletions struct{ *Store }

// userKey returns the key for a user's ID in twofold_deleted_users.
func userKey(id string) string {
	sum := sha256.Sum256([]byte("twofold deleted user:" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// unlessDeleted is the condition of a statement that stores a record of a user,
// who may be unknown here, but not deleted. Parameter n is the user's id and n+1
// its userKey.
//
// Where statements run side by side, it locks the user's row against deletion.
// If the row was there when the statement began and is gone when it has the lock,
// the first two conditions are false. If it was gone before, the third one sees
// the mark of the deletion, which was committed with it.
func (d Dialect) unlessDeleted(n int) string {
	id, key := `$`+strconv.Itoa(n), `$`+strconv.Itoa(n+1)
	return ` WHERE (EXISTS (SELECT 1 FROM twofold_users WHERE id = ` + id + d.Share + `)
		OR NOT EXISTS (SELECT 1 FROM twofold_users WHERE id = ` + id + `)
			AND NOT EXISTS (SELECT 1 FROM twofold_deleted_users WHERE user_key = ` + key + `))`
}

// volatileTables lists the tables with expiring records of users, which have no foreign keys.
var volatileTables = [...]string{"twofold_sessions", "twofold_pendings", "twofold_drafts", "twofold_challenges"}

// DeleteUser implements storage.Deletions.
func (s deletions) DeleteUser(ctx context.Context, d storage.Deletion) error {
	return s.tx(ctx, "delete user", func(t *txn) error {
		lock := `SELECT uniquifier FROM twofold_users WHERE id = $1` + s.d.ForUpdate
		version, err := get(t, lock, scanText, d.UserID)
		if err != nil {
			return err
		}
		if d.Request != "" {
			n, err := t.exec(`DELETE FROM twofold_deletions
				WHERE user_id = $1 AND id = $2 AND (stays = 1 OR uniquifier = $3) AND due_at <= $4`,
				d.UserID, d.Request, version, micros(d.Now))
			if err != nil {
				return err
			}
			if n == 0 {
				return storage.ErrUsed
			}
		}
		if err := t.mark(d.UserID, math.MaxInt64); err != nil {
			return err
		}
		if err := t.eraseEvents(d); err != nil {
			return err
		}
		if err := t.forget(d.Forget); err != nil {
			return err
		}
		// Rows with a foreign key are deleted with the account.
		if err := t.dropVolatile(d.UserID); err != nil {
			return err
		}
		return t.drop(d.UserID, `DELETE FROM twofold_messages WHERE user_id = $1`,
			`DELETE FROM twofold_invitations WHERE email_key = (SELECT email_key FROM twofold_users WHERE id = $1)`,
			`DELETE FROM twofold_users WHERE id = $1`)
	})
}

func (t *txn) mark(userID string, ends int64) error {
	_, err := t.exec(`INSERT INTO twofold_deleted_users (user_key, ends_at) VALUES ($1, $2)
		ON CONFLICT (user_key) DO UPDATE SET ends_at = excluded.ends_at
		WHERE twofold_deleted_users.ends_at < excluded.ends_at`,
		userKey(userID), ends)
	return err
}

// neverDeleted returns ErrExists if one of the keys belongs to a deleted account.
func (t *txn) neverDeleted(keys []string) error {
	if !t.s.d.Local {
		n, err := get(t, `SELECT COUNT(*) FROM twofold_deleted_users WHERE user_key = ANY($1::text[])`, scanInt, keys)
		if err == nil && n > 0 {
			err = storage.ErrExists
		}
		return err
	}
	for chunk := range slices.Chunk(keys, 500) {
		n, err := get(t, `SELECT COUNT(*) FROM twofold_deleted_users WHERE user_key IN (`+places(1, len(chunk))+`)`,
			scanInt, anys(chunk)...)
		if err != nil {
			return err
		}
		if n > 0 {
			return storage.ErrExists
		}
	}
	return nil
}

func (t *txn) dropVolatile(userID string) error {
	for _, table := range volatileTables {
		if err := t.drop(userID, `DELETE FROM `+table+` WHERE user_id = $1`); err != nil {
			return err
		}
	}
	return nil
}

// eraseEvents erases the account's rows of the audit trail and adds the row of the deletion.
func (t *txn) eraseEvents(d storage.Deletion) error {
	rows, err := t.query(`SELECT row_no, `+eventColumns+` FROM twofold_events WHERE user_id = $1`, d.UserID)
	list, err := collect(rows, err, scanEvent)
	if err != nil {
		return err
	}
	for _, e := range list {
		e = d.Erase(e)
		if _, err := t.exec(`UPDATE twofold_events SET user_id = $2, method = $3, reason = $4, session_id = $5,
			address = $6, agent = $7, request = $8, erased = $9 WHERE row_no = $1`,
			e.Row, e.UserID, e.Method, e.Reason, e.Session, e.Address, e.Agent, e.Request,
			bytesOf(e.Erased)); err != nil {
			return err
		}
	}
	if d.Event.ID == "" {
		return nil
	}
	_, err = t.exec(insertEvent, eventValues(d.Event)...)
	return err
}

// PutDeletion implements storage.Deletions.
func (s deletions) PutDeletion(
	ctx context.Context, r storage.DeletionRequest, from string, messages ...storage.Message,
) error {
	return s.tx(ctx, "put deletion", func(t *txn) error {
		waits, err := get(t,
			`SELECT COUNT(*) FROM twofold_deletions AS d `+waitingDeletion+`WHERE d.user_id = $1`, scanInt, r.UserID)
		if err != nil {
			return err
		}
		if waits > 0 {
			return storage.ErrExists
		}
		if err := t.changeVersion(r.UserID, `UPDATE twofold_users SET uniquifier = $3, updated_at = $4
			WHERE id = $1 AND uniquifier = $2`,
			from, r.CredentialVersion, micros(r.CreatedAt)); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO twofold_deletions (user_id, id, uniquifier, created_at, due_at, stays)
			VALUES ($1, $2, $3, $4, $5, 1)
			ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, uniquifier = excluded.uniquifier,
				created_at = excluded.created_at, due_at = excluded.due_at, stays = excluded.stays`,
			r.UserID, r.ID, r.CredentialVersion, micros(r.CreatedAt), micros(r.DueAt)); err != nil {
			return err
		}
		if err := t.putEvent(r.Event); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
}

// waitingDeletion omits requests of an older version that a change of credentials has ended.
const waitingDeletion = `JOIN twofold_users AS u ON u.id = d.user_id AND (d.stays = 1 OR u.uniquifier = d.uniquifier) `

const deletionQuery = `SELECT d.user_id, d.id, d.uniquifier, d.created_at, d.due_at FROM twofold_deletions AS d ` +
	waitingDeletion

func scanDeletion(scan scanner) (r storage.DeletionRequest, err error) {
	err = scan(&r.UserID, &r.ID, &r.CredentialVersion, (*stamp)(&r.CreatedAt), (*stamp)(&r.DueAt))
	return r, err
}

// DeletionOf implements storage.Deletions.
func (s deletions) DeletionOf(ctx context.Context, userID string) (storage.DeletionRequest, error) {
	return one(ctx, s.Store, "deletion", deletionQuery+`WHERE d.user_id = $1`, scanDeletion, userID)
}

// EndDeletion implements storage.Deletions.
func (s deletions) EndDeletion(ctx context.Context, userID, id string) error {
	query, args := `DELETE FROM twofold_deletions WHERE user_id = $1`, []any{userID}
	if id != "" {
		query, args = query+` AND id = $2`, append(args, id)
	}
	return found(s.exec(ctx, "end deletion", query, args...))
}

// DueDeletions implements storage.Deletions.
func (s deletions) DueDeletions(ctx context.Context, now time.Time, limit int) ([]storage.DeletionRequest, error) {
	return all(ctx, s.Store, "due deletions", deletionQuery+`WHERE d.due_at <= $1
		ORDER BY d.due_at LIMIT CAST($2 AS BIGINT)`,
		scanDeletion, micros(now), int64(max(limit, 0)))
}

// DropUser implements storage.UserDropper.
func (s deletions) DropUser(ctx context.Context, userID string, until time.Time) error {
	return s.tx(ctx, "drop user", func(t *txn) error {
		if until.IsZero() {
			_, err := t.exec(`DELETE FROM twofold_deleted_users WHERE user_key = $1 AND ends_at < $2`,
				userKey(userID), int64(math.MaxInt64))
			return err
		}
		if err := t.mark(userID, micros(until)); err != nil {
			return err
		}
		return t.dropVolatile(userID)
	})
}

// Owners implements storage.UserDropper.
func (s deletions) Owners(ctx context.Context) ([]string, error) {
	var each []string
	for _, table := range volatileTables {
		each = append(each, `SELECT user_id FROM `+table+` WHERE user_id <> ''`)
	}
	return all(ctx, s.Store, "owners", strings.Join(each, ` UNION `), scanText)
}
