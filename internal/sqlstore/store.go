package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Dialect describes the differences between two databases.
type Dialect struct {
	// Name is the prefix of every error text.
	Name string
	// Classify returns the class of a driver's error, and a message without values
	// of the statement.
	Classify func(error) (Class, string)
	// ForUpdate is the end of a SELECT of a row that the transaction will change.
	// It is empty if a transaction excludes others from its beginning.
	ForUpdate string
	// Lock is an expression that waits for every other transaction that has locked
	// the name $1. It is empty if transactions exclude each other.
	Lock string
	// Script runs a script at once. If it is nil, statements are run one after the
	// other.
	Script ScriptFunc
	// Share is the end of a SELECT of a row that must not be deleted while the
	// statement runs. It is empty if statements exclude each other.
	Share string
	// LastEvent is a query for the highest number of a row in the audit trail.
	LastEvent string
	// EventWriters is a query for the open transactions that may have numbered a
	// row of the audit trail. It is empty if transactions exclude each other.
	EventWriters string
	// EventParts is a query for the parts of the audit trail, the oldest first: the name of the
	// table, whether it is the first part, the least number above all of its rows, and whether it
	// gets no more rows. It returns no row if the trail is one table. It is empty if the trail
	// always is.
	EventParts string
	// LockEvents are statements that lock the audit trail until the end of the transaction. They
	// wait only briefly, because who adds a row waits for them.
	LockEvents []string
	// LockSchema is Lock for the whole schema, without a parameter.
	LockSchema string
	// SkipLocked is the end of a SELECT of any matching rows. It skips rows that
	// another transaction has locked. It is empty if transactions exclude each
	// other.
	SkipLocked string
	// Begin are the options of a transaction.
	Begin *sql.TxOptions
	// First is the first statement of each transaction that writes, if any. If it
	// is set, each write is a transaction, and Script or Lacks is set too.
	First string
	// Lacks is a query for a required property that the connection does not have.
	// Its result is one text, which is empty if nothing is missing. If Lacks is
	// set, each write is a transaction that runs it first.
	Lacks string
	// Misled is called with an error before a verb is tried again. It may be nil.
	Misled func(error)
	// Prepares reports whether the driver prepares each text once by itself.
	Prepares bool
	// Local reports whether a statement never waits for a network, but only for a
	// lock, and not longer than Patience. Then statements run without the caller's
	// context, because watching the context is slower than the statements. The
	// queue before them still watches it. Borrowed pools are an exception.
	Local bool
	// Lateral reports whether a subquery in FROM may refer to preceding items.
	Lateral bool
	// Places reports whether sessions and users have numbered places.
	Places bool
	// Snapshot are the options of a transaction that only reads, and sees one point
	// in time.
	Snapshot *sql.TxOptions
	// Slowly is a statement that removes the time limit of such a transaction. It
	// is empty if there is no limit.
	Slowly string
	// Patience is the maximum time for which a verb that writes may wait, including
	// the queue.
	Patience time.Duration
}

// Class is the meaning of an error for the caller.
type Class int

// Classes. The zero value is an error of the engine itself.
const (
	Other       Class = iota
	Duplicate         // a unique value is taken
	Orphan            // the record to which it belongs does not exist
	Unavailable       // not reachable, busy, full or interrupted
	Again             // nothing happened, and another attempt may succeed
	Lost              // the connection broke, so it is unknown whether it happened
)

// Pools are connections to one database. They may all be the same.
type Pools struct {
	Write *sql.DB // a commit is on disk when it returns
	Swift *sql.DB // a commit survives a crash of the program; a power failure may lose the last ones
	Bulk  *sql.DB // like Write, for accounts with everything that belongs to them
	Read  *sql.DB
	// Borrowed reports whether they are one handle of the application, which closes
	// it.
	Borrowed bool
}

// Store implements storage.Store on Pools. It has what all verbs share, and embeds the verbs of
// each kind of record.
type Store struct {
	parts
	d     Dialect
	lent  bool  // do not close the pools
	local bool  // Dialect.Local, and the pools are not borrowed
	write *pool // the pools
	swift *pool
	bulk  *pool
	read  *pool
	// turn admits one writer at a time if several connections share one lock, so
	// that writers wait here and do not collide in the database.
	turn chan struct{}
	// coming lets one PutAccounts at a time queue for turn: several there would wait
	// for each other longer than Patience. It is nil if turn is nil.
	coming chan struct{}
	closed atomic.Bool
	failed func(verb string)
	// Queries of every request.
	pair, placed, waiting string
}

// OnFailure sets a function that is called, with the name of the verb, when a verb
// fails because the store does not answer, is full, or is locked for too long. Call
// OnFailure before the first use.
func (s *Store) OnFailure(f func(verb string)) { s.failed = f }

var _ storage.Store = (*Store)(nil)

// swiftVerbs need not wait for the disk. After a power failure, a log that is
// written in order has lost its end, and nothing before it. If one of these writes
// is lost, everything after it is lost too. So a session cannot outlive the code
// that was spent for it: spending a code, ending a session and changing credentials
// are not among these verbs. After a power failure, a user must sign in again, or a
// guess is not counted.
var swiftVerbs = map[string]bool{
	"put session": true, "touch session": true, "put pending": true, "advance pending": true, "take pending": true,
	"put draft": true, "put challenge": true, "drop challenge": true, "mark used": true, "reserve": true,
	"release":     true,
	"put message": true, "claim messages": true, "retry message": true, "finish message": true,
	"append event": true, "mark seen": true, "use link": true, "step": true,
	"put seal": true, "put device": true, "upgrade password": true, "reseal": true, "sweep": true,
}

// writer returns the pool for a verb.
func (s *Store) writer(verb string) *pool {
	switch {
	case swiftVerbs[verb]:
		return s.swift
	case verb == putAccounts:
		return s.bulk
	}
	return s.write
}

// unhurried returns the context for a statement that has its turn.
func (s *Store) unhurried(ctx context.Context) context.Context {
	if s.local && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// enter waits for the turn to write. Call leave when the write is done.
func (s *Store) enter(ctx context.Context) error {
	if s.turn == nil {
		return nil
	}
	began := time.Now()
	select {
	case s.turn <- struct{}{}:
		// A writer that waited this long was behind one that timed out.
		if time.Since(began) > s.d.Patience*9/10 {
			s.leave()
			return context.DeadlineExceeded
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) leave() {
	if s.turn != nil {
		<-s.turn
	}
}

// New returns a store on a migrated database. It owns the pools, unless they are
// borrowed.
func New(p Pools, d Dialect) *Store {
	s := &Store{d: d, lent: p.Borrowed, local: d.Local && !p.Borrowed, write: newPool(p.Write, d)}
	s.pair, s.placed, s.waiting = sessionAndUser(), PlacedSession(), waitingQuery()
	s.parts = partsOf(s)
	s.read, s.swift, s.bulk = s.write, s.write, s.write
	if p.Swift != p.Write {
		s.swift = newPool(p.Swift, d)
	}
	if d.Lacks != "" || d.Local && s.swift != s.write {
		s.turn, s.coming = make(chan struct{}, 1), make(chan struct{}, 1)
	}
	if p.Bulk != p.Write {
		s.bulk = newPool(p.Bulk, d)
		s.bulk.most = 128
	}
	if p.Read != p.Write {
		s.read = newPool(p.Read, d)
	}
	return s
}

// errUndo rolls back a transaction that succeeded.
var errUndo = errors.New("undo")

// Ping returns nil if the store can read and write. The write is rolled back. It
// shows that the lock is available and the file is writable, and writes nothing to
// disk.
func (s *Store) Ping(ctx context.Context) error {
	const verb = "ping"
	if _, err := one(ctx, s, verb, `SELECT COUNT(*) FROM twofold_migrations`, scanInt); err != nil {
		return err
	}
	err := s.tx(ctx, verb, func(t *txn) error {
		if s.d.SkipLocked != "" { // a row lock is a write and leaves no dead row
			_, err := get(t, `SELECT version FROM twofold_migrations WHERE version = 1`+s.d.SkipLocked, scanInt)
			if err != nil && !errors.Is(err, errNone) {
				return err
			}
			return errUndo
		}
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

// Close closes the pools, unless they are borrowed. Later verbs return
// ErrUnavailable.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var first error
	for _, p := range []*pool{s.read, s.swift, s.bulk} {
		if p == s.write {
			continue
		}
		if err := p.close(s.lent); err != nil && first == nil {
			first = err
		}
	}
	// The writer is closed last, because SQLite's last connection removes the log.
	if err := s.write.close(s.lent); err != nil && first == nil {
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
