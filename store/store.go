package store

import "crypto/rand"

// Durable is what must survive: a crash, a restart, a volatile store that
// comes back empty.
type Durable interface {
	UserReader
	UserWriter
	OwnerWriter
	Deletions
	Invitations
	Roles
	Factors
	RecoveryCodes
	Connections
	Transfers
	Devices
	Recoveries
	SignInCounter
	Counters
	Messages
	Tokens
	Events
	Steps
}

// Volatile is what expires.
type Volatile interface {
	Sessions
	Pendings
	Drafts
	Challenges
	UserDropper
}

// Store is everything, and the keeping of the house.
type Store interface {
	Durable
	Volatile
	Keeper
}

// NewID returns a new opaque id: 26 characters of base32, 130 random bits.
func NewID() string { return rand.Text() }
