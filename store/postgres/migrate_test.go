package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

func TestADatabaseOfTheFirstReleaseIsBroughtUpToDate(t *testing.T) {
	url := servers.Postgres(t)
	db := raw(t, url)
	mustExec(t, db, `CREATE TABLE twofold_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	for i, name := range []string{"001_start.sql", "002_audit.sql"} {
		script, err := os.ReadFile("schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, db, string(script))
		if _, err := db.Exec(`INSERT INTO twofold_migrations VALUES ($1, $2, 1)`, i+1, name); err != nil {
			t.Fatal(err)
		}
	}
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
