package sendtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/send"
)

// Sink is a send.Sender that keeps what it is given. The zero value is ready.
type Sink struct {
	mu   sync.Mutex
	kept []send.Message
	fail error
}

var _ send.Sender = (*Sink)(nil)

// Send keeps m, unless FailWith said otherwise.
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

// FailWith makes every further Send return err; nil ends that.
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

// To returns the messages to one destination, oldest first.
func (s *Sink) To(to string) []send.Message {
	return slices.DeleteFunc(s.All(), func(m send.Message) bool { return m.To != to })
}

// Count returns how many messages went to one destination.
func (s *Sink) Count(to string) int { return len(s.To(to)) }

// Last returns the newest message to one destination, and whether there is one.
func (s *Sink) Last(to string) (send.Message, bool) {
	list := s.To(to)
	if len(list) == 0 {
		return send.Message{}, false
	}
	return list[len(list)-1], true
}

// Code returns the six digits in the text of the newest message to one
// destination. It ends the test if there is no message, or not exactly one
// such run of digits.
func (s *Sink) Code(t testing.TB, to string) string {
	t.Helper()
	m, ok := s.Last(to)
	if !ok {
		t.Fatalf("sendtest: no message to %s", to)
	}
	codes := regexp.MustCompile(`\b[0-9]{6}\b`).FindAllString(m.Text, -1)
	if len(codes) != 1 {
		t.Fatalf("sendtest: %d codes of six digits in the message to %s, want 1:\n%s", len(codes), to, m.Text)
	}
	return codes[0]
}
