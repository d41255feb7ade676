package session_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// counted counts the look-ups that reach the store.
type counted struct {
	storage.Store
	n atomic.Int64
}

func (c *counted) Session(ctx context.Context, hash string, now time.Time) (storage.Session, error) {
	c.n.Add(1)
	return c.Store.Session(ctx, hash, now)
}

// member is one node: a manager with its own handle of the shared store.
type member struct {
	*session.Manager
	db  *counted
	now atomic.Pointer[time.Time] // nil for the machine's time
}

func (m *member) time() time.Time {
	if t := m.now.Load(); t != nil {
		return *t
	}
	return time.Now()
}

func (m *member) alive(t *testing.T, token string) bool {
	t.Helper()
	_, err := m.Find(t.Context(), token, false, stands)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// nodes starts three nodes on one store. notices may replace the store's own.
func nodes(t *testing.T, open func() storage.Store, notices func(storage.Store) storage.Notifier) []*member {
	t.Helper()
	var all []*member
	for range 3 {
		db := &counted{Store: open()}
		t.Cleanup(func() { db.Close() })
		m := &member{db: db}
		var err error
		m.Manager, err = session.New(limited(session.Config{
			Sessions: db, Users: db, Now: m.time, Notices: notices(db.Store),
		}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); m.Follow(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		all = append(all, m)
	}
	u := storage.User{ID: "u", EmailKey: "u", Active: true, CredentialVersion: "one"}
	if err := all[0].db.CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	return all
}

func own(s storage.Store) storage.Notifier { return s.(storage.Notifier) }

// cached waits until a node answers from the cache.
func (m *member) cached(t *testing.T, token string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		m.alive(t, token)
		before := m.db.n.Load()
		m.alive(t, token)
		if m.db.n.Load() == before {
			return
		}
	}
	t.Fatal("it never answers from memory")
}

func engines(t *testing.T) map[string]func() storage.Store {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	alone, joined, volatile := servers.PostgresTables(t), servers.PostgresTables(t), servers.Redis(t)
	file := filepath.Join(t.TempDir(), "nodes.db")
	return map[string]func() storage.Store{
		"sqlite":   func() storage.Store { db, err := sqlite.Open(t.Context(), file); must(err); return db },
		"postgres": func() storage.Store { db, err := postgres.Open(t.Context(), alone); must(err); return db },
		"redis": func() storage.Store {
			db, err := postgres.Open(t.Context(), joined)
			must(err)
			v, err := redis.Open(t.Context(), volatile)
			must(err)
			return storage.Join(db, v)
		},
	}
}

func TestAnEndedSessionEndsOnEveryNodeWithinASecond(t *testing.T) {
	for name, open := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := nodes(t, open, own)
			var took []time.Duration
			for round := range 60 {
				from := all[round%3]
				u, err := from.db.UserByID(t.Context(), "u")
				if err != nil {
					t.Fatal(err)
				}
				token, s, err := from.Open(t.Context(),
					storage.Session{UserID: "u", CredentialVersion: u.CredentialVersion, Level: storage.OneFactor})
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range all {
					m.cached(t, token)
				}
				begun := time.Now()
				switch round % 4 {
				case 0:
					_, err = from.Take(t.Context(), s.Hash)
				case 1:
					err = from.EndAll(t.Context(), "u")
				case 2:
					err = from.db.SetPassword(t.Context(), storage.NewPassword{
						UserID: "u", Hash: "h", CredentialVersion: storage.NewID(), Now: time.Now(),
					})
					from.ForgetUser("u")
				case 3:
					err = from.db.SetActive(t.Context(), "u", true, storage.NewID(), time.Now())
					from.ForgetUser("u")
				}
				if err != nil {
					t.Fatal(err)
				}
				if from.alive(t, token) {
					t.Fatal("it lives on where it was ended")
				}
				for _, m := range all {
					for asked := begun; m.alive(t, token); asked = time.Now() {
						if asked.Sub(begun) > time.Second {
							t.Fatalf("round %d: it lives on another node after a second", round)
						}
					}
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			t.Logf("over on all three nodes after: median %v, longest %v", took[len(took)/2], took[len(took)-1])
			if took[len(took)/2] > 900*time.Millisecond {
				t.Error("the nodes do not hear of it: that is the cache running out")
			}
		})
	}
}

// deaf accepts notifications and delivers none, like a pooler in front of PostgreSQL: its Listen
// never reports that it is connected.
type deaf struct{}

func (deaf) Notify(context.Context, string) error                     { return nil }
func (deaf) Listen(ctx context.Context, _ func(string), _ func(bool)) { <-ctx.Done() }

func TestWithoutAChannelNothingIsAnsweredFromMemory(t *testing.T) {
	open := engines(t)["postgres"]
	all := nodes(t, open, func(storage.Store) storage.Notifier { return deaf{} })
	token, s, err := all[0].Open(t.Context(),
		storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		before := all[1].db.n.Load()
		if !all[1].alive(t, token) || all[1].db.n.Load() != before+1 {
			t.Fatalf("look-up %d was answered from memory", i)
		}
	}
	if _, err := all[0].Take(t.Context(), s.Hash); err != nil {
		t.Fatal(err)
	}
	if all[1].alive(t, token) {
		t.Error("it lives on another node")
	}
}

func TestABrokenChannelSwitchesTheCacheOffAndComesBack(t *testing.T) {
	server := servers.NewRedis(t)
	durable := servers.PostgresTables(t)
	all := nodes(t, func() storage.Store {
		db, err := postgres.Open(t.Context(), durable)
		if err != nil {
			t.Fatal(err)
		}
		v, err := redis.Open(t.Context(), server.URL)
		if err != nil {
			t.Fatal(err)
		}
		return storage.Join(db, v)
	}, own)
	for range 2 {
		token, _, err := all[0].Open(t.Context(),
			storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
		if err != nil {
			t.Fatal(err)
		}
		all[1].cached(t, token)
		server.Stop(t)
		begun := time.Now()
		for {
			asked := time.Now()
			if _, err := all[1].Find(t.Context(), token, false, stands); errors.Is(err, storage.ErrUnavailable) {
				break
			}
			if asked.Sub(begun) > time.Second {
				t.Fatal("answered from memory for more than a second after the channel broke")
			}
		}
		server.Start(t)
		if all[1].alive(t, token) {
			t.Error("a session of before the restart")
		}
	}
	if _, err := all[2].Find(t.Context(), seal.Token(), false, stands); !errors.Is(err, storage.ErrNotFound) {
		t.Error(err)
	}
}
