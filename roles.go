package twofold

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// ErrRoleName means that the name of a role or a permission is empty or contains spaces, commas or
// non-printable characters.
var ErrRoleName = account.ErrRoleName

// Role is a named set of permissions. A role that is only used with RequireRole need not be
// created.
type Role struct {
	Name        string
	Description string
	Permissions []string
}

func roleError(err error) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return errNoRole
	case errors.Is(err, storage.ErrExists):
		return errRoleExists
	}
	return err
}

// Roles manages roles and their permissions.
type Roles struct {
	store storage.Roles
	now   func() time.Time
}

// Roles returns the roles.
func (a *Auth) Roles() Roles { return Roles{a.store, a.now} }

// Create creates a role. It returns store.ErrExists or ErrRoleName.
func (r Roles) Create(ctx context.Context, role Role) error {
	if err := account.CheckNames(append([]string{role.Name}, role.Permissions...)...); err != nil {
		return err
	}
	return roleError(r.store.PutRole(ctx, storage.Role{
		Name: role.Name, Description: role.Description, Permissions: role.Permissions, CreatedAt: r.now(),
	}))
}

// List returns all roles, ordered by name.
func (r Roles) List(ctx context.Context) ([]Role, error) {
	list, err := r.store.Roles(ctx)
	out := make([]Role, len(list))
	for i, one := range list {
		out[i] = Role{Name: one.Name, Description: one.Description, Permissions: one.Permissions}
	}
	return out, err
}

// ChangePermissions adds and removes permissions of a role. A permission in
// both lists is removed. The change applies from the next request on. It
// returns store.ErrNotFound or ErrRoleName.
func (r Roles) ChangePermissions(ctx context.Context, role string, add, remove []string) error {
	if err := account.CheckNames(add...); err != nil {
		return err
	}
	return roleError(r.store.ChangePermissions(ctx, role, add, remove))
}

// Delete deletes a role. Users keep its name, which then grants nothing. It
// returns store.ErrNotFound.
func (r Roles) Delete(ctx context.Context, role string) error {
	return roleError(r.store.DeleteRole(ctx, role))
}

// PermissionsOf returns the permissions of all roles of an account.
func (r Roles) PermissionsOf(ctx context.Context, u User) ([]string, error) {
	return r.store.PermissionsOf(ctx, u.Roles)
}

// RequirePermission allows requests of users whose current roles grant all the
// permissions. Other users get 403.
func (a *Auth) RequirePermission(names ...string) func(http.Handler) http.Handler {
	return a.site.Guards.RequirePermission(names...)
}
