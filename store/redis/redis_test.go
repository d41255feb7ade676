package redis_test

import (
	"fmt"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
)

func open(t testing.TB, url string) *redis.DB {
	t.Helper()
	db, err := redis.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func join(t testing.TB, durable storage.Store, volatile string) storage.Store {
	t.Helper()
	return storage.Join(durable, open(t, volatile))
}

// shared gives each test the same handles; their PostgreSQL tables are emptied after each test.
func shared(t *testing.T, nodes int) func(*testing.T) []storage.Store {
	url := servers.PostgresTables(t)
	return storetest.Sharing(t, nodes, func(t testing.TB) storage.Store { return openPostgres(t, url) },
		func(t testing.TB) { servers.EmptyTables(t, url) })
}

func openPostgres(t testing.TB, url string) storage.Store {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPromisesInAClusterWithPostgreSQL(t *testing.T) {
	tables, nodes, places := shared(t, 1), newCluster(t, 0), 0
	storetest.Run(t, func(t *testing.T) storage.Store {
		places++
		return join(t, tables(t)[0], fmt.Sprintf("%s?addr=%s&addr=%s&prefix=test%d:",
			nodes[0].URL, address(nodes[1].Server), address(nodes[2].Server), places))
	})
}

func TestPromisesOfThreeNodes(t *testing.T) {
	tables := shared(t, 3)
	storetest.RunNodes(t, func(t *testing.T) []storage.Store {
		url, nodes := servers.Redis(t), tables(t)
		return []storage.Store{join(t, nodes[0], url), join(t, nodes[1], url), join(t, nodes[2], url)}
	})
}
