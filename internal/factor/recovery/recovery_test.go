package recovery_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

const (
	oneKey     = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"
	anotherKey = "gP4mXhG2u4h1lQ0b5oX8n7nQxw7k0Jr3Jm0Kp3g8o2E"
)

// desk is a user with a second factor, in a database file.
type desk struct {
	t    *testing.T
	db   *sqlite.DB
	user storage.User
	now  time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &desk{t: t, db: db, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d.user = storage.User{ID: storage.NewID(), Email: "a@x.t", EmailKey: "a@x.t", Active: true, CredentialVersion: "0"}
	d.must(db.CreateUser(t.Context(), d.user))
	d.change(storage.FactorChange{Add: &storage.Factor{ID: storage.NewID(), UserID: d.user.ID,
		Method: storage.Authenticator}})
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) change(c storage.FactorChange) {
	d.t.Helper()
	c.UserID, c.From, c.To, c.Now = d.user.ID, d.user.CredentialVersion, storage.NewID(), d.now
	d.must(d.db.ChangeFactors(d.t.Context(), c))
	d.user.CredentialVersion = c.To
}

func (d *desk) codes(c recovery.Config, keys ...string) *recovery.Codes {
	d.t.Helper()
	k, err := seal.NewKeys(keys...)
	d.must(err)
	c.Ring, err = seal.NewRingOf(keys...)
	d.must(err)
	c.Codes, c.Keys, c.Now = d.db, k, func() time.Time { return d.now }
	codes, err := recovery.New(c)
	d.must(err)
	return codes
}

// put makes a set of codes and stores it.
func (d *desk) put(c *recovery.Codes) []string {
	d.t.Helper()
	shown, macs := c.Make(d.user.ID)
	d.change(storage.FactorChange{Codes: macs})
	return shown
}

func (d *desk) wrong(err error, what string) {
	d.t.Helper()
	if !errors.Is(err, factor.ErrWrong) {
		d.t.Errorf("%s: %v", what, err)
	}
}

func TestACodeIsGoodOnceInEverySpellingOfIt(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	c := d.codes(recovery.Config{Number: 10}, oneKey)
	shown := d.put(c)
	spellings := []func(string) string{
		func(s string) string { return s },
		strings.ToUpper,
		func(s string) string { return strings.ReplaceAll(s, "-", "") },
		func(s string) string { return " " + strings.ReplaceAll(s, "-", " ") + "\t\n" },
		func(s string) string { return strings.ReplaceAll(s, "-", "\u2013") }, // as word processors write a dash
	}
	for i, spell := range spellings {
		typed := spell(shown[i])
		if !c.Looks(typed) || c.Holds(ctx, d.user.ID, typed) != nil {
			t.Errorf("%q is not read", typed)
		}
		left, err := c.Spend(ctx, d.user.ID, typed)
		if err != nil || left != len(shown)-1-i {
			t.Errorf("%q: %d left, %v", typed, left, err)
		}
		for _, again := range spellings {
			d.wrong(c.Holds(ctx, d.user.ID, again(shown[i])), "held after it was spent")
			_, err := c.Spend(ctx, d.user.ID, again(shown[i]))
			d.wrong(err, "spent again")
		}
	}
}

func TestATextThatIsNoCodeIsNoGuess(t *testing.T) {
	d := newDesk(t)
	c := d.codes(recovery.Config{Number: 10}, oneKey)
	shown := d.put(c)[0]
	for _, typed := range []string{
		"", " ", "123456", shown[:18], shown + "a", strings.Repeat("a", 17), "aaaa-aaaa-aaaa-aaa0",
		"aaaa-aaaa-aaaa-aaa1", "aaaa-aaaa-aaaa-aaä",
		"aaaa.aaaa.aaaa.aaaa", strings.Repeat(" ", 200) + shown, "aaaa-aaaa-aaaa-aa\x00a",
		"\u212a" + strings.Repeat("a", 15),
	} {
		if c.Looks(typed) {
			t.Errorf("%q looks like a code", typed)
		}
		d.wrong(c.Holds(t.Context(), d.user.ID, typed), typed)
	}
}

func TestACodeIsOneUsersAlone(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	c := d.codes(recovery.Config{Number: 10}, oneKey)
	shown := d.put(c)
	d.wrong(c.Holds(ctx, "another", shown[0]), "another user's")
	_, err := c.Spend(ctx, "another", shown[0])
	d.wrong(err, "another user's")
	if n, err := c.Left(ctx, d.user.ID); err != nil || n != 10 {
		t.Errorf("%d left, %v", n, err)
	}
}

func TestCodesSurviveANewKeyAndEndWithTheirOwn(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	shown := d.put(d.codes(recovery.Config{Number: 10}, oneKey))
	if _, err := d.codes(recovery.Config{Number: 10}, anotherKey, oneKey).Spend(ctx, d.user.ID, shown[0]); err != nil {
		t.Errorf("a new key beside the old one: %v", err)
	}
	_, err := d.codes(recovery.Config{Number: 10}, anotherKey).Spend(ctx, d.user.ID, shown[1])
	d.wrong(err, "under a dropped key")
}

func TestCodesLiveAsLongAsTheyAreMeantTo(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	c := d.codes(recovery.Config{Life: time.Hour, Number: 2}, oneKey)
	shown := d.put(c)
	d.now = d.now.Add(time.Hour)
	if _, err := c.Spend(ctx, d.user.ID, shown[0]); err != nil {
		t.Errorf("at its end: %v", err)
	}
	d.now = d.now.Add(time.Microsecond)
	_, err := c.Spend(ctx, d.user.ID, shown[1])
	d.wrong(err, "after its end")
	if n, err := c.Left(ctx, d.user.ID); err != nil || n != 0 {
		t.Errorf("%d left, %v", n, err)
	}
	endless := d.codes(recovery.Config{Number: 10}, oneKey)
	d.now = d.now.AddDate(30, 0, 0)
	if _, err := endless.Spend(ctx, d.user.ID, shown[1]); err != nil {
		t.Errorf("without an end: %v", err)
	}
}

// TestCodesAreRandom checks that 500 sets contain no code twice, that all
// characters are about equally frequent, and that the hash depends on the key.
func TestCodesAreRandom(t *testing.T) {
	d := newDesk(t)
	c, other := d.codes(recovery.Config{Number: 10}, oneKey), d.codes(recovery.Config{Number: 10}, anotherKey)
	form := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`)
	seen, often := map[string]bool{}, map[rune]int{}
	for range 500 {
		shown, macs := c.Make("u")
		if len(shown) != 10 || len(macs) != 10 {
			t.Fatalf("a set of %d, %d", len(shown), len(macs))
		}
		for i, code := range shown {
			if seen[code] || !form.MatchString(code) || bytes.Contains(macs[i], []byte(code)) || len(macs[i]) != 32 {
				t.Fatalf("%q", code)
			}
			seen[code] = true
			for _, r := range strings.ReplaceAll(code, "-", "") {
				often[r]++
			}
		}
	}
	for r, n := range often { // 2,500 expected of each; beyond 5 standard deviations once in a million runs
		if n < 2250 || n > 2750 {
			t.Errorf("%q comes %d times", r, n)
		}
	}
	_, a := c.Make("u")
	_, b := other.Make("u")
	if bytes.Equal(a[0], b[0]) || len(often) != 32 {
		t.Error("the same twice")
	}
}

func TestNegativeNumbersAreRefused(t *testing.T) {
	for _, c := range []recovery.Config{{Number: -1}, {Life: -1}} {
		if _, err := recovery.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func FuzzLooks(f *testing.F) {
	f.Add("aaaa-bbbb-cccc-dddd")
	f.Add("AAAA\u2013bbbb cccc\tdd77")
	f.Fuzz(func(t *testing.T, typed string) {
		k, err := seal.NewKeys(oneKey)
		if err != nil {
			t.Fatal(err)
		}
		c, err := recovery.New(recovery.Config{Codes: none{}, Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Holds(context.Background(), "u", typed); !errors.Is(err, factor.ErrWrong) {
			t.Fatalf("%q: %v", typed, err)
		}
	})
}

// none is a store without codes.
type none struct{ storage.RecoveryCodes }

func (none) HasRecoveryCode(_ context.Context, _ string, macs [][]byte, _ time.Time) (bool, error) {
	if len(macs) != 1 || len(macs[0]) != 32 {
		return true, nil
	}
	return false, nil
}

func (none) ForeignCodes(context.Context, string) ([]storage.KeptCode, error) { return nil, nil }

func TestEveryLetterAndDigitIsReadInEitherCase(t *testing.T) {
	c := newDesk(t).codes(recovery.Config{Number: 10}, oneKey)
	for typed, ok := range map[string]bool{
		"AAAA-AAAA-AAAA-AAAA": true, "ZZZZ-zzzz-aaaa-2277": true, "aaaa-aaaa-aaaa-aaa1": false,
		"aaaa-aaaa-aaaa-aaa8": false,
		"@aaa-aaaa-aaaa-aaaa": false, "aaaa-aaaa-aaaa-aaa[": false, "aaaa-aaaa-aaaa-aaa`": false,
		"aaaa-aaaa-aaaa-aaa{":                         false,
		"aaaaaaaaaaaaaaaa" + strings.Repeat(" ", 112): true, "aaaaaaaaaaaaaaaa" + strings.Repeat(" ", 113): false,
	} {
		if c.Looks(typed) != ok {
			t.Errorf("%q: %v", typed, !ok)
		}
	}
}
