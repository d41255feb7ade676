package storage

import "crypto/rand"

// Durable stores the records that must survive crashes and restarts, even if the volatile store
// loses its data.
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
	AccountMarks
	UsedLinks
	Counters
	Messages
	Tokens
	Events
	Steps
}

// Volatile stores the records that expire.
type Volatile interface {
	Sessions
	Pendings
	Drafts
	Challenges
	UserDropper
}

// Store stores and maintains all records.
type Store interface {
	Durable
	Volatile
	Keeper
}

// NewID returns a new opaque ID: 26 characters of base32, 130 random bits.
func NewID() string { return rand.Text() }
