// Package rows reads tables of another system's database, SQLite or PostgreSQL. It
// reads everything in one read-only transaction, which sees the data of one point
// in time and changes nothing.
package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"modernc.org/sqlite"
)

// maxValue is the maximum size, in bytes, of a value from SQLite. PostgreSQL has
// its own bounds.
const maxValue = 1 << 20

// batch is the number of rows of a table that are in memory at once.
const batch = 500

// DB is an open database.
type DB struct {
	pool     *sql.DB
	conn     *sql.Conn
	tx       *sql.Tx
	postgres bool
}

// Open opens the database at an address: that of a file ("app.db",
// "sqlite:///app.db", "sqlite:////srv/app.db") or of PostgreSQL ("postgres://...").
// It removes the driver names that Python's libraries add ("postgresql+psycopg2").
// The error never contains the address, because the address may contain a password.
func Open(ctx context.Context, address string) (*DB, error) {
	driver, dsn, err := parse(address)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, errors.New("the address of the database is invalid")
	}
	db := &DB{pool: pool, postgres: driver == "pgx"}
	if err := db.begin(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("cannot read the database: %w", err)
	}
	return db, nil
}

// parse returns the driver and its data source name.
func parse(address string) (driver, dsn string, err error) {
	scheme, rest, ok := strings.Cut(address, ":")
	scheme, _, _ = strings.Cut(scheme, "+")
	switch {
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		return "pgx", "postgres:" + rest, nil
	case ok && scheme == "sqlite":
		if after, three := strings.CutPrefix(rest, "///"); three {
			rest = after
		}
		rest, _, _ = strings.Cut(rest, "?")
	case ok && strings.HasPrefix(rest, "//"):
		return "", "", fmt.Errorf("cannot read a database of the kind %q: use sqlite or postgres", scheme)
	default:
		rest = address
	}
	// The driver would create a missing file.
	if info, err := os.Stat(rest); err != nil {
		return "", "", errors.New("the database file cannot be opened")
	} else if !info.Mode().IsRegular() {
		return "", "", errors.New("the database is not a file")
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: rest}
	return "sqlite", u.String() + "?mode=ro&_pragma=query_only(1)&_pragma=trusted_schema(0)", nil
}

func (db *DB) begin(ctx context.Context) (err error) {
	if db.conn, err = db.pool.Conn(ctx); err != nil {
		return err
	}
	if !db.postgres {
		const lengths = 0 // SQLITE_LIMIT_LENGTH
		if _, err := sqlite.Limit(db.conn, lengths, maxValue); err != nil {
			return err
		}
	}
	o := &sql.TxOptions{ReadOnly: db.postgres}
	if db.postgres {
		o.Isolation = sql.LevelRepeatableRead
	}
	db.tx, err = db.conn.BeginTx(ctx, o)
	return err
}

// Close ends the transaction and closes the database.
func (db *DB) Close() error {
	if db.tx != nil {
		_ = db.tx.Rollback()
	}
	if db.conn != nil {
		_ = db.conn.Close()
	}
	return db.pool.Close()
}

// Columns returns the names of a table's columns. If the table does not exist, it
// returns no names.
func (db *DB) Columns(ctx context.Context, table string) (names []string, err error) {
	query := "SELECT name FROM pragma_table_info(?)"
	if db.postgres {
		query = `SELECT attname::text FROM pg_attribute
			WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped`
	}
	found, err := db.tx.QueryContext(ctx, query, table)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, found.Err()
}

// Table is a table with the columns that are read. A requested column that does not
// exist is NULL.
type Table struct {
	name    string
	key     string
	columns []string
}

// Table returns a table whose rows have IDs in the column key. If the table does
// not exist, it returns nil.
func (db *DB) Table(ctx context.Context, name, key string, columns ...string) (*Table, error) {
	has, err := db.Columns(ctx, name)
	if err != nil || len(has) == 0 {
		return nil, err
	}
	t := &Table{name: name, key: key}
	for _, h := range has {
		if h == key {
			t.columns = append(t.columns, h)
			continue
		}
		for _, c := range columns {
			if h == c {
				t.columns = append(t.columns, h)
				break
			}
		}
	}
	if !t.Has(key) {
		return nil, fmt.Errorf("table %s has no column %s", name, key)
	}
	return t, nil
}

// Has reports whether the table has one of the requested columns.
func (t *Table) Has(column string) bool {
	if t == nil {
		return false
	}
	for _, c := range t.columns {
		if c == column {
			return true
		}
	}
	return false
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (t *Table) query(where string) string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = quote(c)
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + quote(t.name) + where
}

// Each calls each with the rows of a table in the order of the key, some hundred at
// a time. The key must be unique.
func (db *DB) Each(ctx context.Context, t *Table, each func([]Row) error) error {
	var last any
	for {
		where, args := "", []any(nil)
		if last != nil {
			where, args = " WHERE "+quote(t.key)+" > "+db.mark(1), []any{last}
		}
		where += fmt.Sprintf(" ORDER BY %s LIMIT %d", quote(t.key), batch)
		list, err := db.rows(ctx, t, t.query(where), args)
		if err != nil || len(list) == 0 {
			return err
		}
		if last = list[len(list)-1].values[t.key]; last == nil {
			return fmt.Errorf("table %s has a row without %s", t.name, t.key)
		}
		if err := each(list); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (db *DB) mark(n int) string {
	if db.postgres {
		return fmt.Sprintf("$%d", n)
	}
	return "?"
}

// Of returns the rows of a table whose key equals that column of one of the
// parents, by the text of the key. If t is nil, it returns no rows.
func (db *DB) Of(ctx context.Context, t *Table, parents []Row, column string) (map[string][]Row, error) {
	if t == nil || len(parents) == 0 {
		return nil, nil
	}
	marks, args := make([]string, len(parents)), make([]any, len(parents))
	for i, p := range parents {
		marks[i], args[i] = db.mark(i+1), p.values[column]
	}
	list, err := db.rows(ctx, t, t.query(" WHERE "+quote(t.key)+" IN ("+strings.Join(marks, ", ")+")"), args)
	if err != nil {
		return nil, err
	}
	by := map[string][]Row{}
	for _, r := range list {
		key := r.Text(t.key)
		by[key] = append(by[key], r)
	}
	return by, nil
}

// Belonging calls Of for several tables and returns the results by the names of
// tables.
func (db *DB) Belonging(ctx context.Context, tables map[string]*Table, parents []Row, column string) (
	map[string]map[string][]Row, error) {
	own := map[string]map[string][]Row{}
	for name, t := range tables {
		var err error
		if own[name], err = db.Of(ctx, t, parents, column); err != nil {
			return nil, err
		}
	}
	return own, nil
}

// maxRows bounds the number of rows that belong to one batch.
const maxRows = batch * 256

func (db *DB) rows(ctx context.Context, t *Table, query string, args []any) (list []Row, err error) {
	found, err := db.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.name, err)
	}
	defer found.Close()
	for found.Next() {
		values := make([]any, len(t.columns))
		to := make([]any, len(values))
		for i := range values {
			to[i] = &values[i]
		}
		if err := found.Scan(to...); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		r := Row{values: map[string]any{}, problem: new(string)}
		for i, c := range t.columns {
			r.values[c] = values[i]
		}
		if list = append(list, r); len(list) > maxRows {
			return nil, fmt.Errorf("table %s has too many rows for %d accounts", t.name, batch)
		}
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.name, err)
	}
	return list, nil
}
