package store

import (
	"context"
	"time"
)

// The methods a factor may have.
const (
	Authenticator = "authenticator" // RFC 6238 app
	SMS           = "sms"
	Email         = "email"
	Passkey       = "webauthn"
	RecoveryCode  = "recovery_code"
)

// What a factor is for, by the names of the wire: a second factor if nothing
// is said. One for the first factor stands in the password's place and never
// counts as the second, so that no secret proves two things.
const (
	UseFirst  = "first"
	UseSecond = "secondary"
)

// Factor is one enrolled instance of a method: this app, this phone.
type Factor struct {
	ID          string
	UserID      string
	Method      string
	Name        string // what the user calls it; may be empty
	Destination string // E.164 number or e-mail address; empty for an app
	Secret      []byte // sealed, bound to UserID and ID; nil for sms and email
	LastStep    int64  // newest TOTP step accepted; steps up to it are spent
	Primary     bool   // the default at sign-in; one per user
	Key         string // of a passkey: hash of its credential id, which no two factors share; else empty
	Usage       string // UseFirst or UseSecond; empty for a second factor that is not a passkey
	CreatedAt   time.Time
	LastUsedAt  time.Time // zero: never since enrolment
}

// FactorChange is one atomic change of a user's factors. It takes effect only
// if the user's uniquifier is still From, and sets it to To, so two changes
// that run at once cannot both win.
type FactorChange struct {
	UserID   string
	From, To string   // uniquifier before and after
	Add      *Factor  // nil: nothing is added. Primary unsets the others'
	Remove   []string // ids removed; ids of other users are ignored
	// RemoveAll removes every second factor the user had before, RemoveFirst
	// every one that begins a sign-in.
	RemoveAll, RemoveFirst bool
	// RemoveConnections removes the user's accounts at other sites, Disconnect
	// those with these ids.
	RemoveConnections bool
	Disconnect        []string
	// Messages go into the outbox in the same transaction: the owner is told of
	// every change that happened, and of no other.
	Messages []Message
	// Prefer makes this one, of those that stay, the primary; empty: nothing
	// changes. An id that is not the user's is ignored.
	Prefer string
	// KeepOne refuses a change that would leave no second factor.
	KeepOne bool
	// Codes are keyed hashes of new recovery codes, in place of all the user
	// had; nil: they stay. They go when no second factor is left.
	Codes [][]byte
	// EarlyCodes lets a user have codes who has no second factor yet.
	EarlyCodes bool
	Now        time.Time
}

// Factors keeps second factors, and those that begin a sign-in.
type Factors interface {
	// FactorsOf lists a user's second factors, the primary first, then by age.
	// No factors is an empty slice, not an error. A factor of UseFirst is not
	// among them: nothing can take it for a second factor by mistake.
	FactorsOf(ctx context.Context, userID string) ([]Factor, error)
	// PasskeysOf lists a user's passkeys of both uses, by age.
	PasskeysOf(ctx context.Context, userID string) ([]Factor, error)
	// PasskeyByKey finds a passkey by the hash of its credential id; ErrNotFound,
	// for an empty key too.
	PasskeyByKey(ctx context.Context, key string) (Factor, error)
	// UsePasskey records a use at now: the sealed record old is replaced by new.
	// ErrUsed when it is no longer old, so of two uses that saw the same counter
	// one is refused; ErrNotFound if the passkey is gone.
	UsePasskey(ctx context.Context, id string, old, new []byte, now time.Time) error
	// FirstFactorsOf lists a user's factors of UseFirst that are not passkeys, by
	// age.
	FirstFactorsOf(ctx context.Context, userID string) ([]Factor, error)
	// ChangeFactors applies the whole change or nothing. ErrUsed: the user's
	// uniquifier is not From any more; ErrNotFound: no such user; ErrExists: the
	// added id or Key is taken; ErrNoFactor: see KeepOne, or Codes for a user
	// without second factor. The user's trusted devices go with it.
	ChangeFactors(ctx context.Context, c FactorChange) error
	// NameFactor and PreferFactor change how a factor is called and which second
	// factor is the primary. Nothing issued before ends with it. ErrNotFound: no
	// such factor of this user.
	NameFactor(ctx context.Context, userID, id, name string) error
	PreferFactor(ctx context.Context, userID, id string) error
	// AdvanceStep records that TOTP step was accepted at now: ErrUsed unless
	// step is greater than every step accepted before (RFC 6238 section 5.2);
	// ErrNotFound if the factor is gone.
	AdvanceStep(ctx context.Context, id string, step int64, now time.Time) error
	// MarkUsed sets LastUsedAt. ErrNotFound if the factor is gone.
	MarkUsed(ctx context.Context, id string, now time.Time) error
	// SealedOtherwise returns the beginnings of up to limit sealed secrets that
	// begin with none of the heads.
	SealedOtherwise(ctx context.Context, heads [][]byte, limit int) ([][]byte, error)
	// Reseal replaces the sealed secret old by new (key rotation); ErrUsed
	// when it is no longer old.
	Reseal(ctx context.Context, id string, old, new []byte) error
}
