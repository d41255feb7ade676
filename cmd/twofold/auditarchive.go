package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store/postgres"
)

type auditPartition struct{ where }

// Help implements kong.HelpProvider.
func (auditPartition) Help() string {
	return `PostgreSQL only, once: from then on each month of the audit trail has a table of its own, so that
TWOFOLD_AUDIT_DAYS removes a month at once, and TWOFOLD_AUDIT_ARCHIVE can keep it in a file. Without it the trail is
one table, and old rows are removed in small ranges; so it is in SQLite always.

Nodes need not stop, and no row is copied. The table is read once, while others use it. Then all that read or write
the trail wait, for some milliseconds. If a transaction holds the table, such as that of pg_dump, the command gives up
after a second, changes nothing, and can be repeated. On a trail that is partitioned it does nothing. Views,
publications and privileges on single columns of twofold_events must be made again. The user must own the tables.

Examples:
  twofold audit partition`
}

// Run partitions the audit trail.
func (c auditPartition) Run(ctx context.Context, p process) error {
	s, err := load(c.databaseOnly(), p.environ)
	if err != nil {
		return err
	}
	if s.Database.postgres == "" {
		return errors.New("the database is SQLite, whose audit trail is always one table: partitions need PostgreSQL")
	}
	s.Database.redis = ""
	db, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	done, err := partitionOf(ctx, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if !done {
		return line(p, "The audit trail was partitioned already.")
	}
	return line(p, "The audit trail is partitioned by month.")
}

func partitionOf(ctx context.Context, db any) (bool, error) {
	own, ok := db.(*postgres.DB)
	if !ok {
		return false, errors.New("the database is not PostgreSQL")
	}
	return own.PartitionEvents(ctx)
}

// verifyFiles checks files of TWOFOLD_AUDIT_ARCHIVE, each of which must follow the one before.
func (c auditVerify) verifyFiles(ctx context.Context, p process) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	return s.withoutDatabase(ctx, func(auth *twofold.Auth) error {
		var problems []string
		var last event.ArchiveReport
		rows, seals := 0, 0
		for i, name := range c.Files {
			r, err := verifyFile(auth, name)
			if err != nil {
				return err
			}
			for _, what := range r.Problems {
				problems = append(problems, name+": "+what)
			}
			if i > 0 && len(problems) == 0 && r.Follows != last.Head {
				problems = append(problems, fmt.Sprintf("%s: it follows row %d, and the file before ends with row %d",
					name, r.After, last.Through))
			}
			last, rows, seals = r, rows+r.Rows, seals+r.Seals
		}
		if len(problems) > 0 {
			return found(problems, "the files were changed, are not in order, or the key that sealed them is missing")
		}
		err := line(p, "The archive holds: %s, %s, up to row %d.", amount(rows, "row", "rows"),
			amount(seals, "sealed stretch", "sealed stretches"), last.Through)
		return errors.Join(err, line(p, "Head: %s", last.Head))
	})
}

func verifyFile(auth *twofold.Auth, name string) (event.ArchiveReport, error) {
	f, err := os.Open(name)
	if err != nil {
		return event.ArchiveReport{}, errors.New(fileCause(err))
	}
	defer f.Close()
	return auth.Audit().VerifyArchive(f)
}
