package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/twofold-auth/twofold/internal/storage"
)

var _ storage.Notifier = (*DB)(nil)

// channel is a different name for each schema of a database.
const channel = `'twofold ' || current_schema()`

// Notify implements store.Notifier by NOTIFY.
func (d *DB) Notify(ctx context.Context, word string) error {
	if _, err := d.db.ExecContext(ctx, `SELECT pg_notify(`+channel+`, $1)`, word); err != nil {
		_, text := classify(err)
		return errors.New("postgres: notify: " + text)
	}
	return nil
}

// Listen implements store.Notifier by LISTEN on a connection of its own.
func (d *DB) Listen(ctx context.Context, heard func(string), up func(bool)) {
	for ctx.Err() == nil {
		d.hear(ctx, heard, up)
		up(false)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// hear listens until an error occurs. The first notification must be one that this node sends over
// another connection, because a pooler may accept LISTEN and then deliver only notifications of the
// same connection.
func (d *DB) hear(ctx context.Context, heard func(string), up func(bool)) {
	c, err := d.connect(ctx)
	if err != nil {
		return
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.Close(late)
	}()
	var name string
	if err := d.db.QueryRowContext(ctx, `SELECT `+channel).Scan(&name); err != nil {
		return
	}
	if _, err := c.Exec(ctx, `LISTEN `+pgx.Identifier{name}.Sanitize()); err != nil {
		return
	}
	own := "is this heard? " + storage.NewID()
	if err := d.Notify(ctx, own); err != nil {
		return
	}
	for sure := false; ; {
		wait, cancel := context.WithTimeout(ctx, patience)
		n, err := c.WaitForNotification(wait)
		cancel()
		switch {
		case err == nil && n == nil: // a function of the connection's configuration takes all notifications
			return
		case err == nil && n.Channel != name: // a connection of a pool may have listened before
		case err == nil && n.Payload == own:
			sure = true
			up(true)
		case err == nil && sure:
			heard(n.Payload)
		case err == nil:
		case !sure || ctx.Err() != nil || c.IsClosed():
			return
		case errors.Is(err, context.DeadlineExceeded): // no notification: check the connection
			wait, cancel := context.WithTimeout(ctx, patience)
			err := c.Ping(wait)
			cancel()
			if err != nil {
				return
			}
		default:
			return
		}
	}
}
