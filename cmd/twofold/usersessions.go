package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/device"
)

type userSessions struct {
	oneUser
	End    string `help:"End this session, by its id in the list." placeholder:"ID"`
	EndAll bool   `help:"End all sessions, tokens and trusted browsers."`
	JSON   bool   `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (userSessions) Help() string {
	return `Lists the sessions of an account, the latest first, or ends one or all of them. A running server
notices within a second.

Examples:
  twofold user sessions ann@example.org
  twofold user sessions ann@example.org --end 01K3M8Q2V7XGZ5T4N9B6C1D0EF
  twofold user sessions ann@example.org --end-all`
}

// sessionRow is a session as listed.
type sessionRow struct {
	ID      string    `json:"id"`
	Browser string    `json:"browser"`
	Address string    `json:"address"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Level   int       `json:"level"`
}

// Run lists or ends sessions.
func (c userSessions) Run(ctx context.Context, p process) error {
	if c.End != "" && c.EndAll {
		return usageError("--end and --end-all cannot be combined")
	}
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		switch {
		case c.EndAll:
			if err := auth.EndSessions(ctx, u.ID); err != nil {
				return err
			}
			return line(p, "All sessions of user %q have been ended.", c.Identity)
		case c.End != "":
			ended, err := auth.EndSession(ctx, u.ID, c.End)
			if err != nil {
				return err
			}
			if !ended {
				return fmt.Errorf("user %q has no session %q: `twofold user sessions %s` lists all", c.Identity,
					c.End, c.Identity)
			}
			return line(p, "The session of user %q has been ended.", c.Identity)
		}
		return c.list(ctx, p, auth, u)
	})
}

func (c userSessions) list(ctx context.Context, p process, auth *twofold.Auth, u twofold.User) error {
	all, err := auth.Sessions(ctx, u.ID)
	if err != nil {
		return err
	}
	rows := []sessionRow{}
	for _, s := range all {
		rows = append(rows, sessionRow{
			ID: s.ID, Browser: device.Name(s.Agent), Address: s.Address, Created: s.CreatedAt.UTC(),
			Seen:  s.SeenAt.UTC(),
			Level: int(s.Level),
		})
	}
	if c.JSON {
		e := json.NewEncoder(p.out)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	if len(rows) == 0 {
		return line(p, "User %q is not signed in.", c.Identity)
	}
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tBROWSER\tADDRESS\tSIGNED IN\tLAST SEEN\tFACTORS")
	for _, s := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\n", s.ID, s.Browser, s.Address, s.Created.Format(time.RFC3339),
			s.Seen.Format(time.RFC3339), s.Level)
	}
	return t.Flush()
}
