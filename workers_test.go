package twofold

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// expired is a store with many expired records that sometimes fails.
type expired struct {
	storage.Store
	sync.Mutex
	dead, largest, calls int
	broken               bool
	last                 time.Time
	pauses               []time.Duration
}

func (e *expired) Sweep(_ context.Context, now time.Time, limit int) (int, error) {
	e.Lock()
	defer e.Unlock()
	e.calls++
	if !e.last.IsZero() {
		e.pauses = append(e.pauses, now.Sub(e.last))
	}
	e.last = now
	if e.broken {
		return 0, errors.New("trouble")
	}
	n := min(limit, e.dead)
	e.dead, e.largest = e.dead-n, max(e.largest, n)
	return n, nil
}

// TestTheSweepTakesSmallBatches checks that the sweep pauses after each batch, runs again every
// minute, and continues after a store error.
func TestTheSweepTakesSmallBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		e := &expired{dead: 2100}
		ctx, cancel := context.WithCancel(t.Context())
		go sweep(ctx, e, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		e.Lock()
		if e.dead != 0 || e.largest > 500 || e.calls != 5 {
			t.Errorf("%d left, batches of up to %d, %d of them", e.dead, e.largest, e.calls)
		}
		for _, p := range e.pauses {
			if p < 100*time.Millisecond {
				t.Errorf("a pause of %v", p)
			}
		}
		e.broken = true
		e.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		e.Lock()
		if !strings.Contains(log.String(), "could not be removed") {
			t.Errorf("nothing is said of the trouble: %s", log.String())
		}
		e.broken, e.dead = false, 7
		e.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		e.Lock()
		defer e.Unlock()
		if e.dead != 0 {
			t.Error("after the trouble nothing is swept any more")
		}
		cancel()
	})
}
