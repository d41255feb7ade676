package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/twofold-auth/twofold/store/sqlite"
)

type restoreCommand struct {
	where
	From string `arg:"" name:"COPY" help:"A copy made by 'twofold backup'." placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (restoreCommand) Help() string {
	return `Replaces the SQLite database with a copy. Stop the server first. The current database and its log are kept in the
same folder, under a name that ends in the time. The copy is checked first: if it is damaged or is not a database of
this program, nothing changes. For PostgreSQL use pg_restore.

Example:
  systemctl stop twofold && twofold restore /backup/twofold-2026-11-23.db && systemctl start twofold`
}

// Run restores the database.
func (c restoreCommand) Run(ctx context.Context, p process) error {
	s, err := load(c.databaseOnly(), p.environ)
	if err != nil {
		return err
	}
	if s.Database.postgres != "" {
		return errors.New("the database is PostgreSQL: use pg_restore --clean --if-exists")
	}
	if err := s.Database.folderThere(); err != nil {
		return err
	}
	to := s.Database.file
	if inUse(to) {
		return fmt.Errorf("the database %s is in use: stop the server first", to)
	}
	if info, err := os.Stat(c.From); err != nil || info.IsDir() {
		return fmt.Errorf("%s cannot be restored: there is no such file", c.From)
	}
	steps, err := sqlite.Schema(ctx, c.From)
	if err != nil {
		return fmt.Errorf("%s cannot be restored: %w", c.From, err)
	}
	if len(steps) == 0 || steps[0].At.IsZero() {
		return fmt.Errorf("%s is not a database of this program: nothing was changed", c.From)
	}
	kept, err := exchange(c.From, to, time.Now())
	if err != nil {
		return err
	}
	if kept != "" {
		if err := line(p, "The former database is now %s.", kept); err != nil {
			return err
		}
	}
	return line(p, "Restored %s to %s. Its data is of an earlier time: docs/server.md says what to do about "+
		"sessions and codes issued since.", c.From, to)
}

// exchange replaces to with a copy of from. It first writes the copy next to to, so that to is
// either the old or the new file if the process crashes. It renames the old file and its log, and
// returns the new name.
func exchange(from, to string, now time.Time) (kept string, err error) {
	fresh := to + ".restoring"
	if err := copyFile(from, fresh); err != nil {
		_ = os.Remove(fresh)
		return "", fmt.Errorf("cannot copy %s: %s", from, fileCause(err))
	}
	giveTo(fresh, to)
	kept = to + ".before-" + now.UTC().Format("20060102-150405")
	moved := false
	// Move the log first: a database without its log is an earlier state, but another database with
	// this log would be corrupt.
	for _, end := range []string{"-wal", "-shm", ""} {
		switch err := os.Rename(to+end, kept+end); {
		case err == nil:
			moved = moved || end == ""
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("cannot rename the current database: %s", fileCause(err))
		}
	}
	if err := os.Rename(fresh, to); err != nil {
		return "", fmt.Errorf("the current database is %s and the copy is %s, which cannot be renamed: %s", kept, fresh,
			fileCause(err))
	}
	if !moved {
		kept = ""
	}
	return kept, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}

// giveTo sets the owner of a new file to that of the database that it replaces or, without one, of
// its folder. Only root can do this and only root needs to.
func giveTo(file, instead string) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(instead)
	if err != nil {
		info, err = os.Stat(filepath.Dir(instead))
	}
	if uid, gid, ok := owner(info); err == nil && ok {
		_ = os.Chown(file, uid, gid) // the server reports if it cannot read it
	}
}
