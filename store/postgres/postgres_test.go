package postgres_test

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// shared gives each test the same handles; their tables are emptied after each test.
func shared(t *testing.T, nodes int) func(*testing.T) []storage.Store {
	url := servers.PostgresTables(t)
	return storetest.Sharing(t, nodes, func(t testing.TB) storage.Store { return open(t, url) },
		func(t testing.TB) { servers.EmptyTables(t, url) })
}

func TestPromises(t *testing.T) {
	tables := shared(t, 1)
	storetest.Run(t, func(t *testing.T) storage.Store { return tables(t)[0] })
}

func TestPromisesOfThreeNodes(t *testing.T) {
	storetest.RunNodes(t, shared(t, 3))
}
