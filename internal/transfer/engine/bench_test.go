package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
)

// many writes n accounts with password, app and recovery codes, as fast as they are
// read.
func many(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, `{"id":"%d","active":true,"created":"2020-01-01T00:00:00Z","roles":["reader"],`+
				`"addresses":[{"address":"person%d@example.org","proven":true}],`+
				`"password":{"value":"$2b$12$PLPYw5UM2aH2bRTk4xpcLewIQvAeN0Hgi0zFCAlZdyUsbO3SUAM1W"},`+
				`"authenticators":[{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}],"recovery_codes":[`, i+1, i)
			for c := range 5 {
				if c > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `{"plain":"%04x-%04x-%04x"}`, i&0xffff, i>>16, c)
			}
			b.WriteString("]}\n")
			if b.Len() > 1<<16 {
				if _, err := w.Write(b.Bytes()); err != nil {
					return
				}
				b.Reset()
			}
		}
		_, _ = w.Write(b.Bytes())
		w.Close()
	}()
	return r
}

// BenchmarkImport imports TWOFOLD_ACCOUNTS accounts, 20,000 if it is not set, and
// reports accounts a second and the largest heap.
func BenchmarkImport(b *testing.B) {
	n := 20000
	if text := os.Getenv("TWOFOLD_ACCOUNTS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as the command does
	for name, open := range map[string]func(testing.TB) store.Store{
		"SQLite": file,
		"PostgreSQL": func(t testing.TB) store.Store {
			db, err := postgres.Open(servers.Postgres(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s := newSite(b, open(b), oneKey)
				heap, stop := peak()
				begun := time.Now()
				report, err := s.Import(context.Background(), transfer.NewFile(many(n)), engine.Options{})
				if err != nil || report.New != n {
					b.Fatalf("%+v %v", report, err)
				}
				b.ReportMetric(float64(n)/time.Since(begun).Seconds(), "accounts/s")
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
