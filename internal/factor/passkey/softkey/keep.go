package softkey

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
)

// kept is the form of a key in a file.
type kept struct {
	Origin  string `json:"origin"`
	RPID    string `json:"rp_id"`
	ID      []byte `json:"id"`
	Handle  []byte `json:"handle"`
	Alg     int    `json:"alg"`
	Flags   byte   `json:"flags"`
	Counter uint32 `json:"counter"`
	Private []byte `json:"private"` // PKCS #8
}

// MarshalJSON encodes a key with its private half, so that a test can sign in with
// a passkey that was registered with another system.
func (k *Key) MarshalJSON() ([]byte, error) {
	private, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(kept{k.Origin, k.RPID, k.ID, k.Handle, k.Alg, k.Flags, k.Counter, private})
}

// UnmarshalJSON decodes a key that MarshalJSON encoded.
func (k *Key) UnmarshalJSON(raw []byte) error {
	var f kept
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	private, err := x509.ParsePKCS8PrivateKey(f.Private)
	if err != nil {
		return err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return errors.New("softkey: not a key that signs")
	}
	*k = Key{Origin: f.Origin, RPID: f.RPID, ID: f.ID, Handle: f.Handle, Alg: f.Alg, Flags: f.Flags,
		Counter: f.Counter, signer: signer}
	return nil
}
