package storage

import (
	"context"
	"time"
)

// Invitation invites the owner of an address to create an account.
type Invitation struct {
	ID        string
	TokenHash string // hash of the token in the mailed link
	Email     string
	EmailKey  string
	Username  string // username of the account; may be empty
	Roles     []string
	Language  string
	Profile   string // as in User
	CreatedAt time.Time
	ExpiresAt time.Time // not valid from then on
}

// Invitations stores invitations. An address has at most one.
type Invitations interface {
	// PutInvitation stores an invitation. It replaces an earlier one for the same address.
	PutInvitation(ctx context.Context, i Invitation, messages ...Message) error
	// Invitation returns the invitation with the given token hash that is valid at now, or
	// ErrNotFound.
	Invitation(ctx context.Context, tokenHash string, now time.Time) (Invitation, error)
	// TakeInvitation removes an invitation and returns it. One of several callers gets it, the
	// others ErrUsed.
	TakeInvitation(ctx context.Context, tokenHash string, now time.Time) (Invitation, error)
	// AcceptInvitation removes an invitation and stores the account created from it, in one
	// transaction. It returns ErrUsed if no invitation with this token is valid at now. It returns
	// ErrExists like CreateUser; the invitation then stays.
	AcceptInvitation(ctx context.Context, tokenHash string, now time.Time, u User, factors ...Factor) error
	// EndInvitation removes the invitation of an address. It returns ErrNotFound if there is none.
	EndInvitation(ctx context.Context, emailKey string) error
	// ListInvitations lists up to limit invitations that are valid at now and whose EmailKey is
	// greater than after, ordered by EmailKey.
	ListInvitations(ctx context.Context, after string, limit int, now time.Time) ([]Invitation, error)
}
