package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// pragmas are those that the documentation of New requires of a handle.
const pragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)"

// handle returns an application's own handle.
func handle(t testing.TB, path, parameters string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+parameters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func on(t testing.TB, db *sql.DB) *sqlite.DB {
	t.Helper()
	s, err := sqlite.New(t.Context(), db, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestPromisesOnAHandle(t *testing.T) {
	storetest.Briefly(t)
	storetest.Run(t, func(t *testing.T) storage.Store {
		return on(t, handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas))
	})
}

func TestPromisesOnAHandleOfTwoConnections(t *testing.T) {
	storetest.Briefly(t)
	storetest.Run(t, func(t *testing.T) storage.Store {
		db := handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas+"&_txlock=immediate")
		db.SetMaxOpenConns(2)
		return on(t, db)
	})
}

func TestPromisesOfHandlesAndAPathOnOneFile(t *testing.T) {
	storetest.RunNodes(t, func(t *testing.T) []storage.Store {
		path := filepath.Join(t.TempDir(), "a.db")
		shared := handle(t, path, pragmas)
		return []storage.Store{on(t, shared), on(t, shared), on(t, handle(t, path, pragmas)), open(t, path)}
	})
}

// TestAHandleThatDoesNotDo checks that the error of New says what to change.
func TestAHandleThatDoesNotDo(t *testing.T) {
	const busy, wal, keys = "&_pragma=busy_timeout(5000)", "&_pragma=journal_mode(WAL)", "&_pragma=foreign_keys(1)"
	for parameters, want := range map[string]string{
		"?":               "add _pragma=journal_mode(WAL) to its data source name",
		"?" + busy + keys: "add _pragma=journal_mode(WAL)",
		"?" + busy + wal:  "add _pragma=foreign_keys(1)",
		"?" + wal + keys:  "add _pragma=busy_timeout(5000)",
		"?mode=memory":    "in memory",
		"?" + busy + wal + keys + "&_pragma=synchronous(NORMAL)":                     "add _pragma=synchronous(FULL)",
		"?" + busy + wal + keys + "&cache=shared&_pragma=read_uncommitted(1)":        "add _pragma=read_uncommitted(0)",
		"?" + busy + wal + keys + "&mode=ro":                                         "cannot be written",
		strings.Replace(pragmas, "busy_timeout(5000)", "busy_timeout(100)", 1):       "add _pragma=busy_timeout(5000)",
		strings.Replace(pragmas, "journal_mode(WAL)", "journal_mode(TRUNCATE)", 1):   "add _pragma=journal_mode(WAL)",
		strings.Replace(pragmas, "journal_mode(WAL)", "locking_mode(EXCLUSIVE)", 1):  "add _pragma=journal_mode(WAL)",
		strings.Replace(pragmas, "foreign_keys(1)", "foreign_keys(0)", 1) + "&extra": "add _pragma=foreign_keys(1)",
	} {
		path := filepath.Join(t.TempDir(), "a.db")
		handle(t, path, "?").Exec(`CREATE TABLE notes (text TEXT)`)
		s, err := sqlite.New(t.Context(), handle(t, path, parameters), sqlite.Options{})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant one line with %q", parameters, err, want)
		}
	}
	one := handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas)
	one.SetMaxOpenConns(1)
	_, err := sqlite.New(t.Context(), one, sqlite.Options{})
	if err == nil || !strings.Contains(err.Error(), "SetMaxOpenConns") {
		t.Errorf("a handle of one connection: %v", err)
	}
}

// onEach runs a statement on both connections of a handle.
func onEach(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	for range 2 {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAConnectionThatLostAPragmaDoesNotWrite covers a pragma that the application set with a
// statement, which affects one connection only.
func TestAConnectionThatLostAPragmaDoesNotWrite(t *testing.T) {
	for _, pragma := range []string{
		"synchronous = NORMAL", "synchronous = OFF", "foreign_keys = 0", "busy_timeout = 0",
	} {
		db := handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas)
		db.SetMaxOpenConns(2)
		s, ctx := on(t, db), t.Context()
		u := storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}
		p := storage.Pending{Hash: "h", UserID: "u", ExpiresAt: now}
		if err := s.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		onEach(t, db, "PRAGMA "+pragma)
		name, _, _ := strings.Cut(pragma, " ")
		for verb, write := range map[string]func() error{
			"a statement":            func() error { return s.UpgradePassword(ctx, "u", "", "h") },
			"a statement that takes": func() error { _, err := s.TakePending(ctx, "p"); return err },
			"a transaction": func() error {
				return s.SetPassword(ctx, storage.NewPassword{
					UserID: "u", Hash: "h", CredentialVersion: "2", Now: now,
				})
			},
			"a script": func() error { return s.PutPending(ctx, p) },
		} {
			if err := write(); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, after %s: %v", verb, pragma, err)
			}
		}
		if got, err := s.UserByID(ctx, "u"); err != nil || got.PasswordHash != "" {
			t.Errorf("after %s: %+v %v", pragma, got, err)
		}
	}
}

// TestTheApplicationUsesItsHandle uses the application's own tables, transactions and foreign keys
// on the handle while accounts are written, and after the store is closed.
func TestTheApplicationUsesItsHandle(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas)
	mustExec(t, db, `CREATE TABLE notes (text TEXT NOT NULL)`)
	s, ctx := on(t, db), t.Context()
	const each = 40
	var all sync.WaitGroup
	all.Go(func() {
		for i := range each {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				t.Error(err)
				return
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO notes VALUES ($1)`, i)
			if err == nil && i%2 == 1 {
				err = tx.Rollback()
			} else if err == nil {
				err = tx.Commit()
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	for n := range 2 {
		all.Go(func() {
			for i := range each {
				id := string(rune('a'+n)) + string(rune('0'+i))
				if err := s.CreateUser(ctx, storage.User{ID: id, EmailKey: id, CredentialVersion: "1"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(ctx, storage.User{ID: "late", EmailKey: "late"}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM notes`:                   each / 2,
		`SELECT COUNT(*) FROM twofold_users`:           2 * each,
		`SELECT foreign_keys FROM pragma_foreign_keys`: 1,
	} {
		var got int
		if err := db.QueryRowContext(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", query, got, err, want)
		}
	}
}

// TestATransactionOfTheApplicationIsWaitedFor checks for a wait of five seconds, whatever the
// handle's own busy timeout is.
func TestATransactionOfTheApplicationIsWaitedFor(t *testing.T) {
	t.Parallel()
	db := handle(t, filepath.Join(t.TempDir(), "a.db"), strings.Replace(pragmas, "5000", "120000", 1))
	s, ctx := on(t, db), t.Context()
	write := func() error {
		return s.PutChallenge(ctx, storage.Challenge{Key: "c", MAC: []byte{1}, Tries: 1, ExpiresAt: now})
	}
	begin := func() *sql.Tx {
		tx, err := db.BeginTx(ctx, nil)
		if err == nil {
			_, err = tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS notes (text TEXT)`)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO notes VALUES ('x')`)
		}
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	tx := begin()
	began := time.Now()
	if err := write(); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if took := time.Since(began); took < 4*time.Second || took > 60*time.Second {
		t.Errorf("waited %v", took)
	}
	if _, err := s.UserByID(ctx, "x"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a read had to wait: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- write() }()
	time.Sleep(50 * time.Millisecond)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAHandleWhoseSchemaStays(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas)
	asIs := sqlite.Options{AsIs: true}
	if _, err := sqlite.New(t.Context(), db, asIs); err == nil || !strings.Contains(err.Error(), "twofold migrate up") {
		t.Errorf("without tables: %v", err)
	}
	var made int
	if err := db.QueryRow(`SELECT COUNT(*) FROM sqlite_schema`).Scan(&made); err != nil || made > 0 {
		t.Errorf("%d tables were made: %v", made, err)
	}
	on(t, db).Close()
	s, err := sqlite.New(t.Context(), db, asIs)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ping(t.Context()), s.Close()); err != nil {
		t.Error(err)
	}
}

// TestTheApplicationsTablesMayBeWrong covers rows without a parent, and a foreign key that refers
// to a column that is not unique.
func TestTheApplicationsTablesMayBeWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	loose := handle(t, path, "?")
	for _, query := range []string{
		`CREATE TABLE folders (id INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TABLE notes (folder INTEGER REFERENCES folders (id))`,
		`INSERT INTO notes VALUES (7)`,
		`CREATE TABLE labels (folder TEXT REFERENCES folders (name))`,
		`CREATE TABLE links (folder INTEGER REFERENCES nowhere (id))`,
		`INSERT INTO links VALUES (7)`,
	} {
		mustExec(t, loose, query)
	}
	s := on(t, handle(t, path, pragmas))
	if err := s.CreateUser(t.Context(), storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}); err != nil {
		t.Error(err)
	}
}

// TestAnOpeningLeavesNoConnectionWithoutForeignKeys cancels the context at different moments.
func TestAnOpeningLeavesNoConnectionWithoutForeignKeys(t *testing.T) {
	for n := range 100 {
		db := handle(t, filepath.Join(t.TempDir(), "a.db"), pragmas)
		db.SetMaxOpenConns(2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*500*time.Microsecond)
		s, err := sqlite.New(ctx, db, sqlite.Options{})
		cancel()
		for range 2 {
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var keys int
			err = c.QueryRowContext(t.Context(), `SELECT foreign_keys FROM pragma_foreign_keys`).Scan(&keys)
			if err != nil || keys != 1 {
				t.Fatalf("foreign_keys is %d: %v", keys, err)
			}
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestManyHandlesMakeTheSchemaAtOnce(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "a.db")
		var all sync.WaitGroup
		for range 6 {
			db := handle(t, path, pragmas)
			all.Go(func() {
				s, err := sqlite.New(t.Context(), db, sqlite.Options{})
				if err == nil {
					err = errors.Join(s.Ping(context.Background()), s.Close())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	other := handle(t, path, "?_pragma=journal_mode(WAL)&_txlock=immediate")
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, opened := sqlite.Open(ctx, path)
	_, used := sqlite.New(ctx, handle(t, path, pragmas), sqlite.Options{})
	_, listed := sqlite.Schema(ctx, path)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, late := sqlite.New(gone, handle(t, path, pragmas), sqlite.Options{})
	for _, ended := range []struct {
		of        string
		err, want error
	}{
		{"Open", opened, context.DeadlineExceeded},
		{"New", used, context.DeadlineExceeded},
		{"Schema", listed, context.DeadlineExceeded},
		{"New without time", late, context.Canceled},
	} {
		if !errors.Is(ended.err, ended.want) || !strings.Contains(ended.err.Error(), "before its context ended") {
			t.Errorf("%s: %v", ended.of, ended.err)
		}
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %v", took)
	}
}
