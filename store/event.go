package store

import (
	"context"
	"time"
)

// Event is one thing that happened, as the audit trail keeps it. Rows are only
// ever added. They hold no secret.
type Event struct {
	Row     int64  // given by the store, growing; not part of what is signed
	ID      string // unique
	UserID  string // whom it is about; empty if no account is
	At      time.Time
	Name    string // e.g. "user-authenticated"
	Method  string // of the factor concerned
	Result  string // "ok" or "refused"
	Reason  string // a word for why
	Session string // id of the session concerned
	Address string
	Agent   string
	Request string // id of the request
	MAC     []byte // keyed hash over all of the above but Row
}

// Seal closes a stretch of the trail: the rows after After, up to Through.
type Seal struct {
	After, Through int64
	Count          int
	At             time.Time
	MAC            []byte // keyed hash over the rows, their number and the seal before
}

// EventFilter chooses events; zero fields choose all.
type EventFilter struct {
	UserID string
	Names  []string // of events; none: all
	Since  time.Time
	After  int64 // rows after this one
	Limit  int   // at most so many; zero: 1000
	Newest bool  // the newest first
}

// Events keeps the audit trail. There is no verb to change or remove a row.
type Events interface {
	// AppendEvent adds a row; ErrExists if the id is taken.
	AppendEvent(ctx context.Context, e Event) error
	// EventsBy lists rows in the order in which they were added, or the other way
	// round.
	EventsBy(ctx context.Context, f EventFilter) ([]Event, error)
	// PutSeal adds a seal. Of several callers who seal the stretch that begins
	// after the same row one gets nil, the others ErrUsed.
	PutSeal(ctx context.Context, s Seal) error
	// SealsAfter lists up to limit seals with After >= after, in order.
	SealsAfter(ctx context.Context, after int64, limit int) ([]Seal, error)
	// LastSeal returns the newest seal; the zero one if there is none.
	LastSeal(ctx context.Context) (Seal, error)
}
