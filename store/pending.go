package store

import (
	"context"
	"time"
)

// Pending is a sign-in (or a re-authentication) whose first factor is proven
// and whose second is not. It is never a session.
type Pending struct {
	Hash       string // SHA-256 of the token in the browser's pending cookie
	UserID     string
	Uniquifier string // must equal the user's, else it is dead
	State      PendingState
	Factor     string // id of the factor to be proven; empty unless Ready
	Rescue     bool   // a rescue code was mailed and may be given instead
	First      Proof
	Remember   bool   // the user asked to be remembered
	SessionID  string // re-authentication of this session; empty at sign-in
	Known      bool   // its browser signed in to the account before, or it is of a session
	Address    string
	CreatedAt  time.Time
	ExpiresAt  time.Time // absolute
	Version    int64     // counts AdvancePending
}

// PendingState is what a pending sign-in waits for.
type PendingState string

// The states, by the names of the wire.
const (
	Setup  PendingState = "setup_from_login" // no factor yet and one is required
	Owner  PendingState = "owner"            // the same, and the mailbox must be proven first
	Repair PendingState = "repair"           // rescued: the lost factor, Factor, must be replaced
	Select PendingState = "select"           // several factors: the user chooses
	Ready  PendingState = "ready"            // Factor must be proven
)

// Enrols says whether a factor is set up before there is a session.
func (s PendingState) Enrols() bool { return s == Setup || s == Repair }

// Pendings keeps pending sign-ins.
type Pendings interface {
	// PutPending stores a new pending and drops the oldest of the user's beyond
	// five. Those that are Known and those that are not count apart.
	PutPending(ctx context.Context, p Pending) error
	// Pending returns ErrNotFound for an unknown or (at now) expired one.
	Pending(ctx context.Context, hash string, now time.Time) (Pending, error)
	// AdvancePending stores State, Factor and Rescue if the record still has
	// p.Version, and counts it up; ErrUsed otherwise.
	AdvancePending(ctx context.Context, p Pending) error
	// TakePending ends a pending: exactly one caller gets it back, the others
	// ErrUsed.
	TakePending(ctx context.Context, hash string) (Pending, error)
	// EndPendings ends all of a user's.
	EndPendings(ctx context.Context, userID string) error
}

// Waiting is a pending sign-in with what its next step needs.
type Waiting struct {
	Pending  Pending
	User     User
	Factors  []Factor // as of FactorsOf
	Sessions int      // how many sessions the user has
}

// Draft is a factor being set up: nothing of it is active.
type Draft struct {
	Owner       string // "pending:"+hash or "session:"+id: one draft each
	ID          string // SHA-256 of the state token
	UserID      string
	Uniquifier  string
	FactorID    string // the id the factor will have; its secret is bound to it
	Method      string
	Name        string
	Add         bool // add to the others; false: replace the primary
	Destination string
	Secret      []byte // sealed
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// Drafts keeps drafts.
type Drafts interface {
	// PutDraft stores a draft in place of the owner's former one.
	PutDraft(ctx context.Context, d Draft) error
	// Draft returns the owner's draft, expired or not; ErrNotFound if none.
	Draft(ctx context.Context, owner string) (Draft, error)
	// TakeDraft ends the draft with this id: exactly one caller gets nil, the
	// others ErrUsed.
	TakeDraft(ctx context.Context, owner, id string) error
}

// Challenge is one issued code. It is bound to a transaction (a pending, a
// draft), a purpose, a user, a channel and a destination.
type Challenge struct {
	Key         string // names transaction and purpose: one running code each
	UserID      string
	Channel     string
	Destination string
	MAC         []byte // keyed hash of code and binding
	Tries       int    // wrong codes it still bears
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// Challenges keeps issued codes.
type Challenges interface {
	// PutChallenge stores a code in place of the former one with that key.
	PutChallenge(ctx context.Context, c Challenge) error
	// TryChallenge takes the code if one of macs is right: exactly one caller gets
	// nil. A wrong one costs a try (ErrWrong); without tries left, expired,
	// taken or unknown is ErrNotFound.
	TryChallenge(ctx context.Context, key string, macs [][]byte, now time.Time) error
	// DropChallenge voids a code, if there is one.
	DropChallenge(ctx context.Context, key string) error
}
