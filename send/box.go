package send

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// boxSize is the number of messages that NewBox(0) keeps.
const boxSize = 100

// Kept is a message in a Box and the time at which it was sent.
type Kept struct {
	At      time.Time
	Message Message
}

// Box is a Sender for every channel that keeps the last messages in memory, so that a development
// server can show them. It is for development only: it keeps codes and links in plain text.
type Box struct {
	mu      sync.Mutex
	ring    []Kept
	next    int // index of the next message
	full    bool
	changed chan struct{}
}

// NewBox returns a box for the last n messages, or for 100 if n is less than 1.
func NewBox(n int) *Box {
	if n < 1 {
		n = boxSize
	}
	return &Box{ring: make([]Kept, n), changed: make(chan struct{})}
}

// Send keeps m. If the box is full, m replaces the oldest message.
func (b *Box) Send(ctx context.Context, m Message) error {
	if err := CheckRecipient(m.Channel, m.To); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ring[b.next] = Kept{At: time.Now(), Message: m}
	b.next++
	if b.next == len(b.ring) {
		b.next, b.full = 0, true
	}
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// Messages returns the messages in the box, newest first.
func (b *Box) Messages() []Kept {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.next
	if b.full {
		n = len(b.ring)
	}
	list := make([]Kept, 0, n)
	for i := 1; i <= n; i++ {
		list = append(list, b.ring[(b.next-i+len(b.ring))%len(b.ring)])
	}
	return list
}

// Changed returns a channel that is closed when the next message is sent. Call it before Messages,
// so that no message is missed in between.
func (b *Box) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}
