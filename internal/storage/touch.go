package storage

import (
	"context"
	"time"
)

// Touch is the activity of one session.
type Touch struct {
	Hash       string
	Seen, Idle time.Time // see Session.SeenAt and Session.IdleAt
}

// Touches records the activity of sessions.
type Touches interface {
	// TouchSession records activity. It returns ErrNotFound if the session no longer exists.
	TouchSession(ctx context.Context, hash string, seen, idle time.Time) error
	// TouchSessions is like TouchSession, for several sessions at once. It skips those that no
	// longer exist.
	TouchSessions(ctx context.Context, list []Touch) error
}
