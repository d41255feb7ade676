package event_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// aged returns a trail with three sealed ranges of ten rows, a day apart, of which the first is
// old.
func aged(t *testing.T) *bench {
	t.Helper()
	b := open(t)
	for range 3 {
		b.fill(t, 10)
		b.seal(t)
		b.now = b.now.Add(24 * time.Hour)
	}
	return b
}

func (b *bench) seal(t *testing.T) {
	t.Helper()
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := b.raw.Exec(s); err != nil {
			t.Fatal(s, err)
		}
	}
}

// remove removes rows older than a number of days and returns how many were removed.
func (b *bench) remove(t *testing.T, days int) int {
	t.Helper()
	n, err := b.RemoveBefore(context.Background(), b.now.Add(-time.Duration(days)*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOldRowsAreRemovedAndTheTrailSaysSo(t *testing.T) {
	b := aged(t)
	first := b.verify(t, "")
	if n := b.remove(t, 3); n != 0 { // the rows are three days old, and not older
		t.Errorf("%d rows of exactly that age were removed", n)
	}
	b.now = b.now.Add(time.Second)
	if n := b.remove(t, 3); n != 10 {
		t.Fatalf("%d rows removed, want 10", n)
	}
	r := b.verify(t, first.Head)
	if len(r.Problems) != 0 || r.Rows != 20 || r.Seals != 2 || r.RemovedThrough != 10 || r.RemovedRows != 10 {
		t.Errorf("%+v", r)
	}
	at := b.now.Truncate(time.Microsecond)
	if !r.RemovedAt.Equal(at) || !r.RemovedBefore.Equal(at.Add(-3*24*time.Hour)) {
		t.Errorf("removed at %v, what was before %v; it is %v", r.RemovedAt, r.RemovedBefore, b.now)
	}
	if n := b.remove(t, 2); n != 10 {
		t.Fatalf("then %d rows removed, want 10", n)
	}
	b.fill(t, 5)
	b.seal(t)
	r = b.verify(t, first.Head)
	if len(r.Problems) != 0 || r.Rows != 15 || r.RemovedThrough != 20 || r.RemovedRows != 20 {
		t.Errorf("later: %+v", r)
	}
}

func TestTheNewestSealedRangeAndWhatIsNotSealedStay(t *testing.T) {
	b := aged(t)
	b.fill(t, 3)
	b.now = b.now.Add(1000 * 24 * time.Hour)
	for b.remove(t, 30) > 0 {
	}
	r := b.verify(t, "")
	if len(r.Problems) != 0 || r.Rows != 13 || r.Seals != 1 || r.Unsealed != 3 {
		t.Errorf("%+v", r)
	}
	if fits, err := b.Fits(context.Background()); err != nil || !fits {
		t.Error("the key does not fit any more", err)
	}
}

func TestARowThatIsYoungKeepsItsRange(t *testing.T) {
	b := open(t)
	b.fill(t, 4)
	b.now = b.now.Add(48 * time.Hour)
	b.fill(t, 1)
	b.now = b.now.Add(-48 * time.Hour)
	b.fill(t, 4)
	b.seal(t)
	b.fill(t, 1)
	b.seal(t)
	b.now = b.now.Add(60 * time.Hour)
	if n := b.remove(t, 1); n != 0 {
		t.Errorf("%d rows removed, one of which is young", n)
	}
}

func TestRemovalIsInSmallBatches(t *testing.T) {
	b := open(t)
	for _, n := range []int{250, 40, 1} {
		b.fill(t, n)
		b.seal(t)
	}
	b.now = b.now.Add(100 * 24 * time.Hour)
	for _, want := range []int{100, 100, 90, 0} {
		if n := b.remove(t, 30); n != want {
			t.Errorf("%d rows removed, want %d", n, want)
		}
	}
}

func TestAHeadOfRemovedRowsIsNoProof(t *testing.T) {
	b := open(t)
	none, err := b.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b.fill(t, 10)
	b.seal(t)
	head, err := b.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.fill(t, 10)
		b.seal(t)
	}
	b.now = b.now.Add(100 * 24 * time.Hour)
	b.remove(t, 30)
	_, err = b.Verify(context.Background(), head)
	if err == nil || !strings.Contains(err.Error(), "use a head of row 30 or later") {
		t.Errorf("%v", err)
	}
	if r := b.verify(t, none); len(r.Problems) != 0 {
		t.Errorf("with the head %q of an empty trail: %v", none, r.Problems)
	}
	at30 := b.verify(t, "")
	if at30.RemovedThrough != 30 {
		t.Fatalf("%+v", at30)
	}
	if r := b.verify(t, fmt.Sprintf("30:%064d", 0)); len(r.Problems) != 1 {
		t.Errorf("a head that never was: %v", r.Problems)
	}
}

// TestNothingElseIsRemovedUnnoticed checks that a checkpoint replaces only rows that were removed
// because of their age.
func TestNothingElseIsRemovedUnnoticed(t *testing.T) {
	const (
		rows, seals = `DELETE FROM twofold_events WHERE `, `DELETE FROM twofold_event_seals WHERE `
		checkpoint  = `DELETE FROM twofold_event_checkpoint`
		set         = `UPDATE twofold_event_checkpoint SET `
	)
	other := aged(t) // of the same days and under the same key
	other.now = other.now.Add(12 * time.Hour)
	other.remove(t, 2)
	foreign := make([]any, 6)
	row := other.raw.QueryRow(`SELECT through_row, removed, seal, before, at, mac FROM twofold_event_checkpoint`)
	if err := row.Scan(&foreign[0], &foreign[1], &foreign[2], &foreign[3], &foreign[4], &foreign[5]); err != nil {
		t.Fatal(err)
	}
	for what, statements := range map[string][]string{
		"the beginning, without a checkpoint": {checkpoint, rows + `row_no <= 20`, seals + `through_row <= 20`},
		"more than the checkpoint stands for": {rows + `row_no <= 20`, seals + `through_row <= 20`},
		"the checkpoint":                      {checkpoint},
		"the beginning, with the checkpoint moved": {
			set + `through_row = 20, seal = (SELECT mac FROM twofold_event_seals WHERE through_row = 20)`,
			rows + `row_no <= 20`, seals + `through_row <= 20`,
		},
		"the beginning, with the checkpoint of another trail": {
			checkpoint, rows + `row_no <= 20`, seals + `through_row <= 20`, `foreign`,
		},
		"the number of removed rows": {set + `removed = 3`},
		"when they were removed":     {set + `at = at + 1`},
		"how old they were":          {set + `before = before + 1`},
		"a row after them":           {rows + `row_no = 11`},
		"a seal after them":          {seals + `after_row = 10`},
		"a row before them is put in": {`INSERT INTO twofold_events SELECT 3, id || 'x', user_id, at, name, method,
			result, reason, session_id, address, agent, request, mac, x'' FROM twofold_events WHERE row_no = 12`},
	} {
		t.Run(what, func(t *testing.T) {
			b := aged(t)
			b.now = b.now.Add(12 * time.Hour)
			if n := b.remove(t, 3); n != 10 {
				t.Fatal(n)
			}
			if r := b.verify(t, ""); len(r.Problems) != 0 {
				t.Fatal(r.Problems)
			}
			for _, s := range statements {
				args := []any(nil)
				if s == "foreign" {
					s, args = `INSERT INTO twofold_event_checkpoint VALUES (1, ?, ?, ?, ?, ?, ?)`, foreign
				}
				if _, err := b.raw.Exec(s, args...); err != nil {
					t.Fatal(s, err)
				}
			}
			if r := b.verify(t, ""); len(r.Problems) == 0 {
				t.Errorf("nothing shows: %+v", r)
			}
		})
	}
}

// TestRemovalHidesNoChange checks that an attacker with write access to the database cannot make
// this program remove the traces.
func TestRemovalHidesNoChange(t *testing.T) {
	for what, statement := range map[string]string{
		"a row changed":                `UPDATE twofold_events SET user_id = 'u9' WHERE row_no = 3`,
		"a row removed":                `DELETE FROM twofold_events WHERE row_no = 3`,
		"all rows of a range removed":  `DELETE FROM twofold_events WHERE row_no <= 10`,
		"a young row made old":         `UPDATE twofold_events SET at = 0 WHERE row_no > 10`,
		"a range and its seal removed": `DELETE FROM twofold_event_seals WHERE after_row = 0`,
		"a checkpoint that says so": `INSERT INTO twofold_event_checkpoint SELECT 1, 10, 10, mac, 1, 1, mac
			FROM twofold_event_seals WHERE after_row = 0`,
		"an older seal of the same key": `UPDATE twofold_event_seals SET mac = (SELECT mac FROM twofold_event_seals
			WHERE after_row = 10) WHERE after_row = 0`,
	} {
		t.Run(what, func(t *testing.T) {
			b := aged(t)
			b.exec(t, statement)
			b.now = b.now.Add(12 * time.Hour)
			for range 3 {
				before := b.verify(t, "")
				n, err := b.RemoveBefore(context.Background(), b.now.Add(-3*24*time.Hour))
				if len(before.Problems) == 0 || n > 0 && what != "a young row made old" {
					t.Errorf("%d rows removed (%v); before: %v", n, err, before.Problems)
				}
				if err == nil && what != "a young row made old" && what != "all rows of a range removed" {
					t.Error("nobody is told")
				}
				if r := b.verify(t, ""); len(r.Problems) == 0 {
					t.Error("the traces are gone")
				}
			}
		})
	}
}

func TestTwoNodesThatRemoveAtOnceRemoveOnce(t *testing.T) {
	b := open(t)
	for range 40 {
		b.fill(t, 2)
		b.seal(t)
	}
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(100 * 24 * time.Hour)
	now := b.now
	results := make(chan int)
	for range 4 {
		go func() {
			other := event.NewTrail(b.db, keys, func() time.Time { return now })
			n, err := other.RemoveBefore(context.Background(), now)
			if err != nil {
				t.Error(err)
			}
			results <- n
		}()
	}
	sum := 0
	for range 4 {
		sum += <-results
	}
	r := b.verify(t, "")
	if sum != 78 || len(r.Problems) != 0 || r.RemovedRows != 78 || r.Rows != 2 {
		t.Errorf("%d removed; %+v", sum, r)
	}
}

// meanwhile is a store that runs a function after the checkpoint is read.
type meanwhile struct {
	storage.Events
	do func()
}

func (m *meanwhile) Checkpoint(ctx context.Context) (storage.Checkpoint, error) {
	c, err := m.Events.Checkpoint(ctx)
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return c, err
}

func TestAnotherNodeThatRemovesMeanwhileIsNoFault(t *testing.T) {
	b := aged(t)
	b.now = b.now.Add(12 * time.Hour)
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	m := &meanwhile{Events: b.db, do: func() { b.remove(t, 3) }}
	this := event.NewTrail(m, keys, func() time.Time { return b.now })
	if r, err := this.Verify(context.Background(), ""); err != nil || len(r.Problems) > 0 || r.RemovedThrough != 10 {
		t.Errorf("a look meanwhile: %+v %v", r, err)
	}
	for range 2 {
		b.fill(t, 10)
		b.seal(t)
	}
	m.do = func() { b.remove(t, 2) }
	if n, err := this.RemoveBefore(context.Background(), b.now.Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("another removal meanwhile: %d %v", n, err)
	}
}
