package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"

	sqlite "modernc.org/sqlite"

	"github.com/twofold-auth/twofold/internal/sqlstore"
)

// Options are for New.
type Options struct {
	// If AsIs is set, New does not change the schema, and fails if migrations are missing.
	AsIs bool
}

// lacks asks for the first pragma that a connection must have and does not.
const lacks = `SELECT CASE
	WHEN (SELECT journal_mode FROM pragma_journal_mode) <> 'wal' THEN 'journal_mode(WAL)'
	WHEN (SELECT synchronous FROM pragma_synchronous) < 2 THEN 'synchronous(FULL)'
	WHEN (SELECT foreign_keys FROM pragma_foreign_keys) = 0 THEN 'foreign_keys(1)'
	WHEN (SELECT timeout FROM pragma_busy_timeout) < 5000 THEN 'busy_timeout(5000)'
	WHEN (SELECT read_uncommitted FROM pragma_read_uncommitted) = 1 THEN 'read_uncommitted(0)'
	ELSE '' END`

// New keeps everything in the database of a handle that the application made with
// modernc.org/sqlite and closes. It brings the schema up to date, before ctx ends. The
// application may have tables of its own there, and transactions at the same time.
//
// Each connection of the handle must have these pragmas, which the data source name sets:
//
//	file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)
//
// and synchronous(FULL), which is SQLite's default. New fails if they are missing. Each
// write looks for them again, on the connection that it uses, and answers
// store.ErrUnavailable if one is missing. The handle must allow two connections or more.
func New(ctx context.Context, db *sql.DB, o Options) (*DB, error) {
	d := dialect
	d.First = `UPDATE twofold_migrations SET version = version WHERE version = 0` // takes the write lock
	d.Lacks = lacks
	if err := prepareHandle(ctx, db, d, o); err != nil {
		return nil, fmt.Errorf("sqlite: cannot use the handle: %w", err)
	}
	pools := sqlstore.Pools{Write: db, Swift: db, Bulk: db, Read: db, Borrowed: true}
	return &DB{sqlstore.New(pools, d), db, db}, nil
}

func prepareHandle(ctx context.Context, db *sql.DB, d sqlstore.Dialect, o Options) error {
	if db.Stats().MaxOpenConnections == 1 {
		return errors.New("it allows one connection only: allow two or more with SetMaxOpenConns")
	}
	steps, err := fs.Sub(schema, "schema")
	if err != nil {
		return err
	}
	var c *sql.Conn
	if err := untilFree(ctx, func() (err error) { c, err = db.Conn(ctx); return err }); err != nil {
		return err
	}
	defer c.Close()
	if err := checkHandle(ctx, c); err != nil {
		return err
	}
	if o.AsIs {
		return untilFree(ctx, func() error { return sqlstore.CheckSchema(ctx, c, steps) })
	}
	// Without foreign keys, as prepareSchema. The handle then drops the connection: a transaction
	// whose context ended may not be over yet, and the pragma does nothing inside a transaction.
	defer func() { _ = c.Raw(func(any) error { return driver.ErrBadConn }) }()
	if _, err := c.ExecContext(ctx, `PRAGMA foreign_keys = 0`); err != nil {
		return explain(ctx, err)
	}
	return untilFree(ctx, func() error { return sqlstore.Migrate(ctx, c, d, steps) })
}

func checkHandle(ctx context.Context, c *sql.Conn) error {
	// Only this driver's errors say what happened.
	_, err := c.ExecContext(ctx, `SELECT 1 FROM twofold_not_there`)
	var own *sqlite.Error
	if !errors.As(err, &own) {
		if ctx.Err() != nil {
			return explain(ctx, err)
		}
		return errors.New("it uses another driver: open it with modernc.org/sqlite")
	}
	var file, missing string
	err = c.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file)
	if err == nil && file == "" {
		return errors.New("its database is in memory: name a file")
	}
	if err == nil {
		err = c.QueryRowContext(ctx, lacks).Scan(&missing)
	}
	if err == nil && missing != "" {
		return fmt.Errorf("%w: add _pragma=%s to its data source name", &sqlstore.LacksError{What: missing}, missing)
	}
	if err != nil {
		return explain(ctx, err)
	}
	return nil
}
