package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

var _ storage.Witness = (*DB)(nil)

// pause is the time between two reads of the changes.
const pause = 80 * time.Millisecond

// changes reads the version of the schema, the change with a number, and all changes after it.
const changes = `SELECT v.schema_version, COALESCE(c.no, 0), COALESCE(c.mark, 0), COALESCE(c.word, '')
	FROM pragma_schema_version AS v LEFT JOIN twofold_changes AS c ON c.no >= $1 ORDER BY c.no`

// triggers reports whether all triggers that record changes exist.
const triggers = `SELECT COUNT(*) = 11 FROM sqlite_master WHERE type = 'trigger' AND name IN ('twofold_changes_end',
	'twofold_session_changed', 'twofold_session_shortened', 'twofold_session_deleted', 'twofold_session_replaced',
	'twofold_session_renamed', 'twofold_user_changed', 'twofold_user_deleted', 'twofold_user_replaced',
	'twofold_user_renamed', 'twofold_device_removed')`

// Notify implements storage.Notifier by a row that all nodes read. The row does not name the user,
// because it stays for a while. Notify does not wait long for the write lock, which the caller may hold
// in a transaction of the application.
func (d *DB) Notify(ctx context.Context, word string) error {
	ctx, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	if strings.HasPrefix(word, storage.UserChanged) {
		word = storage.MuchChanged
	}
	if _, err := d.swift.ExecContext(ctx, `INSERT INTO twofold_changes (word) VALUES ($1)`, word); err != nil {
		_, text := classify(err)
		return errors.New("sqlite: notify: " + text)
	}
	return nil
}

// Listen implements storage.Notifier.
func (d *DB) Listen(ctx context.Context, heard func(string), up func(bool)) {
	d.Witness(ctx, heard, up, func(time.Time) {})
}

// Witness implements storage.Witness. Triggers record every change in a table, which it reads twelve
// times a second.
func (d *DB) Witness(ctx context.Context, heard func(string), up func(bool), since func(time.Time)) {
	r := reader{db: d.read}
	for reads := false; ctx.Err() == nil; {
		start := time.Now()
		words, err := r.next(ctx)
		if reads != (err == nil) {
			reads = err == nil
			up(reads)
		}
		for _, word := range words {
			heard(word)
		}
		if reads && r.whole {
			since(start)
		}
		if reads && r.empty {
			_ = d.Notify(ctx, storage.MuchChanged)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	up(false)
}

// reader reads the changes.
type reader struct {
	db     *sql.DB
	last   int64 // number of the last change that was read
	mark   int64 // of that change
	schema int64 // version of the schema then
	whole  bool  // all triggers existed then
	empty  bool  // the table of changes was empty
}

// next returns what changed since the last call.
func (r *reader) next(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := r.db.QueryContext(ctx, changes, r.last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var words []string
	missed, now := true, *r
	now.empty = true
	for rows.Next() {
		var no, mark int64
		var word string
		if err := rows.Scan(&now.schema, &no, &mark, &word); err != nil {
			return nil, err
		}
		switch {
		case no == 0: // the table is empty
			continue
		case no == r.last && mark == r.mark:
			missed = false
		default:
			words, now.last, now.mark = append(words, word), no, mark
		}
		now.empty = false
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if now.schema != r.schema { // a trigger may have been missing
		if err := r.db.QueryRowContext(ctx, triggers).Scan(&now.whole); err != nil {
			return nil, err
		}
		missed = true
	}
	if missed {
		words = []string{storage.MuchChanged}
	}
	*r = now
	return words, nil
}
