package security_test

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// place is the storage of a world. TWOFOLD_STORE selects it: sqlite (the default), postgres, or
// redis, which is PostgreSQL with Redis.
type place struct {
	t        testing.TB
	file     string // SQLite
	postgres string // URL
	redis    string // URL

	mu     sync.Mutex
	beside *sql.DB // a connection of our own
}

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{t: t}
	switch engine := os.Getenv("TWOFOLD_STORE"); engine {
	case "", "sqlite":
		p.file = filepath.Join(t.TempDir(), "app.db")
	case "redis":
		p.redis = servers.Redis(t)
		fallthrough
	case "postgres":
		p.postgres = servers.PostgresTables(t)
	default:
		t.Fatalf("TWOFOLD_STORE=%s: there is sqlite, postgres and redis", engine)
	}
	return p
}

func (p *place) open() (storage.Store, error) {
	if p.postgres == "" {
		return sqlite.Open(p.t.Context(), p.file)
	}
	db, err := postgres.Open(p.t.Context(), p.postgres)
	if err != nil || p.redis == "" {
		return db, err
	}
	volatile, err := redis.Open(p.t.Context(), p.redis)
	if err != nil {
		return nil, err
	}
	return storage.Join(db, volatile), nil
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// sql gives direct access to the database, as an attacker with a copy of it might have. While the
// lock is held, the data in Redis is copied to the tables that it replaces.
func (p *place) sql() *sql.DB {
	p.t.Helper()
	if p.beside == nil {
		var err error
		if p.postgres != "" {
			p.beside, err = sql.Open("pgx", p.postgres)
		} else {
			p.beside, err = sql.Open("sqlite", "file:"+p.file+"?_pragma=busy_timeout(5000)")
		}
		p.must(err)
		p.t.Cleanup(func() { _ = p.beside.Close() })
	}
	return p.beside
}

var blobText = regexp.MustCompile(`x'([0-9a-f]*)'`)

// adapt translates the placeholders of an SQLite query for PostgreSQL.
func (p *place) adapt(query string) string {
	if p.postgres == "" {
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

func (p *place) tables() (names []string) {
	p.t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if p.postgres != "" {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	rows, err := p.sql().Query(query)
	p.must(err)
	defer rows.Close()
	for rows.Next() {
		var n string
		p.must(rows.Scan(&n))
		names = append(names, n)
	}
	p.must(rows.Err())
	return names
}

// number runs a query that returns one number.
func (p *place) number(query string, args ...any) (n int) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fromRedis()
	p.must(p.sql().QueryRow(p.adapt(query), args...).Scan(&n))
	return n
}

func (p *place) write(query string, args ...any) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	volatile := false
	for _, kind := range []string{"sessions", "pendings", "drafts", "challenges"} {
		volatile = volatile || strings.Contains(query, "twofold_"+kind)
	}
	if volatile {
		p.fromRedis()
	}
	_, err := p.sql().Exec(p.adapt(query), args...)
	p.must(err)
	if volatile {
		p.intoRedis()
	}
}

// dump reads every column of every table and every value in Redis.
func (p *place) dump() []cell {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fromRedis()
	var out []cell
	for _, table := range p.tables() {
		out = append(out, p.dumpTable(table)...)
	}
	for key, record := range p.records("*") {
		for field, v := range record {
			out = append(out, cell{"redis", field, key + " " + v, hex.EncodeToString([]byte(v))})
		}
	}
	return out
}

func (p *place) dumpTable(table string) []cell {
	p.t.Helper()
	rows, err := p.sql().Query(`SELECT * FROM "` + table + `" ORDER BY 1, 2`)
	p.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	p.must(err)
	var out []cell
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		p.must(rows.Scan(dest...))
		for i, v := range values {
			raw, ok := v.([]byte)
			if !ok {
				raw = fmt.Append(nil, v)
			}
			out = append(out, cell{table, columns[i], string(raw), hex.EncodeToString(raw)})
		}
	}
	p.must(rows.Err())
	return out
}

// connect opens Redis directly and returns the prefix of the keys.
func (p *place) connect() (*client.Client, string) {
	p.t.Helper()
	u, err := url.Parse(p.redis)
	p.must(err)
	c := client.NewClient(&client.Options{Addr: u.Host})
	return c, u.Query().Get("prefix")
}

// records reads the Redis hashes whose names match.
func (p *place) records(match string) map[string]map[string]string {
	p.t.Helper()
	out := map[string]map[string]string{}
	if p.redis == "" {
		return out
	}
	c, prefix := p.connect()
	defer c.Close()
	keys, err := c.Keys(p.t.Context(), prefix+match).Result()
	p.must(err)
	for _, key := range keys {
		if m, err := c.HGetAll(p.t.Context(), key).Result(); err == nil && len(m) > 0 {
			out[strings.TrimPrefix(key, prefix)] = m
		}
	}
	return out
}

// engines opens both stores as the library does.
func (p *place) engines() (*postgres.DB, *redis.DB) {
	p.t.Helper()
	tables, err := postgres.Open(p.t.Context(), p.postgres)
	p.must(err)
	keys, err := redis.Open(p.t.Context(), p.redis)
	p.must(err)
	return tables, keys
}

// past is a time at which nothing has expired.
var past = time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)

// fromRedis copies the data in Redis to the tables, which are empty before.
func (p *place) fromRedis() {
	p.t.Helper()
	if p.redis == "" {
		return
	}
	ctx := p.t.Context()
	tables, keys := p.engines()
	defer tables.Close()
	defer keys.Close()
	for _, kind := range []string{"sessions", "pendings", "drafts", "challenges"} {
		_, err := p.sql().Exec(`DELETE FROM twofold_` + kind)
		p.must(err)
	}
	for key, record := range p.records("*") {
		kind, name, _ := strings.Cut(key, ":")
		switch kind {
		case "s":
			if s, err := keys.Session(ctx, name, past); err == nil {
				p.must(tables.PutSession(ctx, s))
			}
		case "p":
			if v, err := keys.Pending(ctx, name, past); err == nil {
				p.must(tables.PutPending(ctx, v))
			}
		case "d":
			if d, err := keys.Draft(ctx, name); err == nil {
				p.must(tables.PutDraft(ctx, d))
			}
		case "c":
			n, err := strconv.Atoi(record["tries"])
			p.must(err)
			end, err := strconv.ParseInt(record["expires"], 10, 64)
			p.must(err)
			p.must(tables.PutChallenge(ctx,
				storage.Challenge{Key: name, MAC: []byte(record["mac"]), Tries: n, ExpiresAt: time.UnixMicro(end)}))
			_, err = p.sql().Exec(`UPDATE twofold_challenges SET taken = $2 WHERE name = $1`, name,
				record["taken"] == "1")
			if err != nil {
				_, err = p.sql().Exec(`UPDATE twofold_challenges SET taken = `+record["taken"]+` WHERE name = $1`, name)
			}
			p.must(err)
		}
	}
}

// intoRedis writes changes of a query back to Redis.
func (p *place) intoRedis() {
	p.t.Helper()
	if p.redis == "" {
		return
	}
	ctx := p.t.Context()
	tables, keys := p.engines()
	defer tables.Close()
	defer keys.Close()
	c, prefix := p.connect()
	defer c.Close()
	for key := range p.records("*") {
		kind, name, _ := strings.Cut(key, ":")
		switch kind {
		case "s":
			if _, err := keys.TakeSession(ctx, name); err != nil {
				continue // swept meanwhile
			}
			var ends int64
			if p.sql().QueryRow(`SELECT ends_at FROM twofold_sessions WHERE hash = $1`, name).Scan(&ends) != nil {
				continue
			}
			_, err := p.sql().Exec(`UPDATE twofold_sessions SET ends_at = 1 WHERE hash = $1 AND ends_at < 1`, name)
			p.must(err)
			s, err := tables.Session(ctx, name, past)
			p.must(err)
			if end := time.UnixMicro(max(ends, 1)); end.Before(s.IdleAt) {
				s.IdleAt = end
			}
			p.must(keys.PutSession(ctx, s))
		case "p":
			if _, err := keys.TakePending(ctx, name); err != nil {
				continue
			}
			if v, err := tables.Pending(ctx, name, past); err == nil {
				p.must(keys.PutPending(ctx, v))
			}
		case "d":
			if d, err := tables.Draft(ctx, name); err == nil {
				p.must(keys.PutDraft(ctx, d))
			}
		case "c":
			var tries int
			if err := p.sql().QueryRow(`SELECT tries FROM twofold_challenges WHERE name = $1`,
				name).Scan(&tries); err == nil {
				p.must(c.HSet(ctx, prefix+key, "tries", tries).Err())
			} else {
				p.must(keys.DropChallenge(ctx, name))
			}
		}
	}
}

// block prevents all other writes until the returned function is called.
func (p *place) block() (release func()) {
	p.t.Helper()
	if p.postgres == "" {
		db, err := sql.Open("sqlite", "file:"+p.file+"?_txlock=immediate")
		p.must(err)
		tx, err := db.Begin()
		p.must(err)
		return func() { p.must(tx.Rollback()); p.must(db.Close()) }
	}
	tx, err := p.sql().Begin()
	p.must(err)
	_, err = tx.Exec(`LOCK TABLE twofold_users, twofold_factors, twofold_counters, twofold_sessions, twofold_pendings IN EXCLUSIVE MODE`)
	p.must(err)
	return func() { p.must(tx.Rollback()) }
}
