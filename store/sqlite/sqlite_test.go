package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func open(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store {
		return open(t, filepath.Join(t.TempDir(), "a.db"))
	})
}

func TestPromisesOfTwoHandlesOnOneFile(t *testing.T) {
	storetest.RunNodes(t, func(t *testing.T) []storage.Store {
		path := filepath.Join(t.TempDir(), "a.db")
		return []storage.Store{open(t, path), open(t, path)}
	})
}
