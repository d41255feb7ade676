package store

import (
	"context"
	"time"
)

// Recovery is a user's way back after the loss of a second factor: a request
// that waits, or the mark that rescue is blocked. An account has one of them at
// most.
type Recovery struct {
	UserID     string
	ID         string // the mailed link names it; empty if Shut
	Uniquifier string // must equal the user's, else the request is dead
	FactorID   string // the lost factor; empty: the primary one
	Shut       bool   // the owner said "this was not me": no rescue until a real factor was proven
	Address    string // where it was asked from; empty: an operator's
	Agent      string
	CreatedAt  time.Time
	OpensAt    time.Time // good for nothing before
	ExpiresAt  time.Time // dead from here on
	// Event is added to the audit trail in the transaction that stores the request. It
	// is for PutRecovery and not kept. The zero value adds none.
	Event Event
}

// Recoveries keeps them.
type Recoveries interface {
	// PutRecovery stores a request, in place of one that has expired (at
	// r.CreatedAt) or was made under another uniquifier. ErrExists: one lives, or
	// rescue is blocked; both stay as they are. ErrNotFound: no such user. Messages go
	// into the outbox in the same transaction.
	PutRecovery(ctx context.Context, r Recovery, messages ...Message) error
	// Recovery returns the user's request or mark, whatever its age and
	// uniquifier; ErrNotFound if there is none.
	Recovery(ctx context.Context, userID string) (Recovery, error)
	// TakeRecovery ends the request with this id and uniquifier if at now it has
	// opened and not expired: exactly one caller gets it back, the others ErrUsed.
	// Messages go into the outbox in the same transaction.
	TakeRecovery(ctx context.Context, userID, id, uniquifier string, now time.Time, messages ...Message) (Recovery, error)
	// EndRecovery removes the user's request or mark, if there is one.
	EndRecovery(ctx context.Context, userID string) error
	// ShutRecovery ends the user's request and leaves the mark. ErrNotFound: no
	// such user.
	ShutRecovery(ctx context.Context, userID string, now time.Time) error
}
