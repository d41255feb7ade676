package session_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"

	"github.com/jackc/pgx/v5"
)

// postgresNodes returns three nodes with their own tables, and an operator's connection.
func postgresNodes(t *testing.T) ([]*member, *pgx.Conn) {
	t.Helper()
	url := servers.PostgresTables(t)
	operator, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = operator.Close(t.Context()) })
	return nodes(t, func() storage.Store {
		db, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}, own), operator
}

func TestWhatAnOperatorChangesWithSQLIsKnownOnEveryNode(t *testing.T) {
	all, operator := postgresNodes(t)
	for _, c := range []struct{ change, undo string }{
		{`DELETE FROM twofold_sessions`, ``},
		{`UPDATE twofold_sessions SET uniquifier = 'another'`, ``},
		{`UPDATE twofold_users SET uniquifier = 'another'`, `UPDATE twofold_users SET uniquifier = 'one'`},
		{`UPDATE twofold_users SET active = 0`, `UPDATE twofold_users SET active = 1`},
		{`TRUNCATE twofold_sessions`, ``},
	} {
		token, _, err := all[0].Open(t.Context(),
			storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			m.cached(t, token)
		}
		if _, err := operator.Exec(t.Context(), c.change); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		for _, m := range all {
			for asked := begun; m.alive(t, token); asked = time.Now() {
				if asked.Sub(begun) > time.Second {
					t.Fatalf("%s: a node did not know it after %v", c.change, asked.Sub(begun))
				}
			}
		}
		t.Logf("%s: known on all three nodes after %v", c.change, time.Since(begun))
		if c.undo != "" {
			if _, err := operator.Exec(t.Context(), c.undo); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestASessionIsReadOnceWhileNothingChanges(t *testing.T) {
	all, _ := postgresNodes(t)
	token, _, err := all[0].Open(t.Context(),
		storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
	if err != nil {
		t.Fatal(err)
	}
	all[1].cached(t, token)
	before := all[1].db.n.Load()
	for range 15 {
		time.Sleep(400 * time.Millisecond)
		if !all[1].alive(t, token) {
			t.Fatal("the session ended")
		}
		// another account, and activity, drop nothing
		u := storage.User{ID: storage.NewID(), Active: true, CredentialVersion: "one"}
		u.EmailKey = u.ID
		if err := all[0].db.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if err := all[0].db.SetActive(t.Context(), u.ID, false, "two", time.Now()); err != nil {
			t.Fatal(err)
		}
		err := all[0].db.TouchSession(t.Context(), seal.HashToken(token), time.Now(), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
	}
	n := all[1].db.n.Load() - before
	t.Logf("%d of 15 requests asked the database", n)
	if n > 4 { // one a second would be 6
		t.Errorf("%d of 15 requests asked the database", n)
	}
}
