package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"

	"github.com/jackc/pgx/v5"
)

// postgresNodes returns three nodes with their own tables, and an operator's connection, which runs
// the first statements before the nodes start.
func postgresNodes(t *testing.T, first ...string) ([]*member, *pgx.Conn) {
	t.Helper()
	url := servers.PostgresTables(t)
	operator, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = operator.Close(context.Background()) })
	for _, statement := range first {
		if _, err := operator.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return nodes(t, func() storage.Store {
		db, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}, own), operator
}

// remembers waits until a node answers from memory for longer than it would without a witness.
func (m *member) remembers(t *testing.T, token string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 30*time.Second; {
		m.alive(t, token)
		before := m.db.n.Load()
		time.Sleep(2 * staleAfter)
		m.alive(t, token)
		if m.db.n.Load() == before {
			return
		}
	}
	t.Fatal("it does not answer from memory for long")
}

// staleAfter is the maximum time for which a change may go unnoticed.
const staleAfter = 250 * time.Millisecond

// forgets checks that a session is not accepted any more on any node.
func forgets(t *testing.T, all []*member, token, after string) {
	t.Helper()
	begun := time.Now()
	for _, m := range all {
		for asked := begun; m.alive(t, token); asked = time.Now() {
			if asked.Sub(begun) > time.Second {
				t.Fatalf("%s: a node did not know it after %v", after, asked.Sub(begun))
			}
		}
	}
	t.Logf("%s: known on all three nodes after %v", after, time.Since(begun))
}

func openSession(t *testing.T, m *member) string {
	t.Helper()
	token, _, err := m.Open(t.Context(),
		storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAChangeWithSQLIsKnownOnEveryNode(t *testing.T) {
	for name, first := range map[string][]string{
		"": nil, "a schema with the name of the database user": {`CREATE SCHEMA AUTHORIZATION CURRENT_USER`},
	} {
		all, operator := postgresNodes(t, first...)
		for _, c := range []struct{ change, undo string }{
			{`DELETE FROM public.twofold_sessions`, ``},
			{`UPDATE public.twofold_sessions SET uniquifier = 'another'`, ``},
			{`UPDATE public.twofold_users SET uniquifier = 'another'`,
				`UPDATE public.twofold_users SET uniquifier = 'one'`},
			{`UPDATE public.twofold_users SET active = 0`, `UPDATE public.twofold_users SET active = 1`},
			{`TRUNCATE public.twofold_sessions`, ``},
			{`SET session_replication_role = replica; UPDATE public.twofold_users SET active = 0`,
				`RESET session_replication_role; UPDATE public.twofold_users SET active = 1`},
		} {
			if first != nil && c.undo == "" {
				continue // one change of each kind will do
			}
			token := openSession(t, all[0])
			for _, m := range all {
				m.remembers(t, token)
			}
			if _, err := operator.Exec(t.Context(), c.change); err != nil {
				t.Fatal(err)
			}
			forgets(t, all, token, name+" "+c.change)
			if c.undo != "" {
				if _, err := operator.Exec(t.Context(), c.undo); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestADisabledTriggerIsNotTrusted(t *testing.T) {
	all, operator := postgresNodes(t)
	token := openSession(t, all[0])
	for _, m := range all {
		m.remembers(t, token)
	}
	for _, statement := range []string{
		`ALTER TABLE twofold_users DISABLE TRIGGER twofold_user_changed`, `UPDATE twofold_users SET active = 0`,
	} {
		if _, err := operator.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	forgets(t, all, token, "a change without its trigger")
}

func TestASessionThatIsUsedOnAnotherNodeDoesNotExpireHere(t *testing.T) {
	all, _ := postgresNodes(t)
	token := openSession(t, all[0])
	all[0].remembers(t, token)
	later := time.Now().Add(50 * time.Minute)
	all[1].now.Store(&later)
	if !all[1].alive(t, token) {
		t.Fatal("the session ended")
	}
	later = later.Add(20 * time.Minute)
	all[0].now.Store(&later)
	if !all[0].alive(t, token) {
		t.Error("the session expired on the node that did not know of its use")
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
