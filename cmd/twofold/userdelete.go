package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twofold-auth/twofold"
)

type userDelete struct {
	oneUser
	Yes bool `help:"Do not ask for confirmation."`
}

// Help implements kong.HelpProvider.
func (userDelete) Help() string {
	return `Deletes an account at once, with its factors, passkeys, recovery codes, connections, sessions, tokens, trusted
browsers and unsent messages. Its rows of the audit trail stay under a pseudonym, without addresses and reasons, and the
trail still verifies. Only a backup of the database can bring the account back; backups still contain it.

Examples:
  twofold user delete ann@example.org
  twofold user delete ann@example.org --yes`
}

// Run deletes an account.
func (c userDelete) Run(ctx context.Context, p process) error {
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if !c.Yes {
			if err := confirmDeletion(p, u); err != nil {
				return err
			}
		}
		if err := auth.DeleteUser(ctx, u.ID); err != nil {
			return err
		}
		return line(p, "User %q has been deleted.", c.Identity)
	})
}

// confirmDeletion asks the user to type the address, to prevent the deletion of another account.
func confirmDeletion(p process, u twofold.User) error {
	name := u.Email
	if name == "" {
		name = u.ID
	}
	fmt.Fprintf(p.err, "This cannot be undone. Type %s to delete the account: ", name)
	typed, err := bufio.NewReader(p.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(typed) != name {
		return errors.New("nothing was deleted: the answer is not the address of the account (in a script, use --yes)")
	}
	return nil
}
