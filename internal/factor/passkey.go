package factor

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/twofold-auth/twofold/internal/storage"
)

// ErrMalformedAssertion is returned if the text from a browser is not the response of an
// authenticator. The response itself was not checked.
var ErrMalformedAssertion = errors.New("factor: no answer of an authenticator")

// Refused is returned if a check of an authenticator's response fails. It is an
// ErrWrong. Cause is for the audit trail, and for users only if the operator wants
// detailed errors.
type Refused struct {
	Cause string
	// Copied reports whether only the counter was wrong, so a second copy of the
	// passkey is in use.
	Copied bool
}

func (r *Refused) Error() string { return "factor: passkey refused: " + r.Cause }

// Unwrap returns ErrWrong.
func (r *Refused) Unwrap() error { return ErrWrong }

// Verification specifies whether the authenticator is asked to verify its user by a
// fingerprint, a face or a PIN. Only Required is also checked.
type Verification string

// Values of Verification, as WebAuthn names them.
const (
	Required    Verification = "required"
	Preferred   Verification = "preferred"
	Discouraged Verification = "discouraged"
)

// Ceremony is a ceremony that has started. Options are sent to the browser. State
// is kept by the server, spent by the first response, and never shown.
type Ceremony struct {
	Options json.RawMessage
	State   []byte
}

// NewPasskey describes a passkey that is to be created.
type NewPasskey struct {
	User    storage.User
	Present []storage.Factor // the user's passkeys: they are excluded, and the new one gets their user handle
	Usage   string           // storage.UseFirst or storage.UseSecond
	// Discoverable requires a passkey that can be found without a user name.
	Discoverable bool
}

// AssertionRequest describes a request for a passkey. With neither Allowed nor Decoys, the
// browser offers any passkey that it finds, and the response must name the user.
type AssertionRequest struct {
	Allowed []storage.Factor
	// Decoys are credential IDs that belong to no user.
	Decoys       [][]byte
	Verification Verification
}

// Assertion contains the facts that a valid response proves besides the passkey
// itself.
type Assertion struct{ UserVerified bool }

// PasskeyDetail contains the details of a passkey that a user may see.
type PasskeyDetail struct {
	CredentialID string // base64url
	Transports   []string
	Synced       bool   // it is backed up now
	Syncable     bool   // it can be backed up
	Verified     bool   // it has verified its user at least once
	Discoverable *bool  // nil if the browser did not report it
	Model        string // name that its authenticator reports; empty if unknown
}

// Passkeys implements the two WebAuthn ceremonies, create and get. Each has options
// for the browser and a response.
type Passkeys interface {
	BeginCreate(n NewPasskey) (Ceremony, error)
	// FinishCreate returns a factor with a Key and a sealed record that is bound to
	// userID and id. The error is ErrAnswer or a *Refused.
	FinishCreate(state []byte, userID, id, answer string) (storage.Factor, error)
	BeginGet(q AssertionRequest) (Ceremony, error)
	// Key returns the key of the passkey that a response names. The error is
	// ErrAnswer.
	Key(answer string) (string, error)
	// Verify returns nil if the response proves the passkey f, and updates its
	// record: only one caller gets nil for a response. The error is ErrAnswer or a
	// *Refused.
	Verify(ctx context.Context, state []byte, f storage.Factor, answer string) (Assertion, error)
	// Detail reads a passkey's record. The error is ErrSecret.
	Detail(f storage.Factor) (PasskeyDetail, error)
}
