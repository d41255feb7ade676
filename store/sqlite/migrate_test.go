package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/sqlstore"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func TestADatabaseOfTheFirstReleaseIsBroughtUpToDate(t *testing.T) {
	firstRelease(t, open)
}

func TestADatabaseOfTheFirstReleaseIsBroughtUpToDateOnAHandle(t *testing.T) {
	firstRelease(t, func(t testing.TB, path string) *sqlite.DB {
		db := handle(t, path, pragmas)
		s := on(t, db)
		var keys int
		if err := db.QueryRow(`SELECT foreign_keys FROM pragma_foreign_keys`).Scan(&keys); err != nil || keys != 1 {
			t.Errorf("foreign_keys is %d: %v", keys, err)
		}
		return s
	})
}

func firstRelease(t *testing.T, open func(testing.TB, string) *sqlite.DB) {
	url := filepath.Join(t.TempDir(), "a.db")
	db := raw(t, url)
	olderSchema(t, db, 2)
	if err := storetest.FirstRelease(func(query string, args ...any) error {
		_,
			err := db.Exec(query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenAsIs(t.Context(), url); err == nil ||
		!strings.Contains(err.Error(), "it has schema 2 and this program needs") {
		t.Fatalf("as it is: %v", err)
	}
	storetest.CheckFirstRelease(t, open(t, url))
	as, err := sqlite.OpenAsIs(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	as.Close()
}

// olderSchema applies the first steps of the schema, as an older program did.
func olderSchema(t *testing.T, db *sql.DB, steps int) {
	t.Helper()
	mustExec(t, db, `CREATE TABLE twofold_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	files, err := filepath.Glob("schema/*.sql")
	if err != nil || len(files) < steps {
		t.Fatal(files, err)
	}
	for i, name := range files[:steps] {
		script, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, db, string(script))
		if _, err := db.Exec(`INSERT INTO twofold_migrations VALUES ($1, $2, 1)`, i+1,
			filepath.Base(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheUpgradeKeepsWhatOwnersHaveSeen checks that what only the audit trail recorded is kept, and
// that a row whose reason is not a number does not prevent the upgrade.
func TestTheUpgradeKeepsWhatOwnersHaveSeen(t *testing.T) {
	url := filepath.Join(t.TempDir(), "a.db")
	db := raw(t, url)
	olderSchema(t, db, 27)
	if err := storetest.BeforeMarks(func(query string, args ...any) error {
		_, err := db.Exec(query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	storetest.CheckMarks(t, open(t, url))
}

// TestAnOlderProgramWorksAlongsideANewerOne checks that rows that the older program writes keep their
// meaning.
func TestAnOlderProgramWorksAlongsideANewerOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	older := raw(t, path)
	if err := storetest.FirstRelease(func(query string, args ...any) error {
		_,
			err := older.Exec(query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	storetest.CheckFirstRelease(t, db)
}

// TestARequestFindsWhatItReadsByPlaces checks that a lookup reads three pages of the tree instead
// of six at a million users, even after ANALYZE.
func TestARequestFindsWhatItReadsByPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	for range 20 {
		v := session(storage.NewID())
		if err := db.CreateUser(t.Context(),
			storage.User{ID: v.UserID, EmailKey: v.UserID, CredentialVersion: v.CredentialVersion}); err != nil {
			t.Fatal(err)
		}
		if err := db.PutSession(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	other := raw(t, path)
	plan := func() (steps []string) {
		t.Helper()
		rows, err := other.Query("EXPLAIN QUERY PLAN "+sqlstore.PlacedSession(), "hash", 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
		return steps
	}
	want := []string{"SEARCH s USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)"}
	if got := plan(); !slices.Equal(got, want) {
		t.Errorf("the plan is %q, want %q", got, want)
	}
	mustExec(t, other, `ANALYZE`)
	if got := plan(); !slices.Equal(got, want) {
		t.Errorf("after ANALYZE the plan is %q, want %q", got, want)
	}
}

// TestTheNewestRowsByNameAreFoundInAnIndex checks that the newest rows with certain names are read
// from an ordered index, however many rows with other names there are.
func TestTheNewestRowsByNameAreFoundInAnIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	for i := range 200 {
		e := storage.Event{ID: storage.NewID(), UserID: "u", Name: "refused", At: now}
		if i == 0 {
			e.Name = "changed"
		}
		if err := db.AppendEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	other := raw(t, path)
	mustExec(t, other, `ANALYZE`)
	names := []string{"changed", "set up"}
	query, args := sqlstore.Dialect{}.EventsQuery(storage.EventFilter{
		UserID: "u", Names: names, Newest: true, Unseen: true, Limit: 8,
	})
	rows, err := other.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := 0
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.Contains(step, "INDEX twofold_events_kind (user_id=? AND name=?"):
			found++
		case strings.HasPrefix(step, "SCAN twofold_events"), strings.Contains(step, "twofold_events_user"):
			t.Errorf("the plan has %q", step)
		}
	}
	if found != 2 {
		t.Errorf("the index is used %d times, want 2", found)
	}
}

// TestAPlaceProvesNothing checks that a row at the place of a session or user counts only with the
// right key, and that a row at another place is found by its key.
func TestAPlaceProvesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	user := func(name string) storage.User {
		u := storage.User{ID: name, EmailKey: name, Active: true, CredentialVersion: name}
		if err := db.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		return u
	}
	ann := user("ann")
	user("bob")
	v := session("hash")
	v.UserID = ann.ID
	if err := db.PutSession(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	finds := func(when string) {
		t.Helper()
		s, u, err := db.SessionUser(t.Context(), "hash", now)
		if err != nil || s.ID != v.ID || u.ID != ann.ID {
			t.Errorf("%s: %q of %q: %v", when, s.ID, u.ID, err)
		}
	}
	other := raw(t, path)
	finds("as it was put")
	mustExec(t, other, `UPDATE twofold_sessions SET user_place = (SELECT place FROM twofold_users WHERE id = 'bob')`)
	finds("at another user's place")
	mustExec(t, other, `UPDATE twofold_sessions SET user_place = NULL`)
	finds("put before its user was there")
	if _, err := other.Exec(`UPDATE twofold_sessions SET place = $1`, sqlstore.Place("another hash")); err != nil {
		t.Fatal(err)
	}
	finds("put by a program that does not know places")
	if s, u, err := db.SessionUser(t.Context(), "another hash", now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a hash whose place is taken finds %q of %q: %v", s.ID, u.ID, err)
	}
	mustExec(t, other, `DELETE FROM twofold_users WHERE id = 'ann'`)
	if s, u, err := db.SessionUser(t.Context(), "hash", now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("without its user: %q of %q: %v", s.ID, u.ID, err)
	}
}

// TestAStepThatFailsIsNamed checks that the error has the cause, and that a failed step changes
// nothing.
func TestAStepThatFailsIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := raw(t, path)
	mustExec(t, db, `CREATE TABLE twofold_events (mine TEXT)`) // of another program, or left by hand
	_, err := sqlite.Open(t.Context(), path)
	if err == nil {
		t.Fatal("it opens")
	}
	for _, want := range []string{"step 002_audit.sql of the schema", "table twofold_events already exists"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	var tables int
	err = db.QueryRow(`SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'`).Scan(&tables)
	if err != nil || tables != 1 {
		t.Errorf("%d tables are there, want the one of before: %v", tables, err)
	}
}
