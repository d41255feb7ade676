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

// TestAWrongKeyChangesNoOlderDatabase: a database that an earlier version wrote is
// brought up to date only with its own key. A start with another one leaves its
// schema as it was.
func TestAWrongKeyChangesNoOlderDatabase(t *testing.T) {
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
		_, err = auth.CreateUser(t.Context(), twofold.NewUser{Email: "ann" + more[0][len(more[0])-1:] + "@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		if err := auth.Close(); err != nil {
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
	for _, q := range []string{
		`ALTER TABLE twofold_users DROP COLUMN language`, `DELETE FROM twofold_migrations WHERE name LIKE '%_language.sql'`,
	} {
		if _, err := raw.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
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
	before := missing()
	if before == 0 {
		t.Fatal("no step is missing")
	}
	err = opened("TWOFOLD_SITE=2", "SECRET_KEY=zzzzz-vT0xN5sYb7LwHc3UdJ9fZaMgEo4PiKtQ1r_uA")
	if err == nil || !strings.Contains(err.Error(), "is not the key that wrote this database") {
		t.Errorf("with another key: %v", err)
	}
	if after := missing(); after != before {
		t.Errorf("%d steps were missing before the start with another key, %d after", before, after)
	}
	if err := opened("TWOFOLD_SITE=3"); err != nil || missing() != 0 {
		t.Errorf("with its own key: %v, %d steps are missing", err, missing())
	}
}
