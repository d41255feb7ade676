package storage

import (
	"context"
	"time"
)

// User is one account.
type User struct {
	ID           string // opaque, 26 characters, never reused
	Email        string // as the user wrote it, domain lower-cased
	EmailKey     string // canonical form: unique, used for look-up and limits
	Username     string // optional
	UsernameKey  string // canonical form: unique, empty if none
	PasswordHash string // empty if no password opens the account
	Active       bool   // if false, no sign-in is possible and every session is invalid
	// CredentialVersion identifies a state of the credentials. Sessions, pending sign-ins, challenges, drafts and
	// trusted devices contain the value that was current when they were created. A change
	// invalidates all of them at once, in whichever store they are.
	CredentialVersion string
	Roles             []string
	// ResetAt is the time at which the password was last set through the mailbox, or zero. Rescue
	// by e-mail is refused for a while after it.
	ResetAt time.Time
	// PasswordAt is the time at which a password last replaced another, or zero. A sign-in before it
	// may be that of a person who knew the former password.
	PasswordAt time.Time
	// ConfirmedAt is the time at which the address was confirmed by a mailed link or by an
	// operator, or zero.
	ConfirmedAt time.Time
	// ProvenKey is the EmailKey that was last proven to be the owner's, or empty; see Proven.
	ProvenKey string
	// Language is the language of messages to the owner, as a BCP 47 tag. It is empty if not known
	// yet.
	Language string
	// Profile contains the account's profile fields as a JSON object. It is empty if there are
	// none.
	Profile string
	// MovedAt is the time at which SetIdentity or the application's own table last changed the
	// address, or zero. Changes by the owner do not set it.
	MovedAt   time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Proven reports whether the account's current address was proven to be its owner's. Any change of
// the address ends that.
func (u User) Proven() bool { return u.ProvenKey != "" && u.ProvenKey == u.EmailKey }

// UserReader reads accounts.
type UserReader interface {
	// UserByID returns a user, or ErrNotFound for an unknown ID.
	UserByID(ctx context.Context, id string) (User, error)
	// UserByIdentity returns the user with a canonical e-mail address or canonical username. An
	// empty key matches no user.
	UserByIdentity(ctx context.Context, key string) (User, error)
	// ListUsers returns up to limit users with ID > after, ordered by ID.
	ListUsers(ctx context.Context, after string, limit int) ([]User, error)
}

// UserWriter changes accounts. Every method returns ErrNotFound for an unknown ID. Methods with a
// credential version set it in the same statement, so that everything issued under the old one is invalid
// when they return, and delete the user's trusted devices. Messages are added to the outbox in the
// transaction of the change, as in FactorChange.
type UserWriter interface {
	// CreateUser stores an account together with its factors. It returns ErrExists if the ID, the
	// e-mail key or the username key is taken, as a username or as an address: a username must not
	// be another account's address.
	CreateUser(ctx context.Context, u User, factors ...Factor) error
	// SetIdentity changes the e-mail address, the username and UpdatedAt. It returns ErrExists like
	// CreateUser. The new address becomes the destination of factors by mail. If EmailKey changes,
	// other credentials that can start a sign-in are removed (see PasswordChange.DropPlanted),
	// unless there is neither a password nor a factor by mail to use instead.
	SetIdentity(ctx context.Context, u User, version string, messages ...Message) error
	// SetPassword stores a new hash.
	SetPassword(ctx context.Context, p NewPassword, messages ...Message) error
	// UpgradePassword replaces the hash old with new and nothing else. It returns ErrUsed if the
	// stored hash is no longer old.
	UpgradePassword(ctx context.Context, id, old, new string) error
	// SetActive activates or deactivates the account.
	SetActive(ctx context.Context, id string, active bool, version string, now time.Time) error
	// SetRoles replaces the roles of the account.
	SetRoles(ctx context.Context, id string, roles []string, now time.Time) error
}
