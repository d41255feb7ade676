package storage

import (
	"context"
	"time"
)

// KeptCode is a stored recovery code.
type KeptCode struct {
	MAC []byte
	// Form describes how MAC was computed if the code was imported. If it is empty, MAC is our own
	// keyed hash.
	Form      []byte
	CreatedAt time.Time
}

// Origin describes the source of an imported account and its state right after the import. An
// account that has not changed since may be updated by another import.
type Origin struct {
	Source            string // the other system
	OldID             string // the account's ID there
	UserID            string
	CredentialVersion string
	UpdatedAt         time.Time
	Codes             int    // number of imported recovery codes
	Digest            []byte // keyed hash of all imported data
	Password          []byte // keyed hash of the imported password
	At                time.Time
}

// Whole is an account with all its data that outlasts sessions.
type Whole struct {
	User        User
	Factors     []Factor
	Codes       []KeptCode
	Connections []Connection
	SignIns     SignIns
	Origin      *Origin // nil if the account was not imported
}

// Transfers imports and exports whole accounts.
type Transfers interface {
	// PutAccounts stores new accounts with all their data: all of them or none. It returns
	// ErrExists if an ID, an identity, a passkey, a subject or an old ID is taken.
	PutAccounts(ctx context.Context, accounts []Whole) error
	// ReplaceAccount replaces the account imported from the same origin if it, including its
	// recovery codes, still matches was. Sign-in counts are kept, and so is the password if
	// keepPassword is set. It returns ErrUsed if the account does not match, ErrNotFound if there
	// is no such user, and ErrExists like PutAccounts.
	ReplaceAccount(ctx context.Context, w Whole, was Origin, keepPassword bool) error
	// OriginsOf returns the origins of accounts by their old IDs in a source. Old IDs that were not
	// imported are omitted.
	OriginsOf(ctx context.Context, source string, oldIDs []string) ([]Origin, error)
	// HoldersOf returns the accounts that have names of a kind: "id", "identity" (a canonical
	// address or username), "passkey" (a Factor's Key) or "subject" (issuer, a line break and
	// subject). It returns the IDs of users by name and omits free names. The holder of the ID of a
	// deleted account is "-".
	HoldersOf(ctx context.Context, kind string, names []string) (map[string]string, error)
	// EachAccount calls each for every account, or only for the one with the given ID, in order of
	// ID. All accounts are read as of one moment; a bounded number is held in memory. It returns
	// ErrNotFound if there is no account with that ID.
	EachAccount(ctx context.Context, id string, each func(Whole) error) error
}
