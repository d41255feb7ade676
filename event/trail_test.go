package event_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/sqlite"
)

type bench struct {
	*event.Trail
	db  *sqlite.DB
	raw *sql.DB // as someone with the file would have it
	now time.Time
}

func open(t *testing.T) *bench {
	t.Helper()
	path := filepath.Join(t.TempDir(), "e.db")
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close(); _ = db.Close() })
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{db: db, raw: raw, now: time.Date(2031, 1, 2, 3, 4, 5, 123456789, time.UTC)}
	b.Trail = event.NewTrail(db, keys, func() time.Time { return b.now })
	return b
}

func (b *bench) fill(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		err := b.Record(context.Background(),
			event.Entry{User: fmt.Sprint("u", i%3), Name: "user-authenticated", Result: event.OK, Address: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) verify(t *testing.T, head string) event.Report {
	t.Helper()
	r, err := b.Verify(context.Background(), head)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnUntouchedTrailHolds(t *testing.T) {
	b := open(t)
	if r := b.verify(t, ""); len(r.Problems) != 0 || r.Rows != 0 {
		t.Errorf("empty: %+v", r)
	}
	b.fill(t, 1500) // several ranges, and more than are read at once
	if r := b.verify(t, ""); len(r.Problems) != 0 || r.Rows != 1500 || r.Unsealed != 1500 {
		t.Errorf("not sealed: %+v", r)
	}
	for range 3 { // closing again changes nothing
		if err := b.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	early := b.verify(t, "")
	if len(early.Problems) != 0 || early.Rows != 1500 || early.Unsealed != 0 || early.Seals != 15 {
		t.Errorf("sealed: %+v", early)
	}
	b.fill(t, 5)
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.fill(t, 2)
	if r := b.verify(t, early.Head); len(r.Problems) != 0 || r.Rows != 1507 || r.Unsealed != 2 || r.Seals != 16 {
		t.Errorf("later: %+v", r)
	}
}

func TestEveryChangeOfTheTrailIsDetected(t *testing.T) {
	for what, statements := range map[string][]string{
		"a row changed":                {`UPDATE twofold_events SET result = 'refused' WHERE row_no = 3`},
		"a row given to somebody else": {`UPDATE twofold_events SET user_id = 'u9' WHERE row_no = 3`},
		"a time changed":               {`UPDATE twofold_events SET at = at + 1 WHERE row_no = 3`},
		"a row removed":                {`DELETE FROM twofold_events WHERE row_no = 3`},
		"the first row removed":        {`DELETE FROM twofold_events WHERE row_no = 1`},
		"the last sealed row removed":  {`DELETE FROM twofold_events WHERE row_no = 20`},
		"a user's rows removed":        {`DELETE FROM twofold_events WHERE user_id = 'u1'`},
		"a row put in": {
			`INSERT INTO twofold_events SELECT 100 + row_no, id || 'x', user_id, at, name, method, result, reason, session_id, address, agent, request, mac, x'' FROM twofold_events WHERE row_no = 3`},
		"a row replayed under its own id": {
			`DELETE FROM twofold_events WHERE row_no = 4`,
			`UPDATE twofold_events SET row_no = 4 WHERE row_no = 3`,
		},
		"two rows swapped": {
			`UPDATE twofold_events SET row_no = 1000 WHERE row_no = 3`,
			`UPDATE twofold_events SET row_no = 3 WHERE row_no = 4`,
			`UPDATE twofold_events SET row_no = 4 WHERE row_no = 1000`,
		},
		"a seal removed": {`DELETE FROM twofold_event_seals WHERE after_row = 0`},
		"a seal changed": {`UPDATE twofold_event_seals SET count = count - 1`},
		"a sealed row and its seal": {`DELETE FROM twofold_events WHERE row_no = 3`,
			`DELETE FROM twofold_event_seals WHERE after_row = 0`},
		"an unsealed row changed": {`UPDATE twofold_events SET name = 'x' WHERE row_no = 22`},
	} {
		t.Run(what, func(t *testing.T) {
			b := open(t)
			b.fill(t, 10)
			for range 2 {
				if err := b.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				b.fill(t, 10)
			}
			if r := b.verify(t, ""); len(r.Problems) != 0 || r.Seals != 2 {
				t.Fatalf("before: %+v", r)
			}
			for _, s := range statements {
				if _, err := b.raw.Exec(s); err != nil {
					t.Fatal(err)
				}
			}
			if r := b.verify(t, ""); len(r.Problems) == 0 {
				t.Error("nothing shows")
			}
		})
	}
}

func TestAWrongKeyIsNoticed(t *testing.T) {
	ctx, b := context.Background(), open(t)
	for _, step := range []func(){func() {}, func() { b.fill(t, 3) }, func() {
		if err := b.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}} {
		step()
		if fits, err := b.Fits(ctx); err != nil || !fits {
			t.Errorf("the right key: %v %v", fits, err)
		}
	}
	keys, err := seal.NewKeys(strings.Repeat("x", 32))
	if err != nil {
		t.Fatal(err)
	}
	if fits, err := event.NewTrail(b.db, keys, time.Now).Fits(ctx); err != nil || fits {
		t.Errorf("another key: %v %v", fits, err)
	}
}

func TestACutTrailShowsAgainstAHeadKeptElsewhere(t *testing.T) {
	b := open(t)
	b.fill(t, 10)
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.fill(t, 10)
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	head, err := b.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{`DELETE FROM twofold_events WHERE row_no > 10`,
		`DELETE FROM twofold_event_seals WHERE after_row >= 10`} {
		if _, err := b.raw.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if r := b.verify(t, head); len(r.Problems) != 1 {
		t.Errorf("%v", r.Problems)
	}
}

func TestTheTrailCannotBeForgedWithoutTheKey(t *testing.T) {
	b := open(t)
	b.fill(t, 3)
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "other.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keys, err := seal.NewKeys(strings.Repeat("x", 32))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := b.List(context.Background(), store.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range rows { // the rows, copied where another key verifies
		if err := db.AppendEvent(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	r, err := event.NewTrail(db, keys, time.Now).Verify(context.Background(), "")
	if err != nil || len(r.Problems) != 3 {
		t.Errorf("%v %v", r.Problems, err)
	}
}
