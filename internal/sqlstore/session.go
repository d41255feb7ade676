package sqlstore

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// ends_at is the earlier of idle_at and expires_at, so that reads compare one
// column, and the sweep needs one index.
const sessionColumns = `hash, id, user_id, uniquifier, is_token, level, trusted, proofs, fresh_at, address, agent,
	created_at, seen_at, idle_at, expires_at, trusted_by`

func sessionFields(s *storage.Session) []any {
	return []any{
		&s.Hash, &s.ID, &s.UserID, &s.CredentialVersion, &s.Token, &s.Level, &s.Trusted,
		listOf[storage.Proof]{&s.Proofs},
		(*stamp)(&s.FreshAt), &s.Address, &s.Agent,
		(*stamp)(&s.CreatedAt), (*stamp)(&s.SeenAt), (*stamp)(&s.IdleAt), (*stamp)(&s.ExpiresAt),
		&s.TrustedBy,
	}
}

func scanSession(scan scanner) (s storage.Session, err error) {
	err = scan(sessionFields(&s)...)
	return s, err
}

// PutSession implements storage.Sessions.
func (s sessions) PutSession(ctx context.Context, v storage.Session) error {
	statement := s.d.sessionStatement(v)
	return found(s.exec(ctx, "put session", statement.Query, statement.Args...))
}

// sessionStatement stores a session. It writes no row if the user is deleted.
func (d Dialect) sessionStatement(v storage.Session) Statement {
	columns, values := sessionColumns+", ends_at",
		"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17"
	args := []any{
		v.Hash, v.ID, v.UserID, v.CredentialVersion, bit(v.Token), int64(v.Level), bit(v.Trusted), text(v.Proofs),
		micros(v.FreshAt), v.Address, v.Agent, micros(v.CreatedAt), micros(v.SeenAt), micros(v.IdleAt),
		micros(v.ExpiresAt),
		v.TrustedBy,
		min(micros(v.IdleAt), micros(v.ExpiresAt)),
	}
	if d.Places {
		columns += ", place, user_place"
		values += ", $18, (SELECT place FROM twofold_users WHERE id = $3)"
		args = append(args, Place(v.Hash))
	}
	query := `INSERT INTO twofold_sessions (` + columns + `) SELECT ` + values + d.unlessDeleted(len(args)+1)
	return Statement{query, append(args, v.UserID, userKey(v.UserID)), 1}
}

// Place returns the place of the session with a hash. A session that an older program
// stored has no place. Trade-off: of a million sessions, about one in ten million
// million has the place of another session. Then its user must sign in again.
func Place(hash string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(hash))
	return int64(h.Sum64())
}

// Session implements storage.Sessions.
func (s sessions) Session(ctx context.Context, hash string, now time.Time) (storage.Session, error) {
	return one(ctx, s.Store, "session", `SELECT `+sessionColumns+` FROM twofold_sessions
		WHERE hash = $1 AND ends_at > $2`, scanSession, hash, micros(now))
}

// SessionUser implements storage.SessionUser. Every request calls it, so it uses one
// prepared statement that reads two rows.
func (s sessions) SessionUser(ctx context.Context, hash string, now time.Time) (storage.Session, storage.User, error) {
	if s.d.Places {
		p, err := one(ctx, s.Store, "session and user", s.placed, scanPair, hash, micros(now), Place(hash))
		if !errors.Is(err, storage.ErrNotFound) {
			return p.session, p.user, err
		}
		// The session may have been stored without a place.
	}
	p, err := one(ctx, s.Store, "session and user", s.pair, scanPair, hash, micros(now))
	return p.session, p.user, err
}

type pair struct {
	session storage.Session
	user    storage.User
}

func scanPair(scan scanner) (p pair, err error) {
	err = scan(append(sessionFields(&p.session), userFields(&p.user)...)...)
	return p, err
}

func pairColumns() string {
	return columnsOf("s", sessionColumns) + ", " + columnsOf("u", userColumns)
}

func sessionAndUser() string {
	return `SELECT ` + pairColumns() + ` FROM twofold_sessions AS s
		JOIN twofold_users AS u ON u.id = s.user_id WHERE s.hash = $1 AND s.ends_at > $2`
}

// PlacedSession returns a query that finds rows by their places and compares their
// keys. If a key differs, the row is another session or another user. The unary
// plus keeps SQLite from using the index of the key.
func PlacedSession() string {
	return `SELECT ` + pairColumns() + ` FROM twofold_sessions AS s
		JOIN twofold_users AS u ON u.place = s.user_place AND +u.id = s.user_id
		WHERE s.place = $3 AND +s.hash = $1 AND +s.ends_at > $2`
}

// columnsOf returns a list of columns, each with the name of its table.
func columnsOf(table, columns string) string {
	list := strings.Split(columns, ",")
	for i, column := range list {
		list[i] = table + "." + strings.TrimSpace(column)
	}
	return strings.Join(list, ", ")
}

// TouchSession implements storage.Sessions. A call that arrives late, or from a clock
// that was set back, never shortens a session.
func (s sessions) TouchSession(ctx context.Context, hash string, seen, idle time.Time) error {
	return found(s.exec(ctx, "touch session", touchSession, hash, micros(seen), micros(idle)))
}

// TouchSessions implements storage.Sessions. The rows are written in the order of their hashes, so
// that two nodes do not wait for each other.
func (s sessions) TouchSessions(ctx context.Context, list []storage.Touch) error {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b storage.Touch) int {
		return strings.Compare(a.Hash, b.Hash)
	})
	for part := range slices.Chunk(sorted, touchesAtOnce) {
		statements := make([]Statement, len(part))
		for i, t := range part {
			statements[i] = Statement{touchSession, []any{t.Hash, micros(t.Seen), micros(t.Idle)}, Any}
		}
		if err := script(ctx, s.Store, "touch session", statements); err != nil {
			return err
		}
	}
	return nil
}

// touchesAtOnce is the number of sessions in one transaction, so that other writers need not wait
// for long.
const touchesAtOnce = 64

const touchSession = `UPDATE twofold_sessions SET
	seen_at = CASE WHEN seen_at > CAST($2 AS BIGINT) THEN seen_at ELSE CAST($2 AS BIGINT) END,
	idle_at = CASE WHEN idle_at > CAST($3 AS BIGINT) THEN idle_at ELSE CAST($3 AS BIGINT) END,
	ends_at = CASE WHEN ends_at > CAST($3 AS BIGINT) THEN ends_at
		WHEN expires_at > CAST($3 AS BIGINT) THEN CAST($3 AS BIGINT) ELSE expires_at END
	WHERE hash = $1 AND ends_at > CAST($2 AS BIGINT)`

// TakeSession implements storage.Sessions.
func (s sessions) TakeSession(ctx context.Context, hash string) (storage.Session, error) {
	return take(ctx, s.Store, "take session", `DELETE FROM twofold_sessions WHERE hash = $1 RETURNING `+sessionColumns,
		scanSession, hash)
}

// RebindSession implements storage.Sessions. It does not change when the session
// ends, so it cannot revive one.
func (s sessions) RebindSession(ctx context.Context, v storage.Session) error {
	return found(s.exec(ctx, "rebind session",
		`UPDATE twofold_sessions SET uniquifier = $2, level = $3, trusted = $4, proofs = $5,
		fresh_at = $6, trusted_by = $7 WHERE hash = $1`, v.Hash, v.CredentialVersion, int64(v.Level), bit(v.Trusted), text(v.Proofs), micros(v.FreshAt), v.TrustedBy))
}

// SessionsOf implements storage.Sessions.
func (s sessions) SessionsOf(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	return all(ctx, s.Store, "sessions", `SELECT `+sessionColumns+` FROM twofold_sessions
		WHERE user_id = $1 AND ends_at > $2
		ORDER BY created_at DESC, hash LIMIT CAST($3 AS BIGINT)`, scanSession, userID, micros(now), int64(storage.MaxListed))
}

func scanText(scan scanner) (s string, err error) {
	err = scan(&s)
	return s, err
}

// EndSession implements storage.Sessions.
func (s sessions) EndSession(ctx context.Context, userID, id string) (hashes []string, err error) {
	err = s.tx(ctx, "end session", func(t *txn) error {
		rows, err := t.query(`DELETE FROM twofold_sessions WHERE user_id = $1 AND id = $2 RETURNING hash`, userID, id)
		if hashes, err = collect(rows, err, scanText); err == nil && len(hashes) == 0 {
			err = storage.ErrNotFound
		}
		return err
	})
	return hashes, err
}

// EndSessions implements storage.Sessions.
func (s sessions) EndSessions(ctx context.Context, userID string) error {
	_, err := s.exec(ctx, "end sessions", `DELETE FROM twofold_sessions WHERE user_id = $1`, userID)
	return err
}
