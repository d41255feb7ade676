package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twofold-auth/twofold"
)

type doctorCommand struct {
	where
	Store bool `help:"Read the whole database and say what does not fit together."`
}

// Help implements kong.HelpProvider.
func (doctorCommand) Help() string {
	return `With --store it looks for what no crash and no race may leave behind: accounts that are not found by their own name,
factors without a secret or with one that does not open, living sessions that rest on too few proofs, on a code that was
not used up or on nothing that the audit trail knows, more sign-ins by sent codes than codes were sent, recovery codes of
two sets, of nobody or more than were not used, sent codes taken beyond their tries, budgets that are used up and open,
and an audit trail that was changed. It reads SQLite, PostgreSQL and Redis, changes nothing and may run beside the server. It exits with 1 if there is anything to tell.

Examples:
  twofold doctor --store
  twofold doctor --store --config /etc/twofold.toml`
}

// Run examines.
func (c doctorCommand) Run(ctx context.Context, p process) error {
	if !c.Store {
		return usageError("say what to look at: doctor --store")
	}
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
		r, err := auth.CheckStore(ctx)
		if err != nil {
			return err
		}
		if len(r.Problems) > 0 {
			return found(r.Problems, fmt.Sprintf("%d things do not fit together", len(r.Problems)))
		}
		_, err = fmt.Fprintf(p.out, "All fits together: %d accounts, %d factors, %d living sessions, %d rows in the audit trail.\n", r.Users, r.Factors, r.Sessions, r.Events)
		return err
	})
}

// found is what an examination found, a line each, and what that means.
func found(problems []string, meaning string) error {
	var all []error
	for _, what := range append(problems, meaning) {
		all = append(all, errors.New(what))
	}
	return errors.Join(all...)
}
