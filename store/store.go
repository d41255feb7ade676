package store

import "github.com/twofold-auth/twofold/internal/storage"

// Store stores and maintains all records. Only the engines of this module implement it, because its
// methods change with the features of Twofold.
type Store = storage.Store

// Durable stores the records that must survive crashes and restarts, such as users, factors and
// budgets of guesses. An engine for SQL is one.
type Durable = storage.DurableKeeper

// Volatile stores the records that expire: sessions, pending sign-ins and codes. Every engine is
// one.
type Volatile = storage.VolatileKeeper

// Notifier carries notifications of changes between nodes. store/postgres and store/redis implement
// it.
type Notifier = storage.Notifier

// Join combines two stores. A volatile record is bound to its account by the credential version in
// it. So a record that is older than a change of the account gives no access, and it is safe if the
// volatile store loses data or is restored from an old state.
//
// The result is a Notifier if one of the two stores is. If both are, the volatile one is used.
func Join(durable Durable, volatile Volatile) Store { return storage.Join(durable, volatile) }

// Session is a session of a user, as the methods of twofold.Auth return it.
type Session = storage.Session

// Factor is a second factor or a passkey of a user, as the methods of twofold.Auth return it.
type Factor = storage.Factor

// Proof tells how and when a user has proven one factor.
type Proof = storage.Proof

// Level is the number of factors that were proven for a session.
type Level = storage.Level

// The levels of a session.
const (
	OneFactor  = storage.OneFactor
	TwoFactors = storage.TwoFactors
)

// Event is a row of the audit trail.
type Event = storage.Event

// EventFilter selects rows of the audit trail.
type EventFilter = storage.EventFilter

// ErrNotFound means that no such record exists, or that it has expired.
var ErrNotFound = storage.ErrNotFound

// ErrExists means that a unique value, such as an e-mail address, is taken.
var ErrExists = storage.ErrExists

// ErrUnavailable means that the store could not be reached, or was busy until the timeout. The
// caller grants nothing; whether the write took place may be unknown.
var ErrUnavailable = storage.ErrUnavailable
