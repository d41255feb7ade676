package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Reused opens a connection and reports whether the pool would use it again. If failover is set, a
// failover is detected while the connection is opened.
func Reused(ctx context.Context, c *pgx.ConnConfig, failover bool) (bool, error) {
	old, own := new(outdated), c.Copy()
	if err := old.connecting(ctx, own); err != nil {
		return false, err
	}
	if failover {
		old.since.Store(time.Now().UnixNano())
	}
	conn, err := pgx.ConnectConfig(ctx, own)
	if errors.Is(err, driver.ErrBadConn) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	return old.reset(ctx, conn) == nil, nil
}

// EventsQuery is the query of EventsBy.
var EventsQuery = dialect.EventsQuery
