package password_test

import (
	"crypto/md5"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/password"
)

const (
	djangoMD5    = "md5$a$" // and the sum
	wrongHash    = "pbkdf2_sha256$4000000000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	strongDjango = "pbkdf2_sha256$260000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
)

// TestAdopt checks that a weak hash is wrapped, so that its sum is not stored, that plain text is
// hashed, and that a good hash is stored unchanged. Hashes that are unknown, damaged, too costly,
// or without their secret are refused.
func TestAdopt(t *testing.T) {
	h := cheap(t, password.Config{Peppers: map[string]string{"devise": "pepper"}}, 4)
	stored, err := h.Adopt(t.Context(), djangoMD5+md5Hex("asecret word"))
	if err != nil || strings.Contains(stored, md5Hex("asecret word")) || !strings.HasPrefix(stored, "$wrap$") {
		t.Fatalf("%s, %v", stored, err)
	}
	expect(t, h, "secret word", stored, "upgrade")
	expect(t, h, "secret wore", stored, "no")
	again, err := h.Adopt(t.Context(), stored)
	if err != nil || again != stored {
		t.Errorf("adopted twice: %s, %v", again, err)
	}
	plain, err := h.Adopt(t.Context(), "{PLAIN}secret word")
	if err != nil || strings.Contains(plain, "secret word") {
		t.Fatalf("%s, %v", plain, err)
	}
	expect(t, h, "secret word", plain, "ok")
	ok, _, err := h.Verify(t.Context(), "secret word", "{PLAIN}secret word")
	if ok || !errors.Is(err, password.ErrUnknownScheme) {
		t.Errorf("plain text verifies: %v, %v", ok, err)
	}
	for _, good := range []string{strongDjango, plainBcrypt(t, "x"), hash(t, h, "x")} {
		if stored, err := h.Adopt(t.Context(), good); err != nil || stored != good {
			t.Errorf("%s: %s, %v", good, stored, err)
		}
	}
	devise, err := h.Adopt(t.Context(), "$pre$pepper,k=devise$"+plainBcrypt(t, "secret wordpepper"))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, h, "secret word", devise, "upgrade")
	asks := cheap(t, password.Config{Asks: true}, 4)
	if stored, err := asks.Adopt(t.Context(), password.AskLegacy); err != nil || stored != password.AskLegacy {
		t.Errorf("%s, %v", stored, err)
	}
	if ok, _, err := asks.Verify(t.Context(), "secret word", password.AskLegacy); ok || err == nil {
		t.Errorf("it verifies: %v, %v", ok, err)
	}
	for bad, want := range map[string]error{
		password.AskLegacy: password.ErrUnknownScheme, "$pre$none$$ask$": password.ErrUnknownScheme,
		wrongHash: password.ErrMalformed, "secret word": password.ErrUnknownScheme, "": password.ErrUnknownScheme,
		"$pre$pepper,k=other$" + plainBcrypt(t, "x"): password.ErrUnknownScheme, "{PLAIN}": password.ErrMalformed,
		"{PLAIN}a\x00b": password.ErrMalformed,
		strings.Replace(hash(t, h, "x"), "m=19456,t=2", "m=1048576,t=20", 1): password.ErrMalformed,
		"$twofold-bcrypt$2a$15$" + strings.Repeat(".", 53):                   password.ErrMalformed,
	} {
		if stored, err := h.Adopt(t.Context(), bad); stored != "" || !errors.Is(err, want) {
			t.Errorf("%s: %q, %v, want %v", bad, stored, err, want)
		}
	}
}

func md5Hex(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }

// TestPepperNames checks that an invalid name is refused.
func TestPepperNames(t *testing.T) {
	for _, peppers := range []map[string]string{{"": "x"}, {"A": "x"}, {"a$b": "x"}, {"a": ""}} {
		if _, err := password.New(password.Config{Peppers: peppers}); err == nil {
			t.Errorf("%v is accepted", peppers)
		}
	}
}
