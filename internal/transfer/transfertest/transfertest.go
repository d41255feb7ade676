// Package transfertest helps to test readers of other systems' accounts.
package transfertest

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	_ "modernc.org/sqlite"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// SQLite creates a database from a dump of SQLite and further statements, and
// returns its address.
func SQLite(t testing.TB, dump string, more ...string) string {
	t.Helper()
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "source.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range append([]string{string(text)}, more...) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return "sqlite:///" + file
}

// JSON decodes a file, such as the secrets of the users in a dump.
func JSON(t testing.TB, file string, to any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// All reads a source to its end, twice. The test fails if entries have another
// order or other lines the second time.
func All(t testing.TB, s transfer.Source) (transfer.Header, []transfer.Entry) {
	t.Helper()
	h, err := s.Header(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var list []transfer.Entry
	if err := s.Read(context.Background(), func(e transfer.Entry) error {
		list = append(list, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	again := 0
	if err := s.Read(context.Background(), func(e transfer.Entry) error {
		if again >= len(list) || list[again].Line != e.Line || list[again].Account.ID != e.Account.ID {
			t.Errorf("entry %d differs the second time", again)
		}
		again++
		return nil
	}); err != nil || again != len(list) {
		t.Errorf("%d entries the second time, and %v", again, err)
	}
	return h, list
}

// By returns the entries by username, or by address for accounts without one.
func By(list []transfer.Entry) map[string]transfer.Entry {
	by := map[string]transfer.Entry{}
	for _, e := range list {
		name := e.Account.Username
		if name == "" && len(e.Account.Addresses) > 0 {
			name = e.Account.Addresses[0].Address
		}
		by[name] = e
	}
	return by
}

// Postgres loads a dump of PostgreSQL into an empty schema at an address.
func Postgres(t testing.TB, address, dump string) string {
	t.Helper()
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	db, err := pgconn.Connect(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(context.Background(), string(text)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return address
}
