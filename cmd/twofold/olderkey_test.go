package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// TestAWrongKeyDoesNotMigrateAnOlderDatabase checks that the database of an earlier version is migrated
// only with its own key. A start with another key leaves the schema unchanged.
func TestAWrongKeyDoesNotMigrateAnOlderDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	address := "SQLALCHEMY_DATABASE_URI=sqlite:///" + path
	opened := func(more ...string) error {
		s, err := with(t, append(more, address)...)
		if err != nil {
			t.Fatal(err)
		}
		auth, db, err := s.open(t.Context())
		if err != nil {
			return err
		}
		email := "ann" + more[0][len(more[0])-1:] + "@example.org"
		if _, err := auth.CreateUser(t.Context(), twofold.NewUser{Email: email}); err != nil {
			t.Fatal(err)
		}
		return db.Close()
	}
	if err := opened("TWOFOLD_SITE=1"); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	// The newest step is marked as not done. Running it again fails, which shows that a start
	// reached the migration.
	_, err = raw.ExecContext(t.Context(),
		`DELETE FROM twofold_migrations WHERE version = (SELECT MAX(version) FROM twofold_migrations)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	missing := func() (n int) {
		steps, err := sqlite.Schema(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			if step.At.IsZero() {
				n++
			}
		}
		return n
	}
	if n := missing(); n != 1 {
		t.Fatalf("%d steps are missing", n)
	}
	err = opened("TWOFOLD_SITE=2", "SECRET_KEY=zzzzz-vT0xN5sYb7LwHc3UdJ9fZaMgEo4PiKtQ1r_uA")
	if err == nil || !strings.Contains(err.Error(), "is not the key that wrote this database") {
		t.Errorf("with another key: %v", err)
	}
	if n := missing(); n != 1 {
		t.Errorf("after the start with another key, %d steps are missing", n)
	}
	if err := opened("TWOFOLD_SITE=3"); err != nil && strings.Contains(err.Error(), "is not the key") {
		t.Errorf("with its own key: %v", err)
	}
}
