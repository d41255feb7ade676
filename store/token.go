package store

import (
	"context"
	"time"
)

// Token is a right that outlives its browser: a personal access token, which a
// script presents as it is, or a family of refresh tokens, of which the newest
// is exchanged for a header token and its own successor.
type Token struct {
	ID         string
	UserID     string
	Uniquifier string // the user's when it was minted, else it is dead
	Personal   bool   // false: a family of refresh tokens
	Hash       string // SHA-256 of the secret, of a family's newest
	Generation int64  // of a family: counts its exchanges
	SessionID  string // of a family: the session it was issued with
	Name       string
	Scopes     []string // of a personal one: what it opens
	Level      Level
	Trusted    bool
	TrustedBy  string // as in Session
	Proofs     []Proof
	CreatedAt  time.Time
	UsedAt     time.Time // zero: never
	IdleAt     time.Time // dead from here on unless exchanged
	ExpiresAt  time.Time // dead from here on
	// Most is how many living personal tokens the user may have, with this one. It is
	// for PutToken and not kept. Zero: nothing bounds them.
	Most int
	// Event is added to the audit trail in the transaction that stores the token. It
	// is for PutToken and not kept. The zero value adds none.
	Event Event
}

// TokenUse is a refresh token that was presented, and what shall follow it.
type TokenUse struct {
	ID         string
	Generation int64
	Hash, Next string // SHA-256 of the secret presented, and of its successor's
	Now        time.Time
	IdleAt     time.Time
	// Copied are messages for the case that the token was exchanged before. They
	// go into the outbox in the transaction that removes the family.
	Copied []Message
}

// Tokens keeps rights that outlive their browser.
type Tokens interface {
	// PutToken stores a new token, and messages about it in the same transaction;
	// ErrExists if its id or hash is taken, ErrNotFound for an unknown user, ErrUsed if
	// the user has Most tokens that live when it is made.
	PutToken(ctx context.Context, t Token, messages ...Message) error
	// PersonalToken finds a personal token by its hash; ErrNotFound for an
	// unknown and for a (at now) dead one.
	PersonalToken(ctx context.Context, hash string, now time.Time) (Token, error)
	// RotateToken exchanges the newest token of a family for its successor: of
	// any number of callers exactly one gets the family back. A generation that
	// was exchanged before means that it was copied: the family is removed
	// and ErrUsed returned. Everything else is ErrNotFound and changes nothing.
	RotateToken(ctx context.Context, u TokenUse) (Token, error)
	// TouchToken records a use. A token that is gone stays gone: ErrNotFound.
	TouchToken(ctx context.Context, id string, now time.Time) error
	// TrimFamilies removes all but the newest families of a user, and returns those
	// that it removed. Personal tokens stay.
	TrimFamilies(ctx context.Context, userID string, keep int) ([]Token, error)
	// TokensOf lists the living tokens of a user, newest first, at most MaxListed.
	TokensOf(ctx context.Context, userID string, now time.Time) ([]Token, error)
	// RevokeToken removes one token of the user; ErrNotFound otherwise.
	RevokeToken(ctx context.Context, userID, id string) error
	// RevokeFamilies removes the user's families that were issued with a
	// session.
	RevokeFamilies(ctx context.Context, userID, sessionID string) error
}
