package flask

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// TestTheVectorOfFernet uses the vector of the Fernet specification (generate.json,
// verify.json).
func TestTheVectorOfFernet(t *testing.T) {
	keys, err := fernetKeys([]string{"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="})
	if err != nil {
		t.Fatal(err)
	}
	const token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
	plain, made, err := openFernet(keys, token)
	if err != nil || string(plain) != "hello" || !made.Equal(time.Date(1985, 10, 26, 8, 20, 0, 0, time.UTC)) {
		t.Errorf("%q of %v: %v", plain, made, err)
	}
	raw, _ := base64.URLEncoding.DecodeString(token)
	for i := range raw { // any change is detected
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, _, err := openFernet(keys, base64.URLEncoding.EncodeToString(bad)); err == nil {
			t.Errorf("a change of byte %d was not found", i)
		}
	}
	for _, text := range []string{"", "AAAA", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=="} {
		if _, err := fernetKeys([]string{text}); err == nil {
			t.Errorf("%q was taken for a key", text)
		}
	}
}

// TestTheVectorsOfTheWallet opens a key that passlib's wallet encrypted, and
// strings that passlib could not read.
func TestTheVectorsOfTheWallet(t *testing.T) {
	w := newWallet(map[string]string{"1": "aaa", "2": "bbb"})
	a, err := w.open(`{"enckey":{"v":1,"c":13,"s":"6D7N7W53O7HHS37NLUFQ","k":"MHCTEGSNPFN5CGBJ","t":"1"},` +
		`"type":"totp","v":1}`)
	if err != nil || hex.EncodeToString(a.Secret) != "20c0bdd7859ca0adca7a" { // as passlib opens it
		t.Errorf("opened to %x: %v", a.Secret, err)
	}
	for name, text := range map[string]string{
		"no text": "", "not JSON": "{", "another type": `{"type":"hotp","key":"GEZDGNBVGY3TQOJQ"}`,
		"a later version":    `{"type":"totp","v":2,"key":"GEZDGNBVGY3TQOJQ"}`,
		"an unknown tag":     `{"enckey":{"v":1,"c":13,"s":"AAAA","k":"MHCTEGSNPFN5CGBJ","t":"9"}}`,
		"a bomb":             `{"enckey":{"v":1,"c":40,"s":"AAAA","k":"MHCTEGSNPFN5CGBJ","t":"1"}}`,
		"a negative cost":    `{"enckey":{"v":1,"c":-1,"s":"AAAA","k":"MHCTEGSNPFN5CGBJ","t":"1"}}`,
		"another wallet":     `{"enckey":{"v":2,"c":13,"s":"AAAA","k":"MHCTEGSNPFN5CGBJ","t":"1"}}`,
		"not base32":         "secret!",
		"a counter":          "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ",
		"digits of no sense": "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=x",
	} {
		if _, err := w.open(text); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	a, err = w.open("otpauth://totp/site:ann?secret=GEZDGNBVGY3TQOJQ&digits=8&period=60&algorithm=sha256")
	if err != nil || string(a.Secret) != "1234567890" || a.Digits != 8 || a.Period != 60 || a.Algorithm != "SHA256" {
		t.Errorf("%+v %v", a, err)
	}
}

// FuzzWallet checks that any input is refused or read in a bounded time.
func FuzzWallet(f *testing.F) {
	w := newWallet(map[string]string{"1": "a secret of the wallet"})
	f.Add(`{"enckey":{"v":1,"c":4,"s":"6D7N7W53O7HHS37NLUFQ","k":"MHCTEGSNPFN5CGBJ","t":"1"},"type":"totp","v":1}`)
	f.Add(`{"key":"GEZDGNBVGY3TQOJQ","type":"totp","v":1,"digits":7}`)
	f.Add("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=8")
	f.Add("GEZD GNBV GY3T QOJQ")
	f.Fuzz(func(t *testing.T, text string) {
		var s stored
		if json.Unmarshal([]byte(text), &s) == nil && s.Sealed != nil && s.Sealed.Cost > 8 {
			return // valid, but too slow for this test
		}
		a, err := w.open(text)
		if err == nil && len(a.Secret) > len(text)+transfer.MinSecret {
			t.Fatalf("%q became %d bytes", text, len(a.Secret))
		}
	})
}

// FuzzFernet checks that a string is a token of a key only if the key made it.
func FuzzFernet(f *testing.F) {
	keys, err := fernetKeys([]string{"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="})
	if err != nil {
		f.Fatal(err)
	}
	const token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
	f.Add(token)
	f.Add("gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODw==")
	f.Fuzz(func(t *testing.T, text string) {
		plain, _, err := openFernet(keys, text)
		if err != nil {
			return
		}
		a, _ := base64.URLEncoding.DecodeString(text)
		b, _ := base64.URLEncoding.DecodeString(token)
		if !bytes.Equal(a, b) || string(plain) != "hello" {
			t.Fatalf("%q opened to %q", text, plain)
		}
	})
}
