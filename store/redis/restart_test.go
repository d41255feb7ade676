package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/redis"
)

var now = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

func put(t *testing.T, db *redis.DB, hash string) {
	t.Helper()
	s := storage.Session{Hash: hash, UserID: "u", CreatedAt: now, SeenAt: now, IdleAt: now.Add(time.Hour),
		ExpiresAt: now.Add(time.Hour)}
	if err := db.PutSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestRedisRestartedEmptyMeansSignInAgain(t *testing.T) {
	server := servers.NewRedis(t)
	db := open(t, server.URL)
	put(t, db, "a")
	server.Stop(t)
	if _, err := db.Session(t.Context(), "a", now); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("while it is down: %v", err)
	}
	if err := db.TryChallenge(t.Context(), "c", nil, now); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("while it is down: %v", err)
	}
	server.Start(t)
	if _, err := db.Session(t.Context(), "a", now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a session of before: %v", err)
	}
	put(t, db, "b")
	if _, err := db.Session(t.Context(), "b", now); err != nil {
		t.Error(err)
	}
}

// Another node may have deleted the data before this one detects the restart.
func TestAWriteAfterARestartIsDoneOnce(t *testing.T) {
	server := servers.NewRedis(t)
	here, there := open(t, server.URL), open(t, server.URL)
	put(t, here, "a")
	server.Stop(t)
	server.Start(t)
	if _, err := there.Session(t.Context(), "a", now); !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
	put(t, here, "b")
	direct := client.NewClient(&client.Options{Addr: address(server)})
	defer direct.Close()
	if err := direct.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	put(t, here, "b")
	put(t, there, "c")
	for _, hash := range []string{"b", "c"} {
		if _, err := here.Session(t.Context(), hash, now); err != nil {
			t.Errorf("%s: %v", hash, err)
		}
	}
}

// The snapshot is older than the sign-out and the use of the code.
func TestAnOldSnapshotBringsNothingBack(t *testing.T) {
	ctx, server := t.Context(), servers.NewRedis(t)
	db := open(t, server.URL)
	direct := client.NewClient(&client.Options{Addr: strings.TrimSuffix(strings.TrimPrefix(server.URL, "redis://"),
		"/0")})
	defer direct.Close()
	put(t, db, "ended")
	put(t, db, "kept")
	c := storage.Challenge{Key: "c", MAC: []byte{1}, Tries: 5, ExpiresAt: now.Add(time.Hour)}
	if err := db.PutChallenge(ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := direct.Set(ctx, "another application's", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := direct.Save(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.TakeSession(ctx, "ended"); err != nil {
		t.Fatal(err)
	}
	if err := db.TryChallenge(ctx, "c", [][]byte{{1}}, now); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	server.Start(t)
	if n, err := direct.Exists(ctx, "twofold:s:ended").Result(); err != nil || n != 1 {
		t.Fatalf("the snapshot does not hold it, so this test shows nothing: %d %v", n, err)
	}
	for _, hash := range []string{"ended", "kept"} {
		if _, err := db.Session(ctx, hash, now); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("session %q is back: %v", hash, err)
		}
	}
	if err := db.TryChallenge(ctx, "c", [][]byte{{1}}, now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the taken code: %v", err)
	}
	if list, err := db.SessionsOf(ctx, "u", now); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if n, _ := direct.Exists(ctx, "another application's").Result(); n != 1 {
		t.Error("another application's key was deleted")
	}
}

func TestBrokenConnectionsAreReplaced(t *testing.T) {
	server := servers.NewRedis(t)
	db := open(t, server.URL)
	direct := client.NewClient(&client.Options{Addr: strings.TrimSuffix(strings.TrimPrefix(server.URL, "redis://"),
		"/0")})
	defer direct.Close()
	put(t, db, "a")
	for i := range 20 {
		if err := direct.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Session(t.Context(), "a", now); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	evicts := servers.NewRedis(t, "maxmemory 100mb", "maxmemory-policy allkeys-lru")
	locked := servers.NewRedis(t, "requirepass hidden")
	for address, want := range map[string]string{
		"http://localhost":        "use the form redis://",
		"redis://127.0.0.1:1":     "cannot be reached",
		evicts.URL:                "set noeviction",
		locked.URL:                "rejected the user or the password",
		evicts.URL + "?prefix=a*": "prefix",
		"redis://u:wrong@" + locked.URL[len("redis://"):]: "rejected the user or the password",
	} {
		db, err := redis.Open(t.Context(), address)
		if err == nil {
			db.Close()
			t.Errorf("%s: no error", address)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") ||
			strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %v\nwant one line with %q", address, err, want)
		}
	}
}
