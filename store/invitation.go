package store

import (
	"context"
	"time"
)

// Invitation asks the owner of an address to make an account.
type Invitation struct {
	ID        string
	TokenHash string // of the token in the mailed link
	Email     string
	EmailKey  string
	Username  string // of the account; empty: none
	Roles     []string
	Language  string
	Profile   string // as in User
	CreatedAt time.Time
	ExpiresAt time.Time // dead from here on
}

// Invitations keeps invitations. An address has one at most.
type Invitations interface {
	// PutInvitation stores an invitation in place of the one of the same address.
	PutInvitation(ctx context.Context, i Invitation, messages ...Message) error
	// Invitation returns the one with a token that lives at now, or ErrNotFound.
	Invitation(ctx context.Context, tokenHash string, now time.Time) (Invitation, error)
	// TakeInvitation removes it: one of several callers gets it, the others ErrUsed.
	TakeInvitation(ctx context.Context, tokenHash string, now time.Time) (Invitation, error)
	// AcceptInvitation removes it and stores the account that is made of it, in one
	// transaction. ErrUsed: none with this token lives at now. ErrExists: as in
	// CreateUser; the invitation stays.
	AcceptInvitation(ctx context.Context, tokenHash string, now time.Time, u User, factors ...Factor) error
	// EndInvitation removes the one of an address; ErrNotFound if there is none.
	EndInvitation(ctx context.Context, emailKey string) error
	// ListInvitations lists up to limit that live at now and whose EmailKey comes
	// after the given one, in that order.
	ListInvitations(ctx context.Context, after string, limit int, now time.Time) ([]Invitation, error)
}
