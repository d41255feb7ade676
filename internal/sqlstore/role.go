package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/storage"
)

// PutRole implements storage.Roles.
func (s users) PutRole(ctx context.Context, r storage.Role) error {
	return s.tx(ctx, "put role", func(t *txn) error {
		if _, err := t.exec(`INSERT INTO twofold_roles (name, description, created_at) VALUES ($1, $2, $3)`,
			r.Name, r.Description, micros(r.CreatedAt)); err != nil {
			return err
		}
		return t.addPermissions(r.Name, r.Permissions)
	})
}

func (t *txn) addPermissions(role string, permissions []string) error {
	for _, p := range permissions {
		if _, err := t.exec(`INSERT INTO twofold_permissions (role, permission) VALUES ($1, $2) ON CONFLICT (role, permission) DO NOTHING`, role, p); err != nil {
			return err
		}
	}
	return nil
}

// permission is one row of what roles permit.
type permission struct{ role, name string }

func scanPermission(scan scanner) (p permission, err error) {
	err = scan(&p.role, &p.name)
	return p, err
}

func scanRole(scan scanner) (r storage.Role, err error) {
	err = scan(&r.Name, &r.Description, (*stamp)(&r.CreatedAt))
	return r, err
}

// Roles implements storage.Roles.
func (s users) Roles(ctx context.Context) ([]storage.Role, error) {
	roles, err := all(ctx, s.Store, "roles", `SELECT name, description, created_at FROM twofold_roles`,
		scanRole)
	if err != nil {
		return nil, err
	}
	given, err := all(ctx, s.Store, "roles", `SELECT role, permission FROM twofold_permissions`, scanPermission)
	if err != nil {
		return nil, err
	}
	// Sorted here: databases differ in how they compare text.
	slices.SortFunc(roles, func(a, b storage.Role) int { return strings.Compare(a.Name, b.Name) })
	for i := range roles {
		for _, p := range given {
			if p.role == roles[i].Name {
				roles[i].Permissions = append(roles[i].Permissions, p.name)
			}
		}
		slices.Sort(roles[i].Permissions)
	}
	return roles, nil
}

// ChangePermissions implements storage.Roles. Each permission is a row of its
// own, so nothing is read, changed and written back.
func (s users) ChangePermissions(ctx context.Context, name string, add, remove []string) error {
	return s.tx(ctx, "change permissions", func(t *txn) error {
		// Touching the role makes this wait for a deletion of it.
		if err := found(t.exec(`UPDATE twofold_roles SET name = name WHERE name = $1`, name)); err != nil {
			return err
		}
		if err := t.addPermissions(name, add); err != nil {
			return err
		}
		for _, p := range remove {
			if _, err := t.exec(`DELETE FROM twofold_permissions WHERE role = $1 AND permission = $2`, name,
				p); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRole implements storage.Roles. Its permissions go with it.
func (s users) DeleteRole(ctx context.Context, name string) error {
	return found(s.exec(ctx, "delete role", `DELETE FROM twofold_roles WHERE name = $1`, name))
}

// PermissionsOf implements storage.Roles. It is on the path of requests: one
// statement for each role, by key.
func (s users) PermissionsOf(ctx context.Context, roles []string) ([]string, error) {
	var out []string
	for _, role := range roles {
		given, err := all(ctx, s.Store, "permissions",
			`SELECT role, permission FROM twofold_permissions WHERE role = $1`, scanPermission, role)
		if err != nil {
			return nil, err
		}
		for _, p := range given {
			out = append(out, p.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
