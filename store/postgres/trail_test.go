package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// insert adds an audit row in a transaction that stays open.
const insert = `INSERT INTO twofold_events (row_no, id, user_id, at, name, method, result, reason, session_id,
	address, agent, request, mac) VALUES (0, $1, '', 0, 'n', '', 'ok', '', '', '', '', '', '')`

// TestARowThatIsCommittedLateIsSealed covers a row that becomes visible after one with a higher
// number. It must be part of its seal, and must not count as a row that was inserted later.
func TestARowThatIsCommittedLateIsSealed(t *testing.T) {
	url := servers.Postgres(t)
	db := open(t, url)
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	late, err := raw.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(insert, "late"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if err := db.AppendEvent(t.Context(), storage.Event{ID: id, Name: "n", Result: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if through, err := db.SettledEvents(short); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("while a row is not committed, rows up to %d are said to be settled: %v", through, err)
	}
	settled := make(chan int64)
	go func() {
		through, err := db.SettledEvents(t.Context())
		if err != nil {
			t.Error(err)
		}
		settled <- through
	}()
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	through := <-settled
	rows, err := db.EventsBy(t.Context(), storage.EventFilter{UpTo: through})
	if err != nil || len(rows) != 3 || rows[0].ID != "late" {
		t.Errorf("rows up to %d: %v, %v; want the late one and two more", through, rows, err)
	}
}

// TestSealsHoldWhileNodesWrite adds rows concurrently, rolls some back, and seals and reads on two
// nodes meanwhile. Neither a seal nor a reader that continues after its last row may miss a row.
func TestSealsHoldWhileNodesWrite(t *testing.T) {
	url := servers.Postgres(t)
	db := open(t, url)
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	trail := event.NewTrail(db, keys, time.Now)
	ctx, stop := context.WithCancel(t.Context())
	var writers, sealers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for n := range 40 {
				if err := trail.Record(t.Context(), event.Entry{Name: "n", Result: event.OK}); err != nil {
					t.Error(err)
				}
				if n%8 == 0 { // a number that no row will have
					id := fmt.Sprint("twice", w, n)
					for range 2 {
						_ = db.AppendEvent(t.Context(), storage.Event{ID: id, MAC: []byte("x")})
					}
				}
			}
		})
	}
	var read []storage.Event
	for reader := range 2 {
		sealers.Go(func() {
			var after int64
			for done := false; !done; {
				done = ctx.Err() != nil // one more round when all is written
				if err := trail.Close(t.Context()); err != nil {
					t.Error(err)
				}
				rows, err := trail.Settled(t.Context(), storage.EventFilter{After: after, Limit: 1 << 20})
				if err != nil {
					t.Error(err)
				}
				for _, e := range rows {
					after = e.Row
				}
				if reader == 0 {
					read = append(read, rows...)
				}
			}
		})
	}
	writers.Wait()
	stop()
	sealers.Wait()
	const want = 8 * (40 + 5)
	if len(read) != want {
		t.Errorf("the reader got %d rows, %d were written", len(read), want)
	}
	report, err := trail.Verify(t.Context(), "")
	if err != nil || report.Rows != want || report.Unsealed != 0 || report.Seals < 2 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, p := range report.Problems { // rows without a hash of the trail are ours
		if !strings.Contains(p, "it was changed") {
			t.Error(p)
		}
	}
}

// TestAnOlderProgramDoesNotSeal checks this because an older program would miss rows that are
// committed late.
func TestAnOlderProgramDoesNotSeal(t *testing.T) {
	url := servers.Postgres(t)
	open(t, url)
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	_, err = raw.Exec(`INSERT INTO twofold_event_seals (after_row, through_row, count, at, mac)
		VALUES (0, 1, 1, 0, '')`)
	if err == nil || !strings.Contains(err.Error(), "twofold_event_seals_settled") {
		t.Errorf("a seal of an older program is answered with %v", err)
	}
}
