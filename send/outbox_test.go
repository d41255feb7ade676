package send_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

const secret = "482193"

func mail() send.Message {
	return send.Message{
		Channel: send.Email, To: "joan@example.org", Subject: "Sign in", Kind: "two_factor_code",
		Text: "Your code is " + secret + ".", HTML: "<b>" + secret + "</b>",
	}
}

// house is an outbox with its store, senders and log.
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

func newOutbox(t *testing.T, rows storage.Messages, sealer send.Sealer, log *buffer,
	senders ...send.Sender) *send.Outbox {
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

func TestARefusedMessageIsNeitherStoredNorSent(t *testing.T) {
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
			for name, do := range map[string]func(context.Context, send.Message, time.Time) error{"Deliver": h.Deliver,
				"Queue": h.Queue} {
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
	h.rows.fail(storage.ErrUnavailable)
	err := h.Deliver(t.Context(), mail(), time.Now().Add(time.Minute))
	if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, send.ErrFailed) {
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

// senderFunc is a function that implements Sender.
type senderFunc func(ctx context.Context, m send.Message) error

func (f senderFunc) Send(ctx context.Context, m send.Message) error { return f(ctx, m) }

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

// R46, R140: whatever a sender returns, no code or complete destination is logged or returned.
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
		for _, forbidden := range []string{secret, "joan", "Zm9vYmFyYmF6cXV4", "\x1b", "eve@", strings.Repeat("x", 300),
			"\nlevel=INFO msg=\"signed"} {
			if strings.Contains(said, forbidden) {
				t.Errorf("answer %d: %q is in: %s", i, forbidden, said)
			}
		}
		if answer == nil && !strings.Contains(said, "j***@example.org") {
			t.Errorf("no masked destination in: %s", said)
		}
	}
}

// buffer is a bytes.Buffer that is safe for concurrent use.
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
