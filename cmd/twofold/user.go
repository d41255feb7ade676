package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twofold-auth/twofold"
)

type userCommands struct {
	Create      userCreate      `cmd:"" help:"Create an account."`
	List        userList        `cmd:"" help:"List all accounts."`
	Show        userShow        `cmd:"" help:"Show one account."`
	Search      userSearch      `cmd:"" help:"Find accounts by part of their address, username or id."`
	Rename      userRename      `cmd:"" help:"Change an account's e-mail address or username and end all its sessions."`
	Activate    userActivate    `cmd:"" help:"Activate an account."`
	Deactivate  userDeactivate  `cmd:"" help:"Deactivate an account and end all its sessions."`
	SetPassword userSetPassword `cmd:"" help:"Set an account's password and end all its sessions."`
	Language    userLanguage    `cmd:"" help:"Show or set the language of an account's messages."`
	Sessions    userSessions    `cmd:"" help:"List or end an account's sessions."`
	Unlock      userUnlock      `cmd:"" help:"End an account's waiting times after wrong passwords and codes."`
	ResetAccess userResetAccess `cmd:"" help:"Remove an account's second factors and end all its sessions."`
	Recovery    userRecovery    `cmd:"" help:"Mail an account's owner a link for setting up another second factor."`
	Roles       userRoles       `cmd:"" help:"Show or change an account's roles."`
	Invite      userInvite      `cmd:"" help:"Invite someone by mail."`
	Invitations userInvitations `cmd:"" help:"List pending invitations."`
	Delete      userDelete      `cmd:"" help:"Delete an account and its data."`
}

// oneUser is the argument of most user commands.
type oneUser struct {
	where
	Identity string `arg:"" name:"USER" help:"E-mail address, username or id."`
}

// withAuth runs f with the same settings and database as the server.
func (w where) withAuth(ctx context.Context, p process, create bool, f func(*twofold.Auth, *settings) error) error {
	s, err := load(w, p.environ)
	if err != nil {
		return err
	}
	return w.withLoaded(ctx, p, s, create, f)
}

// withLoaded is like withAuth, for settings that were loaded before.
func (w where) withLoaded(ctx context.Context, p process, s *settings, create bool,
	f func(*twofold.Auth, *settings) error) error {
	if !create && s.Database.missing() {
		return fmt.Errorf("there is no database %s: start the server first, or check SQLALCHEMY_DATABASE_URI and "+
			"the current folder", s.Database)
	}
	s.keyLost = s.keyLost || w.anyKey
	s.Config.Log = s.quietLogger(p)
	auth, db, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.Config.Store = db
	return errors.Join(f(auth, s), db.Close())
}

// withUser is like withAuth, for one account.
func (c oneUser) withUser(ctx context.Context, p process, f func(*twofold.Auth, *settings, twofold.User) error) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, s *settings) error {
		u, err := auth.FindUser(ctx, c.Identity)
		if err != nil {
			return sayUser(err, c.Identity, s)
		}
		return sayUser(f(auth, s, u), c.Identity, s)
	})
}

type userCreate struct {
	where
	passwordSource
	Email    string   `arg:"" name:"EMAIL" help:"E-mail address."`
	Username string   `help:"Username, if usernames are enabled." placeholder:"NAME"`
	Role     []string `help:"Role of the account; may be repeated." placeholder:"ROLE"`
	Inactive bool     `help:"Create the account deactivated."`
	Language string   `help:"Language of messages, e.g. de; if omitted, that of the first sign-in." placeholder:"TAG"`
}

// Help implements kong.HelpProvider.
func (userCreate) Help() string {
	return `Examples:
  twofold user create ann@example.org
  twofold user create ann@example.org --password-stdin --role admin < password.txt
  twofold user create --dev bob@example.org --password-stdin < password.txt`
}

// Run creates an account.
func (c userCreate) Run(ctx context.Context, p process) error {
	plain, err := c.read(p)
	if err != nil {
		return err
	}
	return c.withAuth(ctx, p, true, func(auth *twofold.Auth, s *settings) error {
		if c.Username != "" && !s.Config.Accounts.Usernames {
			return usageError("usernames are disabled: set SECURITY_USERNAME_ENABLE, or leave out --username")
		}
		_, err := auth.CreateUser(ctx, twofold.NewUser{
			Email: c.Email, Username: c.Username, Password: plain, Roles: c.Role, Inactive: c.Inactive,
			Language: c.Language,
		})
		if err != nil {
			return sayRole(sayUser(err, c.Email, s))
		}
		return line(p, "User %q created.", c.Email)
	})
}

type userList struct {
	where
	JSON bool `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (userList) Help() string {
	return `Examples:
  twofold user list
  twofold user list --json | jq -r '.[] | select(.methods == []) | .email'     without a second factor`
}

// userRow is an account as shown by user list.
type userRow struct {
	ID       string    `json:"id"`
	Email    string    `json:"email"`
	Username *string   `json:"username"`
	Active   bool      `json:"active"`
	Language string    `json:"language"`
	Roles    []string  `json:"roles"`
	Methods  []string  `json:"methods"`
	Created  time.Time `json:"created"`
	*signInRow
}

// signInRow contains the sign-in counts of an account, under the original's names.
type signInRow struct {
	Count          int64     `json:"login_count"`
	CurrentAt      time.Time `json:"current_login_at,omitzero"`
	LastAt         time.Time `json:"last_login_at,omitzero"`
	CurrentAddress string    `json:"current_login_ip,omitempty"`
	LastAddress    string    `json:"last_login_ip,omitempty"`
}

// Run lists all accounts.
func (c userList) Run(ctx context.Context, p process) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, s *settings) error {
		rows, err := userRows(ctx, auth, s, func(twofold.User) bool { return true })
		if err != nil {
			return err
		}
		if c.JSON {
			e := json.NewEncoder(p.out)
			e.SetIndent("", "  ")
			return e.Encode(rows)
		}
		return printUsers(p, rows)
	})
}

// methodsOf returns the methods of an account's second factors, the default one first.
func methodsOf(ctx context.Context, s *settings, id string) ([]string, error) {
	factors, err := s.Config.Store.FactorsOf(ctx, id)
	out := make([]string, len(factors))
	for i, f := range factors {
		out[i] = f.Method
	}
	return out, err
}

// rowOf returns the row of an account.
func rowOf(ctx context.Context, s *settings, u twofold.User) (userRow, error) {
	methods, err := methodsOf(ctx, s, u.ID)
	if err != nil {
		return userRow{}, err
	}
	row := userRow{
		ID: u.ID, Email: u.Email, Active: u.Active, Created: u.Created.UTC(), Language: u.Language,
		Roles: append([]string{}, u.Roles...), Methods: append([]string{}, methods...),
	}
	if u.Username != "" {
		row.Username = &u.Username
	}
	if s.Config.Accounts.Trackable {
		n, err := s.Config.Store.SignInsOf(ctx, u.ID)
		if err != nil {
			return userRow{}, err
		}
		row.signInRow = &signInRow{n.Count, n.CurrentAt.UTC(), n.LastAt.UTC(), n.CurrentAddress, n.LastAddress}
	}
	return row, nil
}

// userRows returns the selected accounts.
func userRows(ctx context.Context, auth *twofold.Auth, s *settings,
	wanted func(twofold.User) bool) ([]userRow, error) {
	const batch = 500
	rows := []userRow{}
	for after := ""; ; {
		users, err := auth.Users(ctx, twofold.UserFilter{After: after, Limit: batch})
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			after = u.ID
			if !wanted(u) {
				continue
			}
			row, err := rowOf(ctx, s, u)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		if len(users) < batch {
			return rows, nil
		}
	}
}

func printUsers(p process, rows []userRow) error {
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "EMAIL\tUSERNAME\tACTIVE\tROLES\tSECOND FACTORS\tCREATED")
	for _, u := range rows {
		name, active := "-", "yes"
		if u.Username != nil {
			name = *u.Username
		}
		if !u.Active {
			active = "no"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Email, name, active, orDash(u.Roles), orDash(u.Methods),
			u.Created.Format(time.DateOnly))
	}
	return t.Flush()
}

func orDash(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ",")
}

type userActivate struct{ oneUser }

// Run activates an account.
func (c userActivate) Run(ctx context.Context, p process) error { return c.set(ctx, p, true) }

type userDeactivate struct{ oneUser }

// Run deactivates an account.
func (c userDeactivate) Run(ctx context.Context, p process) error { return c.set(ctx, p, false) }

func (c oneUser) set(ctx context.Context, p process, active bool) error {
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if err := auth.SetActive(ctx, u.ID, active); err != nil {
			return err
		}
		if active {
			return line(p, "User %q has been activated.", c.Identity)
		}
		return line(p, "User %q has been deactivated.", c.Identity)
	})
}

type userSetPassword struct {
	oneUser
	passwordSource
}

// Help implements kong.HelpProvider.
func (userSetPassword) Help() string {
	return `Examples:
  twofold user set-password ann@example.org
  twofold user set-password ann@example.org --password-stdin < password.txt`
}

// Run sets a new password.
func (c userSetPassword) Run(ctx context.Context, p process) error {
	plain, err := c.read(p)
	if err != nil {
		return err
	}
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if err := auth.SetPassword(ctx, u.ID, plain); err != nil {
			return err
		}
		return line(p, "Password of user %q has been changed.", c.Identity)
	})
}

type userUnlock struct{ oneUser }

// Help implements kong.HelpProvider.
func (userUnlock) Help() string {
	return `Ends the waiting times that wrong passwords and codes have caused for the account, no matter who sent them.

Example:
  twofold user unlock ann@example.org`
}

// Run ends the delays of an account.
func (c userUnlock) Run(ctx context.Context, p process) error {
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if err := auth.Unlock(ctx, u.ID); err != nil {
			return err
		}
		return line(p, "User %q has been unlocked.", c.Identity)
	})
}

type userResetAccess struct{ oneUser }

// Help implements kong.HelpProvider.
func (userResetAccess) Help() string {
	return `Removes all second factors and trusted browsers and ends all sessions; the password stays. Use it as a
last resort, and make sure by other means that you are talking to the owner.

Example:
  twofold user reset-access ann@example.org`
}

// Run resets an account's access.
func (c userResetAccess) Run(ctx context.Context, p process) error {
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if err := auth.ResetAccess(ctx, u.ID); err != nil {
			return err
		}
		return line(p, "User %q authentication credentials have been reset.", c.Identity)
	})
}

type userRecovery struct {
	oneUser
	Reason string `required:"" empty:"" help:"Required reason for the audit trail: how you verified that it is the owner." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (userRecovery) Help() string {
	return `Mails the owner a link that, together with the password, sets up a second factor in place of the lost one. The link works
once, immediately and for a day. Nothing is removed before the new factor is set up; then the recovery codes are removed
too. Make sure by other means that you are talking to the owner. They are notified by mail, and the reason is recorded in
the audit trail.

Example:
  twofold user recovery ann@example.org --reason "called back on the number in her file, ticket 4711"`
}

// Run starts a recovery.
func (c userRecovery) Run(ctx context.Context, p process) error {
	reason := strings.Join(strings.Fields(c.Reason), " ")
	if reason == "" || len(reason) > 200 {
		return usageError("--reason must say why, in at most 200 bytes")
	}
	return c.withUser(ctx, p, func(auth *twofold.Auth, s *settings, u twofold.User) error {
		if s.dev {
			return errors.New("--dev sends no mail, so the link would not arrive: use the settings of a server that " +
				"sends mail")
		}
		if err := auth.StartRecovery(ctx, u.ID, reason); err != nil {
			return err
		}
		return line(p, "A link was mailed to %s. It works once and expires in a day.", u.Email)
	})
}

type userRoles struct {
	oneUser
	Add    []string `help:"Role to add; may be repeated." placeholder:"ROLE"`
	Remove []string `help:"Role to remove; may be repeated." placeholder:"ROLE"`
}

// Help implements kong.HelpProvider.
func (userRoles) Help() string {
	return `Examples:
  twofold user roles ann@example.org
  twofold user roles ann@example.org --add admin --remove guest`
}

// Run shows or changes an account's roles.
func (c userRoles) Run(ctx context.Context, p process) error {
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if len(c.Add)+len(c.Remove) > 0 {
			roles := append(slices.Clone(u.Roles), c.Add...)
			roles = slices.DeleteFunc(roles, func(r string) bool { return slices.Contains(c.Remove, r) })
			if err := auth.SetRoles(ctx, u.ID, roles...); err != nil {
				return sayRole(err)
			}
			var err error
			if u, err = auth.FindUser(ctx, u.ID); err != nil {
				return err
			}
		}
		if len(u.Roles) == 0 {
			return line(p, "User %q has no roles.", c.Identity)
		}
		return line(p, "User %q has the roles %s.", c.Identity, strings.Join(u.Roles, ", "))
	})
}

// line prints one line for the user of the terminal.
func line(p process, format string, a ...any) error {
	_, err := fmt.Fprintf(p.out, format+"\n", a...)
	return err
}
