package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
)

type roleCommands struct {
	Create            roleCreate `cmd:"" help:"Create a role."`
	List              roleList   `cmd:"" help:"List all roles and their permissions."`
	AddPermissions    roleAdd    `cmd:"" help:"Add permissions to a role."`
	RemovePermissions roleRemove `cmd:"" help:"Remove permissions from a role."`
	Delete            roleDelete `cmd:"" help:"Delete a role; users keep its name, which then permits nothing."`
}

type oneRole struct {
	where
	Role string `arg:"" name:"ROLE" help:"Name of the role."`
}

func (c oneRole) withRole(ctx context.Context, p process, f func(*twofold.Auth) error) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
		err := f(auth)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("there is no role %q: see `twofold role list`, or make it with `twofold role create`",
				c.Role)
		case errors.Is(err, store.ErrExists):
			return fmt.Errorf("role %q already exists: change it with `twofold role add-permissions`", c.Role)
		}
		return sayRole(err)
	})
}

// sayRole converts an error about the name of a role or a permission.
func sayRole(err error) error {
	if errors.Is(err, twofold.ErrRoleName) {
		return usageError("names of roles and permissions cannot contain spaces or commas: write them apart, e.g. " +
			"read write")
	}
	return err
}

type roleCreate struct {
	oneRole
	Description string   `help:"Purpose of the role." placeholder:"TEXT"`
	Permission  []string `help:"Permission that the role gives; may be repeated." placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (roleCreate) Help() string {
	return `Examples:
  twofold role create editor --permission article-write --permission article-publish
  twofold user roles ann@example.org --add editor`
}

// Run creates a role.
func (c roleCreate) Run(ctx context.Context, p process) error {
	return c.withRole(ctx, p, func(auth *twofold.Auth) error {
		if err := auth.Roles().Create(ctx,
			twofold.Role{Name: c.Role, Description: c.Description, Permissions: c.Permission}); err != nil {
			return err
		}
		return line(p, "Role %q created.", c.Role)
	})
}

type roleList struct{ where }

// Run lists all roles.
func (c roleList) Run(ctx context.Context, p process) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
		roles, err := auth.Roles().List(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ROLE\tPERMISSIONS\tDESCRIPTION")
		for _, r := range roles {
			fmt.Fprintf(t, "%s\t%s\t%s\n", r.Name, orDash(r.Permissions), r.Description)
		}
		return t.Flush()
	})
}

type rolePermissions struct {
	oneRole
	Permissions []string `arg:"" name:"PERMISSION" help:"Names of permissions."`
}

type roleAdd struct{ rolePermissions }

// Help implements kong.HelpProvider.
func (roleAdd) Help() string {
	return `Example:
  twofold role add-permissions editor article-delete`
}

// Run adds permissions to a role.
func (c roleAdd) Run(ctx context.Context, p process) error {
	return c.withRole(ctx, p, func(auth *twofold.Auth) error {
		if err := auth.Roles().ChangePermissions(ctx, c.Role, c.Permissions, nil); err != nil {
			return err
		}
		return line(p, "Permissions of role %q have been added.", c.Role)
	})
}

type roleRemove struct{ rolePermissions }

// Run removes permissions from a role.
func (c roleRemove) Run(ctx context.Context, p process) error {
	return c.withRole(ctx, p, func(auth *twofold.Auth) error {
		if err := auth.Roles().ChangePermissions(ctx, c.Role, nil, c.Permissions); err != nil {
			return err
		}
		return line(p, "Permissions of role %q have been removed.", c.Role)
	})
}

type roleDelete struct{ oneRole }

// Run removes a role.
func (c roleDelete) Run(ctx context.Context, p process) error {
	return c.withRole(ctx, p, func(auth *twofold.Auth) error {
		if err := auth.Roles().Delete(ctx, c.Role); err != nil {
			return err
		}
		return line(p, "Role %q has been removed.", c.Role)
	})
}
