package postgres_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// inTurn runs an operation on a trail in one table and on one of 13 partitions, and reports the
// median time of each.
func inTurn(b *testing.B, run func(db storage.Store, n int) error) {
	trails := []storage.Store{open(b, servers.Postgres(b)), open(b, inMonths(b, 13))}
	var times [2][]time.Duration
	for b.Loop() {
		for i, db := range trails {
			begun := time.Now()
			if err := run(db, len(times[i])); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(begun))
		}
	}
	for i, unit := range []string{"ns/one-table", "ns/partitioned"} {
		slices.Sort(times[i])
		b.ReportMetric(float64(times[i][len(times[i])/2].Nanoseconds()), unit)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	inTurn(b, func(db storage.Store, n int) error {
		return db.AppendEvent(b.Context(), storage.Event{ID: strconv.Itoa(n), UserID: "u", Name: "n", Result: "ok"})
	})
}

// BenchmarkUnseenEvents adds a row and reads what a sign-in shows.
func BenchmarkUnseenEvents(b *testing.B) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	inTurn(b, func(db storage.Store, n int) error {
		e := storage.Event{ID: strconv.Itoa(n), UserID: strconv.Itoa(n % 100), Name: names[n%8], Result: "ok"}
		if err := db.AppendEvent(b.Context(), e); err != nil {
			return err
		}
		_, err := db.EventsBy(b.Context(), storage.EventFilter{
			UserID: e.UserID, Names: names, Newest: true, Unseen: true, Limit: 8,
		})
		return err
	})
}

// inMonths returns the address of a trail with that many partitions.
func inMonths(b *testing.B, months int) string {
	url := servers.Postgres(b)
	db := open(b, url)
	if done, err := db.PartitionEvents(b.Context()); !done || err != nil {
		b.Fatal(done, err)
	}
	for n := 1; n < months-1; n++ {
		monthEnds(b, url, n)
		if err := db.NextEventPart(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	return url
}
