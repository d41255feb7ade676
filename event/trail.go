package event

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// The results of an entry.
const (
	OK      = "ok"
	Refused = "refused"
)

const (
	// batch is the number of rows that are read at once.
	batch = 1000
	// rangeRows is the maximum number of rows that one seal covers, and the number of old rows that
	// are removed at once, during which writers wait. Ranges that earlier versions sealed have up
	// to 1000.
	rangeRows = 100
)

// Trail is the audit trail. Rows are added and never changed. Each row has a keyed hash, and seals
// close ranges of rows and form a chain. A changed row does not match its hash; a removed or
// inserted row does not match the seal of its range. Adding a row takes no lock and reads nothing.
// RemoveBefore removes old rows and records that in the chain.
//
// The database alone cannot show that the newest seals were removed together with all their rows. A
// Head that is stored elsewhere can; one is logged every hour.
type Trail struct {
	events storage.Events
	keys   *seal.Keys
	now    func() time.Time
}

// NewTrail returns the audit trail stored in events.
func NewTrail(events storage.Events, keys *seal.Keys, now func() time.Time) *Trail {
	return &Trail{events: events, keys: keys, now: now}
}

// Entry is the data of a row that Record adds.
type Entry struct {
	User                         string // ID; empty if no account is concerned
	Name, Method, Result, Reason string
	Session                      string
	Address, Agent, Request      string
}

// Record adds a row. If it fails, the caller must not continue, so that nothing happens without a
// record.
func (t *Trail) Record(ctx context.Context, n Entry) error {
	return t.events.AppendEvent(ctx, t.row(n))
}

func (t *Trail) row(n Entry) store.Event {
	e := store.Event{
		ID: storage.NewID(), UserID: n.User, At: t.now().UTC().Truncate(time.Microsecond), Name: n.Name,
		Method: n.Method,
		Result: n.Result, Reason: n.Reason, Session: n.Session, Address: n.Address, Agent: n.Agent, Request: n.Request,
	}
	e.MAC = t.keys.MAC("event", signed(e)...)
	return e
}

// Row returns the row of an event, for a store method that adds it in the transaction of the
// change. It returns the zero value if the event is not a security event.
func (t *Trail) Row(e Event) store.Event {
	entry, ok := EntryOf(e)
	if !ok {
		return store.Event{}
	}
	return t.row(entry)
}

// Tell adds the row of an event, if it is a security event, and then hands the event to h, which
// may be nil. If the row cannot be added, h is not called.
func (t *Trail) Tell(ctx context.Context, e Event, h Handler) error {
	if entry, ok := EntryOf(e); ok {
		if err := t.Record(ctx, entry); err != nil {
			return err
		}
	}
	if h != nil {
		h(ctx, e)
	}
	return nil
}

// List returns the rows that the filters select, in order.
func (t *Trail) List(ctx context.Context, f store.EventFilter, more ...store.EventFilter) ([]store.Event, error) {
	return t.events.EventsBy(ctx, f, more...)
}

// Settled is like List, for a reader that continues after the last row it got. It omits rows before
// which other rows may still appear.
func (t *Trail) Settled(ctx context.Context, f store.EventFilter) ([]store.Event, error) {
	through, err := t.events.SettledEvents(ctx)
	if err != nil || through == 0 {
		return nil, err
	}
	f.UpTo = through
	return t.List(ctx, f)
}

func signed(e store.Event) []string {
	return []string{
		e.ID, e.UserID, strconv.FormatInt(e.At.UnixMicro(), 10), e.Name, e.Method, e.Result, e.Reason, e.Session,
		e.Address, e.Agent, e.Request,
	}
}

// Close seals the rows added since the last seal. Several nodes may call it;
// each range is sealed once.
func (t *Trail) Close(ctx context.Context) error {
	last, err := t.events.LastSeal(ctx)
	if err != nil {
		return err
	}
	settled, err := t.events.SettledEvents(ctx)
	if err != nil {
		return err
	}
	for last.Through < settled {
		rows, err := t.events.EventsBy(ctx, store.EventFilter{After: last.Through, UpTo: settled, Limit: rangeRows})
		if err != nil || len(rows) == 0 {
			return err
		}
		next := storage.Seal{After: last.Through, Through: rows[len(rows)-1].Row, Count: len(rows), At: t.now()}
		next.MAC = t.keys.MAC("seal", sealed(last.MAC, next, rows)...)
		if err := t.events.PutSeal(ctx, next); errors.Is(err, storage.ErrUsed) {
			return nil // another node is sealing
		} else if err != nil {
			return err
		}
		last = next
	}
	return nil
}

// NextPart begins a part for this month if the trail is stored in parts.
func (t *Trail) NextPart(ctx context.Context) error { return t.events.NextEventPart(ctx) }

func sealed(before []byte, s storage.Seal, rows []store.Event) []string {
	h := sha256.New()
	var n [8]byte
	for _, e := range rows {
		binary.BigEndian.PutUint64(n[:], uint64(e.Row))
		h.Write(n[:])
		h.Write(e.MAC)
	}
	return []string{string(before), strconv.FormatInt(s.After, 10), strconv.FormatInt(s.Through, 10),
		strconv.Itoa(s.Count), string(h.Sum(nil))}
}

// Head returns the newest seal as one line, to be stored outside the database.
func (t *Trail) Head(ctx context.Context) (string, error) {
	last, err := t.events.LastSeal(ctx)
	return headOf(last), err
}

func headOf(s storage.Seal) string { return fmt.Sprintf("%d:%x", s.Through, s.MAC) }

// Fits reports whether one of the keys wrote the newest sealed row or, without
// seals, the newest row. If not, the key belongs to another database, or an
// attacker changed that row. An empty trail fits.
func (t *Trail) Fits(ctx context.Context) (bool, error) {
	last, err := t.events.LastSeal(ctx)
	if err != nil {
		return false, err
	}
	newest := store.EventFilter{After: last.Through - 1, Limit: 1}
	if last.Through == 0 {
		newest = store.EventFilter{Newest: true, Limit: 1}
	}
	rows, err := t.events.EventsBy(ctx, newest)
	if err != nil || len(rows) == 0 {
		return last.Through == 0, err // an empty trail fits any key
	}
	return t.genuine(rows[0]), nil
}

// Report is the result of Verify.
type Report struct {
	Rows, Seals int
	Unsealed    int      // number of rows newer than the last seal
	Head        string   // see Trail.Head
	Problems    []string // empty if no row was changed, removed or inserted

	// RemovedThrough is the last row that was removed because of its age, or zero if none was.
	// RemovedRows is the number of such rows. RemovedAt is the time of the last removal, which
	// removed rows older than RemovedBefore.
	RemovedThrough, RemovedRows int64
	RemovedBefore, RemovedAt    time.Time
}

// Verify reads the whole trail and reports what does not match. If oldHead is not empty, it is a
// line that Head returned earlier; the trail must still contain it. RemoveBefore may run at the
// same time.
func (t *Trail) Verify(ctx context.Context, oldHead string) (Report, error) {
	for n := 1; ; n++ {
		c, err := t.events.Checkpoint(ctx)
		if err != nil {
			return Report{}, err
		}
		r, err := t.verify(ctx, c, oldHead)
		if err != nil || len(r.Problems) == 0 || n == 5 {
			return r, err
		}
		if now, err := t.events.Checkpoint(ctx); err != nil || now.Through == c.Through {
			return r, err
		}
	}
}

func (t *Trail) verify(ctx context.Context, c storage.Checkpoint, oldHead string) (Report, error) {
	v := verifier{t: t, oldHead: oldHead}
	v.begin(c)
	if err := v.oldHeadFits(c); err != nil {
		return Report{}, err
	}
	if err := v.returned(ctx); err != nil {
		return Report{}, err
	}
	if err := v.seals(ctx); err != nil {
		return Report{}, err
	}
	if err := v.tail(ctx); err != nil {
		return Report{}, err
	}
	v.Head = headOf(v.last)
	if oldHead != "" && !v.headSeen {
		v.problem("the trail does not contain the head %s: the rows it covers were cut off or replaced", oldHead)
	}
	return v.Report, nil
}

type verifier struct {
	Report
	t        *Trail
	last     storage.Seal
	oldHead  string
	headSeen bool
}

func (v *verifier) problem(format string, args ...any) {
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

func (v *verifier) seals(ctx context.Context) error {
	from := v.last.Through // earlier seals, which removal may leave, have no rows
	for {
		list, err := v.t.events.SealsAfter(ctx, from, 100)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		for _, s := range list {
			if _, err := v.stretch(ctx, s); err != nil {
				return err
			}
			v.last = s
			v.Seals++
			v.headSeen = v.headSeen || headOf(s) == v.oldHead
		}
		from = v.last.After + 1
	}
}

// stretch checks the rows under one seal and returns them.
func (v *verifier) stretch(ctx context.Context, s storage.Seal) ([]store.Event, error) {
	rows, err := v.t.events.EventsBy(ctx, store.EventFilter{After: s.After, UpTo: s.Through, Limit: 2 * batch})
	if err != nil {
		return nil, err
	}
	v.sealedRows(s, rows)
	return rows, nil
}

// sealedRows checks rows and their seal, which must follow the last one.
func (v *verifier) sealedRows(s storage.Seal, rows []store.Event) {
	if s.After != v.last.Through {
		v.problem("rows %d to %d: their seal is missing", v.last.Through+1, s.After)
	}
	v.check(rows)
	if len(rows) != s.Count {
		v.problem("rows %d to %d: %d exist, but %d were sealed", s.After+1, s.Through, len(rows), s.Count)
	}
	if !v.t.any(s.MAC, "seal", sealed(v.last.MAC, s, rows)) {
		v.problem("rows %d to %d: they do not match their seal", s.After+1, s.Through)
	}
}

// tail checks the rows that are not sealed yet.
func (v *verifier) tail(ctx context.Context) error {
	from := v.last.Through
	for {
		rows, err := v.t.events.EventsBy(ctx, store.EventFilter{After: from, Limit: batch})
		if err != nil || len(rows) == 0 {
			return err
		}
		v.check(rows)
		v.Unsealed += len(rows)
		from = rows[len(rows)-1].Row
	}
}

func (v *verifier) check(rows []store.Event) {
	for _, e := range rows {
		v.Rows++
		if !v.t.genuine(e) {
			v.problem("row %d: it was changed", e.Row)
		}
	}
}

// any reports whether the hash was made with one of the keys.
func (t *Trail) any(mac []byte, purpose string, parts []string) bool {
	for _, want := range t.keys.MACs(purpose, parts...) {
		if hmac.Equal(mac, want) {
			return true
		}
	}
	return false
}
