package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// Line is a statement of a script.
type Line struct {
	Query string
	Args  []any
	// Rows is how many rows the statement must write. Any: it does not matter.
	Rows int64
}

// Any is the Rows of a Line that may write any number of rows.
const Any = -1

// Missed is the error of a script of which a line did not write as many rows as it
// must. Nothing of the script is kept.
type Missed struct{ Line int }

func (m *Missed) Error() string {
	return "line " + strconv.Itoa(m.Line) + " did not write what it must"
}

// script runs statements in one transaction, none of which needs what another one
// returned. A database that is reached over a network gets all of them at once. The
// error is a *Missed if a line did not write as many rows as it must.
func script(ctx context.Context, s *Store, verb string, lines []Line) error {
	if s.d.Script == nil {
		return s.tx(ctx, verb, func(t *txn) error { return t.run(lines) })
	}
	ctx, cancel := s.patient(ctx)
	defer cancel()
	return s.fail(verb, s.try(ctx, Again, func() error { return s.d.Script(ctx, s.writer(verb).db, lines) }))
}

// run is a script, a statement at a time.
func (t *txn) run(lines []Line) error {
	for i, line := range lines {
		n, err := t.exec(line.Query, line.Args...)
		if err != nil {
			return err
		}
		if line.Rows != Any && n != line.Rows {
			return &Missed{i}
		}
	}
	return nil
}

// missed returns the index of the line that did not write what it must.
func missed(err error) (line int, ok bool) {
	var m *Missed
	if errors.As(err, &m) {
		return m.Line, true
	}
	return 0, false
}

// Counted is a statement that fails with a division by zero unless another one writes
// so many rows. With it a script stops there, though its results are read only at
// the end.
func Counted(query string, rows int64) string {
	return `WITH written AS (` + query + ` RETURNING 1)
		SELECT 1 / CASE WHEN COUNT(*) = ` + strconv.FormatInt(rows, 10) + ` THEN 1 ELSE 0 END FROM written`
}

// locked is the line that waits for every other transaction that locked one of the
// names, which are in order.
func (d Dialect) locked(prefix string, names []string) []Line {
	if d.Lock == "" || len(names) == 0 {
		return nil
	}
	query, args := d.lockAll(prefix, names)
	return []Line{{query, args, Any}}
}

// ScriptFunc runs the lines of a script in one transaction and commits.
type ScriptFunc func(ctx context.Context, db *sql.DB, lines []Line) error
