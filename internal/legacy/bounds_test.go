package legacy

import (
	"errors"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

// TestHostileHashes checks that Parse refuses a hash that would cost too much. The
// cost is computed from its parameters, so this test runs none of them.
func TestHostileHashes(t *testing.T) {
	sum32, sum64 := encode(make([]byte, 32)), encode(make([]byte, 64))
	salt := encode([]byte("0123456789abcdef"))
	for _, text := range []string{
		"$2b$15$" + strings.Repeat(".", 53), "$2b$31$" + strings.Repeat(".", 53),
		"bcrypt$$2b$20$" + strings.Repeat(".", 53), "bcrypt_sha256$$2b$20$" + strings.Repeat(".", 53),
		"$bcrypt-sha256$v=2,t=2b,r=15$" + strings.Repeat(".", 22) + "$" + strings.Repeat(".", 31),
		"$argon2id$v=19$m=262145,t=1,p=1$" + salt + "$" + sum32,
		"$argon2id$v=19$m=65536,t=30,p=4$" + salt + "$" + sum32,
		"$argon2i$v=19$m=8192,t=1000,p=1$" + salt + "$" + sum32,
		"argon2$argon2id$v=19$m=1048576,t=4,p=8$" + salt + "$" + sum32,
		"$pbkdf2-sha256$i=4000001,l=32$" + salt + "$" + sum32, "$pbkdf2-sha256$i=2000001,l=64$" + salt + "$" + sum64,
		"$pbkdf2-sha512$99999999$" + salt + "$" + sum64, "$pbkdf2$999999999$" + salt + "$" + sum32,
		"pbkdf2_sha256$4294967296$salt$" + sum32, "pbkdf2_sha256$1099511627776$salt$" + sum32,
		"$scrypt$ln=18,r=8,p=2$" + salt + "$" + sum32, "$scrypt$ln=62,r=8,p=1$" + salt + "$" + sum32,
		"$scrypt$ln=10,r=1099511627776,p=1$" + salt + "$" + sum32, "$scrypt$ln=14,r=8,p=1000$" + salt + "$" + sum32,
		"$scrypt$ln=1,r=1,p=1099511627776$" + salt + "$" + sum32,
		"$scrypt$ln=1099511627776,r=8,p=1$" + salt + "$" + sum32, "scrypt$4194304$salt$8$1$" + sum64,
		"$firescrypt$ln=40,r=8,p=1$" + salt + "$" + sum64 + "$Bw$" + sum64,
		"$fbscrypt$v=1,n=19,r=8,p=1,ss=Bw,sk=" + sum64 + "$" + salt + "$" + sum64,
		"$5$rounds=999999999$salt$" + strings.Repeat(".", 43), "$6$rounds=9999999$salt$" + strings.Repeat(".", 86),
		"$P$S" + strings.Repeat(".", 30),
		"$aspnet$AQAAAAL/////AAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	} {
		for _, line := range []string{text, "$pre$none$" + text} {
			if h, err := Parse(line); !errors.Is(err, ErrCost) {
				t.Errorf("%s: %+v, %v", line, h.Cost, err)
			}
		}
	}
}

// TestUsualHashes checks that the bounds admit the default hashes of current
// systems.
func TestUsualHashes(t *testing.T) {
	sum32, sum64 := encode(make([]byte, 32)), encode(make([]byte, 64))
	salt := encode([]byte("0123456789abcdef"))
	for _, text := range []string{
		"$2b$14$" + strings.Repeat(".", 53),
		"$argon2id$v=19$m=102400,t=10,p=8$" + salt + "$" + sum32, // Flask-Security with argon2-cffi of Debian
		"$argon2id$v=19$m=131072,t=3,p=4$" + salt + "$" + sum32,  // Kratos
		"argon2$argon2id$v=19$m=102400,t=2,p=8$" + salt + "$" + sum32,
		"pbkdf2_sha256$1500000$salt$" + sum32, // Django 6.0 uses 1,200,000
		"$pbkdf2-sha512$i=210000,l=64$" + salt + "$" + sum64,
		"$scrypt$ln=17,r=8,p=1$" + salt + "$" + sum32, "scrypt$16384$salt$8$5$" + sum64,
		"$firescrypt$ln=14,r=8,p=1$" + salt + "$" + sum64 + "$Bw$" + sum64,
		"$5$rounds=535000$salt$" + strings.Repeat(".", 43), "$6$rounds=656000$salt$" + strings.Repeat(".", 86),
		"$P$D" + strings.Repeat(".", 30),
	} {
		if h, err := Parse(text); err != nil {
			t.Errorf("%s: %+v, %v", text, h.Cost, err)
		}
	}
}

// TestLongPasswords checks that a password is not tried if its length would make
// the check too slow.
func TestLongPasswords(t *testing.T) {
	h, err := Parse("$6$rounds=656000$salt$" + strings.Repeat(".", 86))
	if err != nil {
		t.Fatal(err)
	}
	called := false
	h.derive = func([]byte, *argon2id.Pool) ([]byte, error) { called = true; return nil, nil }
	none := func(string) (string, bool) { return "", false }
	for n, want := range map[int]bool{100: true, 1024: false} {
		called = false
		if ok, err := h.Matches(strings.Repeat("a", n), none, nil); ok || err != nil || called != want {
			t.Errorf("%d bytes: tried %v (%v, %v)", n, called, ok, err)
		}
	}
}

// TestRefused checks that damaged, unknown and incomplete hashes are refused.
func TestRefused(t *testing.T) {
	for text, want := range map[string]error{
		"": ErrUnknown, "x": ErrUnknown, "secret": ErrUnknown, "$9$salt$sum": ErrUnknown, "!": ErrUnknown,
		"$2x$12$" + strings.Repeat(".", 53): ErrUnknown, "{CRYPT}ab": ErrUnknown, "{PLAIN}": ErrMalformed,
		"$pre$rot13$$2b$12$" + strings.Repeat(".", 53):       ErrUnknown,
		"$pre$pepper$$2b$12$" + strings.Repeat(".", 53):      ErrMalformed,
		"$pre$pepper,k=A B$$2b$12$" + strings.Repeat(".", 9): ErrMalformed,
		"$pre$pepper,k=x${PLAIN}secret":                      ErrMalformed,
		"$pre$none$$pre$none$$2b$12$":                        ErrUnknown,
		// A short sum could match by chance.
		"$md5$AAAA": ErrMalformed,
		// Every password would match.
		"$md5$pf=" + encode([]byte("{SALT}")) + "$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA": ErrMalformed,
		"sha1$salt$": ErrMalformed, "md5$a$b$c": ErrMalformed, "{SSHA}": ErrMalformed,
		"$hmac-sha256$AAAA$": ErrMalformed, "$aspnet$": ErrMalformed, "$aspnet$AAAA": ErrMalformed,
		"$better-auth$:" + strings.Repeat("0", 128): ErrMalformed, "$better-auth$salt:00": ErrMalformed,
		"$scrypt$ln=14,r=8,p=1$c2FsdA$": ErrMalformed, "$pbkdf2$1000$c2FsdA$": ErrMalformed,
		"$wrap$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$$2b$12$" + strings.Repeat(".",
			53): ErrMalformed,
		strings.Repeat("$", 2000): ErrMalformed,
	} {
		if h, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v", text, h, err)
		}
	}
}

// TestMissingSecret checks that a missing secret is an error and does not count as
// a wrong password.
func TestMissingSecret(t *testing.T) {
	h, err := Parse("$pre$pepper,k=devise$$2a$04$" + strings.Repeat(".", 53))
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) (string, bool) { return "", false }
	if _, err := h.Matches("x", none, nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if err := h.Check(none); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

// TestSpecMistakes checks that a Spec with a missing or unknown param is refused.
func TestSpecMistakes(t *testing.T) {
	for _, s := range []Spec{
		{Scheme: "pbkdf2-sha256", Value: "AAAA"},
		{Scheme: "pbkdf2-sha256", Value: encode(make([]byte, 32)), Params: map[string]string{"rounds": "1000"}},
		{Scheme: "rot13", Value: "abc"}, {Scheme: "bcrypt", Value: "md5$a$" + strings.Repeat("0", 32)}, {Value: "x"},
		{Scheme: "sha256", Value: encode(make([]byte, 32)), Params: map[string]string{"salt": "AAAA", "cost": "1"}},
		{Scheme: "sha256", Value: encode(make([]byte, 32)), Params: map[string]string{"order": "reverse"}},
		{Scheme: "bcrypt", Value: "$2b$12$" + strings.Repeat(".", 53), Pre: "pepper"},
	} {
		if line, err := Text(s); err == nil {
			t.Errorf("%+v: %s", s, line)
		}
	}
}

// FuzzParse checks that an accepted hash is within the bounds and has a scheme, that a
// wrong password yields neither a match nor an error, and that a weak hash can be wrapped.
func FuzzParse(f *testing.F) {
	for _, v := range kratos {
		f.Add(v.Text)
	}
	for _, text := range []string{
		"$2b$04$abcdefghijklmnopqrstuulLZwC/0FQ4eBEnZjYXWjmY0J2wn.TQm", "pbkdf2_sha256$1$salt$AAAAAAAAAAAAAAAAAAAAAA",
		"scrypt$2$salt$1$1$AAAAAAAAAAAAAAAAAAAAAA", "ab...........", "$P$5........AAAAAAAAAAAAAAAAAAAAAA",
		"md5$a$" + strings.Repeat("0", 32),
		"$pre$pepper,k=x$sha1$a$" + strings.Repeat("0", 40), "$pbkdf2-sha256$1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
		"{SMD5}AAAAAAAAAAAAAAAAAAAAAAAA",
		"$wrap$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$md5$a$" + strings.Repeat("0", 32),
	} {
		f.Add(text)
	}
	pool := argon2id.NewPool(64, true)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if err != nil {
			if Scheme(text) != "" {
				t.Fatalf("%q has a scheme and is refused: %v", text, err)
			}
			return
		}
		if Scheme(text) == "" || h.Cost.Time > MaxTime || h.Cost.Memory > MaxMemory {
			t.Fatalf("%q: %+v", text, h)
		}
		if h.Cost.Time > weak {
			return
		}
		key := func(string) (string, bool) { return "secret", true }
		if ok, err := h.Matches("no such password", key, pool); ok || err != nil && h.Scheme != "plain" &&
			h.Scheme != "ask" {
			t.Fatalf("%q matches: %v, %v", text, ok, err)
		}
		if !h.Weak() {
			return
		}
		line, err := h.Wrap(argon2id.Cost{Memory: 8, Time: 1, Threads: 1}, pool)
		if err != nil {
			t.Fatalf("%q cannot be wrapped: %v", text, err)
		}
		if w, err := Parse(line); err != nil || w.Scheme != h.Scheme {
			t.Fatalf("%q of %q: %v", line, text, err)
		}
	})
}
