package passkey_test

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR370_APasskeyWithUnknownPartsIsFixedByItsFirstSignIn checks that the first
// sign-in sets what the source system did not keep, and that it cannot change
// later.
func TestR370_APasskeyWithUnknownPartsIsFixedByItsFirstSignIn(t *testing.T) {
	b := newBench(t)
	k := b.key(softkey.ES256)
	if err := b.create(k); err != nil {
		t.Fatal(err)
	}
	whole, err := b.m.Export(b.shelf.f)
	if err != nil {
		t.Fatal(err)
	}
	poor := whole
	poor.Handle, poor.FlagsUnknown, poor.BackupEligible, poor.BackedUp = nil, true, false, false
	for name, q := range map[string]factor.AssertionRequest{"named": {Allowed: []storage.Factor{b.shelf.f}},
		"any": {Verification: factor.Required}} {
		b.shelf.f = storage.Factor{ID: "f", UserID: "u"}
		if err := b.m.Import(&b.shelf.f, poor); err != nil {
			t.Fatal(err)
		}
		if _, err := b.get(b.key(softkey.ES256), q); err == nil {
			t.Errorf("%s: another key signed in", name)
		}
		if c, _ := b.m.Export(b.shelf.f); !c.FlagsUnknown || len(c.Handle) != 0 {
			t.Errorf("%s: a refused answer changed it: %+v", name, c)
		}
		if _, err := b.get(k, q); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after, err := b.m.Export(b.shelf.f)
		if err != nil || after.FlagsUnknown || !after.BackupEligible || !after.BackedUp ||
			string(after.Handle) != string(k.Handle) {
			t.Errorf("%s: %+v %v", name, after, err)
		}
		if _, err := b.get(k, q, softkey.Clear(softkey.BE|softkey.BS)); err == nil {
			t.Errorf("%s: its eligibility changed later", name)
		}
		k.Handle = []byte("another user")
		if _, err := b.get(k, q); err == nil {
			t.Errorf("%s: it named another user later", name)
		}
		k.Handle = whole.Handle
	}
}

func FuzzAttested(f *testing.F) {
	f.Add([]byte{0xa3, 0x63, 'f', 'm', 't', 0x64, 'n', 'o', 'n', 'e'})
	f.Fuzz(func(t *testing.T, object []byte) {
		if c, err := passkey.Attested(object); err == nil && c.PublicKey == nil && c.ID == nil {
			t.Error("nothing was attested")
		}
	})
}
