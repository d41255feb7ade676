package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twofold-auth/twofold"
)

type userShow struct {
	oneUser
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (userShow) Help() string {
	return `Example:
  twofold user show ann@example.org`
}

// Run shows an account.
func (c userShow) Run(ctx context.Context, p process) error {
	return c.withUser(ctx, p, func(auth *twofold.Auth, s *settings, u twofold.User) error {
		row, err := rowOf(ctx, s, u)
		if err != nil {
			return err
		}
		if c.JSON {
			e := json.NewEncoder(p.out)
			e.SetIndent("", "  ")
			return e.Encode(row)
		}
		name, active := "-", "yes"
		if row.Username != nil {
			name = *row.Username
		}
		if !row.Active {
			active = "no"
		}
		lines := [][2]string{
			{"id", row.ID}, {"email", row.Email}, {"username", name}, {"active", active}, {"roles", orDash(row.Roles)},
			{"language", cmp.Or(row.Language, "not known yet")},
			{"second factors", orDash(row.Methods)}, {"created", row.Created.Format(time.RFC3339)},
		}
		if n := row.signInRow; n != nil {
			lines = append(lines, [][2]string{
				{"sign-ins", strconv.FormatInt(n.Count, 10)},
				{"newest sign-in", whenAndWhere(n.CurrentAt, n.CurrentAddress)},
				{"previous sign-in", whenAndWhere(n.LastAt, n.LastAddress)},
			}...)
		}
		t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, line := range lines {
			fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
		}
		return t.Flush()
	})
}

// whenAndWhere returns a sign-in in one line, or a dash if there is none.
func whenAndWhere(at time.Time, address string) string {
	if at.IsZero() {
		return "-"
	}
	return strings.TrimSpace(at.Format(time.RFC3339) + " " + address)
}

type userSearch struct {
	where
	Text string `arg:"" help:"Part of the e-mail address, the username or the id."`
	JSON bool   `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (userSearch) Help() string {
	return `Finds accounts whose e-mail address, username or id contains a text, ignoring case. It reads all accounts, and fails if none
matches.

Example:
  twofold user search @example.org`
}

// Run searches.
func (c userSearch) Run(ctx context.Context, p process) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, s *settings) error {
		wanted := strings.ToLower(strings.TrimSpace(c.Text))
		rows, err := userRows(ctx, auth, s, func(u twofold.User) bool {
			return strings.Contains(strings.ToLower(u.Email+"\n"+u.Username+"\n"+u.ID), wanted)
		})
		if err != nil {
			return err
		}
		if c.JSON {
			e := json.NewEncoder(p.out)
			e.SetIndent("", "  ")
			return e.Encode(rows)
		}
		if len(rows) == 0 {
			return fmt.Errorf("no account matches %q", c.Text)
		}
		return printUsers(p, rows)
	})
}

type userRename struct {
	oneUser
	Email    string  `help:"The new e-mail address." placeholder:"EMAIL"`
	Username *string `empty:"" help:"The new username; an empty one removes it." placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (userRename) Help() string {
	return `Changes an account's e-mail address or username, and ends its sessions, tokens and trusted browsers. The owner is
notified at both addresses. Make sure by other means that the new address is theirs. If the account has no password and its only second
factor is e-mail, they cannot sign in until you run twofold user reset-access.

Examples:
  twofold user rename ann@example.org --email ann@example.com
  twofold user rename ann@example.org --username ann2`
}

// Run renames an account.
func (c userRename) Run(ctx context.Context, p process) error {
	if c.Email == "" && c.Username == nil {
		return usageError("nothing to change: give --email or --username")
	}
	return c.withUser(ctx, p, func(auth *twofold.Auth, s *settings, u twofold.User) error {
		email, username := u.Email, u.Username
		if c.Email != "" {
			email = c.Email
		}
		if c.Username != nil {
			if username = *c.Username; username != "" && !s.Config.Accounts.Usernames {
				return usageError("usernames are disabled: set SECURITY_USERNAME_ENABLE, or leave out --username")
			}
		}
		if err := auth.SetIdentity(ctx, u.ID, email, username); err != nil {
			return sayUser(err, email, s)
		}
		return line(p, "User %q is now %s.", c.Identity, email)
	})
}
