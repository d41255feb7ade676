package account

import (
	"context"

	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Record is one row of an application's own table of users.
type Record struct {
	ID           string // opaque to us, at most 128 bytes, never another person's
	Email        string
	Username     string
	PasswordHash string
	Active       bool
	Confirmed    bool // the address was shown to be the owner's
	Roles        []string
	// Fields are the profile fields, by name.
	Fields map[string]any
}

// recordOf is the row to make for an account.
func recordOf(u storage.User) Record {
	return Record{
		Email: u.Email, Username: u.Username, PasswordHash: u.PasswordHash, Active: u.Active,
		Confirmed: !u.ConfirmedAt.IsZero(), Roles: u.Roles, Fields: profile.Decode(u.Profile),
	}
}

// Source is an application's own table of users; storage.ErrNotFound and
// storage.ErrExists are its errors.
type Source interface {
	// ByIdentity finds by a canonical e-mail address or username (see Key).
	ByIdentity(ctx context.Context, identity string) (Record, error)
	ByID(ctx context.Context, id string) (Record, error)
	// Create makes a row and returns its id.
	Create(ctx context.Context, r Record) (id string, err error)
	// SetPasswordHash replaces old by new, in one statement; false: it was old no
	// more.
	SetPasswordHash(ctx context.Context, id, old, new string) (bool, error)
}

// Table is a Source and its optional capabilities. A nil function means that it lacks the capability.
type Table struct {
	Source
	// Delete deletes a row.
	Delete func(ctx context.Context, id string) error
	// SetProfile replaces the profile fields, which are then in the table only.
	SetProfile func(ctx context.Context, id string, fields map[string]any) error
	// SetRoles replaces the roles, which are then in the table only.
	SetRoles func(ctx context.Context, id string, roles []string) error
}
