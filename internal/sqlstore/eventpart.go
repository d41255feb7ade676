package sqlstore

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// eventPart is a row of Dialect.EventParts.
type eventPart struct {
	table string
	first bool
	ends  int64
	ended bool
}

func scanEventPart(scan scanner) (p eventPart, err error) {
	err = scan(&p.table, &p.first, &p.ends, &p.ended)
	return p, err
}

// NextEventPart implements storage.EventParts for an engine whose trail is one table.
func (s events) NextEventPart(context.Context) error { return nil }

// EventPart implements storage.EventParts.
func (s events) EventPart(ctx context.Context, row int64) (storage.EventPart, error) {
	if s.d.EventParts == "" {
		return storage.EventPart{}, storage.ErrNotFound
	}
	parts, err := all(ctx, s.Store, "event part", s.d.EventParts, scanEventPart)
	if err != nil {
		return storage.EventPart{}, err
	}
	for _, p := range parts {
		if row < p.ends {
			return storage.EventPart{Through: p.ends - 1, First: p.first}, nil
		}
	}
	return storage.EventPart{}, storage.ErrNotFound
}

// dropParts removes the oldest parts of the audit trail that have no row after one, and reports
// whether there were any. The lock waits for the transactions that are adding rows, so the second
// look finds all there will ever be.
func (t *txn) dropParts(through int64) (bool, error) {
	old, err := t.oldParts(through)
	if err != nil || len(old) == 0 {
		return false, err
	}
	for _, statement := range t.s.d.LockEvents {
		if _, err := t.exec(statement); err != nil {
			return false, err
		}
	}
	if old, err = t.oldParts(through); err != nil {
		return false, err
	}
	for _, table := range old {
		if _, err := t.exec(`DROP TABLE ` + table); err != nil {
			return false, err
		}
	}
	return len(old) > 0, nil
}

// oldParts returns the tables of the oldest parts that get no more rows and have none after through.
func (t *txn) oldParts(through int64) (tables []string, err error) {
	if t.s.d.EventParts == "" {
		return nil, nil
	}
	rows, err := t.query(t.s.d.EventParts)
	parts, err := collect(rows, err, scanEventPart)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if !p.ended {
			break
		}
		later, err := get(t, `SELECT COUNT(*) FROM (SELECT 1 FROM `+p.table+
			` WHERE row_no > $1 LIMIT 1) AS later`, scanInt, through)
		if err != nil {
			return nil, err
		}
		if later > 0 {
			break
		}
		tables = append(tables, p.table)
	}
	return tables, nil
}
