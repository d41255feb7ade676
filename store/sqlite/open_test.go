package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

var now = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

// raw opens the file as another program would.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is a text file\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	open(t, newer).Close()
	mustExec(t, raw(t, newer),
		`INSERT INTO twofold_migrations (version, name, applied_at) VALUES (99, '099_future.breaking.sql', 0)`)
	for path, want := range map[string]string{
		"":                               "plain path",
		":memory:":                       "plain path",
		"file:a.db?mode=memory":          "plain path",
		"a\x00b":                         "NUL",
		dir:                              "it is a directory",
		filepath.Join(dir, "no", "a.db"): "its directory does not exist: create that first",
		text:                             "it is not an SQLite database: use another file",
		newer: fmt.Sprintf(
			"it has schema 99 and this program knows %d: run the newer program", len(known)),
		filepath.Join(text, "below a file"): "not a directory",
	} {
		db, err := sqlite.Open(t.Context(), path)
		if err == nil {
			db.Close()
			t.Errorf("%q: no error", path)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v\nwant one line with %q", path, err, want)
		}
	}
	if b, err := os.ReadFile(text); err != nil || len(b) != 2000 {
		t.Error("a file that is no database was changed")
	}
}

func TestOpenTakesAnyPath(t *testing.T) {
	for _, name := range []string{
		"plain.db", "with space.db", "a?mode=memory&_pragma=journal_mode(DELETE)", "100%25%zz.db", "a#b.db", "ä.db",
		"a&b=c;d.db",
		"x?_pragma=foreign_keys(0);ATTACH 'evil.db' AS e",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		db := open(t, path)
		if err := db.Ping(t.Context()); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if got := e.Name(); got != name && got != name+"-wal" && got != name+"-shm" {
				t.Errorf("%q made a file %q", name, got)
			}
			if info, _ := e.Info(); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%q has mode %v", e.Name(), info.Mode())
			}
		}
		if len(entries) != 3 {
			t.Errorf("%q: %d files, want the database, its log and its index", name, len(entries))
		}
	}
}

func TestTheFileIsFoundAfterAChangeOfDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	db := open(t, "a.db")
	t.Chdir(t.TempDir())
	if _, err := db.UserByID(t.Context(), "x"); !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	for range 10 {
		path := filepath.Join(t.TempDir(), "a.db")
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				<-start
				db, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				defer db.Close()
				if err := db.Ping(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
	}
}

func TestDataSurvivesReopening(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "a.db"), t.Context()
	db := open(t, path)
	u := storage.User{ID: storage.NewID(), EmailKey: "a@example.org", CredentialVersion: "u", Active: true}
	claim := storage.Claim{Key: "k", Limit: 1, Window: time.Hour, Hold: time.Minute}
	if err := db.CreateUser(ctx, u); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Reserve(ctx, now, claim); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	if got, err := db.UserByIdentity(ctx, "a@example.org"); err != nil || got.ID != u.ID {
		t.Fatal(got, err)
	}
	if opens, err := db.Reserve(ctx, now, claim); !errors.Is(err, storage.ErrUsed) ||
		!opens.Equal(now.Add(time.Minute)) {
		t.Fatal(opens, err)
	}
}

func TestALockHeldByAnotherIsUnavailable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	ctx := t.Context()
	challenge := storage.Challenge{Key: "c", MAC: []byte{1}, Tries: 1, ExpiresAt: now}
	if err := db.PutChallenge(ctx, challenge); err != nil {
		t.Fatal(err)
	}
	other := raw(t, path)
	mustExec(t, other, `BEGIN IMMEDIATE`)

	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := db.Ping(short); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("with a deadline: %v", err)
	}
	if _, err := db.Session(ctx, "x", now); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("a read had to wait: %v", err)
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range 4 { // the queue waits together, not one after the other
		all.Go(func() {
			var err error
			if i%2 == 0 {
				err = db.TryChallenge(ctx, "c", [][]byte{{1}}, now.Add(-1))
			} else {
				_, err = db.Reserve(ctx, now, storage.Claim{Key: "k", Limit: 1, Window: time.Hour})
			}
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		})
	}
	all.Wait()
	if d := time.Since(began); d < 4*time.Second || d > 60*time.Second {
		t.Errorf("waited %v", d)
	}
	mustExec(t, other, `ROLLBACK`)
	if err := db.TryChallenge(ctx, "c", [][]byte{{1}}, now.Add(-time.Second)); err != nil {
		t.Errorf("a code that was not looked at: %v", err)
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	other := raw(t, path)
	mustExec(t, other, `DROP TABLE twofold_sessions`)
	mustExec(t, other, `UPDATE twofold_migrations SET name = 'x'`)
	err := db.PutSession(t.Context(), storage.Session{Hash: "SECRET", ExpiresAt: now, IdleAt: now})
	if err == nil || strings.Contains(err.Error(), "SECRET") || errors.Is(err, storage.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := db.CreateUser(t.Context(), storage.User{ID: "u", Email: "u@site.test",
		EmailKey: "u@site.test"}); err != nil {
		t.Fatal(err)
	}
	mustExec(t, other, `UPDATE twofold_users SET roles = 'SECRET no list'`)
	_, err = db.UserByID(t.Context(), "u")
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Fatal(err)
	}
	t.Log(err)
}

func TestAForeignTableIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	app := raw(t, path)
	mustExec(t, app, `CREATE TABLE notes (text TEXT)`)
	mustExec(t, app, `INSERT INTO notes VALUES ('kept')`)
	open(t, path)
	var text string
	if err := app.QueryRow(`SELECT text FROM notes`).Scan(&text); err != nil || text != "kept" {
		t.Fatal(text, err)
	}
}
