package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// place is a database: an SQLite file, or the URL of a PostgreSQL schema.
type place string

func (p place) isURL() bool { return strings.HasPrefix(string(p), "postgres") }

// everything lists all measurements.
type everything interface {
	storage.Store
	storage.SessionUser
}

func (p place) open(ctx context.Context) (everything, error) {
	if p.isURL() {
		return postgres.Open(ctx, string(p))
	}
	return sqlite.Open(ctx, string(p))
}

// openRaw opens the database for seeding. It is fast, but the data are lost if the machine crashes.
func (p place) openRaw() (*sql.DB, error) {
	driver, name := "pgx", string(p)
	if !p.isURL() {
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		driver, name = "sqlite", (&url.URL{Scheme: "file", Path: path}).String()+
			"?mode=rw&_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)"
	}
	db, err := sql.Open(driver, name)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// settled is the statement that brings a seeded database to its normal state.
func (p place) settled() string {
	if p.isURL() {
		return `VACUUM (ANALYZE)`
	}
	return `PRAGMA wal_checkpoint(TRUNCATE)`
}

// schema returns the place for a number of users in a PostgreSQL server.
func schema(ctx context.Context, server string, users int) (place, error) {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer db.Close()
	name := fmt.Sprintf("bench%d", users)
	if _, err := db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+name); err != nil {
		return "", err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return place(u.String()), nil
}

// postmaster returns the parent process of all processes of a server.
func postmaster(ctx context.Context, server string) (int, error) {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var own int
	if err := db.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&own); err != nil {
		return 0, err
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", own))
	if err != nil {
		return 0, fmt.Errorf("the database must run on this machine: %w", err)
	}
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	return strconv.Atoi(f[1])
}
