package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"
)

// NewerError says that the database was written by a newer program.
type NewerError struct{ Has, Knows int }

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("it has schema %d and this program knows %d: run the newer program, or restore a copy made before it ran", e.Has, e.Knows)
}

// Migrate brings the schema up to date with files, *.sql in order of name:
// the n-th makes version n. All missing steps are one transaction, begun by
// taking the write lock, so of several programs that open at once one does the
// work, the others wait and find it done, and a crash leaves no half.
func Migrate(ctx context.Context, db *sql.DB, d Dialect, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if d.LockSchema != "" {
		if _, err := tx.ExecContext(ctx, d.LockSchema); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS twofold_migrations (
		version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`); err != nil {
		return err
	}
	var has int
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM twofold_migrations`).Scan(&has); err != nil {
		return err
	}
	if has > len(names) {
		return &NewerError{Has: has, Knows: len(names)}
	}
	for n := has; n < len(names); n++ {
		script, err := fs.ReadFile(files, names[n])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("%s: %w", names[n], err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO twofold_migrations (version, name, applied_at) VALUES ($1, $2, $3)`,
			n+1, names[n], time.Now().UnixMicro()); err != nil {
			return err
		}
	}
	return tx.Commit()
}
