package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/twofold-auth/twofold/internal/sqlstore"
	"github.com/twofold-auth/twofold/internal/storage"
)

//go:embed schema/*.sql
var schema embed.FS

const (
	patience    = 5 * time.Second // time limit of a method, including retries
	connections = 16
	migrateIn   = 10 * time.Minute // creating an index on a large table takes long
)

type engine = sqlstore.Store

// DB is an open database. It is safe for concurrent use.
type DB struct {
	*engine
	db      *sql.DB                                  // owned and closed by the engine
	connect func(context.Context) (*pgx.Conn, error) // makes the connection that listens
}

var (
	_ storage.Store       = (*DB)(nil)
	_ storage.SessionUser = (*DB)(nil)
)

// Open connects to the database at url and brings its schema up to date, before ctx
// ends.
func Open(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, migrate)
}

// OpenAsIs is like Open, for a node that may not change the schema. It returns an error if
// migrations are missing.
func OpenAsIs(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, check)
}

// OpenUnchecked opens a database with any schema and does not change it. Use it only to read the
// audit trail, which all schemas have.
func OpenUnchecked(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, func(context.Context, *sql.DB, fs.FS) error { return nil })
}

// prepare sees to the schema.
type prepare func(ctx context.Context, db *sql.DB, steps fs.FS) error

func migrate(ctx context.Context, db *sql.DB, steps fs.FS) error {
	return sqlstore.Migrate(ctx, db, dialect, steps)
}

func check(ctx context.Context, db *sql.DB, steps fs.FS) error {
	return sqlstore.CheckSchema(ctx, db, steps)
}

// Schema lists the migrations of the schema, both applied and pending ones.
func Schema(ctx context.Context, url string) ([]storage.Migration, error) {
	db, _, err := connect(url)
	if err != nil {
		return nil, failed(err)
	}
	defer db.Close()
	steps, err := fs.Sub(schema, "schema")
	if err != nil {
		return nil, err
	}
	list, err := sqlstore.Schema(ctx, db, steps)
	if err != nil {
		return nil, failed(explain(ctx, err))
	}
	return list, nil
}

// ClockAhead returns how far the server's clock is ahead of this machine's.
func ClockAhead(ctx context.Context, url string) (time.Duration, error) {
	db, _, err := connect(url)
	if err != nil {
		return 0, failed(err)
	}
	defer db.Close()
	var seconds float64
	begun := time.Now()
	if err := db.QueryRowContext(ctx,
		`SELECT extract(epoch FROM clock_timestamp())::float8`).Scan(&seconds); err != nil {
		return 0, failed(explain(ctx, err))
	}
	half := time.Since(begun) / 2
	return time.UnixMicro(int64(seconds * 1e6)).Sub(begun.Add(half)), nil
}

func failed(err error) error { return fmt.Errorf("postgres: cannot open the database: %w", err) }

func open(ctx context.Context, url string, prepare prepare) (*DB, error) {
	db, listen, err := connect(url)
	if err != nil {
		return nil, failed(err)
	}
	if err := prepareSchema(ctx, db, prepare); err != nil {
		_ = db.Close()
		return nil, failed(err)
	}
	d := dialect
	d.Misled = func(err error) {
		if atWrongServer(err) {
			closeIdle(db)
		}
	}
	return &DB{sqlstore.New(sqlstore.Pools{Write: db, Swift: db, Bulk: db, Read: db}, d), db, dial(listen)}, nil
}

func dial(c pgx.ConnConfig) func(context.Context) (*pgx.Conn, error) {
	return func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, c.Copy()) }
}

func prepareSchema(ctx context.Context, db *sql.DB, prepare prepare) error {
	steps, err := fs.Sub(schema, "schema")
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, migrateIn)
		defer cancel()
		err = prepare(ctx, db, steps)
		if err == nil {
			err = mixed(ctx, db)
		}
	}
	if err != nil {
		return explain(ctx, err)
	}
	return nil
}

// mixed returns an error if a pooler mixes up the prepared statements of connections, so that the
// program does not start instead of failing occasionally.
func mixed(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for range 2 { // keep the first connection out of the pool while the second is tested
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		err = c.Raw(func(driver any) error {
			own := driver.(*stdlib.Conn).Conn()
			switch own.Config().DefaultQueryExecMode {
			case pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol:
				return nil // this mode uses no prepared statements
			}
			_, err := own.Prepare(ctx, "twofold probe", "SELECT 1")
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// connect creates the pool. The timeouts limit how long a node that hangs or has lost its network
// can block others on the server. The caller's context limits the rest.
func connect(url string) (*sql.DB, pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, pgx.ConnConfig{},
			errors.New("invalid address: use the form postgres://user:password@host:5432/name?sslmode=verify-full")
	}
	size := connections
	if n, ok := c.RuntimeParams["pool_max_conns"]; ok {
		if size, err = strconv.Atoi(n); err != nil || size < 2 || size > 1000 {
			return nil, pgx.ConnConfig{},
				errors.New("pool_max_conns in its address must be a number between 2 and 1000")
		}
		delete(c.RuntimeParams, "pool_max_conns")
	}
	listen := c // unless listen contains another address, which bypasses a pooler
	if direct, ok := c.RuntimeParams["listen"]; ok {
		if listen, err = pgx.ParseConfig(direct); err != nil {
			return nil, pgx.ConnConfig{}, errors.New("invalid listen in its address: use a PostgreSQL address")
		}
		delete(c.RuntimeParams, "listen")
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = patience
	}
	for name, value := range map[string]string{
		"application_name":                    "twofold",
		"statement_timeout":                   "5000",
		"lock_timeout":                        "2000",
		"idle_in_transaction_session_timeout": "10000",
	} {
		if _, ok := c.RuntimeParams[name]; !ok {
			c.RuntimeParams[name] = value
		}
	}
	old := new(outdated)
	c.OnPgError = old.onError(c.OnPgError)
	db := stdlib.OpenDB(*c, stdlib.OptionBeforeConnect(old.connecting), stdlib.OptionResetSession(old.reset))
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour) // redistributes connections after a failover
	return db, *listen, nil
}

var dialect = sqlstore.Dialect{
	Name:       "postgres",
	Classify:   classify,
	ForUpdate:  " FOR UPDATE",
	Share:      " FOR KEY SHARE",
	SkipLocked: " FOR UPDATE SKIP LOCKED",
	Lock:       `pg_advisory_xact_lock(hashtextextended($1, 7420))`,
	// Reading a sequence returns its current value, independent of snapshots.
	LastEvent: `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM twofold_event_row`,
	// An inserting transaction takes this lock before it takes the number and holds it until the
	// row can be read.
	EventWriters: `SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation'
		AND mode = 'RowExclusiveLock' AND granted AND relation = 'twofold_events'::regclass
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
	EventParts: eventParts + ` ORDER BY ends`,
	LockEvents: []string{`SET LOCAL lock_timeout = '100ms'`, `LOCK TABLE twofold_events IN ACCESS EXCLUSIVE MODE`},
	LockSchema: `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10min';
		SELECT pg_advisory_xact_lock(hashtextextended('twofold schema ' || current_schema(), 7421))`,
	Begin:    &sql.TxOptions{Isolation: sql.LevelReadCommitted},
	Snapshot: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	Slowly:   `SET LOCAL idle_in_transaction_session_timeout = '10min'`,
	Prepares: true,
	Lateral:  true,
	Script:   script(""),
	Patience: patience,
}
