package seal_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/seal"
)

func keys(t testing.TB, secrets ...string) *seal.Keys {
	t.Helper()
	k, err := seal.NewKeys(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestMACDefinition computes the MAC with the standard library alone.
func TestMACDefinition(t *testing.T) {
	key, _ := hkdf.Key(sha256.New, []byte(secretA), nil, "twofold/mac/code", 32)
	h := hmac.New(sha256.New, key)
	h.Write([]byte("\x00\x00\x00\x00\x00\x00\x00\x02u1\x00\x00\x00\x00\x00\x00\x00\x06123456"))
	if got := keys(t, secretA).MAC("code", "u1", "123456"); !bytes.Equal(got, h.Sum(nil)) {
		t.Errorf("%x", got)
	}
}

func TestMACIsUnambiguous(t *testing.T) {
	k := keys(t, secretA)
	seen := map[string]string{}
	for _, c := range [][]string{{"p"}, {"p", ""}, {"p", "", ""}, {"p", "ab", "c"}, {"p", "a", "bc"}, {"p", "abc"},
		{"pa", "bc"}, {"q", "abc"}} {
		m := string(k.MAC(c[0], c[1:]...))
		if other, dup := seen[m]; dup {
			t.Errorf("%q collides with %s", c, other)
		}
		seen[m] = strings.Join(c, "|")
	}
}

func TestMACsFollowRotation(t *testing.T) {
	old, now := keys(t, secretA), keys(t, secretB, secretA)
	all := now.MACs("p", "x")
	if len(all) != 2 || !bytes.Equal(all[0], now.MAC("p", "x")) || !bytes.Equal(all[1], old.MAC("p", "x")) {
		t.Error("MACs are not one per key, newest first")
	}
}

func TestSignVerify(t *testing.T) {
	k := keys(t, secretA)
	for _, p := range []string{"", "x", "\x00\xff", `{"u":1}`, strings.Repeat("p", seal.MaxPayload)} {
		tok := k.Sign("device", []byte(p))
		if got, err := k.Verify("device", tok); err != nil || string(got) != p {
			t.Errorf("%.20q: %q %v", p, got, err)
		}
		for _, other := range []string{"devic", "device2", "", "reset"} {
			if _, err := k.Verify(other, tok); !errors.Is(err, seal.ErrForged) {
				t.Errorf("purpose %q accepted", other)
			}
		}
	}
	if _, err := k.Verify("device", k.Sign("device", make([]byte, seal.MaxPayload+1))); !errors.Is(err,
		seal.ErrForged) {
		t.Error("over MaxPayload accepted")
	}
}

func TestTokenRotation(t *testing.T) {
	tok := keys(t, secretA).Sign("p", []byte("x"))
	if _, err := keys(t, secretB, secretA).Verify("p", tok); err != nil {
		t.Error(err)
	}
	if _, err := keys(t, secretB).Verify("p", tok); !errors.Is(err, seal.ErrForged) {
		t.Error("verified without its key")
	}
}

// TestMACIsNoSignature checks that a stored MAC cannot be used as the signature of
// a token.
func TestMACIsNoSignature(t *testing.T) {
	k := keys(t, secretA)
	key, _ := hkdf.Key(sha256.New, []byte(secretA), nil, "twofold/mac/p", 32)
	h := hmac.New(sha256.New, key)
	h.Write([]byte("x"))
	b64 := base64.RawURLEncoding
	if _, err := k.Verify("p", b64.EncodeToString([]byte("x"))+"."+b64.EncodeToString(h.Sum(nil))); err == nil {
		t.Error("accepted")
	}
}

func TestVerifyRefusesOtherSpellings(t *testing.T) {
	k := keys(t, secretA)
	tok := k.Sign("p", []byte("x")) // "eA.<43>": both parts have unused trailing bits
	body, sig, _ := strings.Cut(tok, ".")
	const abc = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	next := func(s string) string { // the same bytes with other trailing bits
		i := strings.IndexByte(abc, s[len(s)-1])
		return s[:len(s)-1] + string(abc[i^1])
	}
	for _, bad := range []string{
		"", ".", "..", body, body + ".", "." + sig, sig + "." + body, tok + ".", tok + "." + sig, tok + "=",
		body + "==." + sig,
		" " + tok, tok + " ", tok + "\n", "\r\n" + tok, body + "\n." + sig, tok[:20] + "\n" + tok[20:],
		strings.ToUpper(tok), strings.ReplaceAll(tok, ".", "%2E"),
		next(body) + "." + sig, body + "." + next(sig), body + "." + sig[:42], body + "." + sig[1:],
		body[:1] + "." + sig,
		strings.Repeat("A", 4097), strings.Repeat("A", 1<<20) + "." + sig,
	} {
		if bad == tok {
			continue
		}
		if p, err := k.Verify("p", bad); !errors.Is(err, seal.ErrForged) || p != nil {
			t.Errorf("%.60q accepted", bad)
		}
	}
	for i := range tok {
		m := []byte(tok)
		m[i] ^= 1
		if _, err := k.Verify("p", string(m)); err == nil {
			t.Errorf("flipped byte %d accepted", i)
		}
	}
}

func TestNewKeysReportsAllMistakes(t *testing.T) {
	_, err := seal.NewKeys("sh0rt", secretA, secretA, "")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"secret 1 of 4 has 5 bytes", "secrets 2 and 3 are the same",
		"secret 4 of 4 has 0 bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "sh0rt") || strings.Contains(err.Error(), secretA) {
		t.Error("secret in error")
	}
	if _, err := seal.NewKeys(); err == nil {
		t.Error("no secrets accepted")
	}
}

func TestToken(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		tok := seal.Token()
		if b, err := base64.RawURLEncoding.DecodeString(tok); err != nil || len(b) != 32 || len(tok) != 43 ||
			seen[tok] {
			t.Fatalf("%q", tok)
		}
		seen[tok] = true
	}
	// SHA-256("abc"), FIPS 180-4 example.
	if got := seal.HashToken("abc"); got != "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0" {
		t.Error(got)
	}
	if seal.HashToken("") == "" {
		t.Error("blank token has a blank hash")
	}
}

func FuzzVerify(f *testing.F) {
	k := keys(f, secretA, secretB)
	f.Add(k.Sign("p", []byte("x")))
	f.Add(keys(f, secretB).Sign("p", []byte("hello")))
	f.Add("eA.")
	f.Fuzz(func(t *testing.T, tok string) {
		p, err := k.Verify("p", tok)
		if err == nil && tok != k.Sign("p", p) && tok != keys(t, secretB).Sign("p", p) {
			t.Fatalf("%q is a second spelling", tok)
		}
	})
}

func BenchmarkMAC(b *testing.B) {
	k := keys(b, secretA)
	b.ReportAllocs()
	for b.Loop() {
		k.MAC("code", "user", "123456")
	}
}

func BenchmarkVerify(b *testing.B) {
	k := keys(b, secretA)
	tok := k.Sign("device", make([]byte, 64))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = k.Verify("device", tok)
	}
}
