package postgres

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// wrongServer reports whether a code means that this connection leads to a
// server that cannot do the work, while another connection may.
func wrongServer(code string) bool {
	switch code {
	case "25006", // read_only_sql_transaction: the primary became a standby
		"55000",          // object_not_in_prerequisite_state: it is in recovery
		"26000", "42P05": // a prepared statement is gone, or another's: a pooler exchanged the connection
		return true
	}
	return false
}

// outdated keeps connections that lead to the wrong server out of the pool.
// After a failover all of them do: so the first that is found out closes every
// connection that is older than the finding.
type outdated struct{ since atomic.Int64 }

// made is where a connection keeps the time it was made.
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

func (o *outdated) connected(_ context.Context, c *pgx.Conn) error {
	c.PgConn().CustomData()[made] = time.Now().UnixNano()
	return nil
}

// reset runs before a connection of the pool is used again.
func (o *outdated) reset(_ context.Context, c *pgx.Conn) error {
	at, _ := c.PgConn().CustomData()[made].(int64)
	if at <= o.since.Load() {
		return driver.ErrBadConn
	}
	return nil
}
