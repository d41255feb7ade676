package account

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// former is a former system of accounts.
type former struct {
	mu     sync.Mutex
	people map[string]former1 // by identity
	asked  int
	err    error
	before func()
}

type former1 struct {
	password string
	password.LegacyAccount
}

func (f *former) CheckPassword(_ context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked++; f.before != nil {
		f.before()
	}
	who, ok := f.people[identity]
	return who.LegacyAccount, ok && who.password == plain, f.err
}

// withFormer returns accounts with a former system and without a minimum time, so that other tests
// need not wait.
func withFormer(t *testing.T, f *former) *people {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	h, err := password.New(password.Config{Asks: true})
	must(t, err)
	p := &people{db: db, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	p.Accounts = New(Config{Users: db, Hasher: h, Legacy: f, LegacyNames: true,
		Usernames: Lengths{Min: 4, Max: 32},
		Now:       func() time.Time { return p.now }})
	p.pace.slowest.Store(0)
	return p
}

// in signs in and returns the account that the password opens, if any.
func (p *people) in(t *testing.T, identity, plain string) (storage.User, Checked) {
	t.Helper()
	u, err := p.Find(t.Context(), identity)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
	got, err := p.CheckPassword(t.Context(), &u, identity, plain)
	must(t, err)
	return u, got
}

// TestFormerSystemIsAskedOnce checks that an unknown identity is looked up in the former system,
// which creates an account. After that, the former system is not queried for that account again,
// whatever the password is. An address is proven only if the former system says so.
func TestFormerSystemIsAskedOnce(t *testing.T) {
	f := &former{people: map[string]former1{
		"ann@good.test": {phrase, password.LegacyAccount{Proven: true}},
		"bobby":         {phrase, password.LegacyAccount{Email: "bob@good.test", Username: "bobby"}},
		"carl":          {phrase, password.LegacyAccount{Email: "carl@good.test"}},
	}}
	p := withFormer(t, f)
	for identity, proven := range map[string]bool{"ann@good.test": true, "bobby": false, "carl": false} {
		if u, got := p.in(t, identity, "wrong"+phrase); got.OK || u.ID != "" {
			t.Fatalf("%s: %+v with a wrong password", identity, got)
		}
		u, got := p.in(t, identity, phrase)
		if !got.OK || !got.Created || u.ConfirmedAt.IsZero() == proven {
			t.Fatalf("%s: %+v, %+v", identity, got, u)
		}
		asked := f.asked
		for _, plain := range []string{phrase, "wrong" + phrase} {
			if again, got := p.in(t, identity, plain); got.OK != (plain == phrase) || got.Created ||
				again.ID != u.ID {
				t.Errorf("%s again: %+v", identity, got)
			}
		}
		if f.asked != asked {
			t.Errorf("%s: the former system was asked again", identity)
		}
	}
}

// TestFormerSystemIsNotAsked covers accounts that have a password here or need none, and inputs
// that cannot be a password or an identity.
func TestFormerSystemIsNotAsked(t *testing.T) {
	f := &former{people: map[string]former1{"ann@good.test": {phrase, password.LegacyAccount{}}}}
	p := withFormer(t, f)
	_, err := p.Create(t.Context(), Draft{Email: "has@good.test", Password: phrase})
	must(t, err)
	_, err = p.Create(t.Context(), Draft{Email: "needs-none@good.test"})
	must(t, err)
	for _, try := range [][2]string{
		{"has@good.test", "wrong" + phrase}, {"needs-none@good.test", phrase}, {"ann@good.test", ""},
		{"ann@good.test", "a\x00b"}, {"ann@good.test", "\xff"}, {"", phrase}, {"ann@good.test\n", phrase},
		{strings.Repeat("a", 321), phrase},
	} {
		if _, got := p.in(t, try[0], try[1]); got.OK || f.asked != 0 {
			t.Errorf("%q with %q: %+v, asked %d times", try[0], try[1], got, f.asked)
		}
	}
}

// TestWaitingAccounts covers accounts whose password is in the former system. The password opens
// the account, is hashed once, and never creates a second account. Changes by the owner or an
// operator in the meantime win.
func TestWaitingAccounts(t *testing.T) {
	f := &former{people: map[string]former1{
		"ann@good.test": {phrase, password.LegacyAccount{}},
		"annie":         {phrase, password.LegacyAccount{Email: "ann@good.test", Proven: true}},
		"eve":           {phrase, password.LegacyAccount{Email: "bob@good.test"}},
		"bob@good.test": {phrase, password.LegacyAccount{}},
	}}
	p := withFormer(t, f)
	ann, err := p.Create(t.Context(), Draft{Email: "ann@good.test", Hash: password.AskLegacy})
	must(t, err)
	if _, got := p.in(t, "ann@good.test", "wrong"); got.OK {
		t.Fatal("a wrong password opens it")
	}
	u, got := p.in(t, "annie", phrase) // by a name that is not known here
	if !got.OK || got.Created || u.ID != ann.ID {
		t.Fatalf("%+v, %+v", got, u)
	}
	stored, err := p.ByID(t.Context(), ann.ID)
	must(t, err)
	if !strings.HasPrefix(stored.PasswordHash, "$argon2id$") {
		t.Errorf("stored: %s", stored.PasswordHash)
	}
	// A yes of the former system does not open an account that has a password here.
	_, err = p.Create(t.Context(), Draft{Email: "bob@good.test", Password: "another " + phrase})
	must(t, err)
	if _, got := p.in(t, "eve", phrase); got.OK {
		t.Error("the former system opens an account that has a password here")
	}
	// A password is set here while the former system is being queried.
	carl, err := p.Create(t.Context(), Draft{Email: "carl@good.test", Hash: password.AskLegacy})
	must(t, err)
	f.people["carl@good.test"] = former1{phrase, password.LegacyAccount{}}
	f.before = func() { must(t, p.SetPassword(t.Context(), carl.ID, "another "+phrase)) }
	if _, got := p.in(t, "carl@good.test", phrase); got.OK {
		t.Error("the former password opens an account after a new one was set")
	}
}

// TestParallelArrivals checks that of many concurrent sign-ins one creates the account, and that
// all succeed.
func TestParallelArrivals(t *testing.T) {
	f := &former{people: map[string]former1{"ann@good.test": {phrase, password.LegacyAccount{}}}}
	p := withFormer(t, f)
	var wg sync.WaitGroup
	results := make(chan Checked, 8)
	for range cap(results) {
		wg.Go(func() {
			var u storage.User
			got, err := p.CheckPassword(t.Context(), &u, "ann@good.test", phrase)
			if err != nil || u.ID == "" {
				t.Errorf("%+v, %v", u, err)
			}
			results <- got
		})
	}
	wg.Wait()
	close(results)
	created := 0
	for got := range results {
		if !got.OK {
			t.Error("a right password is refused")
		}
		if got.Created {
			created++
		}
	}
	all, err := p.List(t.Context(), "", 10)
	if err != nil || len(all) != 1 || created != 1 {
		t.Errorf("%d accounts, created %d times: %v", len(all), created, err)
	}
}

// TestFormerSystemIsDown checks that an outage is an error and not a wrong password, and that the
// system is not queried for a moment afterwards.
func TestFormerSystemIsDown(t *testing.T) {
	f := &former{err: errors.New("down"), people: map[string]former1{"ann@good.test": {phrase,
		password.LegacyAccount{}}}}
	p := withFormer(t, f)
	for range 3 {
		if _, err := p.CheckPassword(t.Context(), new(storage.User), "ann@good.test", phrase); !errors.Is(err,
			ErrLegacy) {
			t.Fatal(err)
		}
	}
	if f.asked != 1 {
		t.Errorf("asked %d times", f.asked)
	}
	f.err, p.now = nil, p.now.Add(legacyPause)
	if _, got := p.in(t, "ann@good.test", phrase); !got.OK {
		t.Error("not asked again after a pause")
	}
}

// TestAskLegacyNeedsASystem checks that without a former system the mark does not count as a hash.
func TestAskLegacyNeedsASystem(t *testing.T) {
	p := open(t)
	if _, err := p.Create(t.Context(), Draft{Email: "ann@good.test",
		Hash: password.AskLegacy}); !errors.Is(err, ErrHash) {
		t.Error(err)
	}
}

// TestPace checks that after a slow hash a wrong password takes the same time for every account and
// for unknown ones, and uses no hashing slot during the wait.
func TestPace(t *testing.T) {
	p := open(t)
	const slow = "$pbkdf2-sha256$i=600000,l=32$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	_, err := p.Create(t.Context(), Draft{Email: "old@good.test", Hash: slow})
	must(t, err)
	_, err = p.Create(t.Context(), Draft{Email: "new@good.test", Password: phrase})
	must(t, err)
	p.LearnPace(t.Context())
	least := time.Duration(p.pace.slowest.Load())
	if least < 60*time.Millisecond {
		t.Fatalf("learned %v", least)
	}
	for _, identity := range []string{"new@good.test", "nobody@good.test", "old@good.test"} {
		ctx, leave, err := p.AcquireHash(t.Context())
		must(t, err)
		u, _ := p.Find(t.Context(), identity)
		start := time.Now()
		if got, err := p.CheckPassword(ctx, &u, identity, "wrong"); got.OK || err != nil {
			t.Errorf("%s: %+v, %v", identity, got, err)
		}
		if took := time.Since(start); took < least*9/10 {
			t.Errorf("%s: %v, and %v for the others", identity, took, least)
		}
		if identity != "old@good.test" && p.HashingBusy() {
			t.Errorf("%s: the wait holds a slot", identity)
		}
		leave()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	p.pace.wait(gone, time.Now().Add(time.Hour)) // returns
}
