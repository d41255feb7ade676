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
	// Lock is an expression that makes the transaction wait for every other one
	// that locked the name $1. Empty where a transaction is alone anyway.
	Lock string
	// Script runs a script at once; nil: its statements are run one after the other.
	Script ScriptFunc
	// Share ends a SELECT whose row must stay while the statement runs. Empty where
	// a statement is alone.
	Share string
	// LastEvent asks for the highest number that a row of the audit trail was given.
	LastEvent string
	// EventWriters lists the transactions that may have given a row its number and
	// have not ended. Empty where a transaction is alone.
	EventWriters string
	// LockSchema is the same for the whole schema, without a parameter.
	LockSchema string
	// SkipLocked ends a SELECT of rows of which any will do: it leaves out those
	// another transaction is at. Empty where a transaction is alone.
	SkipLocked string
	// Begin are the options of a transaction.
	Begin *sql.TxOptions
	// First is a statement that each transaction that writes begins with. Empty: none.
	First string
	// Lacks is a query for what the connection must have and does not: one text, empty
	// if it lacks nothing. If it is set, each write is a transaction that asks it first.
	Lacks string
	// Misled is told of an error before a verb is tried again. It may be nil.
	Misled func(error)
	// Prepares says that the driver prepares each text once by itself.
	Prepares bool
	// Local says that a statement never waits for a network, only for a lock, and
	// for that no longer than Patience: then statements run without the caller's
	// context, whose supervision costs more than they do. The queue in front of
	// them still watches it. Borrowed pools are the exception.
	Local bool
	// Lateral says that a subquery of FROM may name what stands before it.
	Lateral bool
	// Places says that sessions and users lie at numbered places.
	Places bool
	// Snapshot is how a transaction begins that only reads and sees one moment.
	Snapshot *sql.TxOptions
	// Slowly lets such a transaction take the time that its caller takes. Empty:
	// nothing bounds it.
	Slowly string
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
	Again             // it did not happen: the same thing may work the next moment
	Lost              // the connection broke: whether it happened is not known
)

// Pools are connections to one database. All of them may be the same.
type Pools struct {
	Write *sql.DB // every commit is on disk when it returns
	Swift *sql.DB // commits survive a crash of the program; a power cut may take the last ones
	Bulk  *sql.DB // as Write, for accounts that come with all that belongs to them
	Read  *sql.DB
	// Borrowed says that all of them are one handle of the application, which closes it.
	Borrowed bool
}

// Store implements store.Store on Pools.
type Store struct {
	transfers
	d     Dialect
	lent  bool  // the pools are not closed
	local bool  // Local, and no statement waits for a connection of a borrowed pool
	write *pool // the Pools
	swift *pool
	bulk  *pool
	read  *pool
	// turn lets one writer in at a time where several connections share one lock,
	// so that they queue here and do not collide in the database.
	turn chan struct{}
	// coming lets those in front of turn in one at a time who bring many accounts: they
	// would wait for each other longer than Patience. nil where turn is.
	coming chan struct{}
	closed atomic.Bool
	deletions
	invitations
	events
	steps
	failed func(verb string)
	// The texts for what every request asks.
	pair, placed, waiting string
}

// OnFailure has f called, with the name of the verb, whenever one fails because
// of the store: it does not answer, is full, is locked for too long. Set it
// before the first use.
func (s *Store) OnFailure(f func(verb string)) { s.failed = f }

var _ store.Store = (*Store)(nil)

// swiftVerbs need not wait for the disk. A log that is written in order loses
// its end at a power cut, never something from the middle: with the last of
// these lost, everything that came after is lost too. So a session cannot
// outlive the code that was spent for it (spending is not among them, nor is
// ending a session, nor any change of credentials); what a power cut costs is
// another sign-in, or a guess that is not counted.
var swiftVerbs = map[string]bool{
	"put session": true, "touch session": true, "put pending": true, "advance pending": true, "take pending": true,
	"put draft": true, "put challenge": true, "drop challenge": true, "mark used": true, "reserve": true, "release": true,
	"put message": true, "claim messages": true, "retry message": true, "finish message": true,
	"append event": true, "step": true,
	"put seal": true, "put device": true, "upgrade password": true, "reseal": true, "sweep": true,
}

// writer is the pool for a verb.
func (s *Store) writer(verb string) *pool {
	switch {
	case swiftVerbs[verb]:
		return s.swift
	case verb == putAccounts:
		return s.bulk
	}
	return s.write
}

// unhurried is the context that a statement runs in, once it has its turn.
func (s *Store) unhurried(ctx context.Context) context.Context {
	if s.local && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// enter waits for the turn to write; leave it when the write is done.
func (s *Store) enter(ctx context.Context) error {
	if s.turn == nil {
		return nil
	}
	began := time.Now()
	select {
	case s.turn <- struct{}{}:
		// Who waited this long stood behind one that waited in vain.
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

// New returns a store on a migrated database. It owns the pools from now on, unless
// they are borrowed.
func New(p Pools, d Dialect) *Store {
	s := &Store{d: d, lent: p.Borrowed, local: d.Local && !p.Borrowed, write: newPool(p.Write, d)}
	s.pair, s.placed, s.waiting = sessionAndUser(), PlacedSession(), waitingQuery()
	s.transfers = transfers{s}
	s.deletions, s.invitations, s.events, s.steps = deletions{s}, invitations{s}, events{s}, steps{s}
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
		if s.d.SkipLocked != "" { // a lock on a row is a write, and leaves no old row behind
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

// Close closes the pools, unless they are borrowed. Verbs that come later answer
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
	// The writer goes last: SQLite's last connection tidies the log away.
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
