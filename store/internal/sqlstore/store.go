package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Dialect is what two databases do not have in common.
type Dialect struct {
	// Name begins the text of every error.
	Name string
	// Classify says what a driver's error means, and puts it into words that
	// hold no value of the statement.
	Classify func(error) (Class, string)
	// ForUpdate ends a SELECT whose row the transaction will change. Empty
	// where a transaction is alone from its beginning.
	ForUpdate string
	// Lock is a statement that makes the transaction wait for every other one
	// that locked the name $1. Empty where a transaction is alone anyway.
	Lock string
	// LockSchema is the same for the whole schema, without a parameter.
	LockSchema string
	// Patience bounds how long a verb that writes may wait, queueing included.
	Patience time.Duration
}

// Class is what an error means to the caller.
type Class int

// The classes. The zero value is an error of the engine itself.
const (
	Other       Class = iota
	Duplicate         // a unique value is taken
	Orphan            // the record it belongs to does not exist
	Unavailable       // not reachable, busy, full, interrupted
)

// Store implements store.Store on two pools, which may be the same one.
type Store struct {
	d           Dialect
	write, read *pool
	closed      atomic.Bool
}

var _ store.Store = (*Store)(nil)

// New returns a store on a migrated database. It owns the pools from now on.
func New(write, read *sql.DB, d Dialect) *Store {
	s := &Store{d: d, write: newPool(write)}
	s.read = s.write
	if read != write {
		s.read = newPool(read)
	}
	return s
}

// errUndo rolls a transaction back that did all it should.
var errUndo = errors.New("undo")

// Ping answers nil if the store can read and write. The write is rolled back:
// it shows that the lock is to be had and the file writable, at no cost on disk.
func (s *Store) Ping(ctx context.Context) error {
	const verb = "ping"
	if _, err := one(ctx, s, s.read, verb, `SELECT COUNT(*) FROM twofold_migrations`, scanInt); err != nil {
		return err
	}
	err := s.tx(ctx, verb, func(t *txn) error {
		if _, err := t.exec(`UPDATE twofold_migrations SET applied_at = applied_at`); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// Close releases the pools. Verbs that come later answer ErrUnavailable.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var first error
	if s.read != s.write {
		first = s.read.close()
	}
	// The writer goes last: SQLite's last connection tidies the log away.
	if err := s.write.close(); err != nil && first == nil {
		first = err
	}
	if first != nil {
		_, text := s.d.Classify(first)
		return errors.New(s.d.Name + ": close: " + text)
	}
	return nil
}

func scanInt(scan scanner) (n int64, err error) {
	err = scan(&n)
	return n, err
}
