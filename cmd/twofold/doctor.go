package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twofold-auth/twofold"
)

type doctorCommand struct {
	where
	Store bool `help:"Check only the database: read all of it and report inconsistencies."`
}

// Help implements kong.HelpProvider.
func (doctorCommand) Help() string {
	return `Checks everything: the settings, as 'config check' does; the database, Redis, mail, SMS, the clock and the site's own
address, without sending or writing anything; and the contents of the database. It prints one line for each check and
exits with 1 if one failed.

In the contents of the database, which --store checks alone, it looks for states that no crash and no race may leave
behind:
  - accounts that cannot be found by their own address or name
  - second factors without a secret, or with one that cannot be decrypted
  - sessions with too few proofs, with a code that was not used up, or unknown to the audit trail
  - more sign-ins with sent codes than codes sent
  - recovery codes of two sets or of no account, or more of them than can be unused
  - sent codes that were accepted after their last try
  - budgets that are used up but still open
  - a changed audit trail
It reads SQLite, PostgreSQL and Redis, changes nothing and may run while the server runs.

Examples:
  twofold doctor
  twofold doctor --store --config /etc/twofold.toml`
}

// Run checks the settings, the services and the contents of the database.
func (c doctorCommand) Run(ctx context.Context, p process) error {
	if c.Store {
		return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
			r, err := auth.Checks().Store(ctx)
			if err != nil {
				return err
			}
			if len(r.Problems) > 0 {
				return found(r.Problems, amount(len(r.Problems), "inconsistency", "inconsistencies"))
			}
			if r.Trail.RemovedThrough > 0 {
				if err := line(p, "%s.", removedRows(r.Trail)); err != nil {
					return err
				}
			}
			return line(p, "OK: %s.", counted(r))
		})
	}
	f := &findings{out: p.out}
	s, err := load(c.where, p.environ)
	if err == nil {
		err = s.try(ctx)
	}
	if err != nil {
		var bad problems
		if !errors.As(err, &bad) {
			return err
		}
		for _, one := range bad {
			f.fail("settings", "%s", one)
		}
		return fmt.Errorf("%s: fix that first, then run doctor again",
			amount(f.failed, "setting is wrong", "settings are wrong"))
	}
	for _, note := range s.noteworthy {
		f.note("settings", "%s", note)
	}
	f.ok("settings", "they are consistent")
	probes{f, s}.all(ctx)
	c.store(ctx, p, f, s)
	if f.failed > 0 {
		return fmt.Errorf("%d of the checks above failed", f.failed)
	}
	return nil
}

// store checks the contents of the database, if there is one.
func (c doctorCommand) store(ctx context.Context, p process, f *findings, s *settings) {
	if f.down || !s.Database.ready(ctx) {
		f.note("contents", "not checked: there is no database yet, it cannot be reached, or its schema is not up "+
			"to date")
		return
	}
	s.Database.migrate = false
	err := c.withLoaded(ctx, p, s, false, func(auth *twofold.Auth, _ *settings) error {
		r, err := auth.Checks().Store(ctx)
		for _, what := range r.Problems {
			f.fail("contents", "%s", what)
		}
		if err == nil && r.Trail.RemovedThrough > 0 {
			f.note("contents", "%s", removedRows(r.Trail))
		}
		if err == nil && len(r.Problems) == 0 {
			f.ok("contents", "%s", counted(r))
		}
		return err
	})
	if err != nil {
		f.fail("contents", "%s", oneLine(err))
	}
}

func counted(r twofold.StoreReport) string {
	return fmt.Sprintf("checked %s, %s, %s and %s of the audit trail", amount(r.Users, "account", "accounts"),
		amount(r.Factors, "factor", "factors"), amount(r.Sessions, "active session", "active sessions"),
		amount(r.Events, "row", "rows"))
}

// found returns an error with one line for each problem, and their meaning.
func found(problems []string, meaning string) error {
	var all []error
	for _, what := range append(problems, meaning) {
		all = append(all, errors.New(what))
	}
	return errors.Join(all...)
}
