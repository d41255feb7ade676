package session_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

type bench struct {
	*session.Manager
	db   storage.Store
	path string
	now  time.Time
	user storage.User
}

// limited adds the limits of the managers in these tests.
func limited(c session.Config) session.Config {
	c.Idle, c.Absolute, c.TokenLife = time.Hour, 24*time.Hour, 15*time.Minute
	return c
}

func open(t *testing.T, c session.Config) *bench {
	t.Helper()
	b := &bench{path: filepath.Join(t.TempDir(), "s.db"), now: time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.db = b.reopen(t)
	b.user = storage.User{ID: "u", Email: "a@lp.com", EmailKey: "a@lp.com", Active: true, CredentialVersion: "one"}
	if err := b.db.CreateUser(context.Background(), b.user); err != nil {
		t.Fatal(err)
	}
	c.Sessions, c.Users, c.Now = b.db, b.db, func() time.Time { return b.now }
	var err error
	if b.Manager, err = session.New(limited(c)); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) reopen(t *testing.T) storage.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), b.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (b *bench) start(t *testing.T) string {
	t.Helper()
	token, _, err := b.Open(context.Background(),
		storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (b *bench) alive(token string) bool {
	_, err := b.Find(context.Background(), token, false, stands)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		panic(err)
	}
	return err == nil
}

func TestOnlyTheWholeTokenOpens(t *testing.T) {
	b := open(t, session.Config{})
	token := b.start(t)
	if !b.alive(token) {
		t.Fatal("the token does not open")
	}
	for _, other := range []string{"", token[:42], token + "A", token[1:], "A" + token[1:], seal.HashToken(token),
		seal.Token()} {
		if other != token && b.alive(other) {
			t.Errorf("%q opens", other)
		}
	}
	if _, err := b.Find(context.Background(), token, true, stands); !errors.Is(err, storage.ErrNotFound) {
		t.Error("a cookie's token opens in a header")
	}
}

func TestIdleAndAbsoluteLimitsHold(t *testing.T) {
	b := open(t, session.Config{})
	idle, busy := b.start(t), b.start(t)
	for range 2 {
		b.now = b.now.Add(30*time.Minute + time.Second)
		b.alive(busy)
	}
	if b.alive(idle) {
		t.Error("an idle session lives for more than an hour")
	}
	if !b.alive(busy) {
		t.Error("activity does not count")
	}
	for range 50 {
		b.now = b.now.Add(30 * time.Minute)
		b.alive(busy)
	}
	if b.alive(busy) {
		t.Error("a busy session lives for more than a day")
	}
}

// TestAShorterLimitHoldsForStoredSessions restarts with half the absolute limit.
func TestAShorterLimitHoldsForStoredSessions(t *testing.T) {
	b := open(t, session.Config{})
	token := b.start(t)
	c := limited(session.Config{Sessions: b.db, Users: b.db, Now: func() time.Time { return b.now }})
	c.Absolute = 6 * time.Hour
	var err error
	if b.Manager, err = session.New(c); err != nil {
		t.Fatal(err)
	}
	for half := range 13 {
		if alive := b.alive(token); alive != (half < 12) {
			t.Errorf("after %d half hours: %v", half, alive)
		}
		if list, err := b.List(t.Context(), "u"); err != nil || (len(list) == 1) != (half < 12) {
			t.Errorf("after %d half hours: listed %v, %v", half, list, err)
		}
		b.now = b.now.Add(30 * time.Minute)
	}
}

func TestASessionDoesNotBeginInTheFuture(t *testing.T) {
	b := open(t, session.Config{})
	_, s := b.Prepare(storage.Session{CreatedAt: b.now.Add(time.Hour)})
	if !s.CreatedAt.Equal(b.now) || !s.ExpiresAt.Equal(b.now.Add(24*time.Hour)) {
		t.Errorf("from %v to %v", s.CreatedAt, s.ExpiresAt)
	}
}

func TestAnEndedSessionEndsHereAtOnce(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(b *bench, token string) error{
		"take": func(b *bench, token string) error { _, err := b.Take(ctx, seal.HashToken(token)); return err },
		"all":  func(b *bench, _ string) error { return b.EndAll(ctx, "u") },
		"credentials change": func(b *bench, _ string) error {
			defer b.ForgetUser("u")
			return b.db.SetPassword(ctx, storage.NewPassword{
				UserID: "u", Hash: "hash", CredentialVersion: "two", Now: b.now,
			})
		},
		"switched off": func(b *bench, _ string) error {
			defer b.ForgetUser("u")
			return b.db.SetActive(ctx, "u", false, "two", b.now)
		},
	} {
		b := open(t, session.Config{})
		token := b.start(t)
		if !b.alive(token) {
			t.Fatal(name)
		}
		if err := end(b, token); err != nil {
			t.Fatal(name, err)
		}
		if b.alive(token) {
			t.Errorf("%s: the session lives on", name)
		}
	}
}

// Another process changes the same file: the change is visible here within a second.
func TestRevocationElsewhereHoldsWithinASecond(t *testing.T) {
	ctx, b := context.Background(), open(t, session.Config{})
	token, elsewhere := b.start(t), b.reopen(t)
	b.alive(token)
	if err := elsewhere.EndSessions(ctx, "u"); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	for asked := ended; b.alive(token); asked = time.Now() {
		if asked.Sub(ended) > 1100*time.Millisecond {
			t.Fatal("the session lives on for more than a second")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAnEndedSessionDoesNotComeBackThroughTheCache(t *testing.T) {
	ctx, b := context.Background(), open(t, session.Config{})
	for range 200 {
		token := b.start(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 20 {
				b.alive(token)
			}
		}()
		if _, err := b.Take(ctx, seal.HashToken(token)); err != nil {
			t.Fatal(err)
		}
		if b.alive(token) {
			t.Fatal("it opens after it was taken")
		}
		<-done
		if b.alive(token) {
			t.Fatal("a look-up under way put it back")
		}
	}
}

func TestLimitsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, change := range []func(*session.Config){
		func(c *session.Config) { c.Idle = time.Second }, func(c *session.Config) { c.Absolute = time.Minute },
		func(c *session.Config) { c.Cache = time.Minute }, func(c *session.Config) { c.TokenLife = 0 },
	} {
		c := limited(session.Config{})
		change(&c)
		if _, err := session.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "s.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	if err := db.CreateUser(ctx,
		storage.User{ID: "u", Email: "a@lp.com", EmailKey: "a@lp.com", Active: true,
			CredentialVersion: "one"}); err != nil {
		b.Fatal(err)
	}
	for name, life := range map[string]time.Duration{"warm": time.Second, "store": -1} {
		m, err := session.New(limited(session.Config{Sessions: db, Users: db, Now: time.Now, Cache: life}))
		if err != nil {
			b.Fatal(err)
		}
		token, _, err := m.Open(ctx, storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Find(ctx, token, false, stands); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// meanwhile runs a function after a user is read and before the caller gets the result.
type meanwhile struct {
	storage.UserReader
	happen func()
}

func (m *meanwhile) UserByID(ctx context.Context, id string) (storage.User, error) {
	u, err := m.UserReader.UserByID(ctx, id)
	if m.happen != nil {
		m.happen()
	}
	return u, err
}

// TestATouchDoesNotRestoreAnEntryReadBeforeAChange checks that a request that read the session
// during the change may still be answered, but no later request is.
func TestATouchDoesNotRestoreAnEntryReadBeforeAChange(t *testing.T) {
	users := &meanwhile{}
	b := open(t, session.Config{Cache: time.Second})
	users.UserReader = b.db
	m, err := session.New(limited(session.Config{Sessions: b.db, Users: users, Now: func() time.Time { return b.now },
		Cache: time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	b.Manager = m
	token := b.start(t)
	b.now = b.now.Add(10 * time.Minute) // so that its activity is recorded
	users.happen = func() {
		users.happen = nil
		if err := b.db.SetActive(t.Context(), "u", false, "two", b.now); err != nil {
			t.Fatal(err)
		}
		m.ForgetUser("u")
	}
	b.alive(token)
	if b.alive(token) {
		t.Error("a session that was ended in this process is answered from memory")
	}
}

// stands is the judge of these tests, without a policy.
func stands(context.Context, storage.Session, storage.User) (policy.Standing, error) {
	return policy.Stands, nil
}
