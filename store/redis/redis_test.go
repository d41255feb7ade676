package redis_test

import (
	"fmt"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
)

func open(t testing.TB, url string) *redis.DB {
	t.Helper()
	db, err := redis.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func join(t testing.TB, durable store.Store, volatile string) store.Store {
	t.Helper()
	return store.Join(durable, open(t, volatile))
}

// durable hands out handles on the same tables, emptied after each test. To connect
// takes longer than most tests do.
type durable struct {
	all   *testing.T
	url   string
	nodes []store.Store
}

func (v *durable) open(t *testing.T) []store.Store {
	t.Helper()
	for i, db := range v.nodes {
		if db == nil || db.Ping(t.Context()) != nil { // the test before closed it
			v.nodes[i] = openPostgres(v.all, v.url)
		}
	}
	t.Cleanup(func() { servers.EmptyTables(t, v.url) })
	return v.nodes
}

func openPostgres(t testing.TB, url string) store.Store {
	t.Helper()
	db, err := postgres.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPromisesInAClusterBesidePostgreSQL(t *testing.T) {
	v := &durable{t, servers.Postgres(t), make([]store.Store, 1)}
	nodes, places := newCluster(t, 0), 0
	storetest.Run(t, func(t *testing.T) store.Store {
		places++
		return join(t, v.open(t)[0], fmt.Sprintf("%s?addr=%s&addr=%s&prefix=test%d:",
			nodes[0].URL, address(nodes[1].Server), address(nodes[2].Server), places))
	})
}

func TestPromisesOfThreeNodes(t *testing.T) {
	v := &durable{t, servers.Postgres(t), make([]store.Store, 3)}
	storetest.RunNodes(t, func(t *testing.T) []store.Store {
		url, nodes := servers.Redis(t), v.open(t)
		return []store.Store{join(t, nodes[0], url), join(t, nodes[1], url), join(t, nodes[2], url)}
	})
}
