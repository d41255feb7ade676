package twofold

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/twofold-auth/twofold/store"
)

var (
	// ErrNoRole: no such role.
	ErrNoRole = errors.New("twofold: no such role")
	// ErrRoleExists: the name is taken.
	ErrRoleExists = errors.New("twofold: role exists already")
	// ErrRoleName: a role or a permission without a name, or with blanks or commas
	// in it.
	ErrRoleName = errors.New("twofold: names of roles and permissions hold no blanks and no commas")
)

// Role is a name that users may have, and what it permits. Roles that only
// RequireRole asks for need no record.
type Role struct {
	Name        string
	Description string
	Permissions []string
}

func roleError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrNoRole
	case errors.Is(err, store.ErrExists):
		return ErrRoleExists
	}
	return err
}

func checkNames(names ...string) error {
	for _, n := range names {
		if n == "" || len(n) > 100 || strings.ContainsAny(n, ", \t\r\n") {
			return ErrRoleName
		}
	}
	return nil
}

// CreateRole makes a role. ErrRoleExists, ErrRoleName.
func (a *Auth) CreateRole(ctx context.Context, r Role) error {
	if err := checkNames(append([]string{r.Name}, r.Permissions...)...); err != nil {
		return err
	}
	return roleError(a.store.PutRole(ctx, store.Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions, CreatedAt: a.now()}))
}

// Roles lists all roles by name.
func (a *Auth) Roles(ctx context.Context) ([]Role, error) {
	list, err := a.store.Roles(ctx)
	out := make([]Role, len(list))
	for i, r := range list {
		out[i] = Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions}
	}
	return out, err
}

// ChangePermissions gives a role permissions and takes others; what is in both
// is taken. It holds from the next request on. ErrNoRole, ErrRoleName.
func (a *Auth) ChangePermissions(ctx context.Context, role string, add, remove []string) error {
	if err := checkNames(add...); err != nil {
		return err
	}
	return roleError(a.store.ChangePermissions(ctx, role, add, remove))
}

// DeleteRole removes a role. Users keep its name, which then permits nothing.
// ErrNoRole.
func (a *Auth) DeleteRole(ctx context.Context, role string) error {
	return roleError(a.store.DeleteRole(ctx, role))
}

// Permissions lists what an account's roles permit together.
func (a *Auth) Permissions(ctx context.Context, i Identity) ([]string, error) {
	return a.store.PermissionsOf(ctx, i.Roles)
}

// RequirePermission lets users through whose roles permit all of the names, as
// they are now. Others get 403.
func (a *Auth) RequirePermission(names ...string) func(http.Handler) http.Handler {
	return a.site.RequirePermission(names...)
}
