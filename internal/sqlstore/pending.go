package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const pendingColumns = `hash, user_id, uniquifier, state, factor, rescue, first_method, first_at, remember, session_id, address,
	created_at, expires_at, version, first_rests, known`

func pendingFields(p *storage.Pending) []any {
	return []any{
		&p.Hash, &p.UserID, &p.CredentialVersion, &p.State, &p.Factor, &p.Rescue, &p.First.Method,
		(*stamp)(&p.First.At),
		&p.Remember, &p.SessionID, &p.Address, (*stamp)(&p.CreatedAt), (*stamp)(&p.ExpiresAt), &p.Version,
		listOf[string]{&p.First.Rests}, &p.Known,
	}
}

func scanPending(scan scanner) (p storage.Pending, err error) {
	err = scan(pendingFields(&p)...)
	return p, err
}

// PutPending implements storage.Pendings. The new one is kept whatever the clock
// says of its age: the other four are the newest of the rest of its kind.
func (s pendings) PutPending(ctx context.Context, p storage.Pending) error {
	statements := append(s.d.locked("pendings:", []string{p.UserID}), s.d.pendingStatements(p)...)
	err := script(ctx, s.Store, "put pending", statements)
	if isMissed(err) {
		return storage.ErrNotFound
	}
	return err
}

// pendingStatements store a pending of a user that is locked. The first one misses if the
// user is deleted.
func (d Dialect) pendingStatements(p storage.Pending) []Statement {
	return []Statement{
		{`INSERT INTO twofold_pendings (` + pendingColumns + `)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16` + d.unlessDeleted(17), []any{
			p.Hash, p.UserID, p.CredentialVersion, string(p.State), p.Factor, bit(p.Rescue), p.First.Method,
			micros(p.First.At),
			bit(p.Remember), p.SessionID, p.Address, micros(p.CreatedAt), micros(p.ExpiresAt), p.Version,
			text(p.First.Rests), bit(p.Known), p.UserID, userKey(p.UserID),
		}, 1},
		{`DELETE FROM twofold_pendings WHERE user_id = $1 AND known = $3 AND hash <> $2 AND hash NOT IN (
			SELECT hash FROM twofold_pendings WHERE user_id = $1 AND known = $3 AND hash <> $2
			ORDER BY created_at DESC, hash LIMIT 4)`, []any{p.UserID, p.Hash, bit(p.Known)}, Any},
	}
}

// Pending implements storage.Pendings.
func (s pendings) Pending(ctx context.Context, hash string, now time.Time) (storage.Pending, error) {
	return one(ctx, s.Store, "pending", `SELECT `+pendingColumns+` FROM twofold_pendings
		WHERE hash = $1 AND expires_at > $2`, scanPending, hash, micros(now))
}

// Waiting implements storage.SessionUser. There is a row for each factor.
func (s steps) Waiting(ctx context.Context, hash string, now time.Time) (storage.Waiting, error) {
	rows, err := all(ctx, s.Store, "waiting", s.waiting, scanWaiting, hash, micros(now))
	w, err := first(rows, err)
	for i := 1; i < len(rows); i++ {
		w.Factors = append(w.Factors, rows[i].Factors...)
	}
	return w, err
}

func waitingQuery() string {
	return `SELECT f.id IS NOT NULL, (SELECT COUNT(*) FROM twofold_sessions WHERE user_id = u.id), ` +
		columnsOf("p", pendingColumns) + `, ` + columnsOf("u", userColumns) + `, ` + columnsOf("f", factorColumns) + `
		FROM twofold_pendings AS p JOIN twofold_users AS u ON u.id = p.user_id
		LEFT JOIN twofold_factors AS f ON f.user_id = u.id AND f.passkey_use <> 'first'
		WHERE p.hash = $1 AND p.expires_at > $2 ORDER BY f.is_primary DESC, f.created_at, f.id`
}

func scanWaiting(scan scanner) (w storage.Waiting, err error) {
	var f storage.Factor
	var has bool
	fields := append(append([]any{&has, &w.Sessions}, pendingFields(&w.Pending)...), userFields(&w.User)...)
	every := append(fields[:len(fields):len(fields)], factorFields(&f)...)
	for range len(every) - len(fields) {
		fields = append(fields, new(any)) // NULL if the user has no factor
	}
	if err = scan(fields...); err != nil || !has {
		return w, err
	}
	err = scan(every...)
	w.Factors = []storage.Factor{f}
	return w, err
}

// AdvancePending implements storage.Pendings.
func (s pendings) AdvancePending(ctx context.Context, p storage.Pending) error {
	n, err := s.exec(ctx, "advance pending",
		`UPDATE twofold_pendings SET state = $3, factor = $4, rescue = $5, version = version + 1
		WHERE hash = $1 AND version = $2`, p.Hash, p.Version, string(p.State), p.Factor, bit(p.Rescue))
	if err == nil && n == 0 {
		return storage.ErrUsed
	}
	return err
}

// TakePending implements storage.Pendings.
func (s pendings) TakePending(ctx context.Context, hash string) (storage.Pending, error) {
	p, err := take(ctx, s.Store, "take pending", `DELETE FROM twofold_pendings WHERE hash = $1 RETURNING `+
		pendingColumns, scanPending, hash)
	if err == errNone {
		err = storage.ErrUsed
	}
	return p, err
}

// EndPendings implements storage.Pendings.
func (s pendings) EndPendings(ctx context.Context, userID string) error {
	_, err := s.exec(ctx, "end pendings", `DELETE FROM twofold_pendings WHERE user_id = $1`, userID)
	return err
}
