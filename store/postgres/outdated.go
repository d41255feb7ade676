package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// wrongServer reports whether a code means that this connection is to the wrong server, while a new
// connection may be to the right one.
func wrongServer(code string) bool {
	switch code {
	case "25006", // read_only_sql_transaction: the primary became a standby
		"55000",          // object_not_in_prerequisite_state: the server is in recovery
		"26000", "42P05": // a prepared statement is missing or another one: a pooler replaced the connection
		return true
	}
	return false
}

// outdated removes connections to the wrong server from the pool. After a failover all connections
// are affected, so when the first is detected, every older connection is closed.
type outdated struct{ since atomic.Int64 }

// made is the key under which a connection stores the time at which it began. One that began before
// a failover and was ready after it may be to the old server.
const made = "twofold made"

func (o *outdated) onError(next pgconn.PgErrorHandler) pgconn.PgErrorHandler {
	return func(c *pgconn.PgConn, e *pgconn.PgError) bool {
		if wrongServer(e.Code) {
			o.since.Store(time.Now().UnixNano())
			return false // close it
		}
		return next(c, e)
	}
}

// connecting runs before a connection is made, on the configuration of that connection.
func (o *outdated) connecting(_ context.Context, c *pgx.ConnConfig) error {
	began, next := time.Now().UnixNano(), c.AfterConnect
	c.AfterConnect = func(ctx context.Context, c *pgconn.PgConn) error {
		c.CustomData()[made] = began
		if next != nil {
			if err := next(ctx, c); err != nil {
				return err
			}
		}
		return o.check(c)
	}
	return nil
}

// reset runs before a connection of the pool is used again.
func (o *outdated) reset(_ context.Context, c *pgx.Conn) error { return o.check(c.PgConn()) }

// check returns driver.ErrBadConn for a connection that began before the latest failover.
func (o *outdated) check(c *pgconn.PgConn) error {
	if at, _ := c.CustomData()[made].(int64); at <= o.since.Load() {
		return driver.ErrBadConn
	}
	return nil
}

// atWrongServer reports whether an error means that its connection is to the wrong server.
func atWrongServer(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && wrongServer(e.Code)
}

// closeIdle closes the connections that wait in the pool. The pool does not call reset for those that
// were never used: it opens some for callers that another connection then serves.
func closeIdle(db *sql.DB) {
	size := db.Stats().MaxOpenConnections
	db.SetMaxIdleConns(0)
	db.SetMaxIdleConns(size)
}
