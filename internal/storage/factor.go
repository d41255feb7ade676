package storage

import (
	"context"
	"time"
)

// The methods of factors.
const (
	Authenticator = "authenticator" // authenticator app (RFC 6238)
	SMS           = "sms"
	Email         = "email"
	Passkey       = "webauthn"
	RecoveryCode  = "recovery_code"
)

// The usages of a factor, by their wire names. An empty usage means a second factor. A first factor
// replaces the password and never counts as a second factor, so no secret proves both.
const (
	UseFirst  = "first"
	UseSecond = "secondary"
)

// Factor is one enrolled instance of a method, such as an app or a phone.
type Factor struct {
	ID          string
	UserID      string
	Method      string
	Name        string // name chosen by the user; may be empty
	Destination string // E.164 number or e-mail address; empty for an app
	Secret      []byte // sealed, bound to UserID and ID; nil for sms and email
	LastStep    int64  // newest accepted TOTP step; steps up to it cannot be used again
	Primary     bool   // the default at sign-in; one per user
	Key         string // for a passkey, the unique hash of its credential ID; otherwise empty
	Usage       string // UseFirst or UseSecond; empty for a second factor that is not a passkey
	CreatedAt   time.Time
	LastUsedAt  time.Time // zero if not used since enrollment
}

// FactorChange is one atomic change of a user's factors. It takes effect only if the user's
// credential version is still From, and sets it to To, so only one of two concurrent changes succeeds.
type FactorChange struct {
	UserID   string
	From, To string   // credential version before and after
	Add      *Factor  // nil if no factor is added. Primary unsets the Primary of all others
	Remove   []string // IDs to remove; IDs of other users are ignored
	// RemoveAll removes every second factor that the user had before, and RemoveFirst every first
	// factor.
	RemoveAll, RemoveFirst bool
	// RemoveConnections removes all connections of the user, and Disconnect those with the given
	// IDs.
	RemoveConnections bool
	Disconnect        []string
	// Messages are added to the outbox in the same transaction, so the owner is notified of every
	// change that took effect, and of no other.
	Messages []Message
	// Prefer is the ID of a remaining factor that becomes the primary one. It is ignored if it is
	// empty or the ID is not the user's.
	Prefer string
	// If KeepOne is set, a change that would leave no second factor is refused.
	KeepOne bool
	// Codes contains keyed hashes of new recovery codes, which replace all codes of the user. If it
	// is nil, the codes stay; if it is empty, they are removed. They are removed with the last second
	// factor too.
	Codes [][]byte
	// EarlyCodes allows codes for a user who has no second factor yet.
	EarlyCodes bool
	Now        time.Time
}

// Factors stores second factors and first factors.
type Factors interface {
	FactorReader
	FactorUses
	FactorSecrets
	// ChangeFactors applies the whole change or nothing, and removes the user's trusted devices. It
	// returns ErrUsed if the user's credential version is no longer From, ErrNotFound if there is no such
	// user, and ErrExists if the added ID or Key is taken. It returns ErrNoFactor if KeepOne
	// refuses the change, or if Codes is set for a user without a second factor.
	ChangeFactors(ctx context.Context, c FactorChange) error
	// NameFactor changes the name of a factor. Sessions and tokens stay valid. It returns
	// ErrNotFound if the user has no such factor.
	NameFactor(ctx context.Context, userID, id, name string) error
	// PreferFactor makes a second factor the primary one. Sessions and tokens stay valid. It
	// returns ErrNotFound if the user has no such factor.
	PreferFactor(ctx context.Context, userID, id string) error
}

// FactorReader reads factors.
type FactorReader interface {
	// FactorsOf lists a user's second factors, the primary first, then by age. If there are none,
	// it returns an empty slice. Factors with UseFirst are not included, so they cannot be mistaken
	// for second factors.
	FactorsOf(ctx context.Context, userID string) ([]Factor, error)
	// FirstFactorsOf lists a user's factors with UseFirst that are not passkeys, by age.
	FirstFactorsOf(ctx context.Context, userID string) ([]Factor, error)
	// PasskeysOf lists a user's passkeys of both uses, by age.
	PasskeysOf(ctx context.Context, userID string) ([]Factor, error)
	// PasskeyByKey returns the passkey with the given hash of its credential ID, or ErrNotFound,
	// also if key is empty.
	PasskeyByKey(ctx context.Context, key string) (Factor, error)
}

// FactorUses records the uses of factors.
type FactorUses interface {
	// AdvanceStep records that a TOTP step was accepted at now. It returns ErrUsed unless step is
	// greater than every step accepted before (RFC 6238 section 5.2), and ErrNotFound if there is
	// no such factor.
	AdvanceStep(ctx context.Context, id string, step int64, now time.Time) error
	// UsePasskey records a use at now and replaces the sealed record old with new. It returns
	// ErrUsed if the record is no longer old, so that one of two uses with the same counter is
	// refused, and ErrNotFound if there is no such passkey.
	UsePasskey(ctx context.Context, id string, old, new []byte, now time.Time) error
	// MarkUsed sets LastUsedAt. It returns ErrNotFound if there is no such factor.
	MarkUsed(ctx context.Context, id string, now time.Time) error
}

// FactorSecrets replaces sealed secrets, for key rotation.
type FactorSecrets interface {
	// SealedOtherwise returns the first bytes of up to limit sealed secrets that start with none of
	// the heads.
	SealedOtherwise(ctx context.Context, heads [][]byte, limit int) ([][]byte, error)
	// Reseal replaces the sealed secret old with new, for key rotation. It returns ErrUsed if the
	// secret is no longer old.
	Reseal(ctx context.Context, id string, old, new []byte) error
}
