package storage

import (
	"context"
	"time"
)

// Event is one row of the audit trail. Only the oldest rows are removed. A row is changed only when
// its account is deleted: then its personal data is erased. Rows contain no secret.
type Event struct {
	Row     int64  // increasing number, set by the store; not covered by MAC
	ID      string // unique
	UserID  string // account concerned; empty if none
	At      time.Time
	Name    string // e.g. "user-authenticated"
	Method  string // method of the factor concerned
	Result  string // "ok" or "refused"
	Reason  string // reason, as one word
	Session string // ID of the session concerned
	Address string
	Agent   string
	Request string // ID of the request
	MAC     []byte // keyed hash over all fields above except Row
	// Erased is set if the account was deleted. It is a keyed hash over the remaining values of the
	// row and over MAC, which does not change.
	Erased []byte
}

// Seal covers a range of the trail: the rows after After, up to Through.
type Seal struct {
	After, Through int64
	Count          int
	At             time.Time
	MAC            []byte // keyed hash over the rows, their number and the previous seal
}

// Checkpoint records that all rows up to Through were removed because of their age. The zero value
// means that none were.
type Checkpoint struct {
	Through int64
	Rows    int64     // total number of removed rows
	Seal    []byte    // MAC of the seal that ended with row Through
	Before  time.Time // the rows removed last are older than this time
	At      time.Time // time of the last removal
	MAC     []byte    // keyed hash over all fields above
}

// EventFilter selects events. A zero field selects all.
type EventFilter struct {
	UserID string
	Names  []string // names of events
	Since  time.Time
	After  int64 // only rows after this one
	UpTo   int64 // only rows up to this one
	Limit  int   // maximum number of rows; zero means 1000
	Newest bool  // newest rows first
	Unseen bool  // only rows after those that the user has seen (AccountMarks); all if UserID is empty
}

// EventPart is a part of an audit trail that is stored in parts.
type EventPart struct {
	Through int64 // no row of the part has a higher number
	First   bool  // it has the rows that were added before the trail was stored in parts
}

// Events stores the audit trail. No method here changes a row, or removes one from the middle or
// the end; see Deletions for the rows of a deleted account.
type Events interface {
	Checkpoints
	EventParts
	// AppendEvent adds a row. It returns ErrExists if the ID is taken: in a trail that is stored in
	// parts, by a row of the newest part.
	AppendEvent(ctx context.Context, e Event) error
	// EventsBy lists rows in the order in which they were added, or newest first. With several
	// filters it lists the rows that any of them selects, in the order of the first filter.
	EventsBy(ctx context.Context, f EventFilter, more ...EventFilter) ([]Event, error)
	// SettledEvents returns a row number up to which the trail is final: no row with a lower number
	// will still appear. Rows get their numbers before they are committed, so a row may become
	// readable after one with a higher number. It returns ErrUnavailable if a transaction that adds
	// a row up to that number takes too long.
	SettledEvents(ctx context.Context) (through int64, err error)
	// PutSeal adds a seal. Of several callers that seal a range starting after the same row, one
	// gets nil and the others get ErrUsed.
	PutSeal(ctx context.Context, s Seal) error
	// SealsAfter lists up to limit seals with After >= after, in order.
	SealsAfter(ctx context.Context, after int64, limit int) ([]Seal, error)
	// LastSeal returns the newest seal, or the zero Seal if there is none.
	LastSeal(ctx context.Context) (Seal, error)
}

// Checkpoints removes old rows of the audit trail.
type Checkpoints interface {
	// Checkpoint returns the newest checkpoint, or the zero Checkpoint if no row was removed.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// RemoveEvents removes the rows and seals up to c.Through and stores c as the checkpoint, in
	// one transaction. Of several callers that start after the same row, one gets nil and the
	// others get ErrUsed. It also returns ErrUsed if c.Through is not greater than after. It removes
	// a part of the trail as a whole if no row with a higher number is or can still be in it.
	RemoveEvents(ctx context.Context, after int64, c Checkpoint) error
}

// EventParts stores the audit trail in parts, one for each month, if the engine can and its operator
// wants that. A row is in the newest part, whatever its time, and a part is removed as a whole.
type EventParts interface {
	// NextEventPart begins a new part if there is none of the current month, by the clock of the
	// database. Numbers of new rows are greater than those of older parts. It does nothing if the
	// trail is not stored in parts. No row is refused because a part is missing: it is added to the
	// newest part there is.
	NextEventPart(ctx context.Context) error
	// EventPart returns the part to which a row of that number belongs. It returns ErrNotFound if
	// the trail is not stored in parts.
	EventPart(ctx context.Context, row int64) (EventPart, error)
}
