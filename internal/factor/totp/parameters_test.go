package totp

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR340_AnAppFromElsewhereKeepsItsParameters checks that an imported app keeps
// its digits, period and algorithm, with the codes of RFC 6238 appendix B among
// others.
func TestR340_AnAppFromElsewhereKeepsItsParameters(t *testing.T) {
	ctx, now := context.Background(), time.Unix(1111111111, 0)
	secrets := map[Algorithm]string{
		SHA1:   "12345678901234567890",
		SHA256: "12345678901234567890123456789012",
		SHA512: "1234567890123456789012345678901234567890123456789012345678901234",
	}
	want := map[Algorithm]string{SHA1: "14050471", SHA256: "67062674", SHA512: "99943326"}
	for a, secret := range secrets {
		for digits := 6; digits <= 8; digits++ {
			for _, period := range []int{30, 60} {
				s := &steps{}
				m := method(t, map[string]string{"1": strings.Repeat("k", 32)}, s, &now)
				f := storage.Factor{ID: "f", UserID: "u", Method: storage.Authenticator}
				p := Parameters{[]byte(secret), digits, period, a}
				if err := m.Import(&f, p); err != nil {
					t.Fatal(err)
				}
				if got, err := m.Export(f); err != nil || !bytes.Equal(got.Secret, p.Secret) || got.Digits != digits ||
					got.Period != period || got.Algorithm != a {
					t.Errorf("%+v comes back as %+v: %v", p, got, err)
				}
				code := p.Code(p.StepAt(now))
				if period == 30 && !strings.HasSuffix(want[a], code) {
					t.Errorf("algorithm %d, %d digits: %s, want the end of %s", a, digits, code, want[a])
				}
				verify := func(code string) error { return m.Verify(ctx, factor.Transaction{}, f, code) }
				for _, other := range []string{"", code[1:], "0" + code, code + "0"} {
					if m.Reads(f, other) || verify(other) == nil {
						t.Errorf("%d digits: %q is read as a code", digits, other)
					}
				}
				if !m.Reads(f, code) {
					t.Errorf("%d digits: %q is not read as a code", digits, code)
				}
				if err := verify(code); err != nil {
					t.Errorf("%+v: the code is refused: %v", p, err)
				}
				if err := verify(code); !errors.Is(err, factor.ErrReplayed) {
					t.Errorf("%+v: the spent code: %v", p, err)
				}
				if next := p.Code(p.StepAt(now) + 1); verify(next) != nil {
					t.Errorf("%+v: the next step is refused", p)
				}
				if s.last != now.Unix()/int64(period)+1 {
					t.Errorf("%+v: step %d", p, s.last)
				}
			}
		}
	}
}

// TestR340_OddParametersAreRefused checks that an import refuses insecure
// parameters, and that a set-up here still makes its usual ones.
func TestR340_OddParametersAreRefused(t *testing.T) {
	now := time.Unix(1111111111, 0)
	m := method(t, map[string]string{"1": strings.Repeat("k", 32)}, &steps{}, &now)
	good := Parameters{[]byte("1234567890"), 6, 30, SHA1}
	f := storage.Factor{ID: "f", UserID: "u"}
	if err := m.Import(&f, good); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*Parameters){
		func(p *Parameters) { p.Secret = p.Secret[:9] }, func(p *Parameters) { p.Secret = nil },
		func(p *Parameters) { p.Secret = make([]byte, 129) }, func(p *Parameters) { p.Digits = 5 },
		func(p *Parameters) { p.Digits = 9 }, func(p *Parameters) { p.Period = 0 },
		func(p *Parameters) { p.Period = -30 },
		func(p *Parameters) { p.Period = 3600 }, func(p *Parameters) { p.Algorithm = 3 },
		func(p *Parameters) { p.Algorithm = -1 },
	} {
		p := good
		change(&p)
		if m.Import(&f, p) == nil {
			t.Errorf("%+v was taken", p)
		}
		if _, ok := p.match("000000", now, 1, 1); ok {
			t.Errorf("%+v matches", p)
		}
	}
	d := storage.Draft{UserID: "u", FactorID: "f"}
	tr := factor.Transaction{User: storage.User{ID: "u"}}
	if _, err := m.BeginEnroll(context.Background(), tr, "", &d); err != nil {
		t.Fatal(err)
	}
	f.Secret = d.Secret
	p, err := m.Export(f)
	if err != nil || len(p.Secret) != SecretSize || p.Digits != 6 || p.Period != 30 || p.Algorithm != SHA1 {
		t.Errorf("a new app has %+v: %v", p, err)
	}
}

// TestParametersAreSealed checks that parameters are bound to their row, and that a
// newer key seals them again.
func TestParametersAreSealed(t *testing.T) {
	ctx, s, now := context.Background(), &steps{}, time.Unix(1_000_000_000, 0)
	one := map[string]string{"1": strings.Repeat("k", 32)}
	m := method(t, one, s, &now)
	f := storage.Factor{ID: "f", UserID: "u"}
	p := Parameters{[]byte("12345678901234567890"), 8, 60, SHA512}
	if err := m.Import(&f, p); err != nil {
		t.Fatal(err)
	}
	other := f
	other.UserID = "v"
	if err := m.Verify(ctx, factor.Transaction{}, other, p.Code(p.StepAt(now))); !errors.Is(err, factor.ErrSecret) {
		t.Errorf("opened in another user's row: %v", err)
	}
	two := map[string]string{"1": one["1"], "2": strings.Repeat("n", 32)}
	err := method(t, two, s, &now).Verify(ctx, factor.Transaction{}, f, p.Code(p.StepAt(now)))
	if err != nil || s.resealed == nil {
		t.Fatalf("with a newer key: %v", err)
	}
	f.Secret = s.resealed
	got, err := method(t, map[string]string{"2": two["2"]}, s, &now).Export(f)
	if err != nil || got.Digits != 8 || got.Period != 60 || got.Algorithm != SHA512 {
		t.Errorf("under the newest key alone: %+v %v", got, err)
	}
}
