package factor

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/twofold-auth/twofold/store"
)

// ErrAnswer says that what a browser sent is not an answer of an authenticator at
// all: nothing of it was checked.
var ErrAnswer = errors.New("factor: no answer of an authenticator")

// Refused is an answer of an authenticator that does not hold. It is an
// ErrWrong; Cause is for the trail, and for people only where the operator
// wants errors that say more.
type Refused struct {
	Cause string
	// Copied: everything was right but the counter, so a second copy of the
	// passkey is in use.
	Copied bool
}

func (r *Refused) Error() string { return "factor: passkey refused: " + r.Cause }

// Unwrap makes it an ErrWrong.
func (r *Refused) Unwrap() error { return ErrWrong }

// Verification is what is asked of the authenticator: that it knows its user
// by a finger, a face or a PIN. Only Required is also checked.
type Verification string

// The wishes, by the names of the wire.
const (
	Required    Verification = "required"
	Preferred   Verification = "preferred"
	Discouraged Verification = "discouraged"
)

// Ceremony is a ceremony that has started: Options go to the browser, State is kept by
// the server, spent by the first answer, and never shown.
type Ceremony struct {
	Options json.RawMessage
	State   []byte
}

// NewPasskey is a passkey to be made.
type NewPasskey struct {
	User    store.User
	Present []store.Factor // the user's passkeys: not to be made twice, and of one handle
	Usage   string         // store.UseFirst or store.UseSecond
	// Discoverable: it must be found without anybody naming its user.
	Discoverable bool
}

// Question asks for a passkey. With neither Allowed nor Decoys the browser
// offers whichever it finds, and the answer must name its user.
type Question struct {
	Allowed []store.Factor
	// Decoys are credential ids that no user has.
	Decoys       [][]byte
	Verification Verification
}

// Proven is what a right answer proves besides the passkey itself.
type Proven struct{ UserVerified bool }

// PasskeyDetail is what may be told of a passkey.
type PasskeyDetail struct {
	CredentialID string // base64url
	Transports   []string
	Synced       bool   // is backed up now
	Syncable     bool   // may be
	Verified     bool   // its user was verified by it at least once
	Discoverable *bool  // nil: the browser did not say
	Model        string // what keeps it, by its own account; empty: not known
}

// Passkeys is WebAuthn as the steps see it: two ceremonies, create and get,
// each of options for the browser and its answer.
type Passkeys interface {
	BeginCreate(n NewPasskey) (Ceremony, error)
	// FinishCreate returns a factor with Key and a sealed record, bound to
	// userID and id. ErrAnswer, *Refused.
	FinishCreate(state []byte, userID, id, answer string) (store.Factor, error)
	BeginGet(q Question) (Ceremony, error)
	// Key says which passkey an answer claims to be of. ErrAnswer.
	Key(answer string) (string, error)
	// Verify returns nil only if the answer proves the passkey f, and then its
	// record is advanced: no other caller gets nil for it. ErrAnswer, *Refused.
	Verify(ctx context.Context, state []byte, f store.Factor, answer string) (Proven, error)
	// Detail reads a passkey's record. ErrSecret.
	Detail(f store.Factor) (PasskeyDetail, error)
}
