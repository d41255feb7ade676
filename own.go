package twofold

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// UserSource is an application's existing table of users. Identities, password
// hashes and roles stay there. Everything else (second factors, sessions,
// trusted browsers, budgets, the audit trail) is kept in Config.Store under the
// user's ID, without a foreign key between the two.
//
// Cost: every lookup of an account is a query to this table too; for signed-in
// requests, at most one a second and session. If the table cannot be read, no
// one can sign in and sessions get 503.
//
// Duties:
//
//   - An ID is never given to another person, because second factors belong to it.
//   - Identities are unique without regard to case, e-mail addresses and usernames
//     together.
//   - Hashes are argon2 or bcrypt, also in the forms of Flask-Security. They are
//     replaced through SetPasswordHash as users sign in.
//   - A user who is deleted or not Active is signed out within a second.
//   - The application may change a password, an address or a username in the table
//     at any time. Everything issued before then ends within a second.
//   - Only the application changes addresses and usernames. The paths for that are
//     off.
//
// Methods are called concurrently. An error other than ErrNoUser and
// ErrUserExists means that the table cannot be reached.
type UserSource interface {
	// FindUser finds a user by e-mail address or username. The identity is in
	// lower case, so compare with lower(email) = $1 or the like. It returns
	// ErrNoUser if there is no such user.
	FindUser(ctx context.Context, identity string) (OwnUser, error)
	// UserByID returns ErrNoUser for an unknown id.
	UserByID(ctx context.Context, id string) (OwnUser, error)
	// CreateUser inserts a user who registers, or whom Auth.CreateUser creates,
	// and returns the ID. It returns ErrUserExists if an identity is taken;
	// rely on a unique index for that.
	CreateUser(ctx context.Context, u OwnUser) (id string, err error)
	// SetPasswordHash replaces the hash old by new in one statement (UPDATE ...
	// WHERE id = $1 AND hash = $2) and reports whether it did. Of two
	// concurrent changes, one must fail.
	SetPasswordHash(ctx context.Context, id, old, new string) (bool, error)
}

// UserLister is an optional interface of a UserSource that ListUsers needs.
type UserLister interface {
	// ListUsers returns up to limit users whose ID comes after the given one,
	// ordered by ID as the database compares them. The first call has an empty
	// string.
	ListUsers(ctx context.Context, after string, limit int) ([]OwnUser, error)
}

// OwnUser is one row of a UserSource.
type OwnUser struct {
	ID           string // opaque, at most 128 bytes
	Email        string
	Username     string // empty if there is none
	PasswordHash string // empty: no password opens the account
	Active       bool   // false: nothing opens the account
	// Confirmed reports that the address is proven to be the owner's. It must
	// be false for an account that registered itself and has not proven its
	// address. Such an account is asked for a mailed code before it sets up a
	// second factor.
	Confirmed bool
	Roles     []string
}

// source is a UserSource as package account wants it.
type source struct{ own UserSource }

func (s source) ByIdentity(ctx context.Context, identity string) (account.Record, error) {
	u, err := s.own.FindUser(ctx, identity)
	return account.Record(u), storeError(err)
}

func (s source) ByID(ctx context.Context, id string) (account.Record, error) {
	u, err := s.own.UserByID(ctx, id)
	return account.Record(u), storeError(err)
}

func (s source) Create(ctx context.Context, r account.Record) (string, error) {
	id, err := s.own.CreateUser(ctx, OwnUser(r))
	return id, storeError(err)
}

func (s source) SetPasswordHash(ctx context.Context, id, old, new string) (bool, error) {
	ok, err := s.own.SetPasswordHash(ctx, id, old, new)
	return ok, storeError(err)
}

func (b *builder) source() account.Source {
	if b.c.Users == nil {
		return nil
	}
	return source{b.c.Users}
}

func storeError(err error) error {
	switch {
	case errors.Is(err, ErrNoUser):
		return store.ErrNotFound
	case errors.Is(err, ErrUserExists):
		return store.ErrExists
	}
	return err
}
