package testkit

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// Database is where a site keeps its data: SQLite, PostgreSQL, or PostgreSQL with Redis. Its nodes
// share it.
type Database struct {
	T        testing.TB
	File     string // of SQLite
	Postgres string // URL
	Redis    string // URL, or "" if sessions are in PostgreSQL too

	mu     sync.Mutex
	direct *sql.DB // past the library
}

// NewDatabase returns an empty database of the engine that TWOFOLD_STORE names, by default SQLite.
func NewDatabase(t testing.TB) *Database {
	t.Helper()
	return DatabaseOf(t, os.Getenv("TWOFOLD_STORE"))
}

// DatabaseOf returns an empty database of an engine: sqlite, postgres, or redis, which is PostgreSQL
// with Redis.
func DatabaseOf(t testing.TB, engine string) *Database {
	t.Helper()
	d := &Database{T: t}
	switch engine {
	case "", "sqlite":
		d.File = filepath.Join(t.TempDir(), "app.db")
	case "redis":
		d.Redis = servers.Redis(t)
		fallthrough
	case "postgres":
		d.Postgres = servers.PostgresTables(t)
	default:
		t.Fatalf("unknown engine %q: use sqlite, postgres or redis", engine)
	}
	return d
}

// Open opens the store, which the caller closes.
func (d *Database) Open() (storage.Store, error) {
	if d.Postgres == "" {
		return sqlite.Open(d.T.Context(), d.File)
	}
	db, err := postgres.Open(d.T.Context(), d.Postgres)
	if err != nil || d.Redis == "" {
		return db, err
	}
	volatile, err := redis.Open(d.T.Context(), d.Redis)
	if err != nil {
		return nil, err
	}
	return storage.Join(db, volatile), nil
}

// Store opens the store until the end of the test.
func (d *Database) Store() storage.Store {
	d.T.Helper()
	db, err := d.Open()
	d.must(err)
	d.T.Cleanup(func() { _ = db.Close() })
	return db
}

func (d *Database) must(err error) {
	d.T.Helper()
	if err != nil {
		d.T.Fatal(err)
	}
}

// SQL gives direct access to the database, as an attacker with a copy of it might have. While the
// lock is held, the data in Redis is copied to the tables that it replaces.
func (d *Database) SQL() *sql.DB {
	d.T.Helper()
	if d.direct == nil {
		var err error
		if d.Postgres != "" {
			d.direct, err = sql.Open("pgx", d.Postgres)
		} else {
			d.direct, err = sql.Open("sqlite", "file:"+d.File+"?_pragma=busy_timeout(5000)")
		}
		d.must(err)
		d.T.Cleanup(func() { _ = d.direct.Close() })
	}
	return d.direct
}

var blobText = regexp.MustCompile(`x'([0-9a-f]*)'`)

// adapt translates the placeholders of an SQLite query for PostgreSQL.
func (d *Database) adapt(query string) string {
	if d.Postgres == "" {
		return query
	}
	query = blobText.ReplaceAllString(strings.ReplaceAll(query, "AS BLOB", "AS BYTEA"), `'\x$1'::bytea`)
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (d *Database) tables() (names []string) {
	d.T.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if d.Postgres != "" {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	rows, err := d.SQL().Query(query)
	d.must(err)
	defer rows.Close()
	for rows.Next() {
		var n string
		d.must(rows.Scan(&n))
		names = append(names, n)
	}
	d.must(rows.Err())
	return names
}

// Number runs a query that returns one number.
func (d *Database) Number(query string, args ...any) (n int) {
	d.T.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fromRedis()
	d.must(d.SQL().QueryRow(d.adapt(query), args...).Scan(&n))
	return n
}

// Write changes the database directly, as an attacker with a copy of it might.
func (d *Database) Write(query string, args ...any) {
	d.T.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	volatile := false
	for _, kind := range volatileKinds() {
		volatile = volatile || strings.Contains(query, "twofold_"+kind)
	}
	if volatile {
		d.fromRedis()
	}
	_, err := d.SQL().Exec(d.adapt(query), args...)
	d.must(err)
	if volatile {
		d.intoRedis()
	}
}

// Cell is one value in a database, as text and in hexadecimal.
type Cell struct{ Table, Column, Text, Hex string }

// Dump reads every column of every table and every value in Redis.
func (d *Database) Dump() []Cell {
	d.T.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fromRedis()
	var out []Cell
	for _, table := range d.tables() {
		out = append(out, d.dumpTable(table)...)
	}
	for key, record := range d.records("*") {
		for field, v := range record {
			out = append(out, Cell{"redis", field, key + " " + v, hex.EncodeToString([]byte(v))})
		}
	}
	return out
}

func (d *Database) dumpTable(table string) []Cell {
	d.T.Helper()
	rows, err := d.SQL().Query(`SELECT * FROM "` + table + `" ORDER BY 1, 2`)
	d.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	d.must(err)
	var out []Cell
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		d.must(rows.Scan(dest...))
		for i, v := range values {
			raw, ok := v.([]byte)
			if !ok {
				raw = fmt.Append(nil, v)
			}
			out = append(out, Cell{table, columns[i], string(raw), hex.EncodeToString(raw)})
		}
	}
	d.must(rows.Err())
	return out
}

// Block prevents all other writes until the returned function is called.
func (d *Database) Block() (release func()) {
	d.T.Helper()
	if d.Postgres == "" {
		db, err := sql.Open("sqlite", "file:"+d.File+"?_txlock=immediate")
		d.must(err)
		tx, err := db.Begin()
		d.must(err)
		return func() { d.must(tx.Rollback()); d.must(db.Close()) }
	}
	tx, err := d.SQL().Begin()
	d.must(err)
	_, err = tx.Exec(`LOCK TABLE twofold_users, twofold_factors, twofold_counters, twofold_sessions, twofold_pendings IN EXCLUSIVE MODE`)
	d.must(err)
	return func() { d.must(tx.Rollback()) }
}
