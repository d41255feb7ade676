package postgres

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/twofold-auth/twofold/internal/storage"
)

//go:embed partition.sql
var partition string

// partRows is the number of row numbers of each partition of the audit trail. The numbers of a new
// partition begin at a multiple of it. A partition is never full.
const partRows = 1_000_000_000_000

// eventParts is a query for the partitions of the audit trail. The bounds are only in the catalog. A
// partition that is just being dropped has none.
const eventParts = `SELECT c.oid::regclass::text AS name, bound.starts = 'MINVALUE' AS first,
		CAST(bound.ends AS BIGINT) AS ends,
		CASE WHEN n.is_called THEN n.last_value + 1 ELSE n.last_value END >= CAST(bound.ends AS BIGINT) AS ended
	FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
	CROSS JOIN LATERAL (SELECT parts[1], parts[2] FROM regexp_match(pg_get_expr(c.relpartbound, c.oid),
		'FROM \(''?(MINVALUE|-?[0-9]+)''?\) TO \(''?([0-9]+)''?\)') AS match (parts)) AS bound (starts, ends)
	CROSS JOIN twofold_event_row AS n
	WHERE i.inhparent = to_regclass('twofold_events') AND bound.ends IS NOT NULL`

// PartitionEvents makes the audit trail a partitioned table, with one partition for each month, so
// that old rows are removed a month at a time. It reports whether the trail was one table before.
// Nodes need not stop, and an older program can use the result.
//
// The rows so far become the first partition. They are read once, while others read and write. Then
// all wait, for as long as it takes to change the catalog. If a transaction holds the table for more
// than a second, nothing is changed, and PartitionEvents can be called again. Views, publications
// and privileges on single columns of the table stay on the first partition. Row-level security,
// triggers, rules and constraints would, too, and so protect no new row: a table that has them is
// refused.
func (d *DB) PartitionEvents(ctx context.Context) (bool, error) {
	var guard string
	err, done := d.db.QueryRowContext(ctx, guards).Scan(&guard), false
	switch {
	case err == nil:
		return false, fmt.Errorf("postgres: cannot partition the audit trail: twofold_events has %s, which new "+
			"partitions would not have", guard)
	case errors.Is(err, sql.ErrNoRows):
		done, err = d.partition(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("postgres: cannot partition the audit trail: %w", explain(ctx, err))
	}
	return done, d.NextEventPart(ctx)
}

// guards is a query for what protects the rows of the table and would not protect those of a new one.
const guards = `SELECT guard.what FROM pg_class AS c CROSS JOIN LATERAL (
		SELECT 'the trigger ' || tgname AS what FROM pg_trigger
			WHERE tgrelid = c.oid AND NOT tgisinternal AND tgname <> 'twofold_number_event'
		UNION ALL SELECT 'the rule ' || rulename FROM pg_rewrite WHERE ev_class = c.oid
		UNION ALL SELECT 'the constraint ' || conname FROM pg_constraint
			WHERE conrelid = c.oid AND contype = 'c' AND conname <> 'twofold_events_first'
		UNION ALL SELECT 'row-level security' WHERE c.relrowsecurity
	) AS guard WHERE c.oid = to_regclass('twofold_events') AND c.relkind = 'r' LIMIT 1`

func (d *DB) partition(ctx context.Context) (bool, error) {
	var ends int64
	steps := []string{
		`ALTER TABLE twofold_events DROP CONSTRAINT IF EXISTS twofold_events_first;
			ALTER TABLE twofold_events ADD CONSTRAINT twofold_events_first CHECK (row_no < $ends) NOT VALID`,
		`ALTER TABLE twofold_events VALIDATE CONSTRAINT twofold_events_first`,
		partition,
	}
	for _, step := range steps {
		done := false
		err := d.change(ctx, func(tx *sql.Tx) error {
			row := tx.QueryRowContext(ctx, `SELECT c.relkind = 'p', (n.last_value / $1 + 1) * $1
				FROM pg_class AS c CROSS JOIN twofold_event_row AS n WHERE c.oid = to_regclass('twofold_events')`,
				int64(partRows))
			if err := row.Scan(&done, &ends); err != nil || done {
				return err
			}
			rights := sameRights(`'twofold_events'::regclass`, `'twofold_events_first'::regclass`)
			given := strings.NewReplacer("$ends", strconv.FormatInt(ends, 10), "$sameRights", rights)
			_, err := tx.ExecContext(ctx, given.Replace(step))
			return err
		})
		if done || err != nil {
			return false, err
		}
	}
	return true, nil
}

// change runs a change of the schema in a transaction. It waits for others who change the schema,
// and briefly for those who use the tables, because those that come after it wait for it.
func (d *DB) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, dialect.Begin)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range []string{dialect.LockSchema, `SET LOCAL lock_timeout = '1s'`} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// months is the state of the partitions.
type months struct {
	month   string // the name of the partition of this month
	made    bool   // it exists
	next    int64  // the first number of a partition after all others
	filled  bool   // rows are numbered for the newest partition
	schema  string
	owner   string // of the table
	isOwner bool
}

// monthsOf returns false if the audit trail is one table.
func monthsOf(ctx context.Context, tx *sql.Tx) (m months, parted bool, err error) {
	err = tx.QueryRowContext(ctx, `WITH parts AS (`+eventParts+`),
		this AS (SELECT 'twofold_events_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY_MM') AS month)
		SELECT this.month, EXISTS (SELECT 1 FROM pg_inherits AS i JOIN pg_class AS m ON m.oid = i.inhrelid
				WHERE i.inhparent = c.oid AND m.relname = this.month),
			(SELECT MAX(ends) FROM parts), (SELECT COUNT(*) FILTER (WHERE NOT ended) < 2 FROM parts),
			s.nspname, pg_get_userbyid(c.relowner), pg_get_userbyid(c.relowner) = current_user
		FROM this CROSS JOIN pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
		WHERE c.oid = to_regclass('twofold_events') AND EXISTS (SELECT 1 FROM parts)`).
		Scan(&m.month, &m.made, &m.next, &m.filled, &m.schema, &m.owner, &m.isOwner)
	if errors.Is(err, sql.ErrNoRows) {
		return months{}, false, nil
	}
	return m, err == nil, err
}

// NextEventPart implements storage.EventParts. A statement that began before the partition existed
// cannot add a row to it, so rows are numbered for it only when the transactions of that time are
// over. Until then, and if this fails, rows are added to the partition before.
//
// A connection of PostgreSQL that reads the list of partitions while one is added may keep the old
// list for its next statements. So all connections are made to read it again, after those that
// were reading it then.
func (d *DB) NextEventPart(ctx context.Context) error {
	err := d.nextEventPart(ctx)
	if err == nil || errors.Is(err, storage.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: postgres: next event part: %w", storage.ErrUnavailable, explain(ctx, err))
}

func (d *DB) nextEventPart(ctx context.Context) error {
	var m months
	look := func(tx *sql.Tx) (err error) {
		m, _, err = monthsOf(ctx, tx)
		return err
	}
	tx, err := d.db.BeginTx(ctx, dialect.Begin)
	if err != nil {
		return err
	}
	err = errors.Join(look(tx), tx.Rollback())
	if err != nil || m.month == "" || m.made && m.filled {
		return err
	}
	if !m.made {
		if err := d.change(ctx, func(tx *sql.Tx) error {
			if err := look(tx); err != nil || m.made {
				return err
			}
			return m.make(ctx, tx)
		}); err != nil {
			return err
		}
	}
	for _, step := range []func(*sql.Tx) error{readAgain, begin} {
		if _, err := d.SettledEvents(ctx); err != nil {
			return err
		}
		if err := d.change(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// readAgain makes all connections read the list of partitions again. It sets the statistics target of a
// column to the value that it has.
func readAgain(tx *sql.Tx) error {
	var target int
	if err := tx.QueryRow(`SELECT COALESCE(attstattarget, -1) FROM pg_attribute
		WHERE attrelid = 'twofold_events'::regclass AND attname = 'row_no'`).Scan(&target); err != nil {
		return err
	}
	_, err := tx.Exec(`ALTER TABLE ONLY twofold_events ALTER row_no SET STATISTICS ` + strconv.Itoa(target))
	return err
}

// make makes the partition of this month.
func (m months) make(ctx context.Context, tx *sql.Tx) error {
	table := pgx.Identifier{m.schema, m.month}.Sanitize()
	statements := []string{
		`CREATE TABLE ` + table + ` (LIKE twofold_events INCLUDING INDEXES, UNIQUE (id))`,
		fmt.Sprintf(`ALTER TABLE twofold_events ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`,
			table, m.next, m.next+partRows),
	}
	if !m.isOwner {
		statements = append(statements, `ALTER TABLE `+table+` OWNER TO `+pgx.Identifier{m.owner}.Sanitize())
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	var id int64 // in place of the name, which may contain anything
	if err := tx.QueryRowContext(ctx, `SELECT to_regclass($1)::oid`, table).Scan(&id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DO $$ DECLARE given RECORD; BEGIN `+
		sameRights(strconv.FormatInt(id, 10)+`::regclass`, `'twofold_events'::regclass`)+` END $$`)
	return err
}

// sameRights is a part of a PL/pgSQL block. It gives others than the owner the rights on a new table that
// they have on another one, and no others: default privileges may have given them some. Both tables
// are SQL expressions.
func sameRights(table, as string) string {
	return strings.NewReplacer("$table", table, "$as", as).Replace(`
	FOR given IN SELECT DISTINCT a.grantee FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
			WHERE c.oid = $table AND a.grantee <> c.relowner LOOP
		EXECUTE format('REVOKE ALL ON %s FROM %s', $table,
			CASE WHEN given.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(given.grantee)) END);
	END LOOP;
	FOR given IN SELECT a.* FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
			WHERE c.oid = $as AND a.grantee <> c.relowner LOOP
		EXECUTE format('GRANT %s ON %s TO %s%s', given.privilege_type, $table,
			CASE WHEN given.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(given.grantee)) END,
			CASE WHEN given.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
	END LOOP;`)
}

// begin numbers rows for the newest partition from now on.
func begin(tx *sql.Tx) error {
	_, err := tx.Exec(`SELECT setval('twofold_event_row', newest.starts - 1)
		FROM (SELECT MAX(ends) - ` + strconv.Itoa(partRows) + ` AS starts FROM (` + eventParts + `) AS parts) AS newest
		CROSS JOIN twofold_event_row AS n WHERE n.last_value < newest.starts - 1`)
	return err
}
