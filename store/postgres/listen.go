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
// them or of its function, and is "incomplete" if one is missing or does not always fire.
const triggers = `(SELECT CASE COUNT(*)
		WHEN 8 THEN string_agg(t.xmin::text || ' ' || p.xmin::text, ' ' ORDER BY t.tgname) ELSE 'incomplete' END
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
	l := &listener{c: c, db: d.db, own: "twofold node " + storage.NewID(), heard: heard, up: up, since: since}
	if err := d.db.QueryRowContext(ctx, `SELECT `+channel+`, `+triggers).Scan(&l.name, &l.triggers); err != nil {
		return
	}
	for _, name := range []string{l.name, l.own} {
		if _, err := c.Exec(ctx, `LISTEN `+pgx.Identifier{name}.Sanitize()); err != nil {
			return
		}
	}
	l.first = "is this heard? " + storage.NewID()
	if err := d.Notify(ctx, l.first); err != nil {
		return
	}
	for l.next(ctx) {
	}
}

// listener is a connection that listens.
type listener struct {
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
func (l *listener) next(ctx context.Context) bool {
	within := patience
	if l.sure && l.back {
		within = time.Until(l.sent.Add(heartbeat))
	}
	n, err := l.wait(ctx, within)
	switch {
	case err == nil && n == nil: // a function of the connection's configuration takes all notifications
		return false
	case err == nil:
		return l.take(ctx, n)
	case !l.sure || !l.back || ctx.Err() != nil || l.c.IsClosed() || !errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return l.send(ctx)
}

func (l *listener) wait(ctx context.Context, within time.Duration) (*pgconn.Notification, error) {
	if within <= 0 {
		return nil, context.DeadlineExceeded
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return l.c.WaitForNotification(ctx)
}

func (l *listener) take(ctx context.Context, n *pgconn.Notification) bool {
	beat, triggers, _ := strings.Cut(n.Payload, " ")
	switch {
	case n.Channel == l.own && beat == strconv.FormatInt(l.beat, 10):
		l.back = true
		if triggers != l.triggers { // changes may have been made without a trigger
			l.triggers = triggers
			l.heard(storage.MuchChanged)
		}
		if triggers != "incomplete" {
			l.since(l.sent)
		}
	case n.Channel != l.name: // a connection of a pool may have listened before
	case n.Payload == l.first:
		l.sure = true
		l.up(true)
		return l.send(ctx)
	case l.sure:
		l.heard(n.Payload)
	}
	return true
}

// send sends a heartbeat.
func (l *listener) send(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l.beat, l.sent, l.back = l.beat+1, time.Now(), false
	_, err := l.db.ExecContext(ctx, beat, l.own, strconv.FormatInt(l.beat, 10))
	return err == nil
}
