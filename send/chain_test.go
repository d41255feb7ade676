package send_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

// A sender that failed is not tried first for a while, so the next message does not wait for its
// timeout.
func TestASenderThatFailsIsTriedLastForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var down error
		first := senderFunc(func(context.Context, send.Message) error { asked = append(asked, "first"); return down })
		next := senderFunc(func(context.Context, send.Message) error { asked = append(asked, "next"); return nil })
		o := newOutbox(t, newMemory(), newAEAD(), new(buffer), first, next)
		deliver := func(want ...string) {
			t.Helper()
			asked = nil
			if err := o.Deliver(t.Context(), mail(), time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(asked, want) {
				t.Errorf("asked %v, want %v", asked, want)
			}
		}
		deliver("first")
		down = fmt.Errorf("no such mailbox: %w", send.ErrRefused)
		deliver("first", "next")
		deliver("first", "next") // a recipient refused is not a fault of the sender
		down = errors.New("broken")
		deliver("first", "next")
		deliver("next")
		time.Sleep(29 * time.Second)
		deliver("next")
		time.Sleep(time.Second)
		deliver("first", "next") // still broken: rests twice as long
		time.Sleep(59 * time.Second)
		deliver("next")
		time.Sleep(time.Second)
		down = nil
		deliver("first") // and is the first again once it works
		deliver("first")
	})
}

// If all senders fail, all of them are still tried in order.
func TestBrokenSendersAreStillAsked(t *testing.T) {
	h := newHouse(t)
	h.first.FailWith(errors.New("broken"))
	h.next.FailWith(errors.New("broken"))
	for range 3 {
		if err := h.Deliver(t.Context(), mail(), time.Now().Add(time.Minute)); !errors.Is(err, send.ErrFailed) {
			t.Fatal(err)
		}
	}
	h.first.FailWith(nil)
	if err := h.Deliver(t.Context(), mail(), time.Now().Add(time.Minute)); err != nil || len(h.first.All()) != 1 {
		t.Errorf("%v, the first sender took %d", err, len(h.first.All()))
	}
}

// The metrics hook is called for every attempt, without the recipient.
func TestEveryTryIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		sink := new(sendtest.Sink)
		slow := senderFunc(func(context.Context, send.Message) error {
			time.Sleep(2 * time.Second)
			return errors.New(
				"broken")
		})
		o, err := send.NewOutbox(send.OutboxConfig{
			Messages: newMemory(), Sealer: newAEAD(),
			Senders: map[string][]send.Sender{send.Email: {slow, sink}},
			Tried: func(_ context.Context, a send.Attempt) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprintf("%+v", a))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		run(t, o)
		if err := o.Queue(t.Context(), mail(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		want := []string{
			"{Channel:email Kind:two_factor_code Sender:send_test Place:1 Outcome:failed Took:2s Waited:2s}",
			"{Channel:email Kind:two_factor_code Sender:sendtest Place:2 Outcome:accepted Took:0s Waited:2s}",
		}
		if !slices.Equal(got, want) {
			t.Errorf("reported\n%v\nwant\n%v", got, want)
		}
	})
}

// There is no polling delay between a request and its message: with a clock that moves only while
// everything waits, both ways to send take no time.
func TestNothingWaitsBeforeTheFirstTry(t *testing.T) {
	for name, sending := range map[string]func(context.Context, *send.Outbox) error{
		"Deliver": func(ctx context.Context, o *send.Outbox) error {
			return o.Deliver(ctx, mail(), time.Now().Add(time.Minute))
		},
		"Queue": func(ctx context.Context, o *send.Outbox) error {
			return o.Queue(ctx, mail(), time.Now().Add(time.Minute))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arrived := make(chan time.Time, 1)
				o := newOutbox(t, newMemory(), newAEAD(), new(buffer),
					senderFunc(func(context.Context, send.Message) error {
						arrived <- time.Now()
						return nil
					}))
				run(t, o)
				time.Sleep(300 * time.Millisecond) // in the middle of the worker's pause
				began := time.Now()
				if err := sending(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if took := (<-arrived).Sub(began); took != 0 {
					t.Errorf("the first try came after %v", took)
				}
			})
		})
	}
}
