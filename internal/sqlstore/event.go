package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// events implements storage.Events.
type events struct{ *Store }

const (
	eventColumns = `id, user_id, at, name, method, result, reason, session_id, address, agent, request, mac, erased`
	sealColumns  = `after_row, through_row, count, at, mac`
)

func scanEvent(scan scanner) (e storage.Event, err error) {
	err = scan(&e.Row, &e.ID, &e.UserID, (*stamp)(&e.At), &e.Name, &e.Method, &e.Result, &e.Reason, &e.Session,
		&e.Address, &e.Agent, &e.Request, (*blob)(&e.MAC), (*blob)(&e.Erased))
	return e, err
}

func scanSeal(scan scanner) (s storage.Seal, err error) {
	err = scan(&s.After, &s.Through, &s.Count, (*stamp)(&s.At), (*blob)(&s.MAC))
	return s, err
}

// AppendEvent implements storage.Events.
func (s events) AppendEvent(ctx context.Context, e storage.Event) error {
	statement := s.d.eventStatement(e)
	return found(s.exec(ctx, "append event", statement.Query, statement.Args...))
}

// putEvent adds the row of a change in its transaction.
func (t *txn) putEvent(e storage.Event) error {
	if e.ID == "" {
		return nil
	}
	statement := t.s.d.eventStatement(e)
	return found(t.exec(statement.Query, statement.Args...))
}

// eventStatement adds a row. It misses if the user is deleted.
func (d Dialect) eventStatement(e storage.Event) Statement {
	return Statement{insertEvent + d.unlessDeleted(14), append(eventValues(e), e.UserID, userKey(e.UserID)), 1}
}

const insertEvent = `INSERT INTO twofold_events (` + eventColumns + `)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13`

func eventValues(e storage.Event) []any {
	return []any{
		e.ID, e.UserID, micros(e.At), e.Name, e.Method, e.Result, e.Reason,
		e.Session, e.Address, e.Agent, e.Request, bytesOf(e.MAC), bytesOf(e.Erased),
	}
}

// EventsBy implements storage.Events. Over a network, several filters are one statement. In SQLite,
// one statement for each filter is faster.
func (s events) EventsBy(ctx context.Context, f storage.EventFilter,
	more ...storage.EventFilter) ([]storage.Event, error) {
	filters := append([]storage.EventFilter{f}, more...)
	var rows []storage.Event
	size := len(filters)
	if s.d.Local {
		size = 1
	}
	for part := range slices.Chunk(filters, size) {
		query, args := s.d.EventsQuery(part...)
		list, err := all(ctx, s.Store, "events", query, scanEvent, args...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, list...)
	}
	if size == len(filters) {
		return rows, nil
	}
	slices.SortFunc(rows, func(a, b storage.Event) int {
		if f.Newest {
			a, b = b, a
		}
		return cmp.Compare(a.Row, b.Row)
	})
	return slices.CompactFunc(rows, func(a, b storage.Event) bool { return a.Row == b.Row }), nil
}

// EventsQuery returns the query of EventsBy.
func (d Dialect) EventsQuery(filters ...storage.EventFilter) (query string, args []any) {
	each := make([]string, len(filters))
	for i, f := range filters {
		var chosen string
		chosen, args = d.eventsOf(f, args)
		each[i] = `SELECT row_no, ` + eventColumns + ` FROM twofold_events ` + chosen
	}
	if len(each) == 1 {
		return each[0], args
	}
	union := strings.Join(each, `) AS chosen UNION SELECT * FROM (`)
	return `SELECT * FROM (` + union + `) AS chosen` + eventOrder(filters[0]), args
}

func eventOrder(f storage.EventFilter) string {
	if f.Newest {
		return ` ORDER BY row_no DESC`
	}
	return ` ORDER BY row_no`
}

// eventsOf is the end of a query for the rows of one filter. The newest rows of a user by
// some names are found name by name, in an index that holds them in order: to look through
// all rows of the user would take the longer the more of other names others cause.
func (d Dialect) eventsOf(f storage.EventFilter, args []any) (chosen string, all []any) {
	value := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	where := `WHERE row_no > ` + value(f.After)
	if !f.Since.IsZero() {
		where += ` AND at >= ` + value(micros(f.Since))
	}
	if f.UserID != "" { // a text of its own, so that it can use the index
		where += ` AND user_id = ` + value(f.UserID)
	}
	if f.Unseen && f.UserID != "" {
		where += ` AND row_no > COALESCE((SELECT through_row FROM twofold_seen WHERE user_id = ` + value(f.UserID) + `), 0)`
	}
	if f.UpTo > 0 {
		where += ` AND row_no <= ` + value(f.UpTo)
	}
	if f.Limit <= 0 {
		f.Limit = 1000
	}
	end := eventOrder(f) + limitOf(value(int64(f.Limit)))
	names := make([]string, len(f.Names))
	for i, name := range f.Names {
		names[i] = value(name)
	}
	switch {
	case len(names) > 0 && f.UserID == "":
		where += ` AND name IN (` + strings.Join(names, `, `) + `)`
	case len(names) > 0:
		where = `WHERE row_no IN (` + d.ofEach(names, where, end) + `)`
	}
	return where + end, args
}

// ofEach returns a query for the numbers of the rows of each name. PostgreSQL plans one subquery
// that it runs for each name ten times as fast as a subquery for each.
func (d Dialect) ofEach(names []string, where, end string) string {
	of := func(name string) string {
		return `(SELECT row_no FROM twofold_events ` + where + ` AND name = ` + name + end + `) AS of_name`
	}
	if d.Lateral {
		return `SELECT of_name.row_no FROM (VALUES (CAST(` + strings.Join(names, ` AS TEXT)), (CAST(`) +
			` AS TEXT))) AS names (given) CROSS JOIN LATERAL ` + of(`names.given`)
	}
	for i, name := range names {
		names[i] = `SELECT row_no FROM ` + of(name)
	}
	return strings.Join(names, ` UNION ALL `)
}

// SettledEvents implements storage.Events. Where transactions run side by side, it
// waits for the ones that were adding rows when it read the last number: all with
// lower numbers are among them, or over.
func (s events) SettledEvents(ctx context.Context) (int64, error) {
	const verb = "settled events"
	ctx, cancel := s.patient(ctx)
	defer cancel()
	last, err := one(ctx, s.Store, verb, s.d.LastEvent, func(scan scanner) (n int64, err error) {
		return n, scan(&n)
	})
	if err != nil || s.d.EventWriters == "" {
		return last, err
	}
	writers := func() ([]string, error) {
		return all(ctx, s.Store, verb, s.d.EventWriters, func(scan scanner) (w string, err error) {
			return w, scan(&w)
		})
	}
	for waitFor, wait := []string(nil), time.Millisecond; ; wait *= 2 {
		now, err := writers()
		if err != nil {
			return 0, err
		}
		if waitFor == nil {
			waitFor = now
		}
		waitFor = slices.DeleteFunc(waitFor, func(w string) bool { return !slices.Contains(now, w) })
		if len(waitFor) == 0 {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return 0, s.fail(verb, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// PutSeal implements storage.Events. The row before the range is the key, so each range is sealed
// once.
func (s events) PutSeal(ctx context.Context, e storage.Seal) error {
	_, err := s.exec(ctx, "put seal", `INSERT INTO twofold_event_seals (`+sealColumns+`, settled)
		VALUES ($1, $2, $3, $4, $5, TRUE)`,
		e.After, e.Through, int64(e.Count), micros(e.At), bytesOf(e.MAC))
	if errors.Is(err, storage.ErrExists) {
		return storage.ErrUsed
	}
	return err
}

// SealsAfter implements storage.Events.
func (s events) SealsAfter(ctx context.Context, after int64, limit int) ([]storage.Seal, error) {
	return all(ctx, s.Store, "seals", `SELECT `+sealColumns+` FROM twofold_event_seals
		WHERE after_row >= $1 ORDER BY after_row LIMIT CAST($2 AS BIGINT)`,
		scanSeal, after, int64(limit))
}

// LastSeal implements storage.Events.
func (s events) LastSeal(ctx context.Context) (storage.Seal, error) {
	last, err := one(ctx, s.Store, "last seal",
		`SELECT `+sealColumns+` FROM twofold_event_seals ORDER BY after_row DESC LIMIT 1`, scanSeal)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Seal{}, nil
	}
	return last, err
}

const checkpointColumns = `through_row, removed, seal, before, at, mac`

func scanCheckpoint(scan scanner) (c storage.Checkpoint, err error) {
	err = scan(&c.Through, &c.Rows, (*blob)(&c.Seal), (*stamp)(&c.Before), (*stamp)(&c.At), (*blob)(&c.MAC))
	return c, err
}

// Checkpoint implements storage.Checkpoints.
func (s events) Checkpoint(ctx context.Context) (storage.Checkpoint, error) {
	c, err := one(ctx, s.Store, "checkpoint", `SELECT `+checkpointColumns+` FROM twofold_event_checkpoint`,
		scanCheckpoint)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Checkpoint{}, nil
	}
	return c, err
}

// oldSeals removes seals before a row, at most 1000 of them. A seal before the checkpoint has no
// meaning.
const oldSeals = `DELETE FROM twofold_event_seals WHERE after_row IN (
	SELECT after_row FROM twofold_event_seals WHERE after_row < $1 ORDER BY after_row LIMIT 1000)`

// RemoveEvents implements storage.Checkpoints. There is one checkpoint, whose row decides which of
// two callers changes it. While parts are dropped, no row can be added, so their many seals are
// removed afterwards. Those that a failure leaves are removed by later calls.
func (s events) RemoveEvents(ctx context.Context, after int64, c storage.Checkpoint) error {
	dropped := false
	err := s.tx(ctx, "remove events", func(t *txn) error {
		args := []any{c.Through, c.Rows, bytesOf(c.Seal), micros(c.Before), micros(c.At), bytesOf(c.MAC), after}
		n, err := t.exec(`UPDATE twofold_event_checkpoint
			SET through_row = $1, removed = $2, seal = $3, before = $4, at = $5, mac = $6
			WHERE through_row = $7 AND through_row < $1`, args...)
		if err == nil && n == 0 && after == 0 && c.Through > 0 {
			n, err = t.exec(`INSERT INTO twofold_event_checkpoint (only_one, `+checkpointColumns+`)
				VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT (only_one) DO NOTHING`, args[:6]...)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return storage.ErrUsed
		}
		if dropped, err = t.dropParts(c.Through); err != nil {
			return err
		}
		if !dropped {
			if _, err = t.exec(oldSeals, c.Through); err != nil {
				return err
			}
		}
		_, err = t.exec(`DELETE FROM twofold_events WHERE row_no <= $1`, c.Through)
		return err
	})
	for n := int64(1); err == nil && dropped && n > 0; {
		if n, err = s.exec(ctx, "remove seals", oldSeals, c.Through); err != nil {
			return nil // the events are removed
		}
	}
	return err
}
