package storage

import (
	"context"
	"time"
)

// Level is what a session has proven.
type Level int

// The levels. The zero value proves nothing.
const (
	OneFactor  Level = 1
	TwoFactors Level = 2
)

// Proof is one proven factor.
type Proof struct {
	Method string    `json:"method"` // "password", or a factor's method
	At     time.Time `json:"at"`
	// UserVerified is set for a passkey that verified its user and therefore counts as both factors.
	UserVerified bool `json:"both,omitempty"`
	// Rests lists the things on which the proof depends; see RestsOn.
	Rests []string `json:"rests,omitempty"`
}

// The things on which a proof may depend. Two phone numbers are one thing, because they may belong
// to one phone.
const (
	onSecret    = "secret"    // the password
	OnMailbox   = "mailbox"   // the account's mailbox
	onPhone     = "phone"     // a phone number
	onApp       = "app"       // an authenticator app
	OnPasskey   = "passkey"   // a passkey, followed by a colon and its factor's id
	OnElsewhere = "elsewhere" // an account at an identity provider; also followed by a colon and the provider's name
	onSheet     = "sheet"     // recovery codes
	onBrowser   = "browser"   // a browser's cookie
)

// RestsOn returns the things on which a proof by a method depends, if only the method is known. An
// account at an identity provider also depends on the mailbox. An unknown method depends on itself.
func RestsOn(method string) []string {
	switch method {
	case "password", "register":
		return []string{onSecret}
	case Email, "confirm", "reset", "rescue":
		return []string{OnMailbox}
	case SMS:
		return []string{onPhone}
	case Authenticator:
		return []string{onApp}
	case Passkey:
		return []string{OnPasskey}
	case "oauth":
		return []string{OnElsewhere, OnMailbox}
	case RecoveryCode:
		return []string{onSheet}
	case "remember":
		return []string{onBrowser}
	}
	return []string{method}
}

// RestsOn returns the things on which the proof depends.
func (p Proof) RestsOn() []string {
	if len(p.Rests) > 0 {
		return p.Rests
	}
	return RestsOn(p.Method)
}

// Session identifies the user of a browser or of a header token.
type Session struct {
	Hash              string // SHA-256 of the token; changes whenever the level rises
	ID                string // does not change when the token is renewed; safe to show
	UserID            string
	CredentialVersion string // not valid unless equal to the user's
	Token             bool   // presented in a header, not in a cookie
	Level             Level
	Trusted           bool // the second factor was skipped by a trusted device
	// TrustedBy is the ID of that device. If the user ended all trust from this session, it is the
	// session's own ID, a space and the proofs of that device.
	TrustedBy string
	Proofs    []Proof
	// FreshAt is the time at which all factors that the account requires were last proven. It is
	// zero for a session that has never proven them, such as one with a trusted device.
	FreshAt   time.Time
	Address   string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	IdleAt    time.Time // not valid from then on unless touched
	ExpiresAt time.Time // not valid from then on
}

// MaxListed is the maximum number of sessions, devices or tokens of a user in one list. Fewer are
// stored; see TrimSessions.
const MaxListed = 250

// Sessions stores sessions.
type Sessions interface {
	SessionEnder
	Touches
	// PutSession stores a new session. It returns ErrExists if the hash is taken.
	PutSession(ctx context.Context, s Session) error
	// Session returns a session, or ErrNotFound if it is unknown or not valid at now.
	Session(ctx context.Context, hash string, now time.Time) (Session, error)
	// RebindSession replaces the CredentialVersion, Level, Trusted, TrustedBy, Proofs and FreshAt of a
	// valid session, for the token of a caller that changed its own credentials. It does not extend
	// the session. It returns ErrNotFound if the session no longer exists.
	RebindSession(ctx context.Context, s Session) error
	// SessionsOf lists a user's valid sessions, newest first, at most MaxListed.
	SessionsOf(ctx context.Context, userID string, now time.Time) ([]Session, error)
}

// SessionEnder ends sessions before they expire.
type SessionEnder interface {
	// TakeSession ends one session and returns it to exactly one caller. The others get
	// ErrNotFound.
	TakeSession(ctx context.Context, hash string) (Session, error)
	// TrimSessions ends all but the newest sessions of a user, and returns the ended ones.
	TrimSessions(ctx context.Context, userID string, keep int) ([]Session, error)
	// EndSession ends the user's session with the given ID and the header token with the same ID.
	// It returns their hashes, or ErrNotFound if there was neither.
	EndSession(ctx context.Context, userID, id string) (hashes []string, err error)
	// EndSessions ends all sessions of a user.
	EndSessions(ctx context.Context, userID string) error
}

// SessionUser is an optional interface of a store that can read sessions and pendings together with
// their users, as every request needs. With other stores, they are read one after the other. A
// store that embeds a SessionUser and overrides Session, Pending, UserByID or FactorsOf must also
// override both methods. A store that embeds a Store does not have them.
type SessionUser interface {
	// SessionUser returns a session with its user. It returns ErrNotFound if either does not exist
	// or the session is not valid at now.
	SessionUser(ctx context.Context, hash string, now time.Time) (Session, User, error)
	// Waiting returns a pending with the data that the next step needs. It returns ErrNotFound if
	// the pending or its user does not exist, or the pending is expired at now.
	Waiting(ctx context.Context, hash string, now time.Time) (Waiting, error)
}
