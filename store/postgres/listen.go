package postgres

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/twofold-auth/twofold/internal/storage"
)

var _ storage.Witness = (*DB)(nil)

// channel is a different name for each schema of a database. The triggers of the tables use it, too,
// so it follows the tables and not the search path.
const channel = `(SELECT ('twofold ' || nspname)::name::text FROM pg_namespace
	WHERE oid = (SELECT relnamespace FROM pg_class WHERE oid = 'twofold_sessions'::regclass))`

// triggers is the state of the triggers that notify of changes. It changes with every change of one of
// them or of its function, and is "blind" if one is missing or does not always fire.
const triggers = `(SELECT CASE COUNT(*)
		WHEN 8 THEN string_agg(t.xmin::text || ' ' || p.xmin::text, ' ' ORDER BY t.tgname) ELSE 'blind' END
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
	WHERE t.tgrelid IN ('twofold_sessions'::regclass, 'twofold_users'::regclass, 'twofold_devices'::regclass)
		AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'twofold_sessions'::regclass)
		AND t.tgenabled = 'A' AND t.tgname IN ('twofold_session_changed', 'twofold_session_shortened',
			'twofold_user_changed', 'twofold_user_deleted', 'twofold_device_removed', 'twofold_sessions_emptied',
			'twofold_users_emptied', 'twofold_devices_emptied'))`

// beat sends a heartbeat: its number and the state of the triggers.
const beat = `SELECT pg_notify($1, $2::text || ' ' || ` + triggers + `)`

// heartbeat is the time between two heartbeats of a node that listens.
const heartbeat = 80 * time.Millisecond

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
	d.Witness(ctx, heard, up, func(time.Time) {})
}

// Witness implements storage.Witness. The node also listens to a channel of its own, on which it
// sends a heartbeat over the connections that it reads with. PostgreSQL delivers notifications of all
// channels to a connection in the order of the commits. So a heartbeat that was heard shows that
// every change before it was heard.
func (d *DB) Witness(ctx context.Context, heard func(string), up func(bool), since func(time.Time)) {
	for ctx.Err() == nil {
		d.hear(ctx, heard, up, since)
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
func (d *DB) hear(ctx context.Context, heard func(string), up func(bool), since func(time.Time)) {
	c, err := d.connect(ctx)
	if err != nil {
		return
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.Close(late)
	}()
	e := &ear{c: c, db: d.db, own: "twofold node " + storage.NewID(), heard: heard, up: up, since: since}
	if err := d.db.QueryRowContext(ctx, `SELECT `+channel+`, `+triggers).Scan(&e.name, &e.triggers); err != nil {
		return
	}
	for _, name := range []string{e.name, e.own} {
		if _, err := c.Exec(ctx, `LISTEN `+pgx.Identifier{name}.Sanitize()); err != nil {
			return
		}
	}
	e.first = "is this heard? " + storage.NewID()
	if err := d.Notify(ctx, e.first); err != nil {
		return
	}
	for e.next(ctx) {
	}
}

// ear is a connection that listens.
type ear struct {
	c         *pgx.Conn
	db        *sql.DB // sends the heartbeats
	name, own string  // the channels of all nodes and of this one
	first     string  // the notification that must come first
	sure      bool    // first was heard
	beat      int64   // number of the last heartbeat
	sent      time.Time
	back      bool   // the last heartbeat was heard
	triggers  string // their state in the last heartbeat that was heard, or at the beginning

	heard func(string)
	up    func(bool)
	since func(time.Time)
}

// next waits for a notification or sends a heartbeat. It returns false if the connection cannot be
// relied on.
func (e *ear) next(ctx context.Context) bool {
	within := patience
	if e.sure && e.back {
		within = time.Until(e.sent.Add(heartbeat))
	}
	n, err := e.wait(ctx, within)
	switch {
	case err == nil && n == nil: // a function of the connection's configuration takes all notifications
		return false
	case err == nil:
		return e.take(ctx, n)
	case !e.sure || !e.back || ctx.Err() != nil || e.c.IsClosed() || !errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return e.send(ctx)
}

func (e *ear) wait(ctx context.Context, within time.Duration) (*pgconn.Notification, error) {
	if within <= 0 {
		return nil, context.DeadlineExceeded
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return e.c.WaitForNotification(ctx)
}

func (e *ear) take(ctx context.Context, n *pgconn.Notification) bool {
	beat, triggers, _ := strings.Cut(n.Payload, " ")
	switch {
	case n.Channel == e.own && beat == strconv.FormatInt(e.beat, 10):
		e.back = true
		if triggers != e.triggers { // changes may have been made without a trigger
			e.triggers = triggers
			e.heard(storage.MuchChanged)
		}
		if triggers != "blind" {
			e.since(e.sent)
		}
	case n.Channel != e.name: // a connection of a pool may have listened before
	case n.Payload == e.first:
		e.sure = true
		e.up(true)
		return e.send(ctx)
	case e.sure:
		e.heard(n.Payload)
	}
	return true
}

// send sends a heartbeat.
func (e *ear) send(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e.beat, e.sent, e.back = e.beat+1, time.Now(), false
	_, err := e.db.ExecContext(ctx, beat, e.own, strconv.FormatInt(e.beat, 10))
	return err == nil
}
