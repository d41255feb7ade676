package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// NewerError means that a newer program has changed the database in a way that is incompatible with
// this one.
type NewerError struct{ Has, Knows int }

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("it has schema %d and this program knows %d: run the newer program, or restore a copy made "+
		"before it ran", e.Has, e.Knows)
}

// OlderError means that the database lacks migrations that must not be applied now.
type OlderError struct{ Has, Needs int }

// Error implements error.
func (e *OlderError) Error() string {
	return fmt.Sprintf("it has schema %d and this program needs %d: run `twofold migrate up` first", e.Has, e.Needs)
}

// StepError is the error of a failed migration. No migration was applied.
type StepError struct {
	Step string
	Err  error
}

// Error implements error.
func (e *StepError) Error() string {
	return fmt.Sprintf("step %s of the schema cannot be made, so nothing was changed: %v", e.Step, e.Err)
}

func (e *StepError) Unwrap() error { return e.Err }

// breaking is the suffix of the name of a migration that is incompatible with older programs. All
// other migrations only add tables, indexes and columns with a default.
const breaking = ".breaking.sql"

// Database is a *sql.DB or a *sql.Conn.
type Database interface {
	querier
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
	PingContext(ctx context.Context) error
}

// Migrate brings the schema up to date with files, *.sql in order of name: the n-th makes version
// n. All missing steps run in one transaction, which takes the write lock first. If several
// programs start at once, one of them migrates and the others wait. A crash leaves no partial
// migration. A database that lacks nothing is only read.
func Migrate(ctx context.Context, db Database, d Dialect, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return err
	}
	if has, err := version(ctx, db); err == nil && has >= len(names) {
		return tooNew(ctx, db, has, len(names))
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if d.LockSchema != "" {
		if _, err := tx.ExecContext(ctx, d.LockSchema); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS twofold_migrations (
		version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`); err != nil {
		return err
	}
	if d.First != "" {
		if _, err := tx.ExecContext(ctx, d.First); err != nil {
			return err
		}
	}
	has, err := version(ctx, tx)
	if err != nil {
		return err
	}
	if err := tooNew(ctx, tx, has, len(names)); err != nil {
		return err
	}
	for n := has; n < len(names); n++ {
		script, err := fs.ReadFile(files, names[n])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return &StepError{names[n], err}
		}
		if _, err := tx.ExecContext(ctx,
			`INSERT INTO twofold_migrations (version, name, applied_at) VALUES ($1, $2, $3)`,
			n+1, names[n], time.Now().UnixMicro()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// CheckSchema returns an error if migrations are missing. It changes nothing.
func CheckSchema(ctx context.Context, db Database, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	has, err := version(ctx, db)
	if err != nil && db.PingContext(ctx) != nil {
		return err
	}
	if has < len(names) { // also when there is no table to ask
		return &OlderError{Has: has, Needs: len(names)}
	}
	return tooNew(ctx, db, has, len(names))
}

// Schema lists the applied and the pending migrations.
func Schema(ctx context.Context, db *sql.DB, files fs.FS) ([]storage.Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var list []storage.Migration
	if db != nil { // there is a database
		rows, err := db.QueryContext(ctx, `SELECT version, name, applied_at FROM twofold_migrations ORDER BY version`)
		list, err = collect(rows, err, func(scan scanner) (m storage.Migration, err error) {
			err = scan(&m.Version, &m.Name, (*stamp)(&m.At))
			return m, err
		})
		if err != nil {
			if down := db.PingContext(ctx); down != nil {
				return nil, down
			}
			list = nil // no table yet
		}
	}
	for n := len(list); n < len(names); n++ {
		list = append(list, storage.Migration{Version: n + 1, Name: names[n]})
	}
	return list, nil
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func version(ctx context.Context, q querier) (has int, err error) {
	err = q.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM twofold_migrations`).Scan(&has)
	return has, err
}

// tooNew refuses a schema with breaking steps that this program does not know.
func tooNew(ctx context.Context, q querier, has, knows int) error {
	if has <= knows {
		return nil
	}
	var n int
	err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM twofold_migrations WHERE version > $1 AND name LIKE $2`, knows,
		"%"+breaking).Scan(&n)
	if err == nil && n > 0 {
		return &NewerError{Has: has, Knows: knows}
	}
	return err
}

var createdTable = regexp.MustCompile(`CREATE TABLE (\w+) `)

// OnlyAdds returns the part of a migration that is not safe while older programs run, or an empty
// string.
func OnlyAdds(name, script string) string {
	if strings.HasSuffix(name, breaking) {
		return ""
	}
	up := strings.ReplaceAll(strings.ToUpper(script), "AFTER TRUNCATE ON", "") // a trigger
	// Older programs do not use a table that the migration creates.
	for _, created := range createdTable.FindAllStringSubmatch(up, -1) {
		up = strings.ReplaceAll(up, "DELETE FROM "+created[1]+" ", "")
	}
	for _, word := range []string{"DROP ", "RENAME ", "ALTER COLUMN", "DELETE FROM", "TRUNCATE"} {
		if strings.Contains(up, word) {
			return word
		}
	}
	for line := range strings.SplitSeq(up, "\n") {
		if strings.Contains(line, "ADD COLUMN") && strings.Contains(line, "NOT NULL") &&
			!strings.Contains(line, "DEFAULT") {
			return "a column without a default"
		}
	}
	return ""
}
