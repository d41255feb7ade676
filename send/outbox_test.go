package send_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store"
)

const secret = "482193"

func mail() send.Message {
	return send.Message{
		Channel: send.Email, To: "joan@example.org", Subject: "Sign in", Kind: "two_factor_code",
		Text: "Your code is " + secret + ".", HTML: "<b>" + secret + "</b>",
	}
}

// house is an outbox and everything around it.
type house struct {
	*send.Outbox
	rows        *memory
	first, next *sendtest.Sink
	log         *buffer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{rows: newMemory(), first: new(sendtest.Sink), next: new(sendtest.Sink), log: new(buffer)}
	h.Outbox = newOutbox(t, h.rows, newAEAD(), h.log, h.first, h.next)
	return h
}

func newOutbox(t *testing.T, rows store.Messages, sealer send.Sealer, log *buffer, senders ...send.Sender) *send.Outbox {
	t.Helper()
	o, err := send.NewOutbox(send.OutboxConfig{
		Messages: rows, Sealer: sealer,
		Senders: map[string][]send.Sender{send.Email: senders},
		Log:     slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

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

func TestNewOutboxNamesEveryMistake(t *testing.T) {
	_, err := send.NewOutbox(send.OutboxConfig{
		Timeout: -1,
		Senders: map[string][]send.Sender{"pigeon": {new(sendtest.Sink)}, send.Email: {nil}},
	})
	for _, want := range []string{"Messages", "Sealer", "Timeout", "pigeon", "nil Sender"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

func TestDeliver(t *testing.T) {
	broken := errors.New("provider broken")
	refused := fmt.Errorf("provider: %w", send.ErrRefused)
	cases := []struct {
		name        string
		first, next error
		want        error
		notWant     error
		sent        [2]int
	}{
		{"first sender takes it", nil, nil, nil, nil, [2]int{1, 0}},
		{"next takes over when the first breaks", broken, nil, nil, nil, [2]int{0, 1}},
		{"next takes over when the first refuses", refused, nil, nil, nil, [2]int{0, 1}},
		{"both break", broken, broken, send.ErrFailed, send.ErrRefused, [2]int{}},
		{"one refuses, one breaks", refused, broken, send.ErrFailed, send.ErrRefused, [2]int{}},
		{"both refuse", refused, refused, send.ErrRefused, nil, [2]int{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.first.FailWith(c.first)
			h.next.FailWith(c.next)
			err := h.Deliver(t.Context(), mail(), time.Now().Add(time.Minute))
			if !errors.Is(err, c.want) || c.notWant != nil && errors.Is(err, c.notWant) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := [2]int{len(h.first.All()), len(h.next.All())}; got != c.sent {
				t.Errorf("senders took %v, want %v", got, c.sent)
			}
			if rows := h.rows.all(); len(rows) != 0 {
				t.Errorf("%d rows left", len(rows))
			}
		})
	}
}

func TestNothingIsStoredOrSentFor(t *testing.T) {
	later := time.Now().Add(time.Minute)
	text := mail()
	text.Channel, text.To = send.SMS, "+15555550152"
	bad := mail()
	bad.To = "joan@example.org,eve@example.net"
	cases := []struct {
		name    string
		m       send.Message
		expires time.Time
		want    error
	}{
		{"a bad recipient", bad, later, send.ErrRefused},
		{"a channel without sender", text, later, send.ErrNoSender},
		{"a message past its time", mail(), time.Now(), send.ErrFailed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			for name, do := range map[string]func(context.Context, send.Message, time.Time) error{"Deliver": h.Deliver, "Queue": h.Queue} {
				if err := do(t.Context(), c.m, c.expires); !errors.Is(err, c.want) || !errors.Is(err, send.ErrFailed) {
					t.Errorf("%s: %v, want %v", name, err, c.want)
				}
			}
			if len(h.rows.all()) != 0 || len(h.first.All()) != 0 {
				t.Error("something was stored or sent")
			}
		})
	}
}

func TestDeliverWithoutStoreSendsNothing(t *testing.T) {
	h := newHouse(t)
	h.rows.fail(store.ErrUnavailable)
	err := h.Deliver(t.Context(), mail(), time.Now().Add(time.Minute))
	if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, send.ErrFailed) {
		t.Errorf("got %v", err)
	}
	if len(h.first.All()) != 0 {
		t.Error("a message was sent that nobody remembers")
	}
}

func TestCanSend(t *testing.T) {
	h := newHouse(t)
	if !h.CanSend(send.Email) || h.CanSend(send.SMS) || h.CanSend("pigeon") {
		t.Error("CanSend does not say who has a sender")
	}
}

// senderFunc is a Sender made of a function.
type senderFunc func(ctx context.Context, m send.Message) error

func (f senderFunc) Send(ctx context.Context, m send.Message) error { return f(ctx, m) }

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
				// The process "dies" inside Send: the row as it is at that
				// moment is what the next process finds.
				var left []store.Message
				dying := senderFunc(func(context.Context, send.Message) error { left = rows.all(); return nil })
				err := newOutbox(t, rows, sealer, new(buffer), dying).Deliver(t.Context(), mail(), time.Now().Add(c.expires))
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
			// ± 20 %, and up to one look of the worker (1.2 s) later.
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
		h.rows.fail(store.ErrUnavailable)
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
		row.ID = store.NewID()
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

func TestSenderThatPanics(t *testing.T) {
	log := new(buffer)
	panicking := senderFunc(func(_ context.Context, m send.Message) error { panic(m.Text) })
	o := newOutbox(t, newMemory(), newAEAD(), log, panicking)
	if err := o.Deliver(t.Context(), mail(), time.Now().Add(time.Minute)); !errors.Is(err, send.ErrFailed) {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "sender panicked") || strings.Contains(log.String(), secret) {
		t.Errorf("log: %s", log)
	}
}

// R46, R140: whatever a sender says, no code and no whole destination is
// logged or returned.
func TestLogsHoldNoSecrets(t *testing.T) {
	m := mail()
	m.Text += " Or open https://app.example/reset/Zm9vYmFyYmF6cXV4"
	bad := m
	bad.To = "joan@example.org\r\nBcc: eve@example.net"
	answers := []error{
		nil,
		fmt.Errorf("provider: cannot send %q %q %q to %s", m.Subject, m.Text, m.HTML, m.To),
		fmt.Errorf("POST /send?to=joan%%40example.org&body=Your+code+is+%s.: 500", secret),
		fmt.Errorf("refused\r\nlevel=INFO msg=\"signed in\" \x1b[2J: %s: %w", secret, send.ErrRefused),
		errors.New(strings.Repeat("x", 5000)),
	}
	for i, answer := range answers {
		h := newHouse(t)
		h.first.FailWith(answer)
		h.next.FailWith(answer)
		err := h.Deliver(t.Context(), m, time.Now().Add(time.Minute))
		said := h.log.String() + fmt.Sprint(err, h.Deliver(t.Context(), bad, time.Now().Add(time.Minute)))
		for _, forbidden := range []string{secret, "joan", "Zm9vYmFyYmF6cXV4", "\x1b", "eve@", strings.Repeat("x", 300), "\nlevel=INFO msg=\"signed"} {
			if strings.Contains(said, forbidden) {
				t.Errorf("answer %d: %q is in: %s", i, forbidden, said)
			}
		}
		if answer == nil && !strings.Contains(said, "j***@example.org") {
			t.Errorf("no masked destination in: %s", said)
		}
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
