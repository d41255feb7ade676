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

func TestPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, servers.PostgresTables(t)) })
}

func TestPromisesOfThreeNodes(t *testing.T) {
	storetest.RunNodes(t, func(t *testing.T) []store.Store {
		url := servers.PostgresTables(t)
		return []store.Store{open(t, url), open(t, url), open(t, url)}
	})
}
