package main

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/store/sqlite"
)

type backupCommand struct {
	where
	To string `arg:"" help:"File to create." placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (backupCommand) Help() string {
	return `Copies the SQLite database to a new file while the server runs. Store the copy and the key separately.
For PostgreSQL use pg_dump.

Example:
  twofold backup /backup/twofold-2026-11-23.db`
}

// databaseOnly returns w for a command that needs the database's address but no key.
func (w where) databaseOnly() where {
	w.only = []string{"SQLALCHEMY_DATABASE_URI", "DATABASE_URL"}
	return w
}

// Run copies the database.
func (c backupCommand) Run(ctx context.Context, p process) error {
	s, err := load(c.databaseOnly(), p.environ)
	if err != nil {
		return err
	}
	if s.Database.postgres != "" {
		return errors.New("the database is PostgreSQL: use pg_dump --format=custom")
	}
	from := s.Database.file
	if err := sqlite.Backup(ctx, from, c.To); err != nil {
		return err
	}
	return line(p, "Copied %s to %s.", from, c.To)
}
