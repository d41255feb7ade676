package sqlstore

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold/store"
)

const (
	eventColumns = `id, user_id, at, name, method, result, reason, session_id, address, agent, request, mac`
	sealColumns  = `after_row, through_row, count, at, mac`
)

func scanEvent(scan scanner) (e store.Event, err error) {
	err = scan(&e.Row, &e.ID, &e.UserID, (*stamp)(&e.At), &e.Name, &e.Method, &e.Result, &e.Reason, &e.Session,
		&e.Address, &e.Agent, &e.Request, (*blob)(&e.MAC))
	return e, err
}

func scanSeal(scan scanner) (s store.Seal, err error) {
	err = scan(&s.After, &s.Through, &s.Count, (*stamp)(&s.At), (*blob)(&s.MAC))
	return s, err
}

// AppendEvent implements store.Events.
func (s *Store) AppendEvent(ctx context.Context, e store.Event) error {
	_, err := s.exec(ctx, "append event", `INSERT INTO twofold_events (`+eventColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.ID, e.UserID, micros(e.At), e.Name, e.Method, e.Result, e.Reason,
		e.Session, e.Address, e.Agent, e.Request, bytesOf(e.MAC))
	return err
}

// EventsBy implements store.Events.
func (s *Store) EventsBy(ctx context.Context, f store.EventFilter) ([]store.Event, error) {
	query, args := EventsQuery(f)
	return all(ctx, s, s.read, "events", query, scanEvent, args...)
}

// EventsQuery is what EventsBy asks. The newest rows of a user by some names are
// found name by name, in an index that holds them in order: to look through all rows
// of the user would take the longer the more of other names others cause.
func EventsQuery(f store.EventFilter) (query string, args []any) {
	if f.Limit <= 0 {
		f.Limit = 1000
	}
	order := ` ORDER BY row_no `
	if f.Newest {
		order = ` ORDER BY row_no DESC `
	}
	where, args := `WHERE row_no > $1 AND at >= $2`, []any{f.After, micros(f.Since), int64(f.Limit)}
	if f.UserID != "" { // a text of its own, so that it can use the index
		args = append(args, f.UserID)
		where += ` AND user_id = $4`
	}
	switch names := len(args) + 1; {
	case len(f.Names) > 0 && f.UserID == "":
		where += ` AND name IN (` + places(names, len(f.Names)) + `)`
	case len(f.Names) > 0:
		var each []string
		for i := range f.Names {
			each = append(each, `SELECT row_no FROM (SELECT row_no FROM twofold_events `+where+
				` AND name = $`+strconv.Itoa(names+i)+order+`LIMIT $3) AS of_name`)
		}
		where = `WHERE row_no IN (` + strings.Join(each, ` UNION ALL `) + `)`
	}
	query = `SELECT row_no, ` + eventColumns + ` FROM twofold_events ` + where + order + `LIMIT $3`
	return query, append(args, anys(f.Names)...)
}

// PutSeal implements store.Events. The row a stretch begins after is the key,
// so it is sealed once.
func (s *Store) PutSeal(ctx context.Context, e store.Seal) error {
	_, err := s.exec(ctx, "put seal", `INSERT INTO twofold_event_seals (`+sealColumns+`) VALUES ($1, $2, $3, $4, $5)`,
		e.After, e.Through, int64(e.Count), micros(e.At), bytesOf(e.MAC))
	if errors.Is(err, store.ErrExists) {
		return store.ErrUsed
	}
	return err
}

// SealsAfter implements store.Events.
func (s *Store) SealsAfter(ctx context.Context, after int64, limit int) ([]store.Seal, error) {
	return all(ctx, s, s.read, "seals", `SELECT `+sealColumns+` FROM twofold_event_seals WHERE after_row >= $1 ORDER BY after_row LIMIT $2`,
		scanSeal, after, int64(limit))
}

// LastSeal implements store.Events.
func (s *Store) LastSeal(ctx context.Context) (store.Seal, error) {
	last, err := one(ctx, s, s.read, "last seal", `SELECT `+sealColumns+` FROM twofold_event_seals ORDER BY after_row DESC LIMIT 1`, scanSeal)
	if errors.Is(err, store.ErrNotFound) {
		return store.Seal{}, nil
	}
	return last, err
}
