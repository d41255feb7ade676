package sendtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/send"
)

// Sink is a send.Sender that keeps all messages. The zero value is ready to use.
type Sink struct {
	mu   sync.Mutex
	kept []send.Message
	fail error
}

var _ send.Sender = (*Sink)(nil)

// Send keeps m, or returns the error set by FailWith.
func (s *Sink) Send(ctx context.Context, m send.Message) error {
	if err := send.CheckRecipient(m.Channel, m.To); err != nil {
		return fmt.Errorf("sendtest: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sendtest: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.kept = append(s.kept, m)
	return nil
}

// FailWith makes every further Send return err. A nil err ends that.
func (s *Sink) FailWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// All returns every message, oldest first.
func (s *Sink) All() []send.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

// To returns the messages to one destination, oldest first. It ignores case.
func (s *Sink) To(to string) []send.Message {
	return slices.DeleteFunc(s.All(), func(m send.Message) bool { return !strings.EqualFold(m.To, to) })
}

// Count returns the number of messages to one destination.
func (s *Sink) Count(to string) int { return len(s.To(to)) }

// Last returns the newest message to one destination and reports whether there is one.
func (s *Sink) Last(to string) (send.Message, bool) {
	list := s.To(to)
	if len(list) == 0 {
		return send.Message{}, false
	}
	return list[len(list)-1], true
}

// Code returns the six-digit code in the newest message to one destination that contains a code. A
// text message may contain its code twice, once for autofill. Code ends the test if there is no
// code, or if a message contains two different ones.
func (s *Sink) Code(t testing.TB, to string) string {
	t.Helper()
	digits := regexp.MustCompile(`\b[0-9]{6}\b`)
	for _, m := range slices.Backward(s.To(to)) {
		codes := slices.Compact(digits.FindAllString(m.Text, -1))
		if len(codes) > 1 {
			t.Fatalf("sendtest: %d different codes in the message to %s, want 1:\n%s", len(codes), to, m.Text)
		}
		if len(codes) == 1 {
			return codes[0]
		}
	}
	t.Fatalf("sendtest: no message with a code to %s", to)
	return ""
}
