package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrRoleName means that the name of a role or permission is empty or contains spaces, commas or
// invisible characters. In a list it would look like two names or like another name.
var ErrRoleName = errors.New("twofold: names of roles and permissions must not contain spaces or commas")

// maxRoleName is the longest name in bytes.
const maxRoleName = 100

// CheckNames returns an error that is ErrRoleName for the first name that no role or
// permission may have.
func CheckNames(names ...string) error {
	for _, n := range names {
		if !goodName(n) {
			return fmt.Errorf("%w: %.100q", ErrRoleName, n)
		}
	}
	return nil
}

func goodName(n string) bool {
	return n != "" && len(n) <= maxRoleName && utf8.ValidString(n) && !strings.ContainsFunc(n, func(r rune) bool {
		return r == ',' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// roles removes duplicates and surrounding spaces, and keeps the order.
func roles(names []string) []string {
	out := make([]string, 0, len(names))
	seen := map[string]bool{}
	for _, n := range names {
		if n = strings.TrimSpace(n); n != "" && !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// rolesOf returns the roles of an application's own table. Names that could look like other roles
// are omitted, because the table cannot be changed here.
func rolesOf(names []string) []string {
	return slices.DeleteFunc(roles(names), func(n string) bool { return !goodName(n) })
}

// SetRoles replaces the roles of an account. It returns ErrRoleName for an invalid name, unless the
// account already has that role.
func (a *Accounts) SetRoles(ctx context.Context, id string, names []string) error {
	defer a.c.Changed(id)
	u, err := a.c.Users.UserByID(ctx, id)
	if err != nil {
		return err
	}
	names = roles(names)
	for _, n := range names {
		if !slices.Contains(u.Roles, n) {
			if err := CheckNames(n); err != nil {
				return err
			}
		}
	}
	return a.c.Users.SetRoles(ctx, id, names, a.c.Now())
}
