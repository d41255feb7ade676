package postgres_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

func TestADatabaseOfTheFirstReleaseIsBroughtUpToDate(t *testing.T) {
	url := servers.Postgres(t)
	db := raw(t, url)
	olderSchema(t, db, 2)
	if err := storetest.FirstRelease(func(query string, args ...any) error {
		_,
			err := db.Exec(query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.OpenAsIs(t.Context(), url); err == nil ||
		!strings.Contains(err.Error(), "it has schema 2 and this program needs") {
		t.Fatalf("as it is: %v", err)
	}
	storetest.CheckFirstRelease(t, open(t, url))
	as, err := postgres.OpenAsIs(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	as.Close()
}

// olderSchema applies the first steps of the schema, as an older program did.
func olderSchema(t *testing.T, db *sql.DB, steps int) {
	t.Helper()
	mustExec(t, db, `CREATE TABLE twofold_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	files, err := filepath.Glob("schema/*.sql")
	if err != nil || len(files) < steps {
		t.Fatal(files, err)
	}
	for i, name := range files[:steps] {
		script, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, db, string(script))
		if _, err := db.Exec(`INSERT INTO twofold_migrations VALUES ($1, $2, 1)`, i+1,
			filepath.Base(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheUpgradeKeepsWhatOwnersHaveSeen checks that what only the audit trail recorded is kept, and
// that a row whose reason is not a number does not prevent the upgrade.
func TestTheUpgradeKeepsWhatOwnersHaveSeen(t *testing.T) {
	url := servers.Postgres(t)
	db := raw(t, url)
	olderSchema(t, db, 27)
	if err := storetest.BeforeMarks(func(query string, args ...any) error {
		_, err := db.Exec(query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	storetest.CheckMarks(t, open(t, url))
}
