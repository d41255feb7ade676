package store

import (
	"context"
	"time"
)

// UserSource is an application's existing table of users. Identities, password hashes and roles
// stay there. Everything else (second factors, sessions, trusted browsers, budgets, the audit
// trail) is kept in the Store under the user's ID, without a foreign key between the two.
//
// Cost: every lookup of an account is a query to this table too; for signed-in requests, at most
// one a second and session. If the table cannot be read, no one can sign in and sessions get 503.
//
// Duties:
//
//   - An ID is never given to another person, because second factors belong to it.
//   - Identities are unique without regard to case, e-mail addresses and usernames together.
//   - Hashes are argon2 or bcrypt, also in the forms of Flask-Security. They are replaced through
//     SetPasswordHash as users sign in.
//   - A user who is deleted or not Active is signed out within a second.
//   - The application may change a password, an address or a username in the table at any time.
//     Everything issued earlier ends within a second.
//   - Only the application changes addresses and usernames. The paths for that are off.
//
// Methods are called concurrently. An error other than ErrNotFound and ErrExists means that the
// table cannot be reached. (store.ErrNotFound and store.ErrExists mean the same as these.)
type UserSource interface {
	// FindUser finds a user by e-mail address or username. The identity is in
	// lower case, so compare with lower(email) = $1 or the like. It returns
	// ErrNotFound if there is no such user.
	FindUser(ctx context.Context, identity string) (ExternalUser, error)
	// UserByID finds a user by ID. It returns ErrNotFound for an unknown ID.
	UserByID(ctx context.Context, id string) (ExternalUser, error)
	// CreateUser inserts a user who registers, or whom [twofold.Auth.CreateUser]
	// creates, and returns the ID. It returns ErrExists if an identity is taken; rely
	// on a unique index for that.
	CreateUser(ctx context.Context, u ExternalUser) (id string, err error)
	// SetPasswordHash replaces the hash old by new in one statement (UPDATE ...
	// WHERE id = $1 AND hash = $2) and reports whether it did. Of two
	// concurrent changes, one must fail.
	SetPasswordHash(ctx context.Context, id, old, new string) (bool, error)
}

// UserLister is an optional interface of a UserSource that [twofold.Auth.Users] needs.
type UserLister interface {
	// ListUsers returns up to limit users whose ID comes after the given one,
	// ordered by ID as the database compares them. The first call has an empty
	// string.
	ListUsers(ctx context.Context, after string, limit int) ([]ExternalUser, error)
}

// UserDeleter is an optional interface of a UserSource whose users are deleted together with their
// accounts.
type UserDeleter interface {
	// DeleteUser deletes a user. It is called before the data in the Store is deleted; if it fails,
	// nothing is deleted, and the deletion can be repeated. It returns ErrNotFound if there is no
	// such user.
	DeleteUser(ctx context.Context, id string) error
}

// ExternalUser is one row of a UserSource.
type ExternalUser struct {
	ID           string // opaque, at most 128 bytes
	Email        string
	Username     string // optional
	PasswordHash string // empty if no password opens the account
	Active       bool   // if false, the user cannot sign in
	// Confirmed reports whether the user has proven that the address is theirs. It must be false
	// for a user who registered and has not proven the address. Such an account is asked for a
	// mailed code before it sets up a second factor.
	Confirmed bool
	// Roles contains names that twofold.Roles accepts. Others are ignored. A change in the table applies
	// within a second. See UserRoles.
	Roles []string
	// Fields contains the profile fields if the table implements UserFields. Otherwise it is nil
	// when a user is looked up, and CreateUser can ignore it.
	Fields map[string]any
}

// UserFields is an optional interface of a UserSource that keeps the profile fields
// (Accounts.Fields of the configuration) in the application's own table. Without it they are kept
// in the Store.
type UserFields interface {
	// SetFields replaces the profile fields of a user. Texts are strings and boxes are booleans. It
	// returns ErrNotFound for an unknown ID.
	SetFields(ctx context.Context, id string, fields map[string]any) error
}

// UserRoles is an optional interface of a UserSource that lets [twofold.Auth.SetRoles] write the
// roles in the application's own table. Without it, SetRoles keeps the roles that the table does
// not have in the Store, and cannot remove one that it has.
type UserRoles interface {
	// SetRoles replaces the roles of a user. It returns ErrNotFound for an unknown ID.
	SetRoles(ctx context.Context, id string, roles []string) error
}

// Invitation is an invitation that has not been used yet, as the methods of twofold.Invitations
// return it.
type Invitation struct {
	Email    string
	Username string
	Roles    []string
	Created  time.Time
	Expires  time.Time
}
