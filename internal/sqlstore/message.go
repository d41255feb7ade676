package sqlstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const messageColumns = `id, channel, body, attempts, created_at, due_at, expires_at, user_id`

func scanMessage(scan scanner) (m storage.Message, err error) {
	err = scan(&m.ID, &m.Channel, (*blob)(&m.Body), &m.Attempts, (*stamp)(&m.CreatedAt), (*stamp)(&m.DueAt),
		(*stamp)(&m.ExpiresAt), &m.UserID)
	return m, err
}

// PutMessage implements storage.Messages.
func (s outbox) PutMessage(ctx context.Context, m storage.Message) error {
	_, err := s.exec(ctx, "put message", insertMessage+s.d.unlessDeleted(9), messageValues(m)...)
	return err
}

const insertMessage = `INSERT INTO twofold_messages (` + messageColumns + `) 
	SELECT $1, $2, $3, $4, $5, $6, $7, $8`

func messageValues(m storage.Message) []any {
	return []any{
		m.ID, m.Channel, bytesOf(m.Body), int64(m.Attempts), micros(m.CreatedAt), micros(m.DueAt), micros(m.ExpiresAt),
		m.UserID, m.UserID, userKey(m.UserID),
	}
}

// execTelling is like exec, for a change with messages. They are stored in the same transaction, or
// not at all if the change wrote no row.
func (s outbox) execTelling(ctx context.Context, verb string, messages []storage.Message, query string,
	args ...any) (n int64, err error) {
	if len(messages) == 0 {
		return s.exec(ctx, verb, query, args...)
	}
	err = s.tx(ctx, verb, func(t *txn) (err error) {
		if n, err = t.exec(query, args...); err != nil || n == 0 {
			return err
		}
		return t.putMessages(messages)
	})
	return n, err
}

// putCopied creates and stores the messages about a copied secret.
func (t *txn) putCopied(messages func() []storage.Message) error {
	if messages == nil {
		return nil
	}
	return t.putMessages(messages())
}

// putMessages stores the messages of a change in its transaction.
func (t *txn) putMessages(list []storage.Message) error {
	for _, m := range list {
		if _, err := t.exec(insertMessage+t.s.d.unlessDeleted(9), messageValues(m)...); err != nil {
			return err
		}
	}
	return nil
}

// CountMessages implements storage.Messages.
func (s outbox) CountMessages(ctx context.Context) (int, time.Time, error) {
	type queue struct {
		n      int
		oldest time.Time
	}
	q, err := one(ctx, s.Store, "count messages",
		`SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM twofold_messages`,
		func(scan scanner) (q queue, err error) {
			err = scan(&q.n, (*stamp)(&q.oldest))
			return q, err
		})
	return q.n, q.oldest, err
}

// ClaimMessages implements storage.Messages. An idle worker does not take the write lock. The outer
// condition repeats the inner one, so that of two workers that selected the same rows only one gets
// them.
func (s outbox) ClaimMessages(ctx context.Context, now time.Time, lease time.Duration,
	limit int) ([]storage.Message, error) {
	const verb = "claim messages"
	at := micros(now)
	_, err := one(ctx, s.Store, verb,
		`SELECT 1 FROM twofold_messages WHERE due_at <= $1 OR expires_at <= $1 LIMIT 1`, scanInt, at)
	if errors.Is(err, errNone) || err == nil && limit <= 0 {
		return []storage.Message{}, nil
	}
	if err != nil {
		return nil, err
	}
	var list []storage.Message
	err = s.tx(ctx, verb, func(t *txn) error {
		if _, err := t.exec(`DELETE FROM twofold_messages WHERE expires_at <= $1`, at); err != nil {
			return err
		}
		rows, err := t.query(`WITH due AS MATERIALIZED (SELECT id FROM twofold_messages
				WHERE due_at <= $1 AND expires_at > $1 ORDER BY due_at, id LIMIT CAST($3 AS BIGINT)`+s.d.SkipLocked+`)
			UPDATE twofold_messages SET attempts = attempts + 1, due_at = $2
			WHERE due_at <= $1 AND expires_at > $1 AND id IN (SELECT id FROM due)
			RETURNING `+messageColumns, at, micros(now.Add(lease)), limit)
		list, err = collect(rows, err, scanMessage)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b storage.Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return list, nil
}

// RetryMessage implements storage.Messages.
func (s outbox) RetryMessage(ctx context.Context, id string, due time.Time) error {
	return found(s.exec(ctx, "retry message", `UPDATE twofold_messages SET due_at = $2 WHERE id = $1`, id, micros(due)))
}

// FinishMessage implements storage.Messages.
func (s outbox) FinishMessage(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "finish message", `DELETE FROM twofold_messages WHERE id = $1`, id)
	return err
}
