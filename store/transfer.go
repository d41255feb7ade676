package store

import (
	"context"
	"time"
)

// KeptCode is a recovery code as it is kept.
type KeptCode struct {
	MAC []byte
	// Form says how MAC was made of a code that came from elsewhere. Empty: it is a
	// keyed hash of ours.
	Form      []byte
	CreatedAt time.Time
}

// Origin says where an account came from, and what it was right after that: an
// account that is still the same may be brought up to date from there.
type Origin struct {
	Source     string // the other system
	OldID      string // the account's id there
	UserID     string
	Uniquifier string
	UpdatedAt  time.Time
	Codes      int    // how many recovery codes came along
	Digest     []byte // keyed hash of all that came
	Password   []byte // keyed hash of the password that came
	At         time.Time
}

// Whole is an account with everything that belongs to it and survives a sign-out.
type Whole struct {
	User        User
	Factors     []Factor
	Codes       []KeptCode
	Connections []Connection
	SignIns     SignIns
	Origin      *Origin // nil: the account was made here
}

// Transfers moves whole accounts in and out.
type Transfers interface {
	// PutAccounts stores new accounts with all that belongs to them, all of them or
	// none. ErrExists: an id, an identity, a passkey, a subject or an old id is taken.
	PutAccounts(ctx context.Context, accounts []Whole) error
	// ReplaceAccount puts an account in the place of the one that came from the same
	// origin, if that is still what was says, its recovery codes included. Sign-ins
	// that were counted stay, and so does the password if keepPassword. ErrUsed: it is
	// not; ErrNotFound: there is no such user; ErrExists as above.
	ReplaceAccount(ctx context.Context, w Whole, was Origin, keepPassword bool) error
	// OriginsOf finds the origins of accounts by their old ids in a source. Old ids
	// that never came are left out.
	OriginsOf(ctx context.Context, source string, oldIDs []string) ([]Origin, error)
	// HoldersOf finds who has names of a kind: "id", "identity" (a canonical address or
	// username), "passkey" (a Factor's Key) or "subject" (issuer, a line break and
	// subject). It returns the ids of users by name; free names are left out. The
	// holder of an id that was a deleted account's is "-".
	HoldersOf(ctx context.Context, kind string, names []string) (map[string]string, error)
	// EachAccount calls each for every account, or for the one with an id, as all of
	// them were at one moment, in order of id. It holds a bounded number in memory.
	// ErrNotFound: there is no account with that id.
	EachAccount(ctx context.Context, id string, each func(Whole) error) error
}
