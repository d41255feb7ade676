package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver; see errors.go for its codes

	"github.com/twofold-auth/twofold/internal/sqlstore"
	"github.com/twofold-auth/twofold/internal/storage"
)

//go:embed schema/*.sql
var schema embed.FS

const (
	patience = 5 * time.Second // time limit of waiting for the write lock
	readers  = 4               // a read takes tens of microseconds
)

type engine = sqlstore.Store

// DB is an open SQLite file. It is safe for concurrent use.
type DB struct {
	*engine
	read, swift *sql.DB // of the engine
}

var (
	_ storage.Store       = (*DB)(nil)
	_ storage.SessionUser = (*DB)(nil)
)

// Open opens the file at path, which is created if it does not exist, and brings its schema up to
// date, before ctx ends. The directory must exist. For a test, use a file in t.TempDir(): a
// database in memory would not give the guarantees that the test checks.
func Open(ctx context.Context, path string) (*DB, error) {
	return open(ctx, path, migrate)
}

// OpenAsIs is like Open, for a program that may not change the schema. It returns an error if
// migrations are missing.
func OpenAsIs(ctx context.Context, path string) (*DB, error) {
	return open(ctx, path, sqlstore.CheckSchema)
}

// OpenUnchecked opens a database with any schema and does not change it. Use it only to read the
// audit trail, which all schemas have.
func OpenUnchecked(ctx context.Context, path string) (*DB, error) { return open(ctx, path, unchecked) }

func unchecked(context.Context, sqlstore.Database, fs.FS) error { return nil }

// Schema lists the migrations of the schema, both applied and pending ones. It does not create the
// file.
func Schema(ctx context.Context, path string) ([]storage.Migration, error) {
	steps, err := fs.Sub(schema, "schema")
	if err != nil {
		return nil, err
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, reason(err)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return sqlstore.Schema(ctx, nil, steps)
	}
	db, err := pool(file, readerPragmas, 1)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	list, err := sqlstore.Schema(ctx, db, steps)
	if err != nil {
		return nil, explain(ctx, err)
	}
	return list, nil
}

func open(ctx context.Context, path string, prepare prepare) (*DB, error) {
	db, err := openFile(ctx, path, prepare)
	if err != nil {
		return nil, fmt.Errorf("sqlite: cannot open %q: %w", path, err)
	}
	return db, nil
}

// prepare creates, updates or checks the schema.
type prepare func(ctx context.Context, db sqlstore.Database, steps fs.FS) error

func migrate(ctx context.Context, db sqlstore.Database, steps fs.FS) error {
	return sqlstore.Migrate(ctx, db, dialect, steps)
}

func openFile(ctx context.Context, path string, prepare prepare) (*DB, error) {
	file, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	if err := prepareSchema(ctx, file, prepare); err != nil {
		return nil, err
	}
	var pools sqlstore.Pools
	var opened []*sql.DB
	for _, p := range []struct {
		to          **sql.DB
		pragmas     string
		connections int
	}{
		{&pools.Write, writerPragmas, 1}, {&pools.Swift, swiftPragmas, 1}, {&pools.Bulk, bulkPragmas, 1},
		{&pools.Read, readerPragmas, readers},
	} {
		db, err := pool(file, p.pragmas, p.connections)
		if err != nil {
			for _, db := range opened {
				db.Close()
			}
			return nil, err
		}
		*p.to, opened = db, append(opened, db)
	}
	return &DB{sqlstore.New(pools, dialect), pools.Read, pools.Swift}, nil
}

func pool(file, pragmas string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(file, pragmas))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// dialect has no locks, because each transaction is IMMEDIATE and therefore exclusive.
var dialect = sqlstore.Dialect{
	Name: "sqlite", Classify: classify, Local: true, Places: true, Patience: patience,
	LastEvent: `SELECT COALESCE(MAX(row_no), 0) FROM twofold_events`,
	Snapshot:  &sql.TxOptions{ReadOnly: true}, // begins without the write lock
}

// prepareSchema connects and migrates. It does so without foreign keys: a step
// that rebuilds a table would lose what belongs to its rows, and looks itself
// whether it did.
func prepareSchema(ctx context.Context, file string, prepare prepare) error {
	db, err := pool(file, migratorPragmas, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	steps, err := fs.Sub(schema, "schema")
	if err != nil {
		return err
	}
	return untilFree(ctx, func() error { return prepareOnce(ctx, db, steps, prepare) })
}

// untilFree runs f until the database is not busy, for five seconds at most. To turn a
// new file into WAL mode, SQLite needs the file for itself, and does not wait for that.
// What f does once it is alone may take longer.
func untilFree(ctx context.Context, f func() error) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil {
			return nil
		}
		if !isBusy(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return explain(ctx, err)
		}
	}
}

func prepareOnce(ctx context.Context, db sqlstore.Database, steps fs.FS, prepare prepare) error {
	var mode string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return errors.New("its file system does not support SQLite's WAL mode: use a local disk")
	}
	return prepare(ctx, db, steps)
}
