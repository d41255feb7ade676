package twofold

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// UserSource is the table of users that an application has already. Identities,
// password hashes and roles stay there; what belongs to signing in (second
// factors, sessions, devices, budgets, the audit trail) is kept in Config.Store
// and joined by the user's id, without a foreign key between the two.
//
// What it costs: each look at an account is a query to this table as well, for
// signed-in requests at most one a second and session. If the table cannot be
// read, nobody signs in and sessions answer 503.
//
// Its duties:
//
//   - An id is never given to another person: second factors hang on it.
//   - Identities are unique, also in another case, e-mail addresses and usernames
//     together.
//   - Hashes are of argon2 or bcrypt, also as Flask-Security keeps them. They are
//     renewed through SetPasswordHash as people sign in.
//   - A user who is deleted or not Active is signed out within a second.
//   - Whatever changes a password, an address or a username in the table need not
//     tell: everything issued before ends at the next look, within a second.
//   - Addresses and usernames are changed by the application, not by paths here.
//
// Its methods run at once on many goroutines. Errors other than ErrNoUser and
// ErrUserExists mean that the table cannot be reached.
type UserSource interface {
	// FindUser finds by e-mail address or username, which comes folded to one
	// case: compare without case, e.g. lower(email) = $1. ErrNoUser.
	FindUser(ctx context.Context, identity string) (OwnUser, error)
	// UserByID returns ErrNoUser for an unknown id.
	UserByID(ctx context.Context, id string) (OwnUser, error)
	// CreateUser makes a row for somebody who registers, or whom the application
	// creates here, and returns its id. ErrUserExists if an identity is taken:
	// have a unique index decide.
	CreateUser(ctx context.Context, u OwnUser) (id string, err error)
	// SetPasswordHash replaces the hash old by new in one statement (UPDATE ..
	// WHERE id = $1 AND hash = $2) and says whether it did: of two changes at
	// once one must lose.
	SetPasswordHash(ctx context.Context, id, old, new string) (bool, error)
}

// UserLister is what a UserSource may implement as well, for ListUsers.
type UserLister interface {
	// ListUsers returns up to limit users whose id comes after the given one, in
	// order of id as the database compares them; the first call is with "".
	ListUsers(ctx context.Context, after string, limit int) ([]OwnUser, error)
}

// OwnUser is one row of a UserSource.
type OwnUser struct {
	ID           string // opaque, at most 128 bytes
	Email        string
	Username     string // empty if there is none
	PasswordHash string // empty: no password opens the account
	Active       bool   // false: nothing opens the account
	// Confirmed says that the address was shown to be the owner's. An account that
	// registered itself and did not show that must not have it. Without it, a
	// mailed code is asked for before a second factor is set up.
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
