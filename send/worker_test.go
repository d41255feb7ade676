package send_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

// run starts a worker for the rest of the bubble.
func run(t *testing.T, o *send.Outbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestWorkerLeavesADeliveryAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows, sealer := newMemory(), newAEAD()
		var tries atomic.Int32
		slow := senderFunc(func(ctx context.Context, _ send.Message) error {
			tries.Add(1)
			<-ctx.Done() // takes all of its time
			return ctx.Err()
		})
		o := newOutbox(t, rows, sealer, new(buffer), slow, slow)
		run(t, o)
		run(t, newOutbox(t, rows, sealer, new(buffer), slow, slow)) // another node
		started := time.Now()
		if err := o.Deliver(t.Context(), mail(), time.Now().Add(time.Hour)); !errors.Is(err, send.ErrFailed) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if got := tries.Load(); got != 2 {
			t.Errorf("%d tries, want one of each sender", got)
		}
		if took := time.Since(started) - time.Minute; took > 20*time.Second {
			t.Errorf("Deliver took %v", took)
		}
	})
}

func TestWorkerFinishesWhatACrashLeft(t *testing.T) {
	for _, c := range []struct {
		name    string
		expires time.Duration
		want    int
	}{{"in time", time.Hour, 1}, {"too late", 20 * time.Second, 0}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rows, sealer, sink := newMemory(), newAEAD(), new(sendtest.Sink)
				// The process "dies" inside Send: the next process finds the row as it is at that
				// moment.
				var left []storage.Message
				dying := senderFunc(func(context.Context, send.Message) error { left = rows.all(); return nil })
				err := newOutbox(t, rows, sealer, new(buffer), dying).Deliver(t.Context(), mail(),
					time.Now().Add(c.expires))
				if err != nil || len(left) != 1 {
					t.Fatalf("%v, %d rows", err, len(left))
				}
				if err := rows.PutMessage(t.Context(), left[0]); err != nil {
					t.Fatal(err)
				}
				run(t, newOutbox(t, rows, sealer, new(buffer), sink))
				time.Sleep(time.Minute)
				if got := sink.Count("joan@example.org"); got != c.want {
					t.Errorf("%d messages, want %d", got, c.want)
				}
				if n := len(rows.all()); n != 0 {
					t.Errorf("%d rows left", n)
				}
			})
		})
	}
}

func TestQueueIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		run(t, h.Outbox)
		synctest.Wait() // the worker has looked and sleeps
		started := time.Now()
		if err := h.Queue(t.Context(), mail(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		m, ok := h.first.Last("joan@example.org")
		if !ok || time.Since(started) != 0 {
			t.Fatalf("not sent after %v", time.Since(started))
		}
		want := mail()
		want.ID = m.ID
		if m != want || m.ID == "" {
			t.Errorf("what went out is not what went in: %#v", m)
		}
		if n := len(h.rows.all()); n != 0 {
			t.Errorf("%d rows left", n)
		}
	})
}

func TestQueueBacksOffUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		var ids []string
		started := time.Now()
		failing := senderFunc(func(_ context.Context, m send.Message) error {
			at, ids = append(at, time.Since(started)), append(ids, m.ID)
			return errors.New("not now")
		})
		rows := newMemory()
		o := newOutbox(t, rows, newAEAD(), new(buffer), failing)
		run(t, o)
		if err := o.Queue(t.Context(), mail(), time.Now().Add(15*time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		pauses := []time.Duration{0, time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
		if len(at) != len(pauses) {
			t.Fatalf("tried after %v, want pauses of %v", at, pauses)
		}
		for i := 1; i < len(at); i++ {
			// The delay is ± 20 %, plus up to one polling interval of the worker (1.2 s).
			pause, want := at[i]-at[i-1], pauses[i]
			if pause < want*8/10 || pause > want*12/10+1200*time.Millisecond {
				t.Errorf("pause %d was %v, want about %v", i, pause, want)
			}
			if ids[i] != ids[0] {
				t.Error("the id changed between two tries")
			}
		}
		if n := len(rows.all()); n != 0 {
			t.Errorf("%d rows left after it expired", n)
		}
	})
}

func TestQueueDropsWhatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.first.FailWith(send.ErrRefused)
		h.next.FailWith(send.ErrRefused)
		run(t, h.Outbox)
		if err := h.Queue(t.Context(), mail(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(h.rows.all()); n != 0 {
			t.Errorf("%d rows left", n)
		}
	})
}

func TestWorkersShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, nodes = 200, 3
		rows, sealer, sink := newMemory(), newAEAD(), new(sendtest.Sink)
		slow := senderFunc(func(ctx context.Context, m send.Message) error {
			time.Sleep(3 * time.Second)
			return sink.Send(ctx, m)
		})
		var one *send.Outbox
		for range nodes {
			one = newOutbox(t, rows, sealer, new(buffer), slow)
			run(t, one)
		}
		for i := range many {
			m := mail()
			m.To = fmt.Sprintf("joan%d@example.org", i)
			if err := one.Queue(t.Context(), m, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		for i := range many {
			if got := sink.Count(fmt.Sprintf("joan%d@example.org", i)); got != 1 {
				t.Errorf("message %d went out %d times", i, got)
			}
		}
	})
}

func TestRunLetsASendEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows, sink := newMemory(), new(sendtest.Sink)
		slow := senderFunc(func(ctx context.Context, m send.Message) error {
			time.Sleep(3 * time.Second)
			return sink.Send(ctx, m)
		})
		o := newOutbox(t, rows, newAEAD(), new(buffer), slow)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- o.Run(ctx) }()
		if err := o.Queue(ctx, mail(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if sink.Count("joan@example.org") != 1 || len(rows.all()) != 0 {
			t.Error("the send under way was cut off")
		}
	})
}

func TestWorkerOutlivesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		run(t, h.Outbox)
		if err := h.Queue(t.Context(), mail(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		h.rows.fail(storage.ErrUnavailable)
		time.Sleep(10 * time.Minute)
		if n := strings.Count(h.log.String(), "cannot read its table"); n < 5 || n > 40 {
			t.Errorf("%d complaints in 10 minutes", n)
		}
		h.rows.fail(nil)
		time.Sleep(time.Minute)
		if h.first.Count("joan@example.org") == 0 {
			t.Error("not delivered after the store came back")
		}
	})
}

func TestBodyMovedToAnotherRowIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		if err := h.Queue(t.Context(), mail(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		row := h.rows.all()[0]
		if bytes.Contains(row.Body, []byte(secret)) || bytes.Contains(row.Body, []byte("joan")) {
			t.Error("the stored body is readable")
		}
		if err := h.rows.FinishMessage(t.Context(), row.ID); err != nil {
			t.Fatal(err)
		}
		row.ID = storage.NewID()
		if err := h.rows.PutMessage(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		run(t, h.Outbox)
		time.Sleep(2 * time.Hour)
		if n := len(h.first.All()); n != 0 {
			t.Errorf("%d messages sent", n)
		}
		if n := len(h.rows.all()); n != 0 {
			t.Errorf("%d rows left after it expired", n)
		}
	})
}
