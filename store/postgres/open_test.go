package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

var now = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

// raw connects to the same database as another program.
func raw(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t testing.TB, db interface {
	Exec(string, ...any) (sql.Result, error)
}, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	url := servers.Postgres(t)
	tx, err := raw(t, url).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	mustExec(t, tx, `SELECT pg_advisory_xact_lock(hashtextextended('twofold schema ' || current_schema(), 7421))`)
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	pool := poolAt(t, url, nil)
	for of, open := range map[string]func(context.Context) error{
		"Open": func(ctx context.Context) error { _, err := postgres.Open(ctx, url); return err },
		"New": func(ctx context.Context) error {
			_, err := postgres.New(ctx, pool, postgres.Options{})
			return err
		},
		"Schema":     func(ctx context.Context) error { _, err := postgres.Schema(ctx, url); return err },
		"ClockAhead": func(ctx context.Context) error { _, err := postgres.ClockAhead(ctx, url); return err },
	} {
		for ctx, want := range map[context.Context]error{short: context.DeadlineExceeded, gone: context.Canceled} {
			if ctx == short && (of == "Schema" || of == "ClockAhead") {
				<-ctx.Done() // they need no lock
			}
			err := open(ctx)
			if !errors.Is(err, want) || !strings.Contains(err.Error(), "before its context ended") {
				t.Errorf("%s: %v, want %v", of, err, want)
			}
		}
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	url := servers.Postgres(t)
	newer, older := servers.Postgres(t), servers.Postgres(t)
	open(t, newer).Close()
	mustExec(t, raw(t, newer),
		`INSERT INTO twofold_migrations (version, name, applied_at) VALUES (99, '099_future.breaking.sql', 0)`)
	for address, want := range map[string]string{
		"postgres://:x": "use the form postgres://user:password@host",
		"postgres://u:secret@127.0.0.1:1/x?sslmode=disable":  "it cannot be reached",
		strings.Replace(url, "/postgres?", "/elsewhere?", 1): "the database does not exist",
		url + "&pool_max_conns=many":                         "pool_max_conns",
		url + "x":                                            "no schema for the tables",
		newer:                                                "run the newer program",
	} {
		db, err := postgres.Open(t.Context(), address)
		if err == nil {
			db.Close()
			t.Errorf("%s: no error", address)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v\nwant one line with %q", address, err, want)
		}
	}
	_, err := postgres.OpenAsIs(t.Context(), older)
	if err == nil || !strings.Contains(err.Error(), "twofold migrate up") {
		t.Errorf("a database without tables: %v", err)
	}
}

func TestANodeRunsBesideANewerOneWhoseStepsOnlyAdd(t *testing.T) {
	url := servers.Postgres(t)
	open(t, url).Close()
	mustExec(t, raw(t, url),
		`INSERT INTO twofold_migrations (version, name, applied_at) VALUES (99, '099_future.sql', 0)`)
	open(t, url)
	db, err := postgres.OpenAsIs(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}

func TestManyNodesOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	for range 5 {
		url := servers.Postgres(t)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				db, err := postgres.Open(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				defer db.Close()
				if err := db.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		steps, err := postgres.Schema(t.Context(), url)
		if err != nil || len(steps) < 2 || steps[len(steps)-1].At.IsZero() {
			t.Fatalf("%v %v", steps, err)
		}
	}
}

// No two methods of the store lock two accounts in opposite order, but another program may. The
// victim of a deadlock is retried.
func TestTheVictimOfADeadlockIsTriedAgain(t *testing.T) { eachWay(t, theVictimOfADeadlockIsTriedAgain) }

func theVictimOfADeadlockIsTriedAgain(t *testing.T, open opener) {
	url := servers.Postgres(t)
	db, other := open(t, url), raw(t, url)
	ctx := t.Context()
	for _, id := range []string{"a", "b"} {
		if err := db.CreateUser(ctx, storage.User{ID: id, EmailKey: id, CredentialVersion: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.PutDevice(ctx,
		storage.Device{ID: "d", UserID: "a", CredentialVersion: "1", ExpiresAt: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	// It holds the device and waits for the user; SetPassword holds the user and waits for the
	// device.
	mustExec(t, tx, `SET LOCAL deadlock_timeout = '1h'`) // so that the victim is ours
	mustExec(t, tx, `UPDATE twofold_devices SET name = 'x'`)
	done := make(chan error, 1)
	go func() {
		done <- db.SetPassword(ctx, storage.NewPassword{
			UserID: "a", Hash: "h", CredentialVersion: "2", Now: now,
		})
	}()
	waitFor(t, other, `SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM twofold_devices%'`)
	mustExec(t, tx, `UPDATE twofold_users SET updated_at = 1 WHERE id = 'a'`)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if u, err := db.UserByID(ctx, "a"); err != nil || u.CredentialVersion != "2" {
		t.Fatalf("%+v %v", u, err)
	}
}

func waitFor(t *testing.T, db *sql.DB, count string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := db.QueryRow(count).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
	t.Fatal("it did not come to that")
}

func TestALockHeldByAnotherIsUnavailable(t *testing.T) { eachWay(t, aLockHeldByAnotherIsUnavailable) }

func aLockHeldByAnotherIsUnavailable(t *testing.T, open opener) {
	url := servers.Postgres(t)
	db, other := open(t, url), raw(t, url)
	ctx := t.Context()
	c := storage.Challenge{Key: "c", MAC: []byte{1}, Tries: 5, ExpiresAt: now.Add(time.Hour)}
	if err := db.PutChallenge(ctx, c); err != nil {
		t.Fatal(err)
	}
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	mustExec(t, tx, `SELECT 1 FROM twofold_challenges FOR UPDATE`)
	began := time.Now()
	if err := db.TryChallenge(ctx, "c", [][]byte{{1}}, now); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(began); d > 25*time.Second {
		t.Errorf("waited %v", d)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := db.TryChallenge(short, "c", [][]byte{{1}}, now); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("with a deadline: %v", err)
	}
	// An abandoned statement is canceled on the server too.
	waitFor(t, other, `SELECT CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END FROM pg_stat_activity
		WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE twofold_challenges%'`)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.TryChallenge(ctx, "c", [][]byte{{1}}, now); err != nil {
		t.Errorf("a code that was not looked at: %v", err)
	}
}

func TestBrokenConnectionsAreReplacedUnseen(t *testing.T) {
	eachWay(t, brokenConnectionsAreReplacedUnseen)
}

func brokenConnectionsAreReplacedUnseen(t *testing.T, open opener) {
	url := servers.Postgres(t)
	db, other := open(t, url), raw(t, url)
	if err := db.CreateUser(t.Context(), storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		mustExec(t, other, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twofold'`)
		if _, err := db.UserByID(t.Context(), "u"); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
		mustExec(t, other, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twofold'`)
		if err := db.SetRoles(t.Context(), "u", []string{fmt.Sprint(i)}, now); err != nil &&
			!errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("write %d: %v", i, err)
		}
		if err := db.SetRoles(t.Context(), "u", []string{fmt.Sprint(i)}, now); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) { eachWay(t, errorsHoldNoValues) }

func errorsHoldNoValues(t *testing.T, open opener) {
	url := servers.Postgres(t)
	db := open(t, url)
	mustExec(t, raw(t, url), `ALTER TABLE twofold_factors ADD CONSTRAINT odd CHECK (name <> 'marker-name')`)
	if err := db.CreateUser(t.Context(), storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}); err != nil {
		t.Fatal(err)
	}
	f := storage.Factor{ID: "f", UserID: "u", Name: "marker-name", Secret: []byte("marker-secret")}
	err := db.ChangeFactors(t.Context(), storage.FactorChange{UserID: "u", From: "1", To: "2", Add: &f})
	if err == nil || strings.Contains(err.Error(), "marker") || !strings.Contains(err.Error(), "23514") {
		t.Errorf("got %v", err)
	}
}

func TestARestartedServerIsFoundAgain(t *testing.T) { eachWay(t, aRestartedServerIsFoundAgain) }

func aRestartedServerIsFoundAgain(t *testing.T, open opener) {
	server := servers.NewPostgres(t)
	db := open(t, server.URL)
	if err := db.CreateUser(t.Context(), storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	if _, err := db.UserByID(t.Context(), "u"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("a read while it is down: %v", err)
	}
	if _, err := db.Reserve(t.Context(), now, storage.Claim{Key: "k", Limit: 1, Window: time.Hour}); !errors.Is(err,
		storage.ErrUnavailable) {
		t.Errorf("a write while it is down: %v", err)
	}
	server.Start(t)
	if _, err := db.UserByID(t.Context(), "u"); err != nil {
		t.Error(err)
	}
	if _, err := db.Reserve(t.Context(), now, storage.Claim{Key: "k", Limit: 1, Window: time.Hour}); err != nil {
		t.Error(err)
	}
}
