package password_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold/password"
)

// Made with Flask-Security itself: password "password", SECURITY_PASSWORD_SALT "salty".
const (
	flaskArgon  = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$EOyZNRHG2UlECYeAj0j4xU4ETmyw333e1U1t9WXV5mc"
	flaskBcrypt = "$2b$04$abcdefghijklmnopqrstuulLZwC/0FQ4eBEnZjYXWjmY0J2wn.TQm"
	ownPrefix   = "$argon2id$v=19$m=19456,t=2,p=1,keyid=dHdvZm9sZA$"
)

func hasher(t testing.TB, c password.Config) *password.Hasher {
	t.Helper()
	h, err := password.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *password.Hasher, pw string) string {
	t.Helper()
	s, err := h.Hash(t.Context(), pw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cheap is hasher, with bcrypt at a low cost.
func cheap(t testing.TB, c password.Config, cost int) *password.Hasher {
	t.Helper()
	h := hasher(t, c)
	if c.Scheme == "bcrypt" {
		h = password.WithBcryptCost(h, cost)
	}
	return h
}

// expect verifies and compares with "no", "ok" or "upgrade".
func expect(t *testing.T, h *password.Hasher, pw, encoded, want string) {
	t.Helper()
	ok, upgrade, err := h.Verify(t.Context(), pw, encoded)
	got := "no"
	if ok {
		got = "ok"
	}
	if upgrade {
		got = "upgrade"
	}
	if err != nil || got != want {
		t.Errorf("Verify(%.40q, %.40q) = %s, %v, want %s", pw, encoded, got, err, want)
	}
}

func plainArgon(pw string) string {
	salt := []byte("0123456789abcdef")
	tag := argon2.IDKey([]byte(pw), salt, 2, 19456, 1, 32)
	return "$argon2id$v=19$m=19456,t=2,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" +
		base64.RawStdEncoding.EncodeToString(tag)
}

func plainBcrypt(t *testing.T, pw string) string {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(pw), 4)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFlaskGoldenVectors(t *testing.T) {
	h := hasher(t, password.Config{Salt: "salty"})
	for _, v := range []string{flaskArgon, flaskBcrypt} {
		expect(t, h, "password", v, "upgrade")
		expect(t, h, "Password", v, "no")
		expect(t, hasher(t, password.Config{}), "password", v, "no")
		expect(t, hasher(t, password.Config{Salt: "other"}), "password", v, "no")
	}
	// The prepared text itself is not accepted as the password.
	const step2 = "LYTHjl+tR4olwwoVwxtw0B7j24WOOffplRNnqK1Gtadg0qjHc13Sd/BtqlP30Xyk1Q/wrihfJipJfRghXNm7FA=="
	expect(t, h, step2, flaskBcrypt, "no")
}

func TestRoundTrip(t *testing.T) {
	for _, scheme := range []string{"argon2", "bcrypt"} {
		t.Run(scheme, func(t *testing.T) {
			h := cheap(t, password.Config{Scheme: scheme}, 4)
			a, b := hash(t, h, "correct horse"), hash(t, h, "correct horse")
			if a == b {
				t.Error("no random salt")
			}
			if scheme == "argon2" && (!strings.HasPrefix(a, ownPrefix) || len(a) != len(ownPrefix)+22+1+43) {
				t.Errorf("stored form %s", a)
			}
			expect(t, h, "correct horse", a, "ok")
			expect(t, h, "correct horsf", a, "no")
			expect(t, h, "", a, "no")
			expect(t, h, "correct horse\x00", a, "no")
			expect(t, h, "correct horse\xff", a, "no")
		})
	}
}

// A salt that is configured later or removed, or another scheme, locks out no user whose hash is
// ours.
func TestOurHashesSurviveSettings(t *testing.T) {
	a := hash(t, hasher(t, password.Config{}), "correct horse")
	b := hash(t, hasher(t, password.Config{Scheme: "bcrypt", Salt: "salty"}), "correct horse")
	if !strings.HasPrefix(b, "$twofold-bcrypt$2a$12$") {
		t.Errorf("stored form %s", b)
	}
	expect(t, hasher(t, password.Config{Salt: "salty"}), "correct horse", a, "ok")
	expect(t, hasher(t, password.Config{Scheme: "bcrypt"}), "correct horse", b, "ok")
	expect(t, hasher(t, password.Config{Scheme: "bcrypt"}), "correct horse", a, "upgrade")
	low := hash(t, cheap(t, password.Config{Scheme: "bcrypt"}, 4), "correct horse")
	expect(t, hasher(t, password.Config{Scheme: "bcrypt"}), "correct horse", low, "upgrade")
	expect(t, hasher(t, password.Config{Salt: "other"}), "correct horse", low, "upgrade") // argon2 now
	expect(t, hasher(t, password.Config{Time: 3}), "correct horse", a, "upgrade")
	expect(t, hasher(t, password.Config{Memory: 20000}), "correct horse", a, "upgrade")
	strong := hash(t, hasher(t, password.Config{Memory: 20000, Time: 3, Threads: 2}), "correct horse")
	expect(t, hasher(t, password.Config{}), "correct horse", strong, "ok")
}

func TestPlainHashesFromElsewhere(t *testing.T) {
	h := hasher(t, password.Config{})
	for _, v := range []string{plainArgon("pässword"), plainBcrypt(t, "pässword")} {
		expect(t, h, "pässword", v, "upgrade")
		expect(t, h, "password", v, "no")
		expect(t, hasher(t, password.Config{Salt: "salty"}), "pässword", v, "no")
	}
	y := strings.Replace(plainBcrypt(t, "pässword"), "$2a$", "$2y$", 1)
	expect(t, h, "pässword", y, "upgrade")
	// The mark is part of the hashed input, so it cannot be added or removed.
	expect(t, h, "pässword", "$twofold-bcrypt"+plainBcrypt(t, "pässword"), "no")
	own := hash(t, cheap(t, password.Config{Scheme: "bcrypt"}, 4), "pässword")
	expect(t, h, "pässword", strings.TrimPrefix(own, "$twofold-bcrypt"), "no")
	cut := plainBcrypt(t, strings.Repeat("a", 72)) // as Python stores a longer one
	expect(t, h, strings.Repeat("a", 75), cut, "upgrade")
	expect(t, h, strings.Repeat("a", 71), cut, "no")
}

func TestNothingIsTruncated(t *testing.T) {
	for _, scheme := range []string{"argon2", "bcrypt"} {
		h := cheap(t, password.Config{Scheme: scheme}, 4)
		v := hash(t, h, strings.Repeat("a", 80)+"X")
		expect(t, h, strings.Repeat("a", 80)+"X", v, "ok")
		expect(t, h, strings.Repeat("a", 80)+"Y", v, "no")
		expect(t, h, strings.Repeat("a", 72), v, "no")
	}
	h := hasher(t, password.Config{})
	long := strings.Repeat("p", password.MaxBytes)
	expect(t, h, long, hash(t, h, long), "ok")
}

func TestNormalForm(t *testing.T) {
	h := hasher(t, password.Config{})
	v := hash(t, h, "caf\u00e9 au lait")
	expect(t, h, "cafe\u0301 au lait", v, "ok")                                                   // decomposed
	expect(t, h, "\uff43\uff41\uff46\uff45\u0301 \uff41\uff55 \uff4c\uff41\uff49\uff54", v, "ok") // full width
	expect(t, h, "cafe au lait", v, "no")
}

func TestEmptyNeverMatches(t *testing.T) {
	h := hasher(t, password.Config{})
	for _, pw := range []string{"", " ", "x", "\x00"} {
		expect(t, h, pw, "", "no")
	}
	expect(t, h, "", plainArgon(""), "no")
	expect(t, h, "", plainBcrypt(t, ""), "no")
	if _, err := h.Hash(t.Context(), ""); !errors.Is(err, password.ErrMalformed) {
		t.Error(err)
	}
}

func TestRefusedPasswords(t *testing.T) {
	h := hasher(t, password.Config{})
	for pw, want := range map[string]error{
		"abc\x00defghijkl": password.ErrMalformed, "abc\xff": password.ErrMalformed,
		strings.Repeat("a", password.MaxBytes+1): password.ErrTooLong,
	} {
		if _, err := h.Hash(t.Context(), pw); !errors.Is(err, want) {
			t.Errorf("Hash(%.20q) = %v", pw, err)
		}
	}
	huge := strings.Repeat("a", 1<<20)
	_, _, err := h.Verify(t.Context(), huge, flaskArgon)
	_, _, err2 := h.Verify(t.Context(), huge, "")
	if !errors.Is(err, password.ErrTooLong) || !errors.Is(err2, password.ErrTooLong) ||
		!errors.Is(h.Burn(t.Context(), huge), password.ErrTooLong) {
		t.Error(err, err2)
	}
}

func TestDamagedHashes(t *testing.T) {
	h := hasher(t, password.Config{})
	for encoded, want := range map[string]error{
		"x": password.ErrUnknownScheme, "$5$rounds=1$a$b": password.ErrMalformed,
		"{SSHA}abc": password.ErrMalformed, "{PLAIN}abc": password.ErrUnknownScheme, "$2": password.ErrMalformed,
		"$argon2id$": password.ErrMalformed,
		strings.Replace(flaskArgon, "v=19", "v=16", 1): password.ErrUnknownScheme,
	} {
		ok, upgrade, err := h.Verify(t.Context(), "password", encoded)
		if ok || upgrade || !errors.Is(err, want) {
			t.Errorf("%q: %v %v %v", encoded, ok, upgrade, err)
		}
	}
}

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := password.New(password.Config{Memory: 19455, Time: 1, Threads: 17, Slots: -1, Wait: -1})
	for _, field := range []string{"Memory", "Time", "Threads", "Slots", "Wait"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("no %s in %v", field, err)
		}
	}
	for _, c := range []password.Config{{Scheme: "md5"}, {Scheme: "bcrypt", Time: 3}, {Memory: 1<<20 + 1}, {Time: 21}} {
		if _, err := password.New(c); err == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	h := hasher(t, password.Config{Salt: "top-secret-salt"})
	if s := fmt.Sprintf("%v %+v %#v", h, h, *h); strings.Contains(s, "top-secret") {
		t.Error("printing shows the salt")
	}
}

// Slots bounds the memory under load, and all callers are served in the end.
func TestStormIsServed(t *testing.T) {
	h := hasher(t, password.Config{Slots: 2, Wait: time.Minute})
	v := hash(t, h, "correct horse")
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			pw := "correct horse"
			if i%2 == 1 {
				pw = "wrong horse"
			}
			if ok, _, err := h.Verify(context.Background(), pw, v); err != nil || ok != (i%2 == 0) {
				t.Error(i, ok, err)
			}
		})
	}
	wg.Wait()
}

// Unknown users take as long as known ones.
func TestBurnCostsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for _, scheme := range []string{"argon2", "bcrypt"} {
		h := cheap(t, password.Config{Scheme: scheme}, 7)
		v := hash(t, h, "correct horse")
		took := func(f func()) time.Duration {
			start := time.Now()
			f()
			return time.Since(start)
		}
		for name, f := range map[string]func(){
			"Burn":    func() { _ = h.Burn(t.Context(), "wrong") },
			"empty":   func() { _, _, _ = h.Verify(t.Context(), "wrong", "") },
			"damaged": func() { _, _, _ = h.Verify(t.Context(), "wrong", "$x") },
		} {
			// A busy machine may spoil some pairs of measurements, but not all; a real difference
			// in cost affects all of them.
			alike := false
			for try := 0; try < 20 && !alike; try++ {
				known := took(func() { _, _, _ = h.Verify(t.Context(), "wrong", v) })
				d := took(f)
				alike = d > known/3 && d < known*3
			}
			if !alike {
				t.Errorf("%s: %s never took what a known user takes", scheme, name)
			}
		}
	}
}

func BenchmarkHashArgon2(b *testing.B) { benchmarkHash(b, "argon2") }
func BenchmarkHashBcrypt(b *testing.B) { benchmarkHash(b, "bcrypt") }

func benchmarkHash(b *testing.B, scheme string) {
	h := hasher(b, password.Config{Scheme: scheme})
	for b.Loop() {
		hash(b, h, "correct horse")
	}
}

// Compare with BenchmarkHashArgon2 divided by the number of processors: 64 concurrent clients must
// not lower the throughput.
func BenchmarkHashArgon2By64(b *testing.B) {
	h := hasher(b, password.Config{Wait: time.Hour})
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = h.Hash(context.Background(), "correct horse")
		}
	})
}

// TestPortable checks that hashes computed with and without assembly verify with each other, so
// that both kinds of nodes can share a database.
func TestPortable(t *testing.T) {
	one, other := hasher(t, password.Config{}), hasher(t, password.Config{Portable: true})
	for range 2 {
		v := hash(t, one, "correct horse")
		if ok, upgrade, err := other.Verify(t.Context(), "correct horse", v); !ok || upgrade || err != nil {
			t.Errorf("right password: %v, %v, %v", ok, upgrade, err)
		}
		if ok, _, err := other.Verify(t.Context(), "correct house", v); ok || err != nil {
			t.Errorf("wrong password: %v, %v", ok, err)
		}
		one, other = other, one
	}
}
