package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
)

// The flags of an authenticator (WebAuthn Level 3, section 6.1).
const (
	userPresent    = 0x01
	userVerified   = 0x04
	backupEligible = 0x08
	backedUp       = 0x10
	attested       = 0x40
)

// Passkey is a passkey with its browser: ES256, without attestation. Its counter is always 0, like
// that of a synced passkey, unless Counts is set: then it is in a security key that counts its
// signatures.
type Passkey struct {
	ID, Handle []byte
	RPID       string
	Counts     bool
	Counter    uint32

	private *ecdsa.PrivateKey
}

// Lie holds the differences from a regular response. Its zero value is regular.
type Lie struct {
	Origin, RPID, Type string
	Challenge          string // in place of that of the question
	Unverified         bool   // the user showed no finger, face or PIN
	Untouched          bool   // no user was there
	ID, Handle         []byte // of another passkey, or of another user
	Counts             bool   // a new passkey is to count: no lie
}

// question holds the used options of navigator.credentials.create and .get.
type question struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
}

// ChallengeOf returns the challenge in the options.
func ChallengeOf(asked string) string {
	q, _ := ask(asked)
	return q.Challenge
}

func ask(asked string) (question, error) {
	var q question
	err := json.Unmarshal([]byte(asked), &q)
	if err == nil && q.Challenge == "" {
		err = fmt.Errorf("invalid options for a passkey: %.200s", asked)
	}
	return q, err
}

// clientData returns the client data for the challenge and the page that requested it.
func (q question) clientData(kind, origin string, lie Lie) []byte {
	challenge := q.Challenge
	for said, to := range map[string]*string{lie.Type: &kind, lie.Origin: &origin, lie.Challenge: &challenge} {
		if said != "" {
			*to = said
		}
	}
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
	return raw
}

// NewPasskey responds to navigator.credentials.create on a page of an origin.
func NewPasskey(asked, origin string, lie Lie) (*Passkey, string, error) {
	q, err := ask(asked)
	if err != nil {
		return nil, "", err
	}
	k := &Passkey{ID: make([]byte, 32), RPID: q.RP.ID, Counts: lie.Counts}
	_, _ = rand.Read(k.ID) // never fails
	if k.Handle, err = base64.RawURLEncoding.DecodeString(q.User.ID); err != nil {
		return nil, "", err
	}
	if k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, "", err
	}
	if lie.ID != nil {
		k.ID = lie.ID
	}
	public, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		return nil, "", err
	}
	data := k.data(lie, attested)
	data = append(data, make([]byte, 16)...) // no model is named
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.ID)))
	data = slices.Concat(data, k.ID, k.cose())
	// {"fmt": "none", "attStmt": {}, "authData": data} in CBOR
	object := slices.Concat([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), []byte{byte(len(data))}, data)
	return k, k.answer(map[string]any{
		"clientDataJSON": encoded(q.clientData("webauthn.create", origin, lie)), "attestationObject": encoded(object),
		"authenticatorData": encoded(data), "publicKey": encoded(public), "publicKeyAlgorithm": -7,
		"transports": []string{"internal", "hybrid"},
	}), nil
}

// Answer responds to navigator.credentials.get on a page of an origin.
func (k *Passkey) Answer(asked, origin string, lie Lie) (string, error) {
	q, err := ask(asked)
	if err != nil {
		return "", err
	}
	if k.Counts {
		k.Counter++
	}
	said, data := *k, k.data(lie, 0)
	client := q.clientData("webauthn.get", origin, lie)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(slices.Concat(data, hash[:]))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", err
	}
	if lie.ID != nil {
		said.ID = lie.ID
	}
	if lie.Handle != nil {
		said.Handle = lie.Handle
	}
	return said.answer(map[string]any{
		"clientDataJSON": encoded(client), "authenticatorData": encoded(data), "signature": encoded(signature),
		"userHandle": encoded(said.Handle),
	}), nil
}

// data returns the authenticator data without the part for a new passkey.
func (k *Passkey) data(lie Lie, flags byte) []byte {
	id := k.RPID
	if lie.RPID != "" {
		id = lie.RPID
	}
	if !lie.Untouched {
		flags |= userPresent
	}
	if !lie.Unverified {
		flags |= userVerified
	}
	if !k.Counts {
		flags |= backupEligible | backedUp
	}
	hash := sha256.Sum256([]byte(id))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), k.Counter)
}

// cose returns the public key in CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9053, section 7.1).
func (k *Passkey) cose() []byte {
	public, err := k.private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err) // a key of P-256 has them
	}
	return slices.Concat([]byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"), public[1:33],
		[]byte("\x22\x58\x20"), public[33:])
}

// answer returns the credential in the format of PublicKeyCredential.toJSON.
func (k *Passkey) answer(response map[string]any) string {
	raw, _ := json.Marshal(map[string]any{
		"id": encoded(k.ID), "rawId": encoded(k.ID), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": response,
	})
	return string(raw)
}
