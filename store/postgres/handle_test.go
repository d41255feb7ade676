package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

// poolAt returns an application's own pool. change may be nil.
func poolAt(t testing.TB, url string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	c.ConnConfig.RuntimeParams["application_name"] = "twofold" // tests look for it
	c.MaxConns = 12
	if change != nil {
		change(c)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func on(t testing.TB, pool *pgxpool.Pool) *postgres.DB {
	t.Helper()
	db, err := postgres.New(t.Context(), pool, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type opener func(t testing.TB, url string) *postgres.DB

// eachWay runs a test for each way in which a program gets a DB.
func eachWay(t *testing.T, test func(*testing.T, opener)) {
	t.Run("Open", func(t *testing.T) { test(t, open) })
	t.Run("New", func(t *testing.T) {
		test(t, func(t testing.TB, url string) *postgres.DB { return on(t, poolAt(t, url, nil)) })
	})
}

func TestPromisesOnAPool(t *testing.T) {
	for name, change := range map[string]func(*pgxpool.Config){
		"of two connections": func(c *pgxpool.Config) { c.MaxConns = 2 },
		"without prepared statements": func(c *pgxpool.Config) {
			c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		},
		"with the simple protocol": func(c *pgxpool.Config) {
			c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "of two connections" && !storetest.Thorough() {
				t.Skip("set TWOFOLD_THOROUGH=1")
			}
			storetest.Briefly(t)
			url := servers.Postgres(t)
			pool := poolAt(t, url, change)
			tables := storetest.Sharing(t, 1, func(t testing.TB) storage.Store { return on(t, pool) },
				func(t testing.TB) { servers.EmptyTables(t, url) })
			storetest.Run(t, func(t *testing.T) storage.Store { return tables(t)[0] })
		})
	}
}

func TestPromisesOfPoolsAndAnAddress(t *testing.T) {
	storetest.Briefly(t)
	url, made := servers.Postgres(t), 0
	pool := poolAt(t, url, nil)
	storetest.RunNodes(t, storetest.Sharing(t, 4, func(t testing.TB) storage.Store {
		made++
		switch made % 4 {
		case 0:
			return open(t, url)
		case 1:
			return on(t, poolAt(t, url, nil))
		}
		return on(t, pool)
	}, func(t testing.TB) { servers.EmptyTables(t, url) }))
}

// TestAPoolThatDoesNotDo checks that the error of New says what to change.
func TestAPoolThatDoesNotDo(t *testing.T) {
	url := servers.Postgres(t)
	open(t, url).Close() // so that New has no step to make, which would fail too
	setting := func(name, value string) func(*pgxpool.Config) {
		return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value }
	}
	for want, change := range map[string]func(*pgxpool.Config){
		"set MaxConns to two or more":                  func(c *pgxpool.Config) { c.MaxConns = 1 },
		`isolation: set it to "read committed"`:        setting("default_transaction_isolation", "serializable"),
		`synchronous_commit: set it to "on"`:           setting("synchronous_commit", "off"),
		`session_replication_role: set it to "origin"`: setting("session_replication_role", "replica"),
		"it is read-only: use the primary server":      setting("default_transaction_read_only", "on"),
		"no schema for the tables":                     setting("search_path", "nowhere"),
		"it rejected the user":                         func(c *pgxpool.Config) { c.ConnConfig.User = "stranger" },
		"it cannot be reached":                         func(c *pgxpool.Config) { c.ConnConfig.Port = 1 },
		"an OnNotification: set Options.Listen": func(c *pgxpool.Config) {
			c.ConnConfig.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) {}
		},
	} {
		db, err := postgres.New(t.Context(), poolAt(t, url, change), postgres.Options{})
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v\nwant one line with %q", err, want)
		}
	}
	if _, err := postgres.New(t.Context(), poolAt(t, url, nil),
		postgres.Options{Listen: "postgres://:x"}); err == nil ||
		!strings.Contains(err.Error(), "Options.Listen") {
		t.Errorf("another address to listen at: %v", err)
	}
}

// TestATransactionOnAPoolHasBounds checks the timeouts of a transaction's connection, and that the
// application's statements keep their own.
func TestATransactionOnAPoolHasBounds(t *testing.T) {
	url := servers.Postgres(t)
	pool := poolAt(t, url, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["statement_timeout"] = "77s" })
	db, direct, ctx := on(t, pool), raw(t, url), t.Context()
	mustExec(t, direct, `CREATE TABLE seen (at TEXT)`)
	mustExec(t, direct, `CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO seen VALUES (concat_ws(' ', TG_OP, TG_TABLE_NAME, current_setting('statement_timeout'),
			current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')));
		RETURN COALESCE(NEW, OLD); END $$`)
	for _, table := range []string{"twofold_users", "twofold_pendings"} {
		mustExec(t, direct, `CREATE TRIGGER see BEFORE INSERT OR UPDATE OR DELETE ON `+table+`
			FOR EACH ROW EXECUTE FUNCTION see()`)
	}
	// a transaction
	if err := db.CreateUser(ctx, storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}); err != nil {
		t.Fatal(err)
	}
	if err := db.PutPending(ctx, storage.Pending{Hash: "h", UserID: "u", ExpiresAt: now}); err != nil { // a script
		t.Fatal(err)
	}
	if err := db.UpgradePassword(ctx, "u", "", "h"); err != nil { // a statement
		t.Fatal(err)
	}
	if _, err := db.TakePending(ctx, "h"); err != nil { // a statement that returns what it deletes
		t.Fatal(err)
	}
	for _, write := range []string{
		"INSERT twofold_users", "INSERT twofold_pendings", "UPDATE twofold_users", "DELETE twofold_pendings",
	} {
		var bound, all int
		err := direct.QueryRow(`SELECT COUNT(*) FILTER (WHERE at = $1 || ' 5s 2s 10s'), COUNT(*)
			FROM seen WHERE at LIKE $1 || ' %'`, write).Scan(&bound, &all)
		if err != nil || bound != all || all == 0 {
			t.Errorf("%s: %d of %d had the time-outs: %v", write, bound, all, err)
		}
	}
	for range 12 {
		c, err := pool.Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		var own string
		if err := c.QueryRow(ctx, `SHOW statement_timeout`).Scan(&own); err != nil || own != "77s" {
			t.Errorf("the application's statement_timeout is %q: %v", own, err)
		}
	}
}

// TestTheApplicationUsesItsPool uses the application's own tables and transactions on the pool
// while accounts are written, and after the store is closed.
func TestTheApplicationUsesItsPool(t *testing.T) {
	pool := poolAt(t, servers.Postgres(t), nil)
	db, ctx := on(t, pool), t.Context()
	if _, err := pool.Exec(ctx, `CREATE TABLE notes (text TEXT NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	const each = 40
	begin := func() pgx.Tx {
		tx, err := pool.Begin(ctx)
		if err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO notes VALUES ('kept')`)
		}
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	open := begin() // while all else happens
	var all sync.WaitGroup
	all.Go(func() {
		for i := range each {
			tx := begin()
			end := tx.Commit
			if i%2 == 1 {
				end = tx.Rollback
			}
			if err := end(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	for n := range 2 {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprint(n, " ", i)
				if err := db.CreateUser(ctx, storage.User{ID: id, EmailKey: id, CredentialVersion: "1"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateUser(ctx, storage.User{ID: "late", EmailKey: "late"}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	if err := open.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM notes`:         each/2 + 1,
		`SELECT COUNT(*) FROM twofold_users`: 2 * each,
	} {
		var got int
		if err := pool.QueryRow(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", query, got, err, want)
		}
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}

// TestNewSaysThatThePoolIsInUse checks for the error even if one connection is free, because New
// needs two.
func TestNewSaysThatThePoolIsInUse(t *testing.T) {
	t.Parallel()
	pool := poolAt(t, servers.Postgres(t), func(c *pgxpool.Config) { c.MaxConns = 2 })
	on(t, pool).Close()
	for n := range 2 {
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		want := fmt.Sprintf("New needs two free connections: %d of 2 are in use", n+1)
		_, err = postgres.New(t.Context(), pool, postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestListeningEndsWhereAnotherTakesNotifications covers a notification handler that BeforeConnect
// sets, which New cannot detect.
func TestListeningEndsWhereAnotherTakesNotifications(t *testing.T) {
	url := servers.Postgres(t)
	pool := poolAt(t, url, func(c *pgxpool.Config) {
		c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) {}
			return nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	on(t, pool).Listen(ctx, func(word string) { t.Errorf("heard %q", word) }, func(up bool) {
		if up {
			t.Error("it says that it hears")
		}
		cancel()
	})
}

func TestAPoolWhoseSchemaStays(t *testing.T) {
	pool := poolAt(t, servers.Postgres(t), nil)
	asIs := postgres.Options{AsIs: true}
	_, err := postgres.New(t.Context(), pool, asIs)
	if err == nil || !strings.Contains(err.Error(), "twofold migrate up") {
		t.Errorf("without tables: %v", err)
	}
	on(t, pool).Close()
	db, err := postgres.New(t.Context(), pool, asIs)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
		t.Error(err)
	}
}

// TestANodeOnAPoolReceivesNotifications checks that a node on a pool receives its own notifications and those of
// other nodes, but none of the application's.
func TestANodeOnAPoolReceivesNotifications(t *testing.T) {
	pooled, direct := servers.PgBouncer(t)
	for address, o := range map[string]postgres.Options{direct: {}, pooled + exec: {Listen: direct}} {
		pool := poolAt(t, address, func(c *pgxpool.Config) {
			c.MaxConns = 4
			delete(c.ConnConfig.RuntimeParams, "application_name")
		})
		db, err := postgres.New(t.Context(), pool, o)
		if err != nil {
			t.Fatal(err)
		}
		if address == direct {
			if _, err := pool.Exec(t.Context(), `LISTEN jobs`); err != nil { // on the connection that is taken
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		heard, up, ended := make(chan string, 10), make(chan bool, 10), make(chan struct{})
		go func() {
			defer close(ended)
			db.Listen(ctx, func(word string) { heard <- word }, func(is bool) { up <- is })
		}()
		select {
		case is := <-up:
			if !is {
				t.Error("it does not hear")
			}
		case <-time.After(60 * time.Second):
			t.Fatal("it does not hear")
		}
		mustExec(t, raw(t, direct), `SELECT pg_notify('jobs', 'foreign')`)
		if err := open(t, direct).Notify(ctx, "word"); err != nil {
			t.Error(err)
		}
		select {
		case word := <-heard:
			if word != "word" {
				t.Errorf("heard %q", word)
			}
		case <-time.After(60 * time.Second):
			t.Error("nothing heard")
		}
		cancel()
		<-ended
		for end := time.Now().Add(30 * time.Second); pool.Stat().AcquiredConns() > 0 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
