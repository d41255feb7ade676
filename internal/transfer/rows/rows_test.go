package rows

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func made(t *testing.T, statements ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a?b #.db")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("?", "%3f", "#", "%23", " ", "%20").Replace(file))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestRowsComeInOrderWithWhatBelongsToThem(t *testing.T) {
	ctx := context.Background()
	file := made(t, "CREATE TABLE u (id INTEGER, n TEXT)", "CREATE TABLE c (u_id INTEGER, v TEXT)",
		`WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM s WHERE i < 1234)
			INSERT INTO u SELECT 1235-i, 'n'||(1235-i) FROM s`,
		"INSERT INTO c VALUES (7, 'a'), (7, 'b'), (1234, 'c')")
	db, err := Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	users, err := db.Table(ctx, "u", "id", "n", "absent")
	if err != nil || !users.Has("n") || users.Has("absent") {
		t.Fatal(users, err)
	}
	children, err := db.Table(ctx, "c", "u_id", "v")
	if err != nil {
		t.Fatal(err)
	}
	next, found := int64(1), 0
	if err := db.Each(ctx, users, func(list []Row) error {
		own, err := db.Of(ctx, children, list, "id")
		for _, r := range list {
			if r.Int("id") != next || r.Text("n") != fmt.Sprint("n", next) || !r.Null("absent") {
				t.Fatalf("row %d: %v", next, r.values)
			}
			next++
			found += len(own[r.Text("id")])
		}
		return err
	}); err != nil || next != 1235 || found != 3 {
		t.Errorf("up to %d, %d children: %v", next, found, err)
	}
	if none, err := db.Table(ctx, "nothing", "id"); none != nil || err != nil {
		t.Error(none, err)
	}
	if _, err := db.tx.Exec("DELETE FROM u"); err == nil {
		t.Error("the source can be written")
	}
}

func TestAHugeValueIsRefused(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, made(t, "CREATE TABLE u (id INTEGER, n BLOB)",
		fmt.Sprintf("INSERT INTO u VALUES (1, zeroblob(%d))", maxValue+1)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	users, _ := db.Table(ctx, "u", "id", "n")
	if err := db.Each(ctx, users, func([]Row) error { return nil }); err == nil {
		t.Error("read")
	}
}

func TestAddresses(t *testing.T) {
	file := made(t, "CREATE TABLE u (id INTEGER)")
	for _, good := range []string{file, "sqlite:///" + file, "sqlite+pysqlite:///" + file} {
		if strings.HasPrefix(good, "sqlite") && strings.ContainsAny(file, "?") {
			continue // this kind of address cannot contain a question mark
		}
		if _, _, err := parse(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	plain := filepath.Join(t.TempDir(), "p.db")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{plain, "sqlite:///" + plain, "sqlite+pysqlite:///" + plain + "?timeout=3",
		"postgresql+psycopg2://u:p@h/d", "postgres://h/d"} {
		if _, dsn, err := parse(good); err != nil || strings.Contains(dsn, "psycopg2") {
			t.Errorf("%s: %q %v", good, dsn, err)
		}
	}
	for _, bad := range []string{"", "mysql://u:secret@h/d", "sqlite://", "sqlite:///absent.db", t.TempDir()} {
		if _, err := Open(context.Background(), bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestValuesOfTheWrongKindAreNamed(t *testing.T) {
	r := Row{values: map[string]any{"b": int64(3), "t": "yesterday", "n": 1.5}, problem: new(string)}
	if r.Bool("b") || r.Problem() != "column b is not a truth" {
		t.Error(r.Problem())
	}
	*r.problem = ""
	if !r.Time("t").IsZero() || r.Problem() != "column t is not a time" {
		t.Error(r.Problem())
	}
	*r.problem = ""
	if r.Int("n") != 0 || r.Problem() == "" {
		t.Error(r.Problem())
	}
	r = Row{values: map[string]any{"b": "false", "t": "2024-01-02 03:04:05.678", "m": int64(1704164645000)},
		problem: new(string)}
	if r.Bool("b") || r.Time("t").Unix() != 1704164645 || r.Time("m").Unix() != 1704164645 ||
		r.Time("t").Location() != time.UTC || r.Problem() != "" {
		t.Error(r.Problem(), r.Time("t"), r.Time("m"))
	}
}
