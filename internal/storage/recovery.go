package storage

import (
	"context"
	"time"
)

// Recovery is a user's pending request to replace a lost second factor, or the mark that rescue is
// blocked. An account has at most one of them.
type Recovery struct {
	UserID            string
	ID                string // part of the mailed link; empty if Blocked
	CredentialVersion string // not valid unless equal to the user's
	FactorID          string // the lost factor; empty means the primary one
	Blocked           bool   // the owner reported "this was not me": no rescue until a real factor is proven
	Address           string // client address of the request; empty if an operator made it
	Agent             string
	CreatedAt         time.Time
	OpensAt           time.Time // not valid before
	ExpiresAt         time.Time // not valid from then on
	// Event is added to the audit trail in the transaction that stores the request. It is used by
	// PutRecovery and not stored. The zero value adds no row.
	Event Event
}

// Recoveries stores recoveries.
type Recoveries interface {
	// PutRecovery stores a request. It replaces a request that is expired at r.CreatedAt or has
	// another credential version. It returns ErrExists and changes nothing if the user has a valid request
	// or rescue is blocked, and ErrNotFound if there is no such user. Messages are added to the
	// outbox in the same transaction.
	PutRecovery(ctx context.Context, r Recovery, messages ...Message) error
	// Recovery returns the user's request or mark, regardless of its age and credential version, or
	// ErrNotFound.
	Recovery(ctx context.Context, userID string) (Recovery, error)
	// TakeRecovery removes the request with the given ID and credential version if it is valid at now. It
	// returns the request to exactly one caller; the others get ErrUsed. Messages are added to the
	// outbox in the same transaction.
	TakeRecovery(ctx context.Context, userID, id, version string, now time.Time,
		messages ...Message) (Recovery, error)
	// EndRecovery removes the user's request or mark, if there is one.
	EndRecovery(ctx context.Context, userID string) error
	// BlockRecovery replaces the user's request with the mark. It returns ErrNotFound if there is no
	// such user.
	BlockRecovery(ctx context.Context, userID string, now time.Time) error
}
