package store

import (
	"context"
	"time"
)

// User is one account.
type User struct {
	ID           string // opaque, 26 characters, never reused
	Email        string // as the user wrote it, domain lower-cased
	EmailKey     string // canonical form: unique, used for look-up and limits
	Username     string // empty if the account has none
	UsernameKey  string // canonical form: unique, empty if none
	PasswordHash string // empty: no password opens this account
	Active       bool   // false: nothing signs in, every session is dead
	// Uniquifier is the credential version. Sessions, pending sign-ins,
	// challenges, drafts and trusted devices remember the one they were made
	// under; changing it kills all of them at once, wherever they are kept.
	Uniquifier string
	Roles      []string
	// ResetAt is when the password was last set through the mailbox (zero:
	// never). Rescue by e-mail is refused for a while after it.
	ResetAt time.Time
	// ConfirmedAt is when the address was proven to be the owner's, by a mailed
	// link or by the word of an operator (zero: never).
	ConfirmedAt time.Time
	// ProvenKey is the EmailKey that was last proven to be the owner's; see
	// Proven. Empty: none ever was.
	ProvenKey string
	// Language is that of what is sent to the owner, as a BCP 47 tag (empty: not
	// known yet).
	Language string
	// Profile holds the account's profile fields, a JSON object (empty: none).
	Profile string
	// MovedAt is when SetIdentity last changed the address, or the application's own
	// table did (zero: never). The owner's own changes leave it.
	MovedAt   time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Proven reports whether the account's present address was proven to be its
// owner's. A change of the address, wherever it comes from, ends it.
func (u User) Proven() bool { return u.ProvenKey != "" && u.ProvenKey == u.EmailKey }

// UserReader finds accounts.
type UserReader interface {
	// UserByID returns ErrNotFound for an unknown id.
	UserByID(ctx context.Context, id string) (User, error)
	// UserByIdentity finds by canonical e-mail address or canonical username.
	// An empty key finds no user.
	UserByIdentity(ctx context.Context, key string) (User, error)
	// ListUsers returns up to limit users with ID > after, in order of ID.
	ListUsers(ctx context.Context, after string, limit int) ([]User, error)
}

// UserWriter changes accounts. Every method answers ErrNotFound for an
// unknown id. Methods that take a uniquifier set it in the same statement,
// so that everything issued under the old one is dead when they return; they
// delete the user's trusted devices too. Messages go into the outbox in the
// transaction of the change, as in FactorChange.
type UserWriter interface {
	// CreateUser answers ErrExists when the id, the e-mail key or the username
	// key is taken, whichever column it collides with (a username may not be
	// another account's e-mail address either). The factors are there with the
	// account, or neither is.
	CreateUser(ctx context.Context, u User, factors ...Factor) error
	// SetIdentity changes e-mail, username and UpdatedAt; ErrExists as in
	// CreateUser. Factors by mail go to the new address. If EmailKey changes, what
	// else opens the account by itself is removed (see PasswordChange.DropPlanted),
	// unless there is neither a password nor a factor by mail in its place.
	SetIdentity(ctx context.Context, u User, uniquifier string, messages ...Message) error
	// SetPassword stores a new hash. viaMailbox records now as ResetAt.
	SetPassword(ctx context.Context, id, hash, uniquifier string, viaMailbox bool, now time.Time, messages ...Message) error
	// UpgradePassword replaces hash old by new and nothing else; ErrUsed when
	// the stored hash is no longer old.
	UpgradePassword(ctx context.Context, id, old, new string) error
	// SetActive switches the account on or off.
	SetActive(ctx context.Context, id string, active bool, uniquifier string, now time.Time) error
	// SetRoles replaces the roles.
	SetRoles(ctx context.Context, id string, roles []string, now time.Time) error
}
