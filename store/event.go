package store

import (
	"context"
	"time"
)

// Event is one thing that happened, as the audit trail keeps it. Rows are removed
// only from the oldest on, and changed only when their account is deleted: then
// they lose what is personal. They hold no secret.
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
	// Erased is set if the account was deleted: a keyed hash over what is left of
	// the row, and over MAC, which stays.
	Erased []byte
}

// Seal closes a stretch of the trail: the rows after After, up to Through.
type Seal struct {
	After, Through int64
	Count          int
	At             time.Time
	MAC            []byte // keyed hash over the rows, their number and the seal before
}

// Checkpoint says which rows of the trail were removed because of their age: all
// up to Through. The zero value says that none were.
type Checkpoint struct {
	Through int64
	Rows    int64     // how many were removed in all
	Seal    []byte    // MAC of the seal that ended with row Through
	Before  time.Time // the rows removed last are older than that
	At      time.Time // when they were removed
	MAC     []byte    // keyed hash over all of the above
}

// EventFilter chooses events; zero fields choose all.
type EventFilter struct {
	UserID string
	Names  []string // of events; none: all
	Since  time.Time
	After  int64 // rows after this one
	UpTo   int64 // rows up to this one; zero: all
	Limit  int   // at most so many; zero: 1000
	Newest bool  // the newest first
}

// Events keeps the audit trail. No verb here changes a row or removes one from its
// middle or end; see Deletions for the rows of an account that is deleted.
type Events interface {
	Checkpoints
	// AppendEvent adds a row; ErrExists if the id is taken.
	AppendEvent(ctx context.Context, e Event) error
	// EventsBy lists rows in the order in which they were added, or the other way
	// round. Of several filters it lists what any of them chooses, in the order of the
	// first.
	EventsBy(ctx context.Context, f EventFilter, more ...EventFilter) ([]Event, error)
	// SettledEvents returns a row number of the past: every row up to it that will
	// ever be there can be read by now. Rows get their numbers before they are
	// committed, so a row may become readable after one with a higher number.
	// ErrUnavailable if a row up to it stays undecided for too long.
	SettledEvents(ctx context.Context) (through int64, err error)
	// PutSeal adds a seal. Of several callers who seal the stretch that begins
	// after the same row one gets nil, the others ErrUsed.
	PutSeal(ctx context.Context, s Seal) error
	// SealsAfter lists up to limit seals with After >= after, in order.
	SealsAfter(ctx context.Context, after int64, limit int) ([]Seal, error)
	// LastSeal returns the newest seal; the zero one if there is none.
	LastSeal(ctx context.Context) (Seal, error)
}

// Checkpoints keep the beginning of the audit trail.
type Checkpoints interface {
	// Checkpoint returns the newest checkpoint; the zero one if nothing was removed.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// RemoveEvents removes the rows and seals up to c.Through and keeps c as the
	// checkpoint, in one step. Of several callers who begin after the same row one
	// gets nil, the others ErrUsed, and so does one whose c.Through is not above it.
	RemoveEvents(ctx context.Context, after int64, c Checkpoint) error
}
