package servers

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/twofold-auth/twofold/store/postgres"
)

var (
	ownPostgres = sync.OnceValues(startPostgres)
	ownSchemas  atomic.Int64
	ownTables   = sync.OnceValues(makeTables)
)

// Postgres returns the URL of an empty schema in this program's server.
func Postgres(t testing.TB) string {
	t.Helper()
	s, err := ownPostgres()
	need(t, err)
	url := s.URL
	name := "test" + strconv.FormatInt(ownSchemas.Add(1), 10)
	if err := execute(t.Context(), url, "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	return url + "&search_path=" + name
}

// PostgresTables returns the URL of a new database of this program's server. It has
// the tables of this version and no rows. Copying the tables takes a third of the
// time of creating them.
func PostgresTables(t testing.TB) string {
	t.Helper()
	server, err := ownTables()
	need(t, err)
	name := "tables" + strconv.FormatInt(ownSchemas.Add(1), 10)
	run := func(statement string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := execute(ctx, server, statement); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE DATABASE " + name + " TEMPLATE tables")
	t.Cleanup(func() { run("DROP DATABASE " + name + " WITH (FORCE)") })
	return named(server, name)
}

func execute(ctx context.Context, address, statement string) error {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// makeTables creates the database that PostgresTables copies.
func makeTables() (string, error) {
	server, err := ownPostgres()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := execute(ctx, server.URL, "CREATE DATABASE tables"); err != nil {
		return "", err
	}
	db, err := postgres.Open(ctx, named(server.URL, "tables"))
	if err != nil {
		return "", err
	}
	return server.URL, db.Close()
}

// EmptyTables deletes all rows in the schema of a URL that Postgres returned. The
// numbers of the audit trail start at 1 again.
func EmptyTables(t testing.TB, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	if _, err = db.Exec(ctx, `DO $$ DECLARE name TEXT; BEGIN
		FOR name IN SELECT tablename FROM pg_tables
			WHERE schemaname = current_schema() AND tablename NOT IN ('twofold_migrations', 'twofold_event_rows')
		LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
		PERFORM setval('twofold_event_row', 1, false) WHERE to_regclass('twofold_event_row') IS NOT NULL;
	END $$`); err != nil {
		t.Fatalf("empty the tables: %v", err)
	}
}

// NewPostgres starts a server for this test alone.
func NewPostgres(t testing.TB) *Server {
	t.Helper()
	s, err := startPostgres()
	return own(t, s, err)
}

// startPostgres creates a cluster and starts it. Its data do not survive a power
// failure, which tests do not need.
func startPostgres() (*Server, error) {
	initdb, err := find("initdb", "/usr/lib/postgresql/*/bin")
	if err == nil {
		initdb, err = filepath.EvalSymlinks(initdb) // it needs the programs next to it
	}
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := folder(as)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := run(as, dir, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
		"--no-sync"); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{as: as, dir: dir, signal: "INT"}
	s.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	s.command = []string{filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data,
		"-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(port), "-c", "unix_socket_directories=" + dir,
		"-c", "max_connections=400", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off",
		"-c", "autovacuum=off", "-c", "shared_buffers=64MB", "-c", "max_locks_per_transaction=256"}
	s.ready = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		db, err := pgx.Connect(ctx, s.URL)
		if err != nil {
			return err
		}
		return db.Close(ctx)
	}
	return s, s.start()
}
