package storage

import (
	"context"
	"time"
)

// Token is a personal access token, which a program sends with each request, or a family of refresh
// tokens, the newest of which is exchanged for a header token and its successor.
type Token struct {
	ID                string
	UserID            string
	CredentialVersion string // not valid unless equal to the user's
	Personal          bool   // if false, a family of refresh tokens
	Hash              string // SHA-256 of the secret; for a family, of the newest one
	Generation        int64  // for a family: number of exchanges
	SessionID         string // for a family: the session with which it was issued
	Name              string
	Scopes            []string // for a personal token
	Level             Level
	Trusted           bool
	TrustedBy         string // as in Session
	Proofs            []Proof
	CreatedAt         time.Time
	UsedAt            time.Time // zero if never used
	IdleAt            time.Time // not valid from then on unless exchanged
	ExpiresAt         time.Time // not valid from then on
	// Most is the maximum number of the user's valid personal tokens, including this one. It is
	// used by PutToken and not stored. Zero means no limit.
	Most int
	// Event is added to the audit trail in the transaction that stores the token. It is used by
	// PutToken and not stored. The zero value adds no row.
	Event Event
}

// TokenUse contains a refresh token that was presented and its successor.
type TokenUse struct {
	ID         string
	Generation int64
	Hash, Next string // SHA-256 of the secret presented, and of its successor's
	Now        time.Time
	IdleAt     time.Time
	// Copied returns messages for the case that the token was exchanged before. They are added to
	// the outbox in the transaction that removes the family. It is not called otherwise; nil adds
	// none. It may be called more than once, and must not use the store.
	Copied func() []Message
}

// Tokens stores personal access tokens and families of refresh tokens.
type Tokens interface {
	PersonalTokens
	TokenRevoker
	// PutToken stores a new token, and messages about it in the same transaction. It returns
	// ErrExists if its ID or hash is taken, ErrNotFound for an unknown user, and ErrUsed if the
	// user already has Most valid tokens.
	PutToken(ctx context.Context, t Token, messages ...Message) error
	// RotateToken exchanges the newest token of a family for its successor and returns the family
	// to exactly one caller. If the presented generation was exchanged before, the token was
	// copied: the family is removed and ErrUsed is returned. In all other cases RotateToken changes
	// nothing and returns ErrNotFound.
	RotateToken(ctx context.Context, u TokenUse) (Token, error)
	// TokensOf lists the valid tokens of a user, newest first, at most MaxListed.
	TokensOf(ctx context.Context, userID string, now time.Time) ([]Token, error)
}

// PersonalTokens finds personal access tokens and records their uses.
type PersonalTokens interface {
	// PersonalToken returns the personal token with the given hash, or ErrNotFound if it is unknown
	// or not valid at now.
	PersonalToken(ctx context.Context, hash string, now time.Time) (Token, error)
	// TouchToken records a use. It returns ErrNotFound if the token no longer exists.
	TouchToken(ctx context.Context, id string, now time.Time) error
}

// TokenRevoker removes tokens before they expire.
type TokenRevoker interface {
	// TrimFamilies removes all but the newest families of a user, and returns the removed ones.
	// Personal tokens stay.
	TrimFamilies(ctx context.Context, userID string, keep int) ([]Token, error)
	// RevokeToken removes one token of the user. It returns ErrNotFound if there is no such token.
	RevokeToken(ctx context.Context, userID, id string) error
	// RevokeFamilies removes the user's families that were issued with a
	// session.
	RevokeFamilies(ctx context.Context, userID, sessionID string) error
}
