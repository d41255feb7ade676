package limit_test

import (
	"context"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// counting counts the writes of a budget.
type counting struct {
	storage.Counters
	writes int
}

func (c *counting) Reserve(ctx context.Context, now time.Time, claims ...storage.Claim) (time.Time, error) {
	c.writes++
	return c.Counters.Reserve(ctx, now, claims...)
}

// TestNotEveryWrongPasswordWritesTheRowOfAll counts 1000 wrong passwords of an hour on two nodes.
// The operator is notified once, not early and at most a 32nd late, and only a small part of the
// passwords writes the row that both nodes share.
func TestNotEveryWrongPasswordWritesTheRowOfAll(t *testing.T) {
	b := open(t, limit.Limits{HourFailures: 1000})
	rows := &counting{Counters: b.db}
	now := func() time.Time { return b.now }
	nodes := []*limit.Limiter{limit.New(rows, now, limit.Limits{}), limit.New(rows, now, limit.Limits{})}
	count := func(n int) (first, told int) {
		t.Helper()
		for i := range n {
			alert, full, err := nodes[i%2].SprayAlert(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if full && first == 0 {
				first = i + 1
			}
			if alert {
				told++
			}
		}
		return first, told
	}
	for hour := range 2 {
		rows.writes = 0
		first, told := count(1200)
		if first < 1000 || first > 1000+1000/32 || told != 1 {
			t.Errorf("hour %d: told %d times, for the first time after %d wrong passwords", hour, told, first)
		}
		if rows.writes > 1200/12 {
			t.Errorf("hour %d: the row was written %d times for 1200 wrong passwords", hour, rows.writes)
		}
		b.now = b.now.Add(61 * time.Minute)
	}
	// Slow guesses are added every second.
	rows.writes = 0
	for range 5 {
		count(2)
		b.now = b.now.Add(time.Second)
	}
	if rows.writes != 10 {
		t.Errorf("ten wrong passwords in five seconds were written in %d parts, want 10", rows.writes)
	}
}
