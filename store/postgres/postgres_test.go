package postgres_test

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
)

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// tables hands out handles on the same tables, emptied after each test. To connect
// takes longer than most tests do.
type tables struct {
	all   *testing.T
	url   string
	nodes []store.Store
}

func (v *tables) open(t *testing.T) []store.Store {
	t.Helper()
	for i, db := range v.nodes {
		if db == nil || db.Ping(t.Context()) != nil { // the test before closed it
			v.nodes[i] = open(v.all, v.url)
		}
	}
	t.Cleanup(func() { servers.EmptyTables(t, v.url) })
	return v.nodes
}

func TestPromises(t *testing.T) {
	v := &tables{t, servers.Postgres(t), make([]store.Store, 1)}
	storetest.Run(t, func(t *testing.T) store.Store { return v.open(t)[0] })
}

func TestPromisesOfThreeNodes(t *testing.T) {
	v := &tables{t, servers.Postgres(t), make([]store.Store, 3)}
	storetest.RunNodes(t, v.open)
}
