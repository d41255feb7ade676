package session_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/sqlite"

	"github.com/jackc/pgx/v5"
)

// operator runs statements on the database of nodes.
type operator func(t *testing.T, statement string)

// witnesses returns functions that start three nodes on a database of an engine that notifies of
// every change. They run the first statements before the nodes start.
func witnesses() map[string]func(t *testing.T, first ...string) ([]*member, operator) {
	return map[string]func(t *testing.T, first ...string) ([]*member, operator){
		"postgres": postgresNodes, "sqlite": sqliteNodes,
	}
}

func postgresNodes(t *testing.T, first ...string) ([]*member, operator) {
	t.Helper()
	url := servers.PostgresTables(t)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	run := func(t *testing.T, statement string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	for _, statement := range first {
		run(t, statement)
	}
	return nodes(t, func() storage.Store {
		db, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}, own), run
}

// sqliteNodes uses a handle of the application for the last node.
func sqliteNodes(t *testing.T, first ...string) ([]*member, operator) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nodes.db")
	handle, err := sql.Open("sqlite", "file:"+path+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = handle.Close() })
	run := func(t *testing.T, statement string) {
		t.Helper()
		if _, err := handle.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	n := 0
	all := nodes(t, func() storage.Store {
		var db *sqlite.DB
		if n++; n < 3 {
			db, err = sqlite.Open(t.Context(), path)
		} else {
			db, err = sqlite.New(t.Context(), handle, sqlite.Options{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return db
	}, own)
	for _, statement := range first {
		run(t, statement)
	}
	return all, run
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
	for _, c := range []struct{ engine, schema string }{
		{engine: "postgres"}, {"postgres", `CREATE SCHEMA AUTHORIZATION CURRENT_USER`}, {engine: "sqlite"},
	} {
		t.Run(c.engine+" "+c.schema, func(t *testing.T) {
			t.Parallel()
			var first []string
			if c.schema != "" { // the search path then has another schema first
				first = append(first, c.schema)
			}
			all, run := witnesses()[c.engine](t, first...)
			for _, change := range changesOf(c.engine) {
				if c.schema != "" && change.undo == "" {
					continue // one change of each kind will do
				}
				token := openSession(t, all[0])
				for _, m := range all {
					m.remembers(t, token)
				}
				run(t, change.do)
				forgets(t, all, token, change.do)
				if change.undo != "" {
					run(t, change.undo)
				}
			}
		})
	}
}

type change struct{ do, undo string }

// changesOf returns statements after which a session of user u is not valid, and what undoes those
// that concern the user.
func changesOf(engine string) []change {
	if engine == "sqlite" {
		return []change{
			{`DELETE FROM twofold_sessions`, ``},
			{`UPDATE twofold_sessions SET uniquifier = 'another'`, ``},
			{`UPDATE twofold_users SET uniquifier = 'another'`, `UPDATE twofold_users SET uniquifier = 'one'`},
			{`UPDATE twofold_users SET active = 0`, `UPDATE twofold_users SET active = 1`},
			{`UPDATE twofold_sessions SET idle_at = 0, ends_at = 0`, ``},
			{`UPDATE twofold_sessions SET created_at = 0`, ``},
			{`DELETE FROM twofold_changes; UPDATE twofold_users SET active = 0; DELETE FROM twofold_changes`,
				`UPDATE twofold_users SET active = 1`},
			{`BEGIN; CREATE TEMP TABLE n AS SELECT MAX(no) AS no FROM twofold_changes; DELETE FROM twofold_changes;
				UPDATE twofold_users SET active = 0; UPDATE twofold_changes SET no = (SELECT no FROM n); DROP TABLE n; COMMIT`,
				`UPDATE twofold_users SET active = 1`},
			{`CREATE TEMP TABLE kept AS SELECT * FROM twofold_sessions; UPDATE kept SET hash = 'another';
				REPLACE INTO twofold_sessions SELECT * FROM kept; DROP TABLE kept`, ``},
			{`INSERT INTO twofold_sessions (hash, id, user_id, uniquifier, is_token, level, trusted, proofs, fresh_at, address,
				agent, created_at, seen_at, idle_at, expires_at, ends_at)
				VALUES ('x', '', '', '', 0, 0, 0, '', 0, '', '', 0, 0, 0, 0, 0);
				UPDATE OR REPLACE twofold_sessions SET hash = (SELECT MIN(hash) FROM twofold_sessions WHERE hash <> 'x')
				WHERE hash = 'x'`, ``},
			{`CREATE TEMP TABLE kept AS SELECT * FROM twofold_users WHERE id = 'u'; UPDATE kept SET active = 0;
				REPLACE INTO twofold_users SELECT * FROM kept; DROP TABLE kept`, `UPDATE twofold_users SET active = 1`},
			{`CREATE TEMP TABLE kept AS SELECT * FROM twofold_sessions; UPDATE kept SET uniquifier = 'another';
				REPLACE INTO twofold_sessions SELECT * FROM kept; DROP TABLE kept`, ``},
		}
	}
	return []change{
		{`DELETE FROM public.twofold_sessions`, ``},
		{`UPDATE public.twofold_sessions SET uniquifier = 'another'`, ``},
		{`UPDATE public.twofold_users SET uniquifier = 'another'`,
			`UPDATE public.twofold_users SET uniquifier = 'one'`},
		{`UPDATE public.twofold_users SET active = 0`, `UPDATE public.twofold_users SET active = 1`},
		{`UPDATE public.twofold_sessions SET idle_at = 0, ends_at = 0`, ``},
		{`UPDATE public.twofold_sessions SET created_at = 0`, ``},
		{`TRUNCATE public.twofold_sessions`, ``},
		{`SET session_replication_role = replica; UPDATE public.twofold_users SET active = 0`,
			`RESET session_replication_role; UPDATE public.twofold_users SET active = 1`},
	}
}

// TestAChangeWithoutItsTriggerIsKnown makes a change while the trigger that notifies of it does not
// exist or is disabled, and in another round brings the trigger back at once.
func TestAChangeWithoutItsTriggerIsKnown(t *testing.T) {
	const user = `CREATE TRIGGER twofold_user_changed AFTER UPDATE ON twofold_users BEGIN
		INSERT INTO twofold_changes (word) VALUES ('user ' || OLD.id); END;`
	off := map[string]string{
		"postgres": `ALTER TABLE twofold_users DISABLE TRIGGER twofold_user_changed;`,
		"sqlite":   `DROP TRIGGER twofold_user_changed;`,
	}
	on := map[string]string{
		"postgres": `ALTER TABLE twofold_users ENABLE ALWAYS TRIGGER twofold_user_changed;`,
		"sqlite":   user,
	}
	for engine, start := range witnesses() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			all, run := start(t)
			token := openSession(t, all[0])
			for _, back := range []bool{true, false} {
				for _, m := range all {
					m.remembers(t, token)
				}
				change := `BEGIN; ` + off[engine] + ` UPDATE twofold_users SET active = 0;`
				if back {
					change += on[engine]
				}
				run(t, change+` COMMIT`)
				forgets(t, all, token, "a change without its trigger")
				if back {
					run(t, `UPDATE twofold_users SET active = 1`)
				}
			}
		})
	}
}

// TestAChangedFunctionOfATriggerIsKnown replaces the function of a trigger of PostgreSQL by one that does
// nothing.
func TestAChangedFunctionOfATriggerIsKnown(t *testing.T) {
	all, run := postgresNodes(t)
	token := openSession(t, all[0])
	for _, m := range all {
		m.remembers(t, token)
	}
	run(t, `CREATE OR REPLACE FUNCTION twofold_user_changed() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN RETURN NULL; END $$;
		UPDATE twofold_users SET active = 0`)
	forgets(t, all, token, "a change with another function")
}

func TestASessionThatIsUsedOnAnotherNodeDoesNotExpireHere(t *testing.T) {
	for engine, start := range witnesses() {
		t.Run(engine, func(t *testing.T) { t.Parallel(); usedOnAnotherNode(t, start) })
	}
}

func usedOnAnotherNode(t *testing.T, start func(*testing.T, ...string) ([]*member, operator)) {
	all, _ := start(t)
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
	for engine, start := range witnesses() {
		t.Run(engine, func(t *testing.T) { t.Parallel(); readOnce(t, start) })
	}
}

func readOnce(t *testing.T, start func(*testing.T, ...string) ([]*member, operator)) {
	all, _ := start(t)
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
