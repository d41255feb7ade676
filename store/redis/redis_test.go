package redis_test

import (
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

func join(t testing.TB, durable, volatile string) store.Store {
	t.Helper()
	db, err := postgres.Open(durable)
	if err != nil {
		t.Fatal(err)
	}
	both := store.Join(db, open(t, volatile))
	t.Cleanup(func() { both.Close() })
	return both
}

func TestPromisesInAClusterBesidePostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return join(t, servers.PostgresTables(t), servers.RedisCluster(t)) })
}

func TestPromisesOfThreeNodes(t *testing.T) {
	storetest.RunNodes(t, func(t *testing.T) []store.Store {
		durable, volatile := servers.PostgresTables(t), servers.Redis(t)
		return []store.Store{join(t, durable, volatile), join(t, durable, volatile), join(t, durable, volatile)}
	})
}
