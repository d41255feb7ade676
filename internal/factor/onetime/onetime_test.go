package onetime

import (
	"context"
	"crypto/hmac"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

func TestPhoneNumbersAreE164(t *testing.T) {
	for typed, want := range map[string]string{
		"650-555-1212": "+16505551212", "+1 650 555 1212": "+16505551212", "(650) 555-1212": "+16505551212",
		"001 650 555 1212": "", "011 44 20 8366 1177": "+442083661177", "+44 20 8366 1177": "+442083661177",
		"+49 151 23456789": "+4915123456789", "６５０-５５５-１２１２": "+16505551212",
	} {
		got, err := ParsePhone(typed, "US", false)
		if want == "" {
			if err == nil {
				t.Errorf("%q became %s", typed, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q became %q, %v; want %s", typed, got, err, want)
		}
	}
}

func TestNumbersThatCostOrCannotReceiveAreRefused(t *testing.T) {
	for _, typed := range []string{
		"", " ", "555-1212", "hello", "+", "+1", "911", "+1 900 555 1212", "+44 909 879 0000", "+1 650 555 1212 ext 5",
		"+1-650-555-1212;ext=1",
		"+1 800 555 1212", strings.Repeat("1", 65), "+1650555121234567890", "650-555-1212\x00",
	} {
		if got, err := ParsePhone(typed, "US", false); !errors.Is(err, factor.ErrDestination) {
			t.Errorf("%q became %q, %v", typed, got, err)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"650-555-1212", "+442083661177", "tel:+1-650;phone-context=+1", "", "+", "٠١٢"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParsePhone(s, "US", false)
		if err != nil {
			return
		}
		if len(got) < 8 || len(got) > 16 || got[0] != '+' || strings.Trim(got[1:], "0123456789") != "" {
			t.Fatalf("%q became %q", s, got)
		}
		if again, err := ParsePhone(got, "DE", false); err != nil || again != got {
			t.Fatalf("%q does not stay: %q, %v", got, again, err)
		}
	})
}

// memory keeps challenges in a map, as storage.Challenges promises.
type memory struct {
	storage.FactorUses
	m map[string]storage.Challenge
}

func (m *memory) PutChallenge(_ context.Context, c storage.Challenge) error {
	m.m[c.Key] = c
	return nil
}
func (m *memory) DropChallenge(_ context.Context, key string) error { delete(m.m, key); return nil }
func (m *memory) MarkUsed(context.Context, string, time.Time) error { return nil }
func (m *memory) TryChallenge(_ context.Context, key string, macs [][]byte, now time.Time) error {
	c, ok := m.m[key]
	if !ok || c.Tries < 1 || !now.Before(c.ExpiresAt) {
		return storage.ErrNotFound
	}
	for _, mac := range macs {
		if hmac.Equal(mac, c.MAC) {
			delete(m.m, key)
			return nil
		}
	}
	c.Tries--
	m.m[key] = c
	return storage.ErrWrong
}

type bench struct {
	mem  *memory
	now  time.Time
	sent []Code
	fail error
}

func (b *bench) method(t *testing.T, channel string) *Method {
	t.Helper()
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{
		Channel: channel, Challenges: b.mem, Factors: b.mem, Keys: keys, Region: "US", Life: 5 * time.Minute,
		Now:  func() time.Time { return b.now },
		Send: func(_ context.Context, c Code) error { b.sent = append(b.sent, c); return b.fail },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newBench() *bench {
	return &bench{mem: &memory{m: map[string]storage.Challenge{}}, now: time.Unix(1_000_000_000, 0)}
}

func TestACodeIsGoodForOneThingOnly(t *testing.T) {
	ctx := context.Background()
	alice := storage.User{ID: "alice", Email: "a@lp.com", CredentialVersion: "1"}
	home := factor.Transaction{ID: "tx", Purpose: factor.SignIn, User: alice}
	for name, there := range map[string]struct {
		t       factor.Transaction
		channel string
		to      string
	}{
		"another transaction": {factor.Transaction{ID: "tx2", Purpose: factor.SignIn, User: alice}, storage.SMS,
			"+16505551212"},
		"another purpose": {factor.Transaction{ID: "tx", Purpose: factor.SetUp, User: alice}, storage.SMS,
			"+16505551212"},
		"another user": {factor.Transaction{ID: "tx", Purpose: factor.SignIn,
			User: storage.User{ID: "bob", CredentialVersion: "1"}}, storage.SMS, "+16505551212"},
		"new credentials": {factor.Transaction{ID: "tx", Purpose: factor.SignIn,
			User: storage.User{ID: "alice", CredentialVersion: "2"}}, storage.SMS, "+16505551212"},
		"another channel":     {home, storage.Email, "+16505551212"},
		"another destination": {home, storage.SMS, "+16505551213"},
	} {
		b := newBench()
		if err := b.method(t, storage.SMS).Send(ctx, home, "+16505551212"); err != nil {
			t.Fatal(err)
		}
		code := b.sent[0].Code
		if err := b.method(t, there.channel).Try(ctx, there.t, there.to, code); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%s: the code opened (%v)", name, err)
		}
		if err := b.method(t, storage.SMS).Try(ctx, home, "+16505551212", code); err != nil {
			t.Errorf("%s: after that the code does not open where it belongs: %v", name, err)
		}
		if err := b.method(t, storage.SMS).Try(ctx, home, "+16505551212", code); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%s: the code opened twice", name)
		}
	}
}

func TestFiveWrongTriesInvalidateACode(t *testing.T) {
	ctx, b := context.Background(), newBench()
	m, home := b.method(t, storage.SMS),
		factor.Transaction{ID: "tx", Purpose: factor.SignIn, User: storage.User{ID: "a"}}
	if err := m.Send(ctx, home, "+16505551212"); err != nil {
		t.Fatal(err)
	}
	code := b.sent[0].Code
	for i := range 5 {
		wrong := "000000"
		if code == wrong {
			wrong = "000001"
		}
		if err := m.Try(ctx, home, "+16505551212", wrong); !errors.Is(err, factor.ErrWrong) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if err := m.Try(ctx, home, "+16505551212", code); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("the right code opened after five wrong ones: %v", err)
	}
}

func TestOnlyTheNewestCodeOpensAndNotForLong(t *testing.T) {
	ctx, b := context.Background(), newBench()
	m, home := b.method(t, storage.SMS),
		factor.Transaction{ID: "tx", Purpose: factor.SignIn, User: storage.User{ID: "a"}}
	for range 2 {
		if err := m.Send(ctx, home, "+16505551212"); err != nil {
			t.Fatal(err)
		}
	}
	if b.sent[0].Code != b.sent[1].Code {
		if err := m.Try(ctx, home, "+16505551212", b.sent[0].Code); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("the older code opened: %v", err)
		}
	}
	b.now = b.now.Add(5 * time.Minute)
	if err := m.Try(ctx, home, "+16505551212", b.sent[1].Code); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("an expired code opened: %v", err)
	}
}

func TestACodeThatWasNotSentIsVoid(t *testing.T) {
	ctx, b := context.Background(), newBench()
	b.fail = errors.New("provider is down")
	m, home := b.method(t, storage.SMS),
		factor.Transaction{ID: "tx", Purpose: factor.SignIn, User: storage.User{ID: "a"}}
	if err := m.Send(ctx, home, "+16505551212"); !errors.Is(err, factor.ErrSend) {
		t.Fatal(err)
	}
	if len(b.mem.m) != 0 {
		t.Error("its challenge stayed")
	}
	if err := m.Send(ctx, home, ""); !errors.Is(err, factor.ErrSend) {
		t.Errorf("sent to nowhere: %v", err)
	}
}

func TestEmailGoesToTheStoredAddressWhateverIsAsked(t *testing.T) {
	b := newBench()
	d := storage.Draft{}
	_, err := b.method(t, storage.Email).BeginEnroll(context.Background(),
		factor.Transaction{User: storage.User{Email: "a@lp.com"}}, "evil@example.org", &d)
	if err != nil || d.Destination != "a@lp.com" {
		t.Errorf("%q, %v", d.Destination, err)
	}
}

// TestCodesAreUniform checks that every digit is equally likely and that leading
// zeros are kept (R38).
func TestCodesAreUniform(t *testing.T) {
	ctx, b := context.Background(), newBench()
	m := b.method(t, storage.SMS)
	const n = 20_000
	var count [6][10]int
	for range n {
		if err := m.Send(ctx, factor.Transaction{ID: "t"}, "+16505551212"); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range b.sent {
		if len(s.Code) != 6 {
			t.Fatal(s.Code)
		}
		for i, c := range s.Code {
			count[i][c-'0']++
		}
	}
	for i, digits := range count {
		chi := 0.0
		for _, got := range digits {
			d := float64(got) - n/10
			chi += d * d / (n / 10)
		}
		if chi > 40 { // 9 degrees of freedom: one run in 100,000 is beyond 39
			t.Errorf("digit %d: chi-square %.1f, %v", i, chi, digits)
		}
	}
}

func TestTextsGoToServedCountriesOnly(t *testing.T) {
	ctx, b := context.Background(), newBench()
	m := b.method(t, storage.SMS)
	m.c.Countries = []string{"US", "DE"}
	for number, served := range map[string]bool{"+16505551212": true, "+4915123456789": true, "+442083661177": false,
		"+14165551212": false} {
		_, err := m.BeginEnroll(ctx, factor.Transaction{}, number, &storage.Draft{})
		if (err == nil) != served {
			t.Errorf("%s: set-up %v", number, err)
		}
		if err := m.Send(ctx, factor.Transaction{ID: number, User: storage.User{ID: "u"}},
			number); (err == nil) != served {
			t.Errorf("%s: sending %v", number, err)
		}
	}
	if len(b.sent) != 2 {
		t.Errorf("%d texts went out", len(b.sent))
	}
}

func TestALifeMustBePositive(t *testing.T) {
	for life, ok := range map[time.Duration]bool{1: true, 0: false, -1: false} {
		if _, err := New(Config{Channel: storage.Email, Life: life}); (err == nil) != ok {
			t.Errorf("%v: %v", life, err)
		}
	}
}

// TestANumberBelongsToARegion checks that a number without a country code belongs
// to the site's region, and to the United States if the site names none.
func TestANumberBelongsToARegion(t *testing.T) {
	for region, typed := range map[string]string{"DE": "0151 23456789", "GB": "020 8366 1177", "": "650-555-1212"} {
		got, err := ParsePhone(typed, region, false)
		if err != nil || !slices.Contains([]string{"+4915123456789", "+442083661177", "+16505551212"}, got) {
			t.Errorf("%q in %q became %q, %v", typed, region, got, err)
		}
	}
}

// TestANumberIsAShortText checks that numbers are read with any spacing, and that a
// longer text is not a number, even if a parser could read one in it.
func TestANumberIsAShortText(t *testing.T) {
	spaced := func(size int) string { return "+1" + strings.Repeat(" ", size-len("+16505551212")) + "6505551212" }
	if got, err := ParsePhone(spaced(64), "US", false); err != nil || got != "+16505551212" {
		t.Errorf("64 characters became %q, %v", got, err)
	}
	if got, err := ParsePhone(spaced(65), "US", false); !errors.Is(err, factor.ErrDestination) {
		t.Errorf("65 characters became %q, %v", got, err)
	}
}

// TestCountriesAreOfTextsOnly checks that a limit on countries does not affect
// e-mail, and that a decoy behaves as a code.
func TestCountriesAreOfTextsOnly(t *testing.T) {
	ctx := context.Background()
	alice := factor.Transaction{ID: "tx", Purpose: factor.First,
		User: storage.User{ID: "alice", Email: "a@lp.com", CredentialVersion: "1"}}
	nobody := factor.Transaction{ID: "tx", Purpose: factor.First}
	for _, c := range []struct {
		channel, to string
		of          factor.Transaction
		sent        bool
	}{
		{storage.SMS, "+16505551212", alice, true},
		{storage.SMS, "+442083661177", alice, false},
		{storage.SMS, "nobody@invalid", nobody, true},
		{storage.Email, "a@lp.com", alice, true},
		{storage.Email, "nobody@invalid", nobody, true},
	} {
		b := newBench()
		m := b.method(t, c.channel)
		m.c.Countries = []string{"US"}
		err := m.Send(ctx, c.of, c.to)
		if (err == nil) != c.sent || len(b.sent) > 0 != c.sent || !c.sent && !errors.Is(err, factor.ErrSend) {
			t.Errorf("%s to %s: %v, %d sent", c.channel, c.to, err, len(b.sent))
		}
	}
}

// TestPhoneRefusalsSayWhy checks that each refusal of a number has its reason, and
// that the refusal of unknown ranges can be switched off.
func TestPhoneRefusalsSayWhy(t *testing.T) {
	for typed, want := range map[string]string{
		"":                      factor.NoNumber,
		"ann@example.org":       factor.NoNumber,
		"+999 123 4567":         factor.NoCountryCode,
		"+49 1":                 factor.TooShort,
		"+1 650 555":            factor.TooShort,
		"+1 650 555 121234567":  factor.TooLong,
		"+1 900 555 1212":       factor.OtherKind,
		"+1 800 555 1212":       factor.OtherKind,
		"+1 650 555 1212 ext 3": factor.OtherKind,
		"+1 650 055 1212":       factor.UnknownRange,
	} {
		_, err := ParsePhone(typed, "US", false)
		var refusal *factor.DestinationError
		if !errors.As(err, &refusal) || refusal.Reason != want {
			t.Errorf("%q: %v, want %s", typed, err, want)
		}
		got, err := ParsePhone(typed, "US", true)
		if taken := err == nil; taken != (want == factor.UnknownRange) {
			t.Errorf("%q, where a right length is enough: %q, %v", typed, got, err)
		}
	}
}
