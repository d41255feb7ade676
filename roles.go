package twofold

import (
	"context"
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

var (
	// ErrNoRole means that there is no such role.
	ErrNoRole = errors.New("twofold: no such role")
	// ErrRoleExists means that the name is taken.
	ErrRoleExists = errors.New("twofold: role already exists")
	// ErrRoleName means that the name of a role or a permission is empty or contains spaces, commas
	// or non-printable characters.
	ErrRoleName = account.ErrRoleName
)

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
		return ErrNoRole
	case errors.Is(err, storage.ErrExists):
		return ErrRoleExists
	}
	return err
}

// CreateRole creates a role. It returns ErrRoleExists or ErrRoleName.
func (a *Auth) CreateRole(ctx context.Context, r Role) error {
	if err := account.CheckNames(append([]string{r.Name}, r.Permissions...)...); err != nil {
		return err
	}
	return roleError(a.store.PutRole(ctx,
		storage.Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions, CreatedAt: a.now()}))
}

// Roles returns all roles, ordered by name.
func (a *Auth) Roles(ctx context.Context) ([]Role, error) {
	list, err := a.store.Roles(ctx)
	out := make([]Role, len(list))
	for i, r := range list {
		out[i] = Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions}
	}
	return out, err
}

// ChangePermissions adds and removes permissions of a role. A permission in
// both lists is removed. The change applies from the next request on. It
// returns ErrNoRole or ErrRoleName.
func (a *Auth) ChangePermissions(ctx context.Context, role string, add, remove []string) error {
	if err := account.CheckNames(add...); err != nil {
		return err
	}
	return roleError(a.store.ChangePermissions(ctx, role, add, remove))
}

// DeleteRole deletes a role. Users keep its name, which then grants nothing. It
// returns ErrNoRole.
func (a *Auth) DeleteRole(ctx context.Context, role string) error {
	return roleError(a.store.DeleteRole(ctx, role))
}

// Permissions returns the permissions of all roles of an account.
func (a *Auth) Permissions(ctx context.Context, i User) ([]string, error) {
	return a.store.PermissionsOf(ctx, i.Roles)
}

// RequirePermission allows requests of users whose current roles grant all the
// permissions. Other users get 403.
func (a *Auth) RequirePermission(names ...string) func(http.Handler) http.Handler {
	return a.site.Guards.RequirePermission(names...)
}
