package passkey

import (
	"errors"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Credential is a passkey that is imported or exported.
type Credential struct {
	ID             []byte
	PublicKey      []byte // COSE
	Handle         []byte // empty if unknown
	Counter        uint32
	FlagsUnknown   bool // the first sign-in sets the next two fields
	BackupEligible bool
	BackedUp       bool
	Verified       bool
	Transports     []string
	Attachment     string
	AAGUID         []byte
	Discoverable   *bool
}

// Check returns an error if a credential has wrong sizes, or a key with which no
// response could be verified.
func (c Credential) Check() error {
	switch {
	case len(c.ID) == 0 || len(c.ID) > maxID:
		return errors.New("passkey: a credential id has 1 to 1023 bytes")
	case len(c.Handle) > 64:
		return errors.New("passkey: a user handle has at most 64 bytes")
	case len(c.AAGUID) != 0 && len(c.AAGUID) != 16:
		return errors.New("passkey: an AAGUID has 16 bytes")
	case c.BackedUp && !c.BackupEligible, c.FlagsUnknown && c.BackupEligible:
		return errors.New("passkey: marked as backed up but not backup-eligible")
	}
	return checkKey(c.PublicKey)
}

// KeyOf returns the Key of the factor with a credential ID.
func KeyOf(id []byte) string { return keyOf(id) }

// Import stores the passkey c in a factor whose IDs are set.
func (m *Method) Import(f *storage.Factor, c Credential) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	f.Method, f.Key = storage.Passkey, keyOf(c.ID)
	f.Secret, err = m.seal(*f, record{
		Version: 1, ID: c.ID, PublicKey: c.PublicKey, Handle: c.Handle, Counter: c.Counter,
		FlagsUnknown: c.FlagsUnknown, BackupEligible: c.BackupEligible, BackedUp: c.BackedUp, Verified: c.Verified,
		Transports: c.Transports, Attachment: c.Attachment, AAGUID: c.AAGUID, Discoverable: c.Discoverable,
	})
	return err
}

// Export returns the passkey of a factor. The error is a factor.ErrSecret.
func (m *Method) Export(f storage.Factor) (Credential, error) {
	r, err := m.open(f)
	if err != nil {
		return Credential{}, err
	}
	return Credential{
		ID: r.ID, PublicKey: r.PublicKey, Handle: r.Handle, Counter: r.Counter, FlagsUnknown: r.FlagsUnknown,
		BackupEligible: r.BackupEligible, BackedUp: r.BackedUp, Verified: r.Verified, Transports: r.Transports,
		Attachment: r.Attachment,
		AAGUID:     r.AAGUID, Discoverable: r.Discoverable,
	}, nil
}

// RPID returns the relying party's ID.
func (m *Method) RPID() string { return m.rpID }
