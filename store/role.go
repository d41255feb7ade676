package store

import (
	"context"
	"time"
)

// Role is a name that users may have, and what it permits.
type Role struct {
	Name        string
	Description string
	Permissions []string // sorted
	CreatedAt   time.Time
}

// Roles keeps what roles permit. A user may have a role that is not here: it
// permits nothing.
type Roles interface {
	// PutRole stores a new role with its permissions; ErrExists if the name is
	// taken.
	PutRole(ctx context.Context, r Role) error
	// Roles lists all roles by name.
	Roles(ctx context.Context) ([]Role, error)
	// ChangePermissions adds to and takes from a role's permissions; what is in
	// both is taken. ErrNotFound for an unknown role.
	ChangePermissions(ctx context.Context, name string, add, remove []string) error
	// DeleteRole removes a role; ErrNotFound if there is none. Users keep its
	// name, which then permits nothing.
	DeleteRole(ctx context.Context, name string) error
	// PermissionsOf lists what the named roles permit together, sorted.
	PermissionsOf(ctx context.Context, roles []string) ([]string, error)
}
