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
	return `Run it once, with PostgreSQL only. From then on each month of the audit trail has its own table, so that
TWOFOLD_AUDIT_DAYS removes a month at once, and TWOFOLD_AUDIT_ARCHIVE can keep it in a file. Without partitions, and
always with SQLite, the trail is one table from which old rows are removed in small ranges.

Nodes can keep running, and no rows are copied. The command first reads the table while others use it. Then everything
that reads or writes the trail waits for a few milliseconds. If a transaction such as that of pg_dump holds the table,
the command gives up after a second without changing anything, and can be repeated. It does nothing if the trail is
already partitioned. Views of twofold_events, its publications and privileges on single columns must be created again.
The database user must own the tables.

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
		return line(p, "The audit trail is already partitioned.")
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
	if c.Head != nil {
		return usageError("--head is looked for in the database, not in files: leave out --head or the files")
	}
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	return s.withoutDatabase(ctx, func(auth *twofold.Auth) error {
		var problems []string
		var first, last event.ArchiveReport
		rows, seals := 0, 0
		for i, name := range c.Files {
			r, err := verifyFile(auth, name)
			if err != nil {
				return err
			}
			if i == 0 {
				first = r
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
		err := line(p, "The archive is intact: %s, %s, %s.", amount(rows, "row", "rows"),
			amount(seals, "sealed range", "sealed ranges"), extent(first, last))
		return errors.Join(err, line(p, "Head: %s", last.Head))
	})
}

// extent says which rows are in files, and whether there are rows before them.
func extent(first, last event.ArchiveReport) string {
	rows := fmt.Sprintf("rows %d to %d", first.After+1, last.Through)
	if first.After == 0 {
		return rows
	}
	return fmt.Sprintf("%s; it follows row %d, which is not among the files", rows, first.After)
}

func verifyFile(auth *twofold.Auth, name string) (event.ArchiveReport, error) {
	f, err := os.Open(name)
	if err != nil {
		return event.ArchiveReport{}, errors.New(fileCause(err))
	}
	defer f.Close()
	return auth.Audit().VerifyArchive(f)
}
