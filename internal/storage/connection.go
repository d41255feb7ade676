package storage

import (
	"context"
	"time"
)

// Connection is an account at an identity provider with which a user can sign in. Only the issuer
// and the subject identify it: other data, above all an e-mail address, may pass to another person.
type Connection struct {
	ID        string
	UserID    string
	Provider  string // name of the provider in the configuration, e.g. "google"
	Issuer    string // issuer of the identity, e.g. "https://accounts.google.com"
	Subject   string // the issuer's ID of the user: unique there and never reused
	Label     string // helps the user recognize the account; shown, never looked up
	CreatedAt time.Time
}

// ConnectionChange is one atomic change of a user's connections, under the same
// condition as a FactorChange.
type ConnectionChange struct {
	UserID   string
	From, To string      // credential version before and after
	Add      *Connection // nil if no connection is added
	Remove   string      // ID to remove; ignored if empty or of another user
	// Messages are added to the outbox in the same transaction.
	Messages []Message
	Now      time.Time
}

// Connections stores connections.
type Connections interface {
	// ConnectionBy returns the connection with an issuer and a subject, or ErrNotFound.
	ConnectionBy(ctx context.Context, issuer, subject string) (Connection, error)
	// ConnectionsOf lists a user's connections, the oldest first. If there are none, it returns an
	// empty slice.
	ConnectionsOf(ctx context.Context, userID string) ([]Connection, error)
	// ChangeConnections applies the whole change or nothing, and removes the user's trusted
	// devices. It returns ErrExists if the subject is already connected to an account, ErrUsed if
	// the user's credential version is no longer From, and ErrNotFound if there is no such user.
	ChangeConnections(ctx context.Context, c ConnectionChange) error
	// CreateConnected stores a new user together with a connection, or neither. It returns
	// ErrExists like CreateUser, and also if the subject is already connected to an account.
	CreateConnected(ctx context.Context, u User, c Connection) error
}
