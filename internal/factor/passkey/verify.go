package passkey

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/twofold-auth/twofold/internal/factor"
)

// Only this file uses go-webauthn. Its functions return types of this package. The
// library's errors are only for the audit trail.

// algorithms returns the algorithms that are offered and accepted.
func algorithms() []webauthncose.COSEAlgorithmIdentifier {
	return []webauthncose.COSEAlgorithmIdentifier{
		webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgES512, webauthncose.AlgPS256,
		webauthncose.AlgPS384,
		webauthncose.AlgPS512, webauthncose.AlgRS256, webauthncose.AlgRS384, webauthncose.AlgRS512,
	}
}

// checkKey refuses a key whose algorithm is not accepted.
func checkKey(cose []byte) error {
	invalid := errors.New("passkey: not a COSE key of a known algorithm")
	if len(cose) == 0 || len(cose) > maxAnswer {
		return invalid
	}
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return invalid
	}
	var alg int64
	switch key := key.(type) {
	case webauthncose.EC2PublicKeyData:
		alg = key.Algorithm
	case webauthncose.OKPPublicKeyData:
		alg = key.Algorithm
	case webauthncose.RSAPublicKeyData:
		alg = key.Algorithm
	}
	if !slices.Contains(algorithms(), webauthncose.COSEAlgorithmIdentifier(alg)) {
		return invalid
	}
	return nil
}

// Attested returns the passkey in an attestation object that another system stored.
// It does not verify the attestation: the system that requested it should have done so.
func Attested(object []byte) (Credential, error) {
	invalid := errors.New("passkey: not an attestation object")
	if len(object) == 0 || len(object) > maxAnswer {
		return Credential{}, invalid
	}
	var o protocol.AttestationObject
	if err := webauthncbor.Unmarshal(object, &o); err != nil {
		return Credential{}, invalid
	}
	if err := o.AuthData.Unmarshal(o.RawAuthData); err != nil || !o.AuthData.Flags.HasAttestedCredentialData() {
		return Credential{}, invalid
	}
	f := o.AuthData.Flags
	return Credential{
		ID: o.AuthData.AttData.CredentialID, PublicKey: o.AuthData.AttData.CredentialPublicKey,
		Counter: o.AuthData.Counter, BackupEligible: f.HasBackupEligible(), BackedUp: f.HasBackupState(),
		Verified: f.HasUserVerified(), AAGUID: o.AuthData.AttData.AAGUID,
	}, nil
}

// library encodes a response for the library. It contains only members that were
// read strictly.
func (a answer) library() ([]byte, error) {
	response := map[string]string{"clientDataJSON": b64.EncodeToString(a.client)}
	if a.attestation != nil {
		response["attestationObject"] = b64.EncodeToString(a.attestation)
	}
	if a.data != nil {
		response["authenticatorData"] = b64.EncodeToString(a.data)
		response["signature"] = b64.EncodeToString(a.signature)
	}
	id := b64.EncodeToString(a.id)
	return json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response})
}

// created checks the response of a creation (section 7.1) and returns the new
// record.
func (a answer) created(s state, rpID string, origins []string) (record, error) {
	raw, err := a.library()
	if err != nil || len(a.attestation) == 0 {
		return record{}, factor.ErrMalformedAssertion
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(raw)
	if err != nil {
		return record{}, factor.ErrMalformedAssertion
	}
	var offered []protocol.CredentialParameter
	for _, alg := range algorithms() {
		offered = append(offered, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	if _, err := parsed.Verify(s.Challenge, rpID, origins, nil, nil, protocol.TopOriginExplicitVerificationMode, false,
		s.MustVerify, true,
		nil, offered, protocol.AttestationPolicy{}, protocol.SignaturePolicy{}); err != nil {
		return record{}, refuse(cause(err))
	}
	object := parsed.Response.AttestationObject
	if err := checkAttestation(object); err != nil {
		return record{}, err
	}
	data := object.AuthData
	if !bytes.Equal(data.AttData.CredentialID, a.id) {
		return record{}, refuse("the id is not the one attested")
	}
	if _, err := webauthncose.ParsePublicKey(data.AttData.CredentialPublicKey); err != nil {
		return record{}, refuse("its key is invalid")
	}
	if data.Flags.HasBackupState() && !data.Flags.HasBackupEligible() {
		return record{}, refuse("marked as backed up but not backup-eligible")
	}
	return record{
		Version: 1, ID: a.id, PublicKey: data.AttData.CredentialPublicKey, Handle: s.Handle, Counter: data.Counter,
		BackupEligible: data.Flags.HasBackupEligible(), BackedUp: data.Flags.HasBackupState(),
		Verified:   data.Flags.HasUserVerified(),
		Transports: a.transports, Attachment: a.attachment, AAGUID: data.AttData.AAGUID, Discoverable: a.discoverable,
	}, nil
}

// checkAttestation accepts a response without an attestation, because none was
// requested. It also accepts a self-attestation, which browsers send if the
// authenticator names no model (section 5.1.3, step 22); the library has checked
// its signature. It refuses certificates, because nothing here can verify them.
func checkAttestation(o protocol.AttestationObject) error {
	if o.Format == string(protocol.AttestationFormatNone) {
		return nil
	}
	if _, chain := o.AttStatement["x5c"]; o.Format == string(protocol.AttestationFormatPacked) && !chain {
		return nil
	}
	return refuse("attestation " + printable(o.Format))
}

// proves checks the response to a request for a passkey (section 7.2) and returns
// the updated record.
func (a answer) proves(s state, r record, rpID string, origins []string) (factor.Assertion, record, error) {
	raw, err := a.library()
	if err != nil || len(a.data) == 0 {
		return factor.Assertion{}, record{}, factor.ErrMalformedAssertion
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(raw)
	if err != nil {
		return factor.Assertion{}, record{}, factor.ErrMalformedAssertion
	}
	if s.MustVerify && !parsed.Response.AuthenticatorData.Flags.HasUserVerified() {
		return factor.Assertion{}, record{},
			refuse("User verification is required but user was not verified during authentication")
	}
	if err := parsed.Verify(s.Challenge, rpID, "", origins, nil, nil, protocol.TopOriginExplicitVerificationMode, false,
		s.MustVerify, true,
		r.PublicKey, protocol.SignaturePolicy{}); err != nil {
		return factor.Assertion{}, record{}, refuse(cause(err))
	}
	data := parsed.Response.AuthenticatorData
	eligible, backed := data.Flags.HasBackupEligible(), data.Flags.HasBackupState()
	switch {
	case data.Flags.HasAttestedCredentialData(): // section 6.1: only in a creation
		return factor.Assertion{}, record{}, refuse("it attests a new key")
	case !r.FlagsUnknown && eligible != r.BackupEligible: // section 6.1.3: set at the creation
		return factor.Assertion{}, record{}, refuse("its backup eligibility has changed")
	case backed && !eligible:
		return factor.Assertion{}, record{}, refuse("marked as backed up but not backup-eligible")
	case (data.Counter != 0 || r.Counter != 0) && data.Counter <= r.Counter: // section 6.1.1
		return factor.Assertion{}, record{}, &factor.Refused{Cause: "its counter went back", Copied: true}
	}
	verified := data.Flags.HasUserVerified()
	r.Counter, r.BackedUp, r.Verified = data.Counter, backed, r.Verified || verified
	// The first sign-in sets what the source system did not keep: the flag that the
	// key has signed, and the user that the authenticator names.
	r.FlagsUnknown, r.BackupEligible = false, eligible
	if len(r.Handle) == 0 {
		r.Handle = a.handle
	}
	return factor.Assertion{UserVerified: verified}, r, nil
}

// cause describes an error in words. The messages of the library name its internals
// and are for programmers.
func cause(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) && e.Type == protocol.ErrAssertionSignature.Type {
		return "Could not verify authentication signature"
	}
	return "the answer does not match what was asked"
}

// printable returns a short form of a cause on one line.
func printable(s string) string {
	b := []byte{}
	for _, c := range []byte(s) {
		if c >= ' ' && c < 0x7f && len(b) < 100 {
			b = append(b, c)
		}
	}
	return string(b)
}
