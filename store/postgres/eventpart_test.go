package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	neturl "net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

// month is the first number of the second partition.
const month = 1_000_000_000_000

func parted(t *testing.T, db *postgres.DB) {
	t.Helper()
	if done, err := db.PartitionEvents(t.Context()); !done || err != nil {
		t.Fatal(done, err)
	}
}

// monthEnds makes the newest partition one of an earlier month, with that number.
func monthEnds(t testing.TB, url string, n int) {
	t.Helper()
	mustExec(t, raw(t, url), fmt.Sprintf(`DO $$ DECLARE name TEXT; BEGIN
		SELECT c.oid::regclass INTO name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
			WHERE i.inhparent = 'twofold_events'::regclass
			AND c.relname = to_char(clock_timestamp() AT TIME ZONE 'UTC', '"twofold_events_"YYYY_MM');
		EXECUTE format('ALTER TABLE %%s RENAME TO twofold_events_2000_%02d', name);
	END $$`, n))
}

func add(t *testing.T, db *postgres.DB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := db.AppendEvent(t.Context(), storage.Event{ID: id, UserID: "u", Name: "n", Result: "ok"}); err != nil {
			t.Fatal(id, err)
		}
	}
}

// numbers returns the numbers of the rows, in order.
func numbers(t *testing.T, db *postgres.DB) (out []int64) {
	t.Helper()
	rows, err := db.EventsBy(t.Context(), storage.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range rows {
		out = append(out, e.Row)
	}
	return out
}

func texts(t *testing.T, db *sql.DB, query string, args ...any) (out []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

const tables = `SELECT relid::text FROM pg_partition_tree('twofold_events') WHERE isleaf ORDER BY relid::text`

func TestATrailIsPartitionedOnce(t *testing.T) {
	url := servers.Postgres(t)
	db, other, admin := open(t, url), open(t, url), raw(t, url)
	const indexes = `SELECT replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes
		WHERE tablename = 'twofold_events' AND schemaname = current_schema() AND indexdef NOT LIKE '%id_key%' ORDER BY 1`
	before := texts(t, admin, indexes)
	mustExec(t, admin, `DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
	mustExec(t, admin, `GRANT SELECT ON twofold_events TO reader`)
	add(t, db, "a", "b")
	for range 10 { // the other node has prepared what it uses
		if _, err := other.SettledEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		numbers(t, other)
	}
	if part, err := db.EventPart(t.Context(), 1); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a trail in one table has part %v, %v", part, err)
	}
	parted(t, db)
	for range 2 {
		if done, err := db.PartitionEvents(t.Context()); done || err != nil {
			t.Errorf("again: %v, %v", done, err)
		}
	}
	add(t, other, "c")
	add(t, db, "d")
	if got := fmt.Sprint(numbers(t, other)); got != fmt.Sprint([]int64{1, 2, month, month + 1}) {
		t.Errorf("rows %v", got)
	}
	if through, err := other.SettledEvents(t.Context()); through != month+1 || err != nil {
		t.Errorf("settled through %d, %v", through, err)
	}
	if after := texts(t, admin, indexes); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("indexes %q, before %q", after, before)
	}
	if n := len(texts(t, admin, tables)); n != 2 {
		t.Errorf("%d partitions", n)
	}
	if err := db.AppendEvent(t.Context(), storage.Event{ID: "d"}); !errors.Is(err, storage.ErrExists) {
		t.Errorf("an id twice in a month: %v", err)
	}
	if texts(t, admin, `SELECT has_table_privilege('reader', 'twofold_events', 'SELECT')::text`)[0] != "true" {
		t.Error("who could read the trail cannot any more")
	}
	for row, want := range map[int64]storage.EventPart{
		1: {Through: month - 1, First: true}, month: {Through: 2*month - 1},
	} {
		if part, err := db.EventPart(t.Context(), row); part != want || err != nil {
			t.Errorf("part of %d: %+v, %v", row, part, err)
		}
	}
}

// TestAnInterruptedPartitioningIsRepeated leaves the table as an attempt that could not get the lock.
func TestAnInterruptedPartitioningIsRepeated(t *testing.T) {
	url := servers.Postgres(t)
	db, admin := open(t, url), raw(t, url)
	add(t, db, "a")
	reader, err := admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(`SELECT * FROM twofold_events`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.PartitionEvents(t.Context()); err == nil || !strings.Contains(err.Error(), "again") {
		t.Errorf("while the table is in use: %v", err)
	}
	mustExec(t, reader, `ROLLBACK`)
	mustExec(t, admin, `ALTER TABLE twofold_events ADD CONSTRAINT twofold_events_first CHECK (row_no < 7) NOT VALID`)
	parted(t, db)
	add(t, db, "b")
	if got := numbers(t, db); len(got) != 2 {
		t.Errorf("rows %v", got)
	}
}

func TestEachMonthHasAPartition(t *testing.T) {
	url := servers.Postgres(t)
	db, other, admin := open(t, url), open(t, url), raw(t, url)
	if err := db.NextEventPart(t.Context()); err != nil || len(texts(t, admin, tables)) != 0 {
		t.Errorf("a trail in one table: %v", err)
	}
	parted(t, db)
	add(t, db, "a")
	for n := 1; n < 3; n++ {
		monthEnds(t, url, n)
		var nodes sync.WaitGroup
		for _, node := range []*postgres.DB{db, other, db, other} {
			nodes.Go(func() {
				if err := node.NextEventPart(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		add(t, db, fmt.Sprint("b", n))
		add(t, other, fmt.Sprint("c", n))
	}
	want := fmt.Sprint([]int64{month, 2 * month, 2*month + 1, 3 * month, 3*month + 1})
	if got := fmt.Sprint(numbers(t, db)); got != want {
		t.Errorf("rows %v, want %v", got, want)
	}
	if n := len(texts(t, admin, tables)); n != 4 {
		t.Errorf("%d partitions", n)
	}
}

// TestNoRowIsRefusedAtTheTurnOfAMonth adds rows while months begin, in statements that wait between
// their start and the number of their row.
func TestNoRowIsRefusedAtTheTurnOfAMonth(t *testing.T) {
	url := servers.Postgres(t)
	db, admin := open(t, url), raw(t, url)
	parted(t, db)
	monthEnds(t, url, 1)
	late, err := admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(strings.Replace(insert, "VALUES (0,", "VALUES (DEFAULT,", 1), "late"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := db.NextEventPart(short); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("while a transaction adds rows: %v", err)
	}
	add(t, db, "meanwhile")
	mustExec(t, late, `COMMIT`)
	if err := db.NextEventPart(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, db, "after")
	if got := fmt.Sprint(numbers(t, db)); got != fmt.Sprint([]int64{month, month + 1, 2 * month}) {
		t.Errorf("rows %v", got)
	}

	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil && !t.Failed(); n++ {
				// A new connection reads which partitions there are. The second statement uses what it read.
				addOnNewConnection(t, admin, fmt.Sprint(w, "-", n, "a"), fmt.Sprint(w, "-", n, "b"))
			}
		})
	}
	for n := 2; n < 12; n++ {
		monthEnds(t, url, n)
		if err := db.NextEventPart(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop()
	writers.Wait()
	add(t, db, "last")
	rows, err := db.EventsBy(t.Context(), storage.EventFilter{Newest: true, Limit: 1})
	if err != nil || rows[0].Row < 12*month || rows[0].ID != "last" {
		t.Errorf("the last row is %v, %v", rows, err)
	}
}

// addOnNewConnection adds rows in statements that wait before they take a number, and closes the
// connection.
func addOnNewConnection(t *testing.T, db *sql.DB, ids ...string) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	defer conn.Raw(func(any) error { return driver.ErrBadConn })
	for _, id := range ids {
		if _, err := conn.ExecContext(context.Background(), `INSERT INTO twofold_events (row_no, id, user_id, at, name,
			method, result, reason, session_id, address, agent, request, mac)
			SELECT nextval('twofold_event_row'), $1, '', 0, 'n', '', 'ok', '', '', '', '', '', ''
			FROM (SELECT pg_sleep(0.002) OFFSET 0) AS waits`, id); err != nil {
			t.Error(id, err)
		}
	}
}

// TestOnlyPartsThatAreOverAreDropped checks that removal drops the part whose rows are all removed,
// and neither the newest part nor one with a row that stays.
func TestOnlyPartsThatAreOverAreDropped(t *testing.T) {
	url := servers.Postgres(t)
	db, admin := open(t, url), raw(t, url)
	add(t, db, "a", "b")
	parted(t, db)
	add(t, db, "c", "d")
	remove := func(after, through int64, parts int, rows ...int64) {
		t.Helper()
		if err := db.RemoveEvents(t.Context(), after, storage.Checkpoint{Through: through}); err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, db); fmt.Sprint(got) != fmt.Sprint(rows) || len(texts(t, admin, tables)) != parts {
			t.Errorf("removed through %d: rows %v, parts %v", through, got, texts(t, admin, tables))
		}
	}
	remove(0, 1, 2, 2, month, month+1)
	monthEnds(t, url, 1)
	if err := db.NextEventPart(t.Context()); err != nil {
		t.Fatal(err)
	}
	remove(1, month, 2, month+1)
	remove(month, month+1, 1)
	add(t, db, "e")
	remove(month+1, 2*month, 1)
	add(t, db, "f")

	monthEnds(t, url, 2)
	if err := db.NextEventPart(t.Context()); err != nil {
		t.Fatal(err)
	}
	reader, err := admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(`SELECT * FROM twofold_events`); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = db.RemoveEvents(t.Context(), 2*month, storage.Checkpoint{Through: 2*month + 1})
	if !errors.Is(err, storage.ErrUnavailable) || time.Since(began) > 4*time.Second {
		t.Errorf("while the table is read: %v after %v", err, time.Since(began))
	}
	if c, err := db.Checkpoint(t.Context()); c.Through != 2*month || err != nil || len(numbers(t, db)) != 1 {
		t.Errorf("then the checkpoint is %+v, %v", c, err)
	}
	mustExec(t, reader, `ROLLBACK`)
	remove(2*month, 2*month+1, 1)
}

// TestAPartitionDroppedByHandIsMissed checks that only the trail's own removal is taken for one.
func TestAPartitionDroppedByHandIsMissed(t *testing.T) {
	url := servers.Postgres(t)
	db := open(t, url)
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	trail := event.NewTrail(db, keys, func() time.Time { return now })
	for n := range 3 {
		if n == 1 {
			parted(t, db)
		} else if n == 2 {
			monthEnds(t, url, 1)
			if err := db.NextEventPart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 150 {
			if err := trail.Record(t.Context(), event.Entry{Name: "n", Result: event.OK}); err != nil {
				t.Fatal(err)
			}
		}
		if err := trail.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := trail.Verify(t.Context(), ""); err != nil || len(r.Problems) > 0 || r.Rows != 450 {
		t.Fatalf("%+v, %v", r, err)
	}
	mustExec(t, raw(t, url), `DROP TABLE twofold_events_2000_01`)
	r, err := trail.Verify(t.Context(), "")
	if err != nil || !strings.Contains(strings.Join(r.Problems, "\n"), "0 exist, but 100 were sealed") {
		t.Errorf("%+v, %v", r, err)
	}
	mustExec(t, raw(t, url), `DELETE FROM twofold_event_seals WHERE through_row BETWEEN 1000000000000 AND 1999999999999`)
	r, err = trail.Verify(t.Context(), "")
	if err != nil || !strings.Contains(strings.Join(r.Problems, "\n"), "their seal is missing") {
		t.Errorf("with its seals: %+v, %v", r, err)
	}
}

// TestReadsOfAPartitionedTrailUseIndexes covers what each sign-in reads.
func TestReadsOfAPartitionedTrailUseIndexes(t *testing.T) {
	url := servers.Postgres(t)
	db, admin := open(t, url), raw(t, url)
	fill := func(from int) {
		mustExec(t, admin, fmt.Sprintf(`INSERT INTO twofold_events (id, user_id, at, name, method, result, reason,
			session_id, address, agent, request, mac) SELECT 'id' || g, 'u' || g %% 500, g, 'n' || g %% 7, '', 'ok', '', '', '', '', '', ''
			FROM generate_series(%d, %d) AS g`, from, from+9999))
	}
	fill(0)
	parted(t, db)
	fill(10_000)
	monthEnds(t, url, 1)
	if err := db.NextEventPart(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(20_000)
	mustExec(t, admin, `ANALYZE twofold_events`)
	plans := raw(t, url+"&default_query_exec_mode=simple_protocol")
	for what, filters := range map[string][]storage.EventFilter{
		"the newest rows":    {{Newest: true, Limit: 10}},
		"the rows to seal":   {{After: 15_000, UpTo: 2 * month, Limit: 100}},
		"recent activity":    {{UserID: "u7", Newest: true, Limit: 20}},
		"by names":           {{UserID: "u7", Names: []string{"n1", "n2"}, Newest: true, Limit: 8}},
		"unseen activity":    {{UserID: "u7", Names: []string{"n1", "n2"}, Newest: true, Unseen: true, Limit: 8}},
		"by several filters": {{UserID: "u7", Names: []string{"n1"}}, {UserID: "u7", Names: []string{"n3"}, Limit: 1}},
		"all of an account":  {{UserID: "u7"}},
	} {
		query, args := postgres.EventsQuery(filters...)
		plan := strings.Join(texts(t, plans, "EXPLAIN (ANALYZE, TIMING OFF) "+query, args...), "\n")
		if strings.Contains(plan, "Seq Scan on twofold_events") {
			t.Errorf("%s: %s\n%s", what, query, plan)
		}
	}
}

// TestPromisesOfAPartitionedTrail checks all promises in a trail whose first parts have two rows each,
// so that those of each test are in several parts.
func TestPromisesOfAPartitionedTrail(t *testing.T) {
	storetest.Briefly(t)
	url := servers.PostgresTables(t)
	parted(t, open(t, url))
	narrow := func(t testing.TB) {
		db := raw(t, url)
		mustExec(t, db, `DO $$ DECLARE name TEXT; BEGIN
			IF (SELECT COUNT(*) FROM pg_inherits WHERE inhparent = 'twofold_events'::regclass) = 7 THEN
				RETURN;
			END IF;
			FOR name IN SELECT relid::text FROM pg_partition_tree('twofold_events') WHERE isleaf LOOP
				EXECUTE 'DROP TABLE ' || name;
			END LOOP;
			FOR n IN 0..6 LOOP
				EXECUTE format('CREATE TABLE part%s (LIKE twofold_events INCLUDING INDEXES, UNIQUE (id))', n);
				EXECUTE format('ALTER TABLE twofold_events ATTACH PARTITION part%s FOR VALUES FROM (%s) TO (%s)', n,
					CASE n WHEN 0 THEN 'MINVALUE' ELSE (2 * n + 1)::text END,
					CASE n WHEN 6 THEN '1000000000000' ELSE (2 * n + 3)::text END);
			END LOOP;
		END $$`)
	}
	narrow(t)
	handles := storetest.Sharing(t, 1, func(t testing.TB) storage.Store { return open(t, url) },
		func(t testing.TB) { servers.EmptyTables(t, url); narrow(t) })
	storetest.Run(t, func(t *testing.T) storage.Store { return handles(t)[0] })
}

// TestSealsOfADroppedMonthAreRemoved checks that the many seals of a month go, also those that an earlier
// removal left, and none that is still needed.
func TestSealsOfADroppedMonthAreRemoved(t *testing.T) {
	url := servers.Postgres(t)
	db, admin := open(t, url), raw(t, url)
	add(t, db, "a")
	parted(t, db)
	mustExec(t, admin, `INSERT INTO twofold_event_seals (after_row, through_row, count, mac, at, settled)
		SELECT n, n + 1, 0, '', 0, true FROM generate_series(0, 4999) AS n`)
	add(t, db, "b")
	mustExec(t, admin, fmt.Sprintf(`INSERT INTO twofold_event_seals (after_row, through_row, count, mac, at, settled)
		VALUES (%d, %d, 1, '', 0, true)`, month-1, month))
	if err := db.RemoveEvents(t.Context(), 0, storage.Checkpoint{Through: month - 1}); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, admin, `SELECT after_row::text FROM twofold_event_seals`); len(got) != 1 {
		t.Errorf("%d seals are left, want one", len(got))
	}
	if got := texts(t, admin, tables); len(got) != 1 {
		t.Errorf("partitions %v", got)
	}
}

// TestPartitioningGivesNoRights checks that default privileges do not open the trail to others.
func TestPartitioningGivesNoRights(t *testing.T) {
	url := servers.Postgres(t)
	db, admin := open(t, url), raw(t, url)
	mustExec(t, admin, `DO $$ BEGIN CREATE ROLE reporter; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
	mustExec(t, admin, `ALTER DEFAULT PRIVILEGES GRANT SELECT, UPDATE, DELETE ON TABLES TO reporter, PUBLIC`)
	t.Cleanup(func() {
		mustExec(t, admin, `ALTER DEFAULT PRIVILEGES REVOKE SELECT, UPDATE, DELETE ON TABLES FROM reporter, PUBLIC`)
	})
	parted(t, db)
	mustExec(t, admin, `DO $$ BEGIN CREATE ROLE backup; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
	mustExec(t, admin, `GRANT SELECT ON twofold_events TO backup`)
	monthEnds(t, url, 1)
	if err := db.NextEventPart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, admin, `SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace
		AND c.relname LIKE 'twofold\_events\_2%' AND c.relkind = 'r' AND has_table_privilege('backup', c.oid, 'SELECT')
		AND NOT has_table_privilege('backup', c.oid, 'DELETE')`); len(got) != 1 {
		t.Errorf("backup can read %v, want the month since it may read the trail", got)
	}
	open := texts(t, admin, `SELECT c.relname || ' ' || p FROM pg_class AS c, unnest(ARRAY['SELECT', 'UPDATE', 'DELETE']) AS p
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'twofold\_events%' AND c.relkind IN ('r', 'p')
		AND has_table_privilege('reporter', c.oid, p)`)
	if len(open) > 0 {
		t.Errorf("reporter has %v", open)
	}
}

// TestATableWithGuardsIsNotPartitioned checks that what protects each row is not lost silently.
func TestATableWithGuardsIsNotPartitioned(t *testing.T) {
	for guard, want := range map[string]string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
			CREATE TRIGGER append_only BEFORE DELETE ON twofold_events EXECUTE FUNCTION refuse()`: "the trigger append_only",
		`ALTER TABLE twofold_events ENABLE ROW LEVEL SECURITY`:                      "row-level security",
		`CREATE RULE keep AS ON DELETE TO twofold_events DO INSTEAD NOTHING`:        "the rule keep",
		`ALTER TABLE twofold_events ADD CONSTRAINT named CHECK (name <> 'no name')`: "the constraint named",
	} {
		url := servers.Postgres(t)
		db, admin := open(t, url), raw(t, url)
		mustExec(t, admin, guard)
		if done, err := db.PartitionEvents(t.Context()); done || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, done, err)
		}
	}
}

// TestASchemaWithAnyNameIsPartitioned uses names that end quotes of SQL and of PL/pgSQL.
func TestASchemaWithAnyNameIsPartitioned(t *testing.T) {
	for _, name := range []string{`a$$b`, `o'brien`, `we"ird`, `50%s`, `back\slash`} {
		url := servers.Postgres(t)
		quoted := pgx.Identifier{name}.Sanitize()
		mustExec(t, raw(t, url), `CREATE SCHEMA IF NOT EXISTS `+quoted)
		db := open(t, url[:strings.Index(url, "&search_path=")]+"&search_path="+neturl.QueryEscape(quoted))
		parted(t, db)
		add(t, db, "a")
	}
}
