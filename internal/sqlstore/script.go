package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// Statement is a statement of a script.
type Statement struct {
	Query string
	Args  []any
	// Rows is the number of rows that the statement must write. Any accepts any
	// number.
	Rows int64
}

// Any is the Rows of a Statement that may write any number of rows.
const Any = -1

// Missed is the error of a script in which a statement did not write the required
// number of rows. The script is rolled back.
type Missed struct{ Index int }

func (m *Missed) Error() string {
	return "statement " + strconv.Itoa(m.Index) + " did not write what it must"
}

// script runs statements in one transaction. None may need the result of another. A
// database on a network gets all of them at once. If a statement does not write the
// required number of rows, the error is a *Missed.
func script(ctx context.Context, s *Store, verb string, statements []Statement) error {
	if s.d.Script == nil {
		return s.tx(ctx, verb, func(t *txn) error { return t.run(statements) })
	}
	ctx, cancel := s.patient(ctx)
	defer cancel()
	return s.fail(verb, s.try(ctx, Again, func() error {
		_, err := s.d.Script(ctx, s.writer(verb).db, statements)
		return err
	}))
}

// run runs a script, one statement at a time.
func (t *txn) run(statements []Statement) error {
	for i, statement := range statements {
		n, err := t.exec(statement.Query, statement.Args...)
		if err != nil {
			return err
		}
		if statement.Rows != Any && n != statement.Rows {
			return &Missed{i}
		}
	}
	return nil
}

// missed returns the index of the statement that did not write the required number
// of rows.
func missed(err error) (index int, ok bool) {
	var m *Missed
	if errors.As(err, &m) {
		return m.Index, true
	}
	return 0, false
}

// RequireRows returns a statement that runs query, and fails with a division by
// zero unless query writes that many rows. So the database stops a script there,
// although the results are read only at the end.
func RequireRows(query string, rows int64) string {
	return `WITH written AS (` + query + ` RETURNING 1)
		SELECT 1 / CASE WHEN COUNT(*) = ` + strconv.FormatInt(rows, 10) + ` THEN 1 ELSE 0 END FROM written`
}

// locked returns the statements that wait for every other transaction that has
// locked one of the names. The names must be sorted.
func (d Dialect) locked(prefix string, names []string) []Statement {
	if d.Lock == "" || len(names) == 0 {
		return nil
	}
	query, args := d.lockAll(prefix, names)
	return []Statement{{query, args, Any}}
}

// ScriptFunc runs the statements of a script in one transaction, after Dialect.First, and commits.
// It returns the number of rows that the last statement wrote.
type ScriptFunc func(ctx context.Context, db *sql.DB, statements []Statement) (int64, error)
