package engine_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/store/postgres"
)

// many makes a file of n accounts with a password, an app and recovery codes.
func many(b *testing.B, n int) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "accounts.jsonl")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintf(w, `{"id":"%d","active":true,"created":"2020-01-01T00:00:00Z","roles":["reader"],`+
			`"addresses":[{"address":"person%d@example.org","proven":true}],`+
			`"password":{"value":"$2b$12$PLPYw5UM2aH2bRTk4xpcLewIQvAeN0Hgi0zFCAlZdyUsbO3SUAM1W"},`+
			`"authenticators":[{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}],"recovery_codes":[`, i+1, i)
		for c := range 5 {
			if c > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(w, `{"plain":"%04x-%04x-%04x"}`, i&0xffff, i>>16, c)
		}
		w.WriteString("]}\n")
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return name
}

// processor returns the processor time of this program.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// ofServer returns the processor time of the processes of a PostgreSQL server.
func ofServer(b *testing.B, url string) (total time.Duration) {
	b.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(b.Context(), "SELECT pid FROM pg_stat_activity")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // the process may have ended
		_, rest, _ := strings.Cut(string(raw), ") ")
		if f := strings.Fields(rest); len(f) > 12 { // user and system time, in hundredths of a second
			user, _ := strconv.Atoi(f[11])
			system, _ := strconv.Atoi(f[12])
			total += time.Duration(user+system) * 10 * time.Millisecond
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return total
}

// BenchmarkImport imports TWOFOLD_ACCOUNTS accounts, or 20,000 if it is not set. It
// reports accounts per second, the processor time per account of this program and
// of a PostgreSQL server, and the largest heap.
func BenchmarkImport(b *testing.B) {
	n := 20000
	if text := os.Getenv("TWOFOLD_ACCOUNTS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as the command sets it
	none := func() time.Duration { return 0 }
	for name, open := range map[string]func(*testing.B) (storage.Store, func() time.Duration){
		"SQLite": func(b *testing.B) (storage.Store, func() time.Duration) { return file(b), none },
		"PostgreSQL": func(b *testing.B) (storage.Store, func() time.Duration) {
			url := servers.Postgres(b)
			db, err := postgres.Open(b.Context(), url)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { db.Close() })
			return db, func() time.Duration { return ofServer(b, url) }
		},
	} {
		b.Run(name, func(b *testing.B) {
			name := many(b, n)
			for b.Loop() {
				db, server := open(b)
				s := newSite(b, db, oneKey)
				heap, stop := peak()
				in, err := os.Open(name)
				s.must(err)
				start, used, there := time.Now(), processor(b), server()
				report, err := s.Import(b.Context(), transfer.NewFile(in), engine.Options{})
				if err != nil || report.New != n {
					b.Fatalf("%+v %v", report, err)
				}
				took := time.Since(start)
				each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
				b.ReportMetric(float64(n)/took.Seconds(), "accounts/s")
				b.ReportMetric(each(processor(b)-used), "cpu-µs/account")
				b.ReportMetric(each(server()-there), "server-µs/account")
				in.Close()
				stop()
				b.ReportMetric(float64(<-heap)/(1<<20), "MiB")
			}
		})
	}
}

// peak watches the heap until stop is called.
func peak() (max <-chan uint64, stop func()) {
	out, end := make(chan uint64, 1), make(chan struct{})
	go func() {
		var top uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = maxOf(top, m.HeapInuse)
			select {
			case <-end:
				out <- top
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return out, func() { close(end) }
}

func maxOf(a, b uint64) uint64 {
	if a > b {
		return a
	}
	return b
}
