package auth

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// desk has everything that links need, with a real database file.
type desk struct {
	*Login
	db   *sqlite.DB
	user storage.User
	now  time.Time
}

func newDesk(t testing.TB, keys ...string) *desk {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	d := &desk{db: db, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return d.now }
	h, err := password.New(password.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d.Login = &Login{c: Config{
		Accounts: account.New(account.Config{Users: db, Hasher: h, Now: now}),
		Limits:   limit.New(db, now, limit.Limits{}), Now: now, UsedLinks: db,
	}}
	d.services = servicesOf(d.Login)
	d.keys(t, "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B")
	d.user, err = d.c.Accounts.Create(t.Context(), account.Draft{Email: "alice@good.test"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) keys(t testing.TB, newestFirst ...string) {
	t.Helper()
	k, err := seal.NewKeys(newestFirst...)
	if err != nil {
		t.Fatal(err)
	}
	d.c.Keys = k
}

func (d *desk) make(t testing.TB, p purpose, b Client) string {
	t.Helper()
	u, err := d.c.Accounts.ByID(t.Context(), d.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.Links.newLink(p, u, "some data", b)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

var (
	hour  = purpose{name: "one", life: time.Hour, rests: credentials}
	other = purpose{name: "other", life: time.Hour, rests: credentials}
	box   = purpose{name: "box", life: time.Hour, rests: mailbox}
	loose = purpose{name: "loose", life: time.Hour, rests: nothing}
)

func TestLinkOpensForItsPurposeUntilItIsSpent(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	token := d.make(t, hour, Client{Asked: "this one"})
	for range 5 { // opening is reading
		k, err := d.Links.openLink(ctx, hour, token)
		if err != nil || k.user.ID != d.user.ID || k.Data != "some data" {
			t.Fatalf("%+v %v", k, err)
		}
	}
	if _, err := d.Links.openLink(ctx, other, token); !errors.Is(err, ErrLink) {
		t.Errorf("another purpose takes it: %v", err)
	}
	k, err := d.Links.openLink(ctx, hour, token)
	if err != nil {
		t.Fatal(err)
	}
	if !k.sameBrowser(Client{Asked: "this one"}) || k.sameBrowser(Client{Asked: "that one"}) ||
		k.sameBrowser(Client{}) {
		t.Error("the browser that asked is not told from others")
	}
	var won atomic.Int32
	var done sync.WaitGroup
	gate := make(chan struct{})
	for range 20 {
		done.Go(func() {
			<-gate
			switch err := d.Links.spendLink(ctx, k); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrLink):
				t.Error(err)
			}
		})
	}
	close(gate)
	done.Wait()
	if won.Load() != 1 {
		t.Errorf("spent %d times", won.Load())
	}
	d.now = d.now.Add(-30 * time.Second) // a clock that is set back
	if err := d.Links.spendLink(ctx, k); !errors.Is(err, ErrLink) {
		t.Errorf("spent again: %v", err)
	}
	if again, err := d.Links.openLink(ctx, hour, d.make(t, hour, Client{})); err != nil ||
		d.Links.spendLink(ctx, again) != nil || again.sameBrowser(Client{}) {
		t.Error("another link of the same account is spent with it, or belongs to a browser")
	}
}

func TestALinkExpiresAndEndsWithWhatItRestsOn(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	a := d.c.Accounts
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change           func()
		hour, box, loose error
	}{
		"nothing":  {func() {}, nil, nil, nil},
		"password": {func() { must(a.SetPassword(ctx, d.user.ID, "another horse 72 battery")) }, ErrLink, nil, nil},
		"address": {func() { must(a.SetIdentity(ctx, d.user.ID, storage.NewID()+"@good.test", "")) }, ErrLink, ErrLink,
			nil},
		"off": {func() { must(a.SetActive(ctx, d.user.ID, false)) }, ErrLink, ErrLink, nil},
		"factors": {func() { must(a.SetActive(ctx, d.user.ID, true)); must(a.ResetAccess(ctx, d.user.ID)) }, ErrLink,
			ErrLink, nil},
		"too old": {func() { d.now = d.now.Add(time.Hour) }, ErrLinkExpired, ErrLinkExpired, ErrLinkExpired},
		"too new": {func() { d.now = d.now.Add(-2 * time.Minute) }, ErrLink, ErrLink, ErrLink},
	} {
		if name == "factors" {
			must(a.SetActive(ctx, d.user.ID, false))
		} else {
			must(a.SetActive(ctx, d.user.ID, true))
		}
		first, second, third := d.make(t, hour, Client{}), d.make(t, box, Client{}), d.make(t, loose, Client{})
		c.change()
		for p, want := range map[*struct {
			purpose
			token string
		}]error{{hour, first}: c.hour, {box, second}: c.box, {loose, third}: c.loose} {
			if _, err := d.Links.openLink(ctx, p.purpose, p.token); !errors.Is(err, want) || err == nil && want != nil {
				t.Errorf("%s: a link that rests on %s: %v, want %v", name, p.name, err, want)
			}
		}
	}
}

// TestLinkTimesAreExact checks that a link expires exactly at the end of its lifetime, and is
// refused if it was created more than a minute in the future.
func TestLinkTimesAreExact(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	token, made := d.make(t, hour, Client{}), d.now
	for after, want := range map[time.Duration]error{
		0: nil, time.Hour - time.Second: nil, time.Hour: ErrLinkExpired, -time.Minute: nil,
		-time.Minute - time.Second: ErrLink,
	} {
		d.now = made.Add(after)
		if _, err := d.Links.openLink(ctx, hour, token); !errors.Is(err, want) || err == nil && want != nil {
			t.Errorf("after %v: %v, want %v", after, err, want)
		}
	}
}

func TestLinkSurvivesAChangeOfKeysAndNothingElseMakesOne(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	token := d.make(t, hour, Client{})
	d.keys(t, "gP4mXhG2u4h1lQ0b5oX8n7nQxw7k0Jr3Jm0Kp3g8o2E", "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B")
	if _, err := d.Links.openLink(ctx, hour, token); err != nil {
		t.Errorf("a new key beside the old one: %v", err)
	}
	d.keys(t, "gP4mXhG2u4h1lQ0b5oX8n7nQxw7k0Jr3Jm0Kp3g8o2E")
	for what, forged := range map[string]string{
		"under a dropped key": token, "empty": "", "cut": token[:len(token)-1], "longer": token + "A",
		"other case":                strings.ToUpper(token),
		"signed for something else": d.c.Keys.Sign("device", []byte(`{"u":"`+d.user.ID+`"}`)),
		"without an account":        d.c.Keys.Sign("link:one", []byte(`{"t":1,"i":"x"}`)),
		"of nobody":                 d.c.Keys.Sign("link:one", []byte(`{"u":"nobody","t":1772366400,"i":"x"}`)),
		"no JSON":                   d.c.Keys.Sign("link:one", []byte(`{`)),
	} {
		if _, err := d.Links.openLink(ctx, hour, forged); !errors.Is(err, ErrLink) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzOpenLink checks that only links from newLink are accepted, signed or not.
func FuzzOpenLink(f *testing.F) {
	d := newDesk(f)
	f.Add(d.make(f, hour, Client{}), `{"u":"x","t":0,"i":"y","r":"AAAA"}`)
	f.Add("", "{}")
	f.Add("a.b", `{"u":"`+d.user.ID+`","t":1772366400,"i":"y"}`)
	good := d.make(f, hour, Client{})
	f.Fuzz(func(t *testing.T, token, payload string) {
		ctx := context.Background()
		if k, err := d.Links.openLink(ctx, other, token); err == nil {
			t.Fatalf("%q opened %+v", token, k)
		}
		if k, err := d.Links.openLink(ctx, hour, d.c.Keys.Sign("link:one", []byte(payload))); err == nil {
			t.Fatalf("%q opened %+v", payload, k)
		}
		if _, err := d.Links.openLink(ctx, hour, good+token); err == nil && token != "" {
			t.Fatalf("%q opened with something after it", token)
		}
	})
}
