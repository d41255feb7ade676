package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/internal/seal"
)

var (
	secretA = strings.Repeat("a", 32)
	secretB = strings.Repeat("b", 32)
	secretC = strings.Repeat("c", 32)
)

func ring(t testing.TB, keys map[string]string) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSeal(t testing.TB, r *seal.Ring, purpose, owner, plain string) []byte {
	t.Helper()
	b, err := r.Seal(purpose, owner, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOpenGolden checks that a value that an earlier version sealed still opens.
// The value was made independently of this package, with a fixed nonce.
func TestOpenGolden(t *testing.T) {
	const head = "010231370102030405060708090a0b0c" // version, tag length, "17", nonce
	const golden = head + "68cd2ec572425e62a96a715d157263e74d01b9ff28"
	key, err := hkdf.Key(sha256.New, []byte(secretA), nil, "twofold/seal/totp", 32)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := aes.NewCipher(key)
	gcm, _ := cipher.NewGCM(block)
	ad := []byte{1}
	for _, p := range []string{"17", "totp", "user 1"} {
		ad = append(binary.BigEndian.AppendUint64(ad, uint64(len(p))), p...)
	}
	prefix, _ := hex.DecodeString(head)
	sealed := gcm.Seal(prefix, prefix[4:16], []byte("hello"), ad)
	if got := hex.EncodeToString(sealed); got != golden {
		t.Errorf("format changed: %s", got)
	}
	plain, stale, err := ring(t, map[string]string{"17": secretA}).Open("totp", "user 1", sealed)
	if err != nil || stale || string(plain) != "hello" {
		t.Errorf("Open = %q, %v, %v", plain, stale, err)
	}
}

func TestSealIsRandomAndHidesPlain(t *testing.T) {
	r := ring(t, map[string]string{"1": secretA})
	a, b := mustSeal(t, r, "p", "o", "JBSWY3DPEHPK3PXP"), mustSeal(t, r, "p", "o", "JBSWY3DPEHPK3PXP")
	if bytes.Equal(a, b) || bytes.Contains(a, []byte("JBSW")) {
		t.Error("sealing is not randomised or not encrypted")
	}
	if len(a) != 2+1+28+16 {
		t.Errorf("length %d", len(a))
	}
}

func TestSealedIsBoundToPlace(t *testing.T) {
	r := ring(t, map[string]string{"1": secretA})
	s := mustSeal(t, r, "totp", "user1", "x")
	for _, c := range [][2]string{{"totp", "user2"}, {"sms", "user1"}, {"totpu", "ser1"}, {"tot", "puser1"},
		{"totp", ""}, {"", "user1"}, {"", ""}} {
		if _, _, err := r.Open(c[0], c[1], s); !errors.Is(err, seal.ErrForged) {
			t.Errorf("Open(%q) = %v", c, err)
		}
	}
	for _, c := range [][2]string{{"", "o"}, {"p", ""}} {
		if _, err := r.Seal(c[0], c[1], nil); err == nil {
			t.Errorf("Seal(%q) accepted", c)
		}
	}
}

func TestEveryFlippedBitAndCutIsRefused(t *testing.T) {
	r := ring(t, map[string]string{"1": secretA, "0": secretB, "3": secretC})
	s := mustSeal(t, r, "p", "o", "secret")
	for i := range s {
		for bit := range 8 {
			m := bytes.Clone(s)
			m[i] ^= 1 << bit
			if p, _, err := r.Open("p", "o", m); err == nil || p != nil {
				t.Fatalf("byte %d bit %d opened", i, bit)
			}
		}
		if _, _, err := r.Open("p", "o", s[:i]); err == nil {
			t.Fatalf("cut at %d opened", i)
		}
	}
	if _, _, err := r.Open("p", "o", append(s, 0)); !errors.Is(err, seal.ErrForged) {
		t.Error("appended byte accepted")
	}
}

func TestRotation(t *testing.T) {
	old := ring(t, map[string]string{"9": secretA})
	s := mustSeal(t, old, "p", "o", "x")
	both := ring(t, map[string]string{"9": secretA, "10": secretB}) // 10 > 9 as numbers
	if p, stale, err := both.Open("p", "o", s); err != nil || !stale || string(p) != "x" {
		t.Fatalf("old value: %q %v %v", p, stale, err)
	}
	s2 := mustSeal(t, both, "p", "o", "x")
	if _, stale, err := both.Open("p", "o", s2); err != nil || stale {
		t.Fatalf("new value: %v %v", stale, err)
	}
	only := ring(t, map[string]string{"10": secretB})
	if _, _, err := only.Open("p", "o", s); !errors.Is(err, seal.ErrUnknownKey) {
		t.Fatalf("lost key: %v", err)
	}
	same := ring(t, map[string]string{"9": secretC}) // another secret with the same tag
	if _, _, err := same.Open("p", "o", s); !errors.Is(err, seal.ErrForged) {
		t.Fatalf("wrong key: %v", err)
	}
}

func TestNewestTag(t *testing.T) {
	long := strings.Repeat("9", 40)
	for _, c := range []struct{ a, b string }{
		{"9", "10"}, {"1", "02"}, {"01", "1"}, {"2025-12", "2026-01"}, {"10", "9a"}, {long, "1" + long},
		{"a", strings.Repeat("z", 255)}, {"a", strings.Repeat("z", 254)},
	} {
		r := ring(t, map[string]string{c.a: secretA, c.b: secretB})
		s := mustSeal(t, r, "p", "o", "x")
		if got := string(s[2 : 2+int(s[1])]); got != c.b {
			t.Errorf("%q, %q: sealed with %q", c.a, c.b, got)
		}
		if _, stale, err := r.Open("p", "o", s); err != nil || stale {
			t.Errorf("%q: %v %v", c.b, stale, err)
		}
	}
}

func TestNewRingReportsAllMistakes(t *testing.T) {
	short := "sh0rt-secret"
	_, err := seal.NewRing(map[string]string{"1": short, "": secretA, strings.Repeat("x", 256): secretA, "2": secretB,
		"3": secretB})
	if err == nil {
		t.Fatal("accepted")
	}
	msg := err.Error()
	for _, want := range []string{`tag "1" has 12 bytes`, "openssl rand", `tag ""`, "1 to 255 bytes",
		`tags "2" and "3" have the same secret`} {
		if !strings.Contains(msg, want) {
			t.Errorf("no %q in %s", want, msg)
		}
	}
	if strings.Contains(msg, short) || strings.Contains(msg, secretB) {
		t.Error("secret in error")
	}
	if _, err := seal.NewRing(nil); err == nil {
		t.Error("empty ring accepted")
	}
}

func TestZeroRingRefuses(t *testing.T) {
	var r seal.Ring
	if _, err := r.Seal("p", "o", nil); err == nil {
		t.Error("sealed without a key")
	}
	s := mustSeal(t, ring(t, map[string]string{"1": secretA}), "p", "o", "x")
	if _, _, err := r.Open("p", "o", s); !errors.Is(err, seal.ErrUnknownKey) {
		t.Error(err)
	}
}

func TestPrintingHidesKeys(t *testing.T) {
	r := ring(t, map[string]string{"1": secretA})
	k := keys(t, secretA)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ring", r, "keys", k, "nested", struct{ R, K any }{*r, *k})
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out += fmt.Sprintf(verb, r) + fmt.Sprintf(verb, k) + fmt.Sprintf(verb, *r) + fmt.Sprintf(verb, *k) +
			fmt.Sprintf(verb, struct {
				r seal.Ring
				k *seal.Keys
			}{*r, k})
	}
	prk, _ := hkdf.Extract(sha256.New, []byte(secretA), nil)
	for _, leak := range []string{secretA, hex.EncodeToString([]byte(secretA)), fmt.Sprint(prk), fmt.Sprintf("%x", prk),
		"97 97 97"} {
		if strings.Contains(out, leak) {
			t.Errorf("%q leaks", leak)
		}
	}
	if !strings.Contains(out, "redacted") {
		t.Error("nothing printed")
	}
}

func TestRingConcurrently(t *testing.T) {
	r := ring(t, map[string]string{"1": secretA, "2": secretB})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				owner := fmt.Sprint(g, "/", i)
				s, err := r.Seal("p", owner, []byte(owner))
				if err != nil {
					t.Error(err)
					return
				}
				if p, _, err := r.Open("p", owner, s); err != nil || string(p) != owner {
					t.Error(string(p), err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	r := ring(f, map[string]string{"1": secretA, strings.Repeat("z", 255): secretB})
	f.Add(mustSeal(f, r, "p", "o", "seed"))
	f.Add([]byte{1, 255})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, err := r.Open("p", "another owner", b)
		if err == nil || p != nil {
			t.Fatalf("%x opened", b)
		}
		if !errors.Is(err, seal.ErrForged) && !errors.Is(err, seal.ErrUnknownKey) {
			t.Fatal(err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	r := ring(b, map[string]string{"1": secretA})
	plain := make([]byte, 20)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Seal("totp", "user/factor", plain)
	}
}

func BenchmarkOpen(b *testing.B) {
	r := ring(b, map[string]string{"1": secretA})
	s := mustSeal(b, r, "totp", "user/factor", "12345678901234567890")
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = r.Open("totp", "user/factor", s)
	}
}

func TestRingOfListKeepsTagsWhenAKeyIsDropped(t *testing.T) {
	a, b, c := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("c", 32)
	make := func(keys ...string) *seal.Ring {
		t.Helper()
		r, err := seal.NewRingOf(keys...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	under := mustSeal(t, make(a, b), "p", "o", "secret")
	for name, row := range map[string]struct {
		ring  *seal.Ring
		stale bool
		err   error
	}{
		"the same list":           {make(a, b), false, nil},
		"the older one dropped":   {make(b), false, nil},
		"a newer one appended":    {make(a, b, c), true, nil},
		"in another order":        {make(b, a), true, nil},
		"without it":              {make(a, c), false, seal.ErrUnknownKey},
		"opened by a tagged ring": {ring(t, map[string]string{"1": c}).Opening(make(a, b)), true, nil},
		"a tagged ring by itself": {ring(t, map[string]string{"1": b}), false, seal.ErrUnknownKey},
	} {
		plain, stale, err := row.ring.Open("p", "o", under)
		if !errors.Is(err, row.err) || err == nil && (string(plain) != "secret" || stale != row.stale) {
			t.Errorf("%s: %q %v %v", name, plain, stale, err)
		}
	}
	if _, err := seal.NewRingOf(); err == nil {
		t.Error("an empty list makes a ring")
	}
	if _, err := seal.NewRingOf("short"); err == nil {
		t.Error("a short secret makes a ring")
	}
}
