package storage

import (
	"context"
	"time"
)

// Role is a named set of permissions that users may have.
type Role struct {
	Name        string
	Description string
	Permissions []string // sorted
	CreatedAt   time.Time
}

// Roles stores the permissions of roles. A user may have a role that is not stored; it grants no
// permission.
type Roles interface {
	// PutRole stores a new role with its permissions. It returns ErrExists if the name is taken.
	PutRole(ctx context.Context, r Role) error
	// Roles lists all roles by name.
	Roles(ctx context.Context) ([]Role, error)
	// ChangePermissions adds and removes permissions of a role. A permission in both lists is
	// removed. It returns ErrNotFound for an unknown role.
	ChangePermissions(ctx context.Context, name string, add, remove []string) error
	// DeleteRole removes a role. Users keep its name, which then grants nothing. It returns
	// ErrNotFound if there is no such role.
	DeleteRole(ctx context.Context, name string) error
	// PermissionsOf lists the permissions of all named roles, sorted.
	PermissionsOf(ctx context.Context, roles []string) ([]string, error)
}
