package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a copy of the database at path to the new file at to. The database may be in use:
// the copy is consistent, and writers do not wait for it. Copying the file itself would omit the
// data in its log.
func Backup(ctx context.Context, path, to string) error {
	if err := backup(ctx, path, to); err != nil {
		return fmt.Errorf("sqlite: cannot copy %q to %q: %w", path, to, err)
	}
	return nil
}

func backup(ctx context.Context, path, to string) error {
	from, err := filepath.Abs(path)
	if err != nil {
		return reason(err)
	}
	if to, err = filepath.Abs(to); err != nil {
		return reason(err)
	}
	if _, err := os.Stat(from); err != nil {
		return reason(err)
	}
	// SQLite accepts an empty file. Create one that only its owner can read.
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errors.New("the file already exists: choose another name")
	}
	if err != nil {
		return reason(err)
	}
	defer f.Close()
	db, err := pool(from, "mode=ro"+commonPragmas, 1)
	if err == nil {
		err = vacuum(ctx, db, to)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil { // a partial copy is useless
		_ = os.Remove(to)
		if ended := ctx.Err(); ended != nil {
			return fmt.Errorf("the copy was not complete before its context ended: %w", ended)
		}
		return explain(ctx, err)
	}
	return nil
}

func vacuum(ctx context.Context, db *sql.DB, to string) error {
	_, err := db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return errors.Join(err, db.Close())
}
