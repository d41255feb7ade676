package totp

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestAppendixB checks the values of RFC 6238 appendix B with errata 2866: the
// secrets of the longer hashes are the ASCII digits, repeated to the length of the
// hash.
func TestAppendixB(t *testing.T) {
	secrets := map[Algorithm]string{
		SHA1:   "12345678901234567890",
		SHA256: "12345678901234567890123456789012",
		SHA512: "1234567890123456789012345678901234567890123456789012345678901234",
	}
	for _, row := range []struct {
		unix                 int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		step := Step(time.Unix(row.unix, 0))
		for a, want := range map[Algorithm]string{SHA1: row.sha1, SHA256: row.sha256, SHA512: row.sha512} {
			if got := Code(a, []byte(secrets[a]), step, 8); got != want {
				t.Errorf("algorithm %d at %d: %s, want %s", a, row.unix, got, want)
			}
		}
	}
}

// TestAppendixD checks the values of RFC 4226 appendix D.
func TestAppendixD(t *testing.T) {
	want := []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"}
	for i, w := range want {
		if got := Code(SHA1, []byte("12345678901234567890"), int64(i), 6); got != w {
			t.Errorf("count %d: %s, want %s", i, got, w)
		}
	}
}

// TestGoldenVector checks the test vector of the wire contract.
func TestGoldenVector(t *testing.T) {
	secret, err := hex.DecodeString("64ec3d47284528658c112264cc99d31a4388f19e")
	if err != nil {
		t.Fatal(err)
	}
	for unix, want := range map[int64]string{0: "939654", 59: "244520", 1111111109: "224361", 1700000000: "858279"} {
		if got := Code(SHA1, secret, Step(time.Unix(unix, 0)), 6); got != want {
			t.Errorf("at %d: %s, want %s", unix, got, want)
		}
	}
	if got, want := URI("tests", "a@lp.com", encode(secret)),
		"otpauth://totp/tests:a@lp.com?secret=MTWD2RZIIUUGLDAREJSMZGOTDJBYR4M6&issuer=tests"; got != want {
		t.Errorf("uri %s, want %s", got, want)
	}
	if got := URI("My App & Co", "a b@lp.com",
		"S"); got != "otpauth://totp/My%20App%20%26%20Co:a%20b@lp.com?secret=S&issuer=My%20App%20%26%20Co" {
		t.Errorf("uri %s", got)
	}
}

func TestOnlyTheWindowMatches(t *testing.T) {
	secret := []byte("12345678901234567890")
	now := time.Unix(1_000_000_020, 0)
	for _, edge := range []time.Duration{0, 29*time.Second + 999*time.Millisecond} {
		at := time.Unix(now.Unix()/30*30, 0).Add(edge)
		for off := int64(-3); off <= 3; off++ {
			step, ok := Match(secret, Code(SHA1, secret, Step(at)+off, 6), at, 1, 1)
			if want := off >= -1 && off <= 1; ok != want || ok && step != Step(at)+off {
				t.Errorf("offset %d at %v: %v %d", off, at, ok, step)
			}
		}
	}
}

func TestNoStepBeforeTheEpoch(t *testing.T) {
	secret := []byte("12345678901234567890")
	if _, ok := Match(secret, Code(SHA1, secret, 0, 6), time.Unix(10, 0), 4, 0); !ok {
		t.Error("step 0 is refused at its own time")
	}
	if _, ok := Match(secret, "000000", time.Unix(-100, 0), 1, 1); ok {
		t.Error("a step before 1970 matched")
	}
}

func TestShortSecretMatchesNothing(t *testing.T) {
	for _, secret := range [][]byte{nil, {}, []byte("short"), []byte("fifteen bytes!!")} {
		if _, ok := Match(secret, Code(SHA1, secret, 5, 6), time.Unix(150, 0), 1, 1); ok {
			t.Errorf("a secret of %d bytes opened", len(secret))
		}
	}
}

func TestNoTextOfAUserBecomesAParameter(t *testing.T) {
	uri := URI("Site", "a&secret=AAAA&digits=1:\r\n?#/ü", "REAL")
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if len(q) != 2 || q.Get("secret") != "REAL" || len(q["secret"]) != 1 || q.Get("issuer") != "Site" {
		t.Errorf("%s parses to %v", uri, q)
	}
	if strings.Count(u.Path, ":") != 1 {
		t.Errorf("label is ambiguous: %s", u.Path)
	}
}

func TestKeyIsGroupedForPeople(t *testing.T) {
	if got := group("MTWD2RZIIUUGLDAREJSMZGOTDJBYR4M6"); got != "MTWD-2RZI-IUUG-LDAR-EJSM-ZGOT-DJBY-R4M6" {
		t.Error(got)
	}
}

// steps is a store with one factor.
type steps struct {
	Store
	last     int64
	resealed []byte
}

func (s *steps) AdvanceStep(_ context.Context, _ string, step int64, _ time.Time) error {
	if step <= s.last {
		return storage.ErrUsed
	}
	s.last = step
	return nil
}

func (s *steps) Reseal(_ context.Context, _ string, _, sealed []byte) error {
	s.resealed = sealed
	return nil
}

func method(t *testing.T, keys map[string]string, s *steps, now *time.Time) *Method {
	t.Helper()
	ring, err := seal.NewRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Factors: s, Ring: ring, Issuer: "tests", Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryStepIsAcceptedOnce(t *testing.T) {
	ctx, s, now := context.Background(), &steps{}, time.Unix(1_000_000_000, 0)
	one := map[string]string{"1": strings.Repeat("k", 32)}
	m := method(t, one, s, &now)
	u := storage.User{ID: "u", Email: "a@lp.com"}
	d := storage.Draft{UserID: "u", FactorID: "f", Method: storage.Authenticator}
	shown, err := m.BeginEnroll(ctx, factor.Transaction{User: u}, "ignored", &d)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(shown.B32Key)
	if err != nil || len(secret) != SecretSize {
		t.Fatalf("key %q: %v", shown.B32Key, err)
	}
	code := func(off int64) string { return Code(SHA1, secret, Step(now)+off, 6) }
	f, err := m.FinishEnroll(ctx, factor.Transaction{User: u}, d, code(0))
	if err != nil {
		t.Fatal(err)
	}
	s.last = f.LastStep
	verify := func(c string) error { return m.Verify(ctx, factor.Transaction{User: u}, f, c) }
	if err := verify(code(0)); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("the enrollment code opened: %v", err)
	}
	if err := verify(code(-1)); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("an older step opened: %v", err)
	}
	if err := verify(code(1)); err != nil {
		t.Errorf("the next step is refused: %v", err)
	}
	for _, spelled := range []string{code(1), code(1) + " ", " " + code(1), code(1)[:3] + " " + code(1)[3:]} {
		if err := verify(spelled); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("the spent code opened as %q", spelled)
		}
	}
	now = now.Add(time.Minute)
	if err := verify(code(0)); err != nil {
		t.Errorf("a newer step is refused: %v", err)
	}
	other := f
	other.UserID = "somebody else"
	now = now.Add(time.Minute)
	if err := m.Verify(ctx, factor.Transaction{}, other, code(0)); !errors.Is(err, factor.ErrSecret) {
		t.Errorf("a secret opened in another user's row: %v", err)
	}
	if s.resealed != nil {
		t.Error("a current secret was sealed again")
	}
	two := map[string]string{"1": one["1"], "2": strings.Repeat("n", 32)}
	if err := method(t, two, s, &now).Verify(ctx, factor.Transaction{}, f, code(0)); err != nil || s.resealed == nil {
		t.Errorf("with a newer key: %v, sealed again: %v", err, s.resealed != nil)
	}
	f.Secret = s.resealed
	now = now.Add(time.Minute)
	if err := method(t, map[string]string{"2": two["2"]}, s, &now).Verify(ctx, factor.Transaction{}, f,
		code(0)); err != nil {
		t.Errorf("under the newest key alone: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	for _, s := range []string{"", "000000", "12345", "1e5", "+12345", "0x3039", "٠١٢٣٤٥", "１２３４５６", "123 456",
		"123-456", "\x00"} {
		f.Add(s)
	}
	secret := []byte("12345678901234567890")
	now := time.Unix(1_000_000_000, 0)
	right := map[string]bool{}
	for off := int64(-1); off <= 1; off++ {
		right[Code(SHA1, secret, Step(now)+off, 6)] = true
	}
	f.Fuzz(func(t *testing.T, s string) {
		digits, err := factor.Digits(s, Size)
		if err != nil {
			return
		}
		if again, err := factor.Digits(digits, Size); err != nil || again != digits {
			t.Fatalf("%q became %q", s, digits)
		}
		if _, ok := Match(secret, digits, now, 1, 1); ok != right[digits] {
			t.Fatalf("%q: %v", digits, ok)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	secret := []byte("12345678901234567890")
	now := time.Unix(1_000_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		Match(secret, "000000", now, 1, 1)
	}
}

func BenchmarkQR(b *testing.B) {
	for b.Loop() {
		QR("otpauth://totp/tests:a@lp.com?secret=MTWD2RZIIUUGLDAREJSMZGOTDJBYR4M6&issuer=tests")
	}
}

func TestWindowAndSecretHaveLowerBounds(t *testing.T) {
	for window, ok := range map[int]bool{-1: false, 0: true, 30: true} {
		if _, err := New(Config{Issuer: "tests", Window: window}); (err == nil) != ok {
			t.Errorf("a window of %d: %v", window, err)
		}
	}
	now := time.Unix(1_000_000_000, 0)
	for size, ok := range map[int]bool{15: false, 16: true} {
		secret := make([]byte, size)
		if _, got := Match(secret, Code(SHA1, secret, Step(now), Size), now, 1, 1); got != ok {
			t.Errorf("a secret of %d bytes matches: %v", size, got)
		}
	}
}
