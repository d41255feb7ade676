package storage

import (
	"context"
	"time"
)

// Pending is a sign-in or re-authentication whose first factor is proven and whose second is not.
// It is never a session.
type Pending struct {
	Hash              string // SHA-256 of the token in the browser's pending cookie
	UserID            string
	CredentialVersion string // not valid unless equal to the user's
	State             PendingState
	Factor            string // ID of the factor to be proven if Ready, or to be replaced if Repair
	// the user is being rescued: if Ready, a mailed code is accepted too; if Repair, Factor is lost
	Rescue    bool
	First     Proof
	Remember  bool   // the user asked to be remembered
	SessionID string // re-authentication of this session; empty at sign-in
	Known     bool   // the browser has signed in to the account before, or the pending belongs to a session
	Address   string
	CreatedAt time.Time
	ExpiresAt time.Time // use does not extend it
	Version   int64     // incremented by AdvancePending
}

// PendingState is the next required step of a pending sign-in.
type PendingState string

// The states, as they are stored. JSON has some of them under other names (see web.pendingBody).
const (
	Setup PendingState = "setup_from_login" // a required factor must be set up
	Owner PendingState = "owner"            // the same, and the mailbox must be proven first
	// Factor must be replaced: it is lost (then Rescue is set), or no longer counts
	Repair PendingState = "repair"
	Select PendingState = "select" // several factors: the user chooses
	Ready  PendingState = "ready"  // Factor must be proven
)

// Enrolls reports whether a factor must be set up before the session starts.
func (s PendingState) Enrolls() bool { return s == Setup || s == Repair }

// Pendings stores pending sign-ins.
type Pendings interface {
	// PutPending stores a new pending and removes the user's oldest ones if there are more than
	// five. Those with and without Known are counted separately.
	PutPending(ctx context.Context, p Pending) error
	// Pending returns a pending, or ErrNotFound if it is unknown or expired at now.
	Pending(ctx context.Context, hash string, now time.Time) (Pending, error)
	// AdvancePending stores State, Factor and Rescue if the record still has p.Version, and
	// increments the version. Otherwise it returns ErrUsed.
	AdvancePending(ctx context.Context, p Pending) error
	// TakePending removes a pending and returns it to exactly one caller. All others get ErrUsed.
	TakePending(ctx context.Context, hash string) (Pending, error)
	// EndPendings removes all pending sign-ins of a user.
	EndPendings(ctx context.Context, userID string) error
}

// Waiting is a pending sign-in with the data that its next step needs.
type Waiting struct {
	Pending  Pending
	User     User
	Factors  []Factor // as returned by FactorsOf
	Sessions int      // number of the user's sessions
}

// Draft is a factor that is being set up. It is not active yet. The outcome of an answer, kept for
// repetitions of it, is also stored as a Draft, with an Owner that begins with "answer:".
type Draft struct {
	// Owner is "pending:" and a hash, "session:" or "first:" and an ID, or "answer:" and a hash. Each
	// has at most one draft.
	Owner             string
	ID                string // SHA-256 of the state token
	UserID            string
	CredentialVersion string
	FactorID          string // ID that the factor will have; its secret is bound to it
	Method            string
	Name              string
	Add               bool // add to the other factors; if false, replace the primary one
	Destination       string
	Secret            []byte // sealed
	CreatedAt         time.Time
	ExpiresAt         time.Time
}

// Drafts stores drafts.
type Drafts interface {
	// PutDraft stores a draft. It replaces the owner's previous one.
	PutDraft(ctx context.Context, d Draft) error
	// Draft returns the owner's draft, even if it is expired, or ErrNotFound.
	Draft(ctx context.Context, owner string) (Draft, error)
	// TakeDraft removes the draft with the given ID. Exactly one caller gets nil, the others
	// ErrUsed.
	TakeDraft(ctx context.Context, owner, id string) error
}

// Challenge is one issued code. It is bound to a transaction (a pending, a
// draft), a purpose, a user, a channel and a destination.
type Challenge struct {
	Key         string // names the transaction and the purpose; each has at most one valid code
	UserID      string
	Channel     string
	Destination string
	MAC         []byte // keyed hash of the code and what it is bound to
	Tries       int    // remaining attempts
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// Challenges stores issued codes.
type Challenges interface {
	// PutChallenge stores a code. It replaces the previous one with the same key.
	PutChallenge(ctx context.Context, c Challenge) error
	// TryChallenge uses up the code if one of macs is right: exactly one caller gets nil. If the
	// code is wrong, it counts the attempt and returns ErrWrong. If the code is unknown, expired,
	// used or has no attempts left, it returns ErrNotFound.
	TryChallenge(ctx context.Context, key string, macs [][]byte, now time.Time) error
	// DropChallenge removes a code, if there is one.
	DropChallenge(ctx context.Context, key string) error
}
