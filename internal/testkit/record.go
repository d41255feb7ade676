package testkit

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/twofold-auth/twofold/event"
)

// Buffer is a bytes.Buffer that is safe for concurrent use, such as for a log.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Events records events. Its method Record is a hook for Config.OnEvent.
type Events struct {
	mu   sync.Mutex
	list []event.Event
}

// Record adds an event.
func (e *Events) Record(_ context.Context, happened event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, happened)
}

// All returns the events, oldest first.
func (e *Events) All() []event.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// Reset removes all events.
func (e *Events) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = nil
}

// EventsOf returns the events of one type, oldest first.
func EventsOf[E event.Event](e *Events) []E {
	var out []E
	for _, happened := range e.All() {
		if one, ok := happened.(E); ok {
			out = append(out, one)
		}
	}
	return out
}
