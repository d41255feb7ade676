package store

import (
	"context"
	"time"
)

// Deletion says how an account is deleted.
type Deletion struct {
	UserID string
	// Request is the id of the request of the account's owner. The account is
	// deleted only if that request is there and is due at Now. Empty: whatever was
	// requested.
	Request string
	Now     time.Time
	// Erase returns what is left of an event of the account: its Row and ID stay,
	// its UserID is a pseudonym. It runs in the transaction.
	Erase func(Event) Event
	// Event is added to the audit trail in the transaction.
	Event Event
	// Forget are prefixes of the keys of budgets that end; see Counters.Forget.
	Forget []string
}

// DeletionRequest is a deletion that the owner of an account asked for.
type DeletionRequest struct {
	UserID     string
	ID         string
	Uniquifier string // of the user, set by the request; later changes do not end the request
	CreatedAt  time.Time
	DueAt      time.Time
	// Event is added to the audit trail in the transaction that stores the request. It
	// is for PutDeletion and not kept. The zero value adds none.
	Event Event
}

// Deletions deletes accounts, and keeps the requests of owners who wait for it.
type Deletions interface {
	// DeleteUser deletes an account and every record of it, in one transaction.
	// From then on, nothing is stored for its id: verbs that store a session, a
	// pending sign-in, a draft, a challenge or an event of it answer ErrNotFound,
	// CreateUser answers ErrExists, and a message is dropped. ErrNotFound: there is
	// no such account, or it was deleted before. ErrUsed: the request is not there
	// or not due.
	DeleteUser(ctx context.Context, d Deletion) error
	// PutDeletion stores a request and sets the user's uniquifier from the given
	// one to that of the request, so everything issued before is over. ErrUsed: the
	// uniquifier is another one. ErrExists: a request waits already.
	PutDeletion(ctx context.Context, r DeletionRequest, from string, messages ...Message) error
	// DeletionOf returns the request of an account; ErrNotFound if there is none.
	DeletionOf(ctx context.Context, userID string) (DeletionRequest, error)
	// EndDeletion removes the request of an account that has the given id, or
	// whichever there is if the id is empty. Of several callers one gets nil, the
	// others ErrNotFound.
	EndDeletion(ctx context.Context, userID, id string) error
	// DueDeletions lists up to limit requests that are due, the oldest first.
	DueDeletions(ctx context.Context, now time.Time, limit int) ([]DeletionRequest, error)
}

// UserDropper is a store of what expires, apart from the store of the accounts.
type UserDropper interface {
	// DropUser deletes every record of a user. Until the given time, verbs that
	// store another answer ErrNotFound. The zero time lets them in again.
	DropUser(ctx context.Context, userID string, until time.Time) error
	// Owners lists the ids of the users that there are records of.
	Owners(ctx context.Context) ([]string, error)
}
