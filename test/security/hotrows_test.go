package security_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// logWrites records which rows are written, by table and primary key.
const logWrites = `
CREATE TABLE written (place TEXT NOT NULL);
CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE row JSONB := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END); col TEXT; place TEXT := TG_TABLE_NAME;
BEGIN
	FOREACH col IN ARRAY TG_ARGV LOOP place := place || ' ' || (row->>col); END LOOP;
	INSERT INTO written VALUES (place);
	RETURN NULL;
END $$;
DO $$
DECLARE t RECORD;
BEGIN
	FOR t IN SELECT c.relname, string_agg(quote_literal(a.attname), ', ') AS cols
		FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
		WHERE c.relname LIKE 'twofold\_%' AND c.relnamespace = current_schema()::regnamespace GROUP BY c.relname
	LOOP
		EXECUTE format('CREATE TRIGGER note_write AFTER INSERT OR UPDATE OR DELETE ON %I '
			'FOR EACH ROW EXECUTE FUNCTION note_write(%s)',
			t.relname, t.cols);
	END LOOP;
END $$`

// TestNoRowIsWrittenByEverySignIn signs people in from different networks and browsers, with
// mistyped passwords and both factors. No PostgreSQL row may be written by all of these sign-ins,
// so that they do not wait for each other's commits.
func TestNoRowIsWrittenByEverySignIn(t *testing.T) {
	w := newWorldAt(t, &testkit.Database{T: t, Postgres: servers.PostgresTables(t)}, proxied)
	var people []*person
	for i := range 8 {
		people = append(people, w.withApp(fmt.Sprint("person", i)))
	}
	w.Advance(3 * 60 * 1e9)
	if _, err := w.DB.SQL().Exec(logWrites); err != nil {
		t.Fatal(err)
	}
	by := map[string]int{} // how many people wrote a row
	for i, p := range people {
		b := w.browser()
		b.Header["X-Forwarded-For"] = fmt.Sprintf("198.51.%d.7", i)
		b.Post("/login", m{"email": p.Email, "password": "wrong"}).Want(400)
		b.login(p).Want(200)
		b.validate(p.Code(0)).Want(200)
		b.Get("/tf-setup").Want(200)
		rows, err := w.DB.SQL().Query(`WITH gone AS (DELETE FROM written RETURNING place)
			SELECT DISTINCT place FROM gone`)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			by[row]++
			n++
		}
		if err := rows.Err(); err != nil || n < 8 {
			t.Fatalf("a sign-in writes %d rows: %v", n, err)
		}
	}
	hot := []string{}
	for row, n := range by {
		if n > len(people)/2 {
			hot = append(hot, fmt.Sprintf("%s, by %d of %d", row, n, len(people)))
		}
	}
	slices.Sort(hot)
	if len(hot) > 0 {
		t.Errorf("rows that every sign-in writes: %q", hot)
	}
}
