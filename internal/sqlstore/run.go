package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// scanner is the Scan of a row.
type scanner func(dest ...any) error

// errNone means that a query returned no row. It is only used inside the package.
var errNone = storage.ErrNotFound

// patient limits the time that a writing method may wait, so that a queue behind a stuck lock does
// not grow.
func (s *Store) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.d.Patience <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.d.Patience)
}

// exec runs one statement that writes and returns how many rows it touched.
func (s *Store) exec(ctx context.Context, verb, query string, args ...any) (n int64, err error) {
	if s.d.Lacks != "" {
		err = s.tx(ctx, verb, func(t *txn) error {
			n, err = t.exec(query, args...)
			return err
		})
		return n, err
	}
	ctx, cancel := s.patient(ctx)
	defer cancel()
	if err := s.enter(ctx); err != nil {
		return 0, s.fail(verb, err)
	}
	defer s.leave()
	ctx = s.unhurried(ctx)
	err = s.try(ctx, Again, func() error {
		if s.d.First != "" {
			n, err = s.d.Script(ctx, s.writer(verb).db, []Statement{{query, args, Any}})
			return err
		}
		r, err := s.writer(verb).exec(ctx, query, args)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, s.fail(verb, err)
}

// tries is the maximum number of attempts of a method.
const tries = 5

// try runs what may run again if it did not happen (and, for a worst of Lost,
// if that is not known). A write whose outcome is not known is never repeated:
// its caller gets ErrUnavailable and grants nothing.
func (s *Store) try(ctx context.Context, worst Class, run func() error) error {
	wait := 5 * time.Millisecond
	for n := 1; ; n++ {
		err := run()
		if err == nil || n == tries || s.closed.Load() || ctx.Err() != nil {
			return err
		}
		if class, _ := s.d.Classify(err); class < Again || class > worst {
			return err
		}
		if s.d.Misled != nil {
			s.d.Misled(err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait *= 3
		}
	}
}

// one runs a query of at most one row; ErrNotFound if it has none.
func one[T any](ctx context.Context, s *Store, verb, query string, scan func(scanner) (T, error),
	args ...any) (T, error) {
	return first(all(ctx, s, verb, query, scan, args...))
}

// take is like one, for a statement that writes a row and returns it.
func take[T any](ctx context.Context, s *Store, verb, query string, scan func(scanner) (T, error),
	args ...any) (T, error) {
	var list []T
	if s.d.First != "" || s.d.Lacks != "" {
		err := s.tx(ctx, verb, func(t *txn) error {
			rows, err := t.query(query, args...)
			list, err = collect(rows, err, scan)
			return err
		})
		return first(list, err)
	}
	ctx, cancel := s.patient(ctx)
	defer cancel()
	if err := s.enter(ctx); err != nil {
		return first(list, s.fail(verb, err))
	}
	defer s.leave()
	ctx = s.unhurried(ctx)
	err := s.try(ctx, Again, func() error {
		rows, err := s.writer(verb).query(ctx, query, args)
		list, err = collect(rows, err, scan)
		return err
	})
	return first(list, s.fail(verb, err))
}

func first[T any](list []T, err error) (T, error) {
	if err == nil && len(list) > 0 {
		return list[0], nil
	}
	var none T
	if err == nil {
		err = errNone
	}
	return none, err
}

// all runs a query that only reads, outside of transactions.
func all[T any](ctx context.Context, s *Store, verb, query string, scan func(scanner) (T, error),
	args ...any) ([]T, error) {
	if !s.local { // a network may hang
		var cancel context.CancelFunc
		ctx, cancel = s.patient(ctx)
		defer cancel()
	}
	ctx = s.unhurried(ctx)
	var list []T
	err := s.try(ctx, Lost, func() error {
		rows, err := s.read.query(ctx, query, args)
		list, err = collect(rows, err, scan)
		return err
	})
	return list, s.fail(verb, err)
}

// collect reads to the very end. A statement that writes and returns rows is
// committed when it is done, not when its first row is out: only an end
// without error says that the write is on disk.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, rows.Close()
}

// txn is a transaction.
type txn struct {
	ctx   context.Context
	s     *Store
	p     *pool
	tx    *sql.Tx
	learn []string // texts to prepare when the connection is free again
}

// tx runs fn in one transaction and commits if it returns nil. A verdict that
// must be committed (a try that was counted) is therefore not fn's error. fn may
// run again after it was rolled back: what it hands out it sets from its beginning.
func (s *Store) tx(ctx context.Context, verb string, fn func(*txn) error) error {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	if err := s.enter(ctx); err != nil {
		return s.fail(verb, err)
	}
	defer s.leave()
	ctx = s.unhurried(ctx)
	return s.fail(verb, s.try(ctx, Again, func() error { return s.once(ctx, s.writer(verb), fn) }))
}

func (s *Store) once(ctx context.Context, p *pool, fn func(*txn) error) error {
	tx, err := p.begin(ctx, s.d.Begin)
	if err != nil {
		return err
	}
	t := &txn{ctx: ctx, s: s, p: p, tx: tx}
	if err = t.begin(); err == nil {
		err = fn(t)
	}
	if err != nil {
		_ = tx.Rollback() // fn's error says more; a broken connection is dropped
	} else {
		err = tx.Commit()
	}
	for _, query := range t.learn {
		p.learn(ctx, query)
	}
	return err
}

// begin does what comes before the statements of a verb.
func (t *txn) begin() error {
	if t.s.d.First != "" {
		if _, err := t.exec(t.s.d.First); err != nil {
			return err
		}
	}
	if t.s.d.Lacks == "" {
		return nil
	}
	lacks, err := get(t, t.s.d.Lacks, scanText)
	if err == nil && lacks != "" {
		err = &LacksError{lacks}
	}
	return err
}

// LacksError says what a connection of a handle must have and does not.
type LacksError struct{ What string }

func (e *LacksError) Error() string { return "a connection of the handle has no " + e.What }

// stmt returns the transaction's form of a statement prepared before, or nil:
// then the text is run as it is and prepared for the next time.
func (t *txn) stmt(query string) *sql.Stmt {
	if st := t.p.known(query); st != nil {
		return t.tx.StmtContext(t.ctx, st)
	}
	if !t.p.plain {
		t.learn = append(t.learn, query)
	}
	return nil
}

func (t *txn) exec(query string, args ...any) (int64, error) {
	var r sql.Result
	var err error
	if st := t.stmt(query); st != nil {
		r, err = st.ExecContext(t.ctx, args...)
	} else {
		r, err = t.tx.ExecContext(t.ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *txn) query(query string, args ...any) (*sql.Rows, error) {
	if st := t.stmt(query); st != nil {
		return st.QueryContext(t.ctx, args...)
	}
	return t.tx.QueryContext(t.ctx, query, args...)
}

// get is one inside a transaction.
func get[T any](t *txn, query string, scan func(scanner) (T, error), args ...any) (T, error) {
	rows, err := t.query(query, args...)
	return first(collect(rows, err, scan))
}

// lock waits for every other transaction that locked name.
func (t *txn) lock(name string) error { return t.locks("", []string{name}) }

// locks locks several names, which are in order, in one statement.
func (t *txn) locks(prefix string, names []string) error {
	return t.run(t.s.d.locked(prefix, names))
}

func (d Dialect) lockAll(prefix string, names []string) (query string, args []any) {
	each := make([]string, len(names))
	for i, name := range names {
		each[i] = strings.Replace(d.Lock, "$1", "$"+strconv.Itoa(i+1), 1)
		args = append(args, prefix+name)
	}
	return "SELECT " + strings.Join(each, ", "), args
}

// fail translates an error and tells the watcher of one that is the store's.
func (s *Store) fail(verb string, err error) error {
	translated := s.translate(verb, err)
	if s.failed != nil && translated != nil && !verdict(translated) {
		s.failed(verb)
	}
	return translated
}

// verdict reports whether an error is a result of the method, not a failure.
func verdict(err error) bool {
	return errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrExists) ||
		errors.Is(err, storage.ErrUsed) ||
		errors.Is(err, storage.ErrWrong) || errors.Is(err, errUndo) || errors.Is(err, context.Canceled) || isMissed(err)
}

func isMissed(err error) bool {
	_, ok := missed(err)
	return ok
}

// translate makes an error one of package store. The text has no values in it: a driver's own
// message may quote the row, so only what Classify says of it is used.
func (s *Store) translate(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrUsed),
		errors.Is(err, storage.ErrWrong), errors.Is(err, storage.ErrNoFactor), errors.Is(err, storage.ErrUnavailable),
		errors.Is(err, errUndo):
		return err
	case isMissed(err):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s: %s: %w", storage.ErrUnavailable, s.d.Name, verb, err)
	case s.closed.Load(), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, sql.ErrTxDone):
		return fmt.Errorf("%w: %s: %s: connection closed", storage.ErrUnavailable, s.d.Name, verb)
	}
	var lacks *LacksError
	if errors.As(err, &lacks) {
		return fmt.Errorf("%w: %s: %s: %w", storage.ErrUnavailable, s.d.Name, verb, lacks)
	}
	class, text := s.d.Classify(err)
	switch class {
	case Duplicate:
		return storage.ErrExists
	case Orphan:
		return storage.ErrNotFound
	case Unavailable, Again, Lost:
		return fmt.Errorf("%w: %s: %s: %s", storage.ErrUnavailable, s.d.Name, verb, text)
	}
	var own *rowError
	if errors.As(err, &own) {
		return fmt.Errorf("%s: %s: %w", s.d.Name, verb, own)
	}
	return fmt.Errorf("%s: %s: %s", s.d.Name, verb, text)
}
