package store

import (
	"context"
	"crypto/rand"
	"time"
)

// Durable is what must survive: a crash, a restart, a volatile store that
// comes back empty.
type Durable interface {
	UserReader
	UserWriter
	OwnerWriter
	Roles
	Factors
	RecoveryCodes
	Connections
	Devices
	Recoveries
	Counters
	Messages
	Tokens
	Events
}

// Volatile is what expires.
type Volatile interface {
	Sessions
	Pendings
	Drafts
	Challenges
}

// Store is everything, and the keeping of the house.
type Store interface {
	Durable
	Volatile
	// Sweep deletes up to limit records of each kind that are dead at now and
	// returns how many it deleted.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
	// Ping answers nil if the store can read and write.
	Ping(ctx context.Context) error
	// Close releases it.
	Close() error
}

// NewID returns a new opaque id: 26 characters of base32, 130 random bits.
func NewID() string { return rand.Text() }
