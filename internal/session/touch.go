package session

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	// touchEvery is the time between two writes of collected touches.
	touchEvery = time.Second
	// touchWithin limits one write of collected touches.
	touchWithin = 5 * time.Second
	// collectedLeft is the idle time that a session must have left in the store for its touch to be
	// collected. Otherwise the store could find it expired before the touch is written.
	collectedLeft = 4 * (touchEvery + touchWithin)
	// touchLate is the age at which a collected touch is written before the store is read. A touch
	// gets that old only if the writes are late, or if the clock was set forward.
	touchLate = 2 * (touchEvery + touchWithin)
	// mostTouches is the maximum number of collected touches.
	mostTouches = 100_000
)

// touches collects touches, so that they are written together. If the process is killed, a session
// may end up to a second earlier than it would otherwise.
type touches struct {
	mu     sync.Mutex
	log    *slog.Logger // of WriteTouches
	on     bool         // WriteTouches is running
	byHash map[string]storage.Touch
	before map[string]storage.Touch // those that are being written
	oldest time.Time                // the time of the oldest one in byHash
}

// late reports whether a touch was collected so long before now that the store must have it.
func (c *touches) late(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byHash) > 0 && now.Sub(c.oldest) > touchLate
}

// add reports whether the touch was collected.
func (c *touches) add(t storage.Touch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on || len(c.byHash) >= mostTouches {
		return false
	}
	if len(c.byHash) == 0 || t.Seen.Before(c.oldest) {
		c.oldest = t.Seen
	}
	c.byHash[t.Hash] = t
	return true
}

// start begins to collect. Errors of the writes are logged to log.
func (c *touches) start(log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.log, c.byHash = true, log, map[string]storage.Touch{}
}

// stop ends the collection. What was collected is still there.
func (c *touches) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = false
}

// take removes and returns the collected touches, and the log for errors.
func (c *touches) take() ([]storage.Touch, *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]storage.Touch, 0, len(c.byHash))
	for _, t := range c.byHash {
		list = append(list, t)
	}
	c.before, c.byHash = c.byHash, map[string]storage.Touch{}
	return list, c.log
}

// apply adds the touches that the store may not have yet to sessions that were read from it.
func (c *touches) apply(list []storage.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range list {
		for _, from := range []map[string]storage.Touch{c.before, c.byHash} {
			if t, ok := from[s.Hash]; ok && t.Seen.After(s.SeenAt) {
				list[i].SeenAt, list[i].IdleAt = t.Seen, t.Idle
			}
		}
	}
}

// WriteTouches writes the collected touches once a second until ctx ends, and once more then. While
// it is not running, each touch is written at once.
func (m *Manager) WriteTouches(ctx context.Context, log *slog.Logger) {
	m.touches.start(log)
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			m.touches.stop()
			m.writeTouches(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			m.writeTouches(ctx)
		}
	}
}

// settle writes the collected touches if one is late. It comes before a read of the store and before
// another touch, which the store would refuse without the late one.
func (m *Manager) settle(ctx context.Context, now time.Time) {
	if m.touches.late(now) {
		m.writeTouches(ctx)
	}
}

// writeTouches writes the collected touches. If the store fails, the sessions keep the idle limit
// that they have there, and each one is touched again soon after it is read from the store.
func (m *Manager) writeTouches(ctx context.Context) {
	list, log := m.touches.take()
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, touchWithin)
	defer cancel()
	if err := m.c.Sessions.TouchSessions(ctx, list); err != nil {
		log.WarnContext(ctx, "the activity of sessions was not stored", "sessions", len(list), "error", err)
	}
}
