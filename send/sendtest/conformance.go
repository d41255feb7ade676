package sendtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send"
)

// Subject is a sender under test, with functions that control its provider.
type Subject struct {
	Sender send.Sender
	// Channels lists the channels of the sender: send.Email, send.SMS or both.
	Channels []string
	// Calls returns the number of connections or requests that reached the provider, or the number
	// of messages for a sender without a provider.
	Calls func() int
	// Echo makes the provider refuse every message and repeat the request in its answer. It is nil
	// only for a sender without a provider.
	Echo func()
	// Silence makes the provider accept connections and never answer. It is nil only for a sender
	// without a provider.
	Silence func()
}

// TestSender checks that a sender meets the contract of send.Sender. Each call of fresh returns a
// new subject with its own provider.
func TestSender(t *testing.T, fresh func(t *testing.T) Subject) {
	t.Helper()
	cases := []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"sends what it promises to", sends},
		{"sends many at once", sendsManyAtOnce},
		{"has no sender for a channel it does not know", knowsItsChannels},
		{"refuses bad recipients before the network", refusesBadRecipients},
		{"honors a canceled context before the network", honorsCanceled},
		{"comes back from a silent provider", comesBack},
		{"keeps the message out of its errors", keepsQuiet},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

// code and link must not appear in an error.
const (
	code = "482193"
	link = "https://app.example/reset/Zm9vYmFyYmF6cXV4"
)

// message returns a valid message for a channel.
func message(channel string) send.Message {
	m := send.Message{
		Channel: channel, To: "+15555550152", Kind: "two_factor_code", ID: "SENDTEST",
		Text: "Your code is " + code + ".\nOr open " + link + "\n",
	}
	if channel == send.Email {
		m.To, m.Subject, m.HTML = "joan@example.org", "Sign in", "<p>Your code is <b>"+code+"</b></p>"
	}
	return m
}

func sends(t *testing.T, s Subject) {
	for i, channel := range s.Channels {
		if err := s.Sender.Send(t.Context(), message(channel)); err != nil {
			t.Errorf("%s: %v", channel, err)
		}
		if got := s.Calls(); got != i+1 {
			t.Errorf("%s: the provider was reached %d times, want %d", channel, got, i+1)
		}
	}
}

func sendsManyAtOnce(t *testing.T, s Subject) {
	const many = 16
	var wg sync.WaitGroup
	errs := make([]error, many)
	for i := range many {
		wg.Go(func() {
			m := message(s.Channels[i%len(s.Channels)])
			m.ID = fmt.Sprintf("SENDTEST%d", i)
			errs[i] = s.Sender.Send(t.Context(), m)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := s.Calls(); got != many {
		t.Errorf("the provider was reached %d times, want %d", got, many)
	}
}

func knowsItsChannels(t *testing.T, s Subject) {
	foreign := map[string]bool{send.Email: true, send.SMS: true, "pigeon": true}
	for _, channel := range s.Channels {
		delete(foreign, channel)
	}
	for channel := range foreign {
		m := message(channel)
		if err := s.Sender.Send(t.Context(), m); !errors.Is(err, send.ErrNoSender) {
			t.Errorf("%s: %v, want ErrNoSender", channel, err)
		}
	}
	if got := s.Calls(); got != 0 {
		t.Errorf("the provider was reached %d times", got)
	}
}

// BadRecipients returns, for a channel, recipients that must be refused:
// lists, display names, comments, quoting, header injection and worse.
func BadRecipients(channel string) []string {
	if channel == send.SMS {
		return []string{
			"", "5555550152", "+05555550152", "+1 555 555 0152", "+1-555-555-0152", "+1555", "+155555501520000000",
			"+15555550152,+15555550199", "+15555550152\n", "+15555550152;ext=1", "tel:+15555550152", "+1555555015x",
			"+15555550152\r\nTo: +15555550199", "whatsapp:+15555550152", "+１５５５５５５０１５２", "joan@example.org",
		}
	}
	return []string{
		"", "joan", "@example.org", "joan@", "joan@example.org,eve@example.net", "joan@example.org;eve@example.net",
		"joan@example.org eve@example.net", "Joan <joan@example.org>", "<joan@example.org>", "joan@example.org (work)",
		`"joan"@example.org`, `"eve@example.net"@example.org`, "joan@example.org\r\nBcc: eve@example.net",
		"joan@example.org\n.\nMAIL FROM:<eve@example.net>", "joan@example.org\n", " joan@example.org",
		"joan@example.org ",
		"joan\x00@example.org", "joan@[127.0.0.1]", "joan@-example.org", "joan@example.org>", "joan@@example.org",
		"friends: joan@example.org, eve@example.net;", "@relay.example:joan@example.org", "joan\u202e@example.org",
		"joan\u00a0@example.org", strings.Repeat("j", 65) + "@example.org", "joan@" + strings.Repeat("e", 250),
		"+15555550152",
	}
}

func refusesBadRecipients(t *testing.T, s Subject) {
	for _, channel := range s.Channels {
		for _, to := range BadRecipients(channel) {
			m := message(channel)
			m.To = to
			err := s.Sender.Send(t.Context(), m)
			if !errors.Is(err, send.ErrRefused) {
				t.Errorf("%q: %v, want ErrRefused", to, err)
			} else if to != "" && strings.Contains(err.Error(), to) {
				t.Errorf("%q: the error repeats it: %v", to, err)
			}
		}
	}
	if got := s.Calls(); got != 0 {
		t.Errorf("the provider was reached %d times", got)
	}
}

func honorsCanceled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, channel := range s.Channels {
		if err := s.Sender.Send(ctx, message(channel)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", channel, err)
		}
	}
	if got := s.Calls(); got != 0 {
		t.Errorf("the provider was reached %d times", got)
	}
}

func comesBack(t *testing.T, s Subject) {
	if s.Silence == nil {
		t.Skip("no provider")
	}
	s.Silence()
	for _, channel := range s.Channels {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		started := time.Now()
		err := s.Sender.Send(ctx, message(channel))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want context.DeadlineExceeded", channel, err)
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("%s: came back after %v with 100 ms to go", channel, took)
		}
	}
}

func keepsQuiet(t *testing.T, s Subject) {
	if s.Echo == nil {
		t.Skip("no provider")
	}
	s.Echo()
	for _, channel := range s.Channels {
		m := message(channel)
		err := s.Sender.Send(t.Context(), m)
		if err == nil {
			t.Errorf("%s: no error, though the provider refused", channel)
			continue
		}
		for _, secret := range []string{code, link, "Zm9vYmFyYmF6cXV4", "Your code", m.To} {
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
				t.Errorf("%s: the error holds %q: %v", channel, secret, err)
			}
		}
	}
}
