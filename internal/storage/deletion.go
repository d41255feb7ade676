package storage

import (
	"context"
	"time"
)

// Deletion describes the deletion of an account.
type Deletion struct {
	UserID string
	// Request is the ID of the owner's request. The account is deleted only if that request exists
	// and is due at Now. If it is empty, no request is needed.
	Request string
	Now     time.Time
	// Erase returns an event of the account without personal data: Row and ID stay, and UserID is a
	// pseudonym. It is called in the transaction.
	Erase func(Event) Event
	// Event is added to the audit trail in the transaction.
	Event Event
	// Forget lists prefixes of the keys of budgets to remove; see Counters.Forget.
	Forget []string
}

// DeletionRequest is a deletion that the owner of an account asked for.
type DeletionRequest struct {
	UserID            string
	ID                string
	CredentialVersion string // credential version of the user, set by the request; later changes do not end the request
	CreatedAt         time.Time
	DueAt             time.Time
	// Event is added to the audit trail in the transaction that stores the request. It is used by
	// PutDeletion and not stored. The zero value adds no row.
	Event Event
}

// Deletions deletes accounts and stores the deletion requests of owners.
type Deletions interface {
	// DeleteUser deletes an account and every record of it, in one transaction. From then on,
	// nothing is stored for its ID: methods that store a session, a pending sign-in, a draft, a
	// challenge or an event of it return ErrNotFound, CreateUser returns ErrExists, and messages
	// are dropped. DeleteUser returns ErrNotFound if there is no such account or it was deleted
	// before, and ErrUsed if the request does not exist or is not due.
	DeleteUser(ctx context.Context, d Deletion) error
	// PutDeletion stores a request and sets the user's credential version from the given one to that of the
	// request, so everything issued before becomes invalid. It returns ErrUsed if the credential version
	// differs, and ErrExists if the account already has a request.
	PutDeletion(ctx context.Context, r DeletionRequest, from string, messages ...Message) error
	// DeletionOf returns the request of an account, or ErrNotFound.
	DeletionOf(ctx context.Context, userID string) (DeletionRequest, error)
	// EndDeletion removes the request of an account with the given ID, or any request if the ID is
	// empty. One of several callers gets nil, the others ErrNotFound.
	EndDeletion(ctx context.Context, userID, id string) error
	// DueDeletions lists up to limit requests that are due, the oldest first.
	DueDeletions(ctx context.Context, now time.Time, limit int) ([]DeletionRequest, error)
}

// UserDropper is implemented by stores of expiring records that are separate from the store of the
// accounts.
type UserDropper interface {
	// DropUser deletes every record of a user. Until the given time, methods that store a record of
	// the user return ErrNotFound. The zero time ends that at once.
	DropUser(ctx context.Context, userID string, until time.Time) error
	// Owners lists the IDs of all users that have records.
	Owners(ctx context.Context) ([]string, error)
}
