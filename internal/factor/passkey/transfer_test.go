package passkey

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestAPasskeyMovesWhole checks that an exported passkey is imported unchanged, and
// that a passkey whose responses cannot be verified is refused.
func TestAPasskeyMovesWhole(t *testing.T) {
	ring, err := seal.NewRing(map[string]string{"1": strings.Repeat("k", 32)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Ring: ring, Origin: "https://example.org", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c := made(t, m)
	f := storage.Factor{ID: "f", UserID: "u"}
	if err := m.Import(&f, c); err != nil {
		t.Fatal(err)
	}
	got, err := m.Export(f)
	if err != nil || !reflect.DeepEqual(got, c) || f.Key != KeyOf(c.ID) || f.Method != storage.Passkey {
		t.Errorf("%+v comes back as %+v: %v", c, got, err)
	}
	other := f
	other.UserID = "v"
	if _, err := m.Export(other); err == nil {
		t.Error("opened in another user's row")
	}
	for name, change := range map[string]func(*Credential){
		"no id":           func(c *Credential) { c.ID = nil },
		"a long id":       func(c *Credential) { c.ID = make([]byte, 1024) },
		"known unknowns":  func(c *Credential) { c.FlagsUnknown, c.BackupEligible = true, true },
		"a long handle":   func(c *Credential) { c.Handle = make([]byte, 65) },
		"half an AAGUID":  func(c *Credential) { c.AAGUID = make([]byte, 8) },
		"no key":          func(c *Credential) { c.PublicKey = nil },
		"not a key":       func(c *Credential) { c.PublicKey = []byte("key") },
		"a cut key":       func(c *Credential) { c.PublicKey = c.PublicKey[:len(c.PublicKey)-1] },
		"an odd backup":   func(c *Credential) { c.BackupEligible, c.BackedUp = false, true },
		"no algorithm":    func(c *Credential) { c.PublicKey = []byte{0xa1, 1, 2} },
		"symmetric key":   func(c *Credential) { c.PublicKey = []byte{0xa2, 1, 4, 3, 5} },
		"a key too large": func(c *Credential) { c.PublicKey = append(c.PublicKey, make([]byte, maxAnswer)...) },
	} {
		bad := c
		change(&bad)
		if m.Import(&f, bad) == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// made returns a passkey of a new authenticator.
func made(t *testing.T, m *Method) Credential {
	t.Helper()
	begun, err := m.BeginCreate(factor.NewPasskey{User: storage.User{ID: "x", Email: "x@x.t"}})
	if err != nil {
		t.Fatal(err)
	}
	key, err := softkey.New("https://example.org", softkey.ES256)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := key.Create(begun.Options)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.FinishCreate(begun.State, "x", "y", answer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Export(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
