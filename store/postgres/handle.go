package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/twofold-auth/twofold/internal/sqlstore"
)

// Options are for New.
type Options struct {
	// Listen is the address of the server itself, for notifications, if the pool leads
	// to a pooler that does not pass them on. Empty: a connection of the pool is taken
	// out of it.
	Listen string
	// If AsIs is set, New does not change the schema, and fails if migrations are missing.
	AsIs bool
}

// bounds limits what a transaction can hold up if this node hangs, as connect does for
// connections of our own. It ends with the transaction.
const bounds = `SELECT set_config('statement_timeout', '5s', true), set_config('lock_timeout', '2s', true),
	set_config('idle_in_transaction_session_timeout', '10s', true)`

// lacks asks for the first setting that a connection must have and does not. Whether the
// server waits for its disk is for its operator to say, not for a pool.
const lacks = `SELECT CASE
	WHEN current_setting('default_transaction_isolation') <> 'read committed'
		THEN 'default_transaction_isolation=read committed'
	WHEN EXISTS (SELECT 1 FROM pg_settings
			WHERE name = 'synchronous_commit' AND setting = 'off' AND source IN ('client', 'session'))
		THEN 'synchronous_commit=on'
	WHEN current_setting('session_replication_role') = 'replica' THEN 'session_replication_role=origin'
	ELSE '' END, current_setting('transaction_read_only')`

// New keeps everything in the database of a pool that the application made and closes.
// It brings the schema up to date, before ctx ends: in the first schema of the pool's
// search_path. The application may have tables of its own there, and transactions at the
// same time.
//
// The pool must allow two connections or more, and two must be free while New runs. Its
// connections must have the isolation level READ COMMITTED by default, and the pool must
// not set synchronous_commit to off. If they have an OnNotification, Options.Listen must be
// set. New fails otherwise. Each write sets, for its transaction, the time-outs that Open
// sets for connections. The application must not change settings of a connection that goes
// back to the pool.
//
// If a connection turns out to lead to a read-only server, as after a failover, or not to
// have the statements that were prepared on it, the pool is reset.
func New(ctx context.Context, pool *pgxpool.Pool, o Options) (*DB, error) {
	db, err := newDB(ctx, pool, o)
	if err != nil {
		return nil, fmt.Errorf("postgres: cannot use the pool: %w", err)
	}
	return db, nil
}

func newDB(ctx context.Context, pool *pgxpool.Pool, o Options) (*DB, error) {
	if pool.Config().MaxConns < 2 {
		return nil, errors.New("it allows one connection only: set MaxConns to two or more")
	}
	if o.Listen == "" && pool.Config().ConnConfig.OnNotification != nil {
		return nil, errors.New("its connections have an OnNotification: set Options.Listen")
	}
	listen := func(ctx context.Context) (*pgx.Conn, error) {
		c, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		return c.Hijack(), nil
	}
	if o.Listen != "" {
		c, err := pgx.ParseConfig(o.Listen)
		if err != nil {
			return nil, errors.New("invalid Options.Listen: it must be an address of PostgreSQL")
		}
		listen = dial(*c)
	}
	prepare := migrate
	if o.AsIs {
		prepare = check
	}
	db := stdlib.OpenDBFromPool(pool)
	err := suits(ctx, db)
	if err == nil {
		err = prepareSchema(ctx, db, prepare)
	}
	if err != nil {
		if s := pool.Stat(); errors.Is(err, errSlow) && s.AcquiredConns() > s.MaxConns()-2 {
			err = fmt.Errorf("New needs two free connections: %d of %d are in use", s.AcquiredConns(), s.MaxConns())
		}
		return nil, errors.Join(err, db.Close())
	}
	d := dialect
	d.First, d.Script = bounds, script(bounds)
	d.Misled = func(err error) {
		if atWrongServer(err) {
			pool.Reset()
		}
	}
	return &DB{sqlstore.New(sqlstore.Pools{Write: db, Swift: db, Bulk: db, Read: db}, d), db, listen}, nil
}

// suits is an error if a connection of the pool cannot keep the promises.
func suits(ctx context.Context, db *sql.DB) error {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var missing, readOnly string
	if err := db.QueryRowContext(short, lacks).Scan(&missing, &readOnly); err != nil {
		return explain(ctx, err)
	}
	if readOnly == "on" {
		return explainCode(&pgconn.PgError{Code: "25006"})
	}
	if missing != "" {
		name, value, _ := strings.Cut(missing, "=")
		return fmt.Errorf("its connections have a different %s: set it to %q in ConnConfig.RuntimeParams", name, value)
	}
	return nil
}
