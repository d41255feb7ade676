package store

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
	// Both: a passkey that verified its user, so it is both factors at once.
	Both bool `json:"both,omitempty"`
	// Rests names the things that the proof rests on; see RestsOn.
	Rests []string `json:"rests,omitempty"`
}

// What a proof may rest on. Two phone numbers are one thing: they may ring at one
// phone.
const (
	onSecret    = "secret"    // something known: the password
	OnMailbox   = "mailbox"   // the account's mailbox
	onPhone     = "phone"     // a phone number
	onApp       = "app"       // an authenticator app
	OnPasskey   = "passkey"   // a passkey, followed by a colon and its factor's id
	OnElsewhere = "elsewhere" // an account at another site; also followed by a colon and the site's name
	onSheet     = "sheet"     // recovery codes
	onBrowser   = "browser"   // a browser's cookie
)

// RestsOn returns what a proof by a method rests on, if nothing else is known of
// it. An account at another site counts as the mailbox behind it, too. A method
// that is not known rests on itself.
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

// RestsOn returns what the proof rests on.
func (p Proof) RestsOn() []string {
	if len(p.Rests) > 0 {
		return p.Rests
	}
	return RestsOn(p.Method)
}

// Session says who a browser (or a token's holder) is.
type Session struct {
	Hash       string // SHA-256 of the token; changes at every step up
	ID         string // stays when the token is renewed; safe to show
	UserID     string
	Uniquifier string // must equal the user's, else the session is dead
	Token      bool   // presented in a header, not in a cookie
	Level      Level
	Trusted    bool // the second factor was skipped by a trusted device
	// TrustedBy is the id of that device. If the user ended all trust from this
	// session, it is the session's own ID, a blank, and what the device had proven.
	TrustedBy string
	Proofs    []Proof
	// FreshAt is when everything the account asks for was last proven; zero
	// for a session that never did (a trusted device).
	FreshAt   time.Time
	Address   string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	IdleAt    time.Time // dead from here on unless touched
	ExpiresAt time.Time // dead from here on
}

// MaxListed is how many records one list holds: sessions, devices or tokens of a
// user. Fewer are kept; see TrimSessions.
const MaxListed = 250

// Sessions keeps sessions.
type Sessions interface {
	// PutSession stores a new session; ErrExists if the hash is taken.
	PutSession(ctx context.Context, s Session) error
	// Session returns ErrNotFound for an unknown or (at now) dead session.
	Session(ctx context.Context, hash string, now time.Time) (Session, error)
	// TouchSession records activity. A session that is gone stays gone:
	// ErrNotFound.
	TouchSession(ctx context.Context, hash string, seen, idle time.Time) error
	// TakeSession ends one session: exactly one caller gets it back, the
	// others ErrNotFound.
	TakeSession(ctx context.Context, hash string) (Session, error)
	// RebindSession gives a living session another Uniquifier, Level, Trusted,
	// TrustedBy, Proofs and FreshAt (for the token of a caller that changed its own
	// credentials). It prolongs nothing; a session that is gone stays gone:
	// ErrNotFound.
	RebindSession(ctx context.Context, s Session) error
	// TrimSessions ends all but the newest sessions of a user, and returns those
	// that it ended.
	TrimSessions(ctx context.Context, userID string, keep int) ([]Session, error)
	// SessionsOf lists a user's living sessions, newest first, at most MaxListed.
	SessionsOf(ctx context.Context, userID string, now time.Time) ([]Session, error)
	// EndSession ends a user's session of that id, and with it the header token
	// that shares the id. It returns the hashes of what it ended; ErrNotFound if
	// there was nothing.
	EndSession(ctx context.Context, userID, id string) (hashes []string, err error)
	// EndSessions ends all sessions of a user.
	EndSessions(ctx context.Context, userID string) error
}

// SessionUser is a store that keeps sessions and pendings with their users and reads both
// at once, as is done for every request. A store that does not implement it is asked for
// one after the other. A store that embeds one of these and answers Session, Pending,
// UserByID or FactorsOf otherwise must answer both verbs otherwise, too; one that embeds a
// Store has none.
type SessionUser interface {
	// SessionUser is Sessions.Session with the session's user: ErrNotFound if
	// either is missing, or the session dead at now.
	SessionUser(ctx context.Context, hash string, now time.Time) (Session, User, error)
	// Waiting is Pendings.Pending with what the next step of the sign-in needs:
	// ErrNotFound if the pending or its user is missing, or it expired at now.
	Waiting(ctx context.Context, hash string, now time.Time) (Waiting, error)
}
