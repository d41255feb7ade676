package store

import (
	"context"
	"time"
)

// Connection is an account at another site that opens an account of ours. It is
// named by issuer and subject alone: what else the other site says of its users
// (an e-mail address above all) may change hands.
type Connection struct {
	ID        string
	UserID    string
	Provider  string // name of the other site in our settings, e.g. "google"
	Issuer    string // who vouches, e.g. "https://accounts.google.com"
	Subject   string // whom the issuer means: unique there, never reused
	Label     string // what the user knows that account by; shown, never looked up
	CreatedAt time.Time
}

// ConnectionChange is one atomic change of a user's connections, under the same
// condition as a FactorChange.
type ConnectionChange struct {
	UserID   string
	From, To string      // uniquifier before and after
	Add      *Connection // nil: nothing is added
	Remove   string      // id removed; empty, or another user's: nothing is
	// Messages go into the outbox in the same transaction.
	Messages []Message
	Now      time.Time
}

// Connections keeps them.
type Connections interface {
	// ConnectionBy finds who is behind a subject of an issuer. ErrNotFound.
	ConnectionBy(ctx context.Context, issuer, subject string) (Connection, error)
	// ConnectionsOf lists a user's, the oldest first. None is an empty slice.
	ConnectionsOf(ctx context.Context, userID string) ([]Connection, error)
	// ChangeConnections applies the whole change or nothing. ErrExists: the
	// subject opens an account already, this one or another. ErrUsed: the user's
	// uniquifier is not From any more; ErrNotFound: no such user. The user's
	// trusted devices go with it.
	ChangeConnections(ctx context.Context, c ConnectionChange) error
	// CreateConnected stores a new user together with a connection of theirs, or
	// neither. ErrExists: as in CreateUser, or the subject opens an account already.
	CreateConnected(ctx context.Context, u User, c Connection) error
}
