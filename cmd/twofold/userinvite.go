package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/twofold-auth/twofold"
)

type userInvite struct {
	where
	Email    string   `arg:"" name:"EMAIL" help:"Address to invite."`
	Username string   `help:"Username of the account, if usernames are enabled." placeholder:"NAME"`
	Role     []string `help:"Role of the account; may be repeated." placeholder:"ROLE"`
	Language string   `help:"Language of the mail and of the account, e.g. de." placeholder:"TAG"`
	Revoke   bool     `help:"Revoke the invitation of this address instead."`
}

// Help implements kong.HelpProvider.
func (userInvite) Help() string {
	return `Mails a link that creates an account: the invited person chooses a password or adds a passkey, and sets
up a second factor where one is required. The link works once and expires after TWOFOLD_INVITE_WITHIN.
Inviting the same address again sends another link, and the previous one stops working.

Examples:
  twofold user invite ann@example.org --role admin
  twofold user invite ann@example.org --revoke`
}

// Run sends or revokes an invitation.
func (c userInvite) Run(ctx context.Context, p process) error {
	return c.withAuth(ctx, p, true, func(auth *twofold.Auth, s *settings) error {
		if c.Revoke {
			there, err := auth.Invitations().Revoke(ctx, c.Email)
			if err == nil && !there {
				err = fmt.Errorf("there is no invitation for %q: `twofold user invitations` lists all", c.Email)
			}
			if err != nil {
				return err
			}
			return line(p, "The invitation for %s has been revoked.", c.Email)
		}
		if c.Username != "" && !s.Config.Accounts.Usernames {
			return usageError("usernames are disabled: set SECURITY_USERNAME_ENABLE, or leave out --username")
		}
		if c.Username == "" && s.Config.Accounts.UsernameRequired {
			return usageError("accounts need a username here: add --username")
		}
		if s.dev {
			return errors.New("--dev sends no mail, so the link would not arrive: use the settings of a server that " +
				"sends mail")
		}
		i, err := auth.Invitations().Send(ctx, twofold.NewUser{
			Email: c.Email, Username: c.Username, Roles: c.Role, Language: c.Language,
		})
		if err != nil {
			return sayUser(err, c.Email, s)
		}
		until := i.Expires.UTC().Format(time.RFC3339)
		return line(p, "%s has been invited. The link works once, until %s.", i.Email, until)
	})
}

type userInvitations struct {
	where
	JSON bool `name:"json" help:"Print a JSON array."`
}

// invitationRow is an invitation as listed.
type invitationRow struct {
	Email    string    `json:"email"`
	Username string    `json:"username,omitempty"`
	Roles    []string  `json:"roles"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires"`
}

// Run lists the invitations that have not been used.
func (c userInvitations) Run(ctx context.Context, p process) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
		list, err := auth.Invitations().List(ctx)
		if err != nil {
			return err
		}
		rows := []invitationRow{}
		for _, i := range list {
			rows = append(rows, invitationRow{
				i.Email, i.Username, append([]string{}, i.Roles...), i.Created.UTC(), i.Expires.UTC(),
			})
		}
		if c.JSON {
			e := json.NewEncoder(p.out)
			e.SetIndent("", "  ")
			return e.Encode(rows)
		}
		if len(rows) == 0 {
			return line(p, "No invitations are pending.")
		}
		t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "EMAIL\tUSERNAME\tROLES\tINVITED\tEXPIRES")
		for _, i := range rows {
			name := i.Username
			if name == "" {
				name = "-"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", i.Email, name, orDash(i.Roles), i.Created.Format(time.RFC3339),
				i.Expires.Format(time.RFC3339))
		}
		return t.Flush()
	})
}
