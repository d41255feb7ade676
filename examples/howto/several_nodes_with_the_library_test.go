package howto_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// node is one of several that share databases and key.
func node(ctx context.Context, database, volatile, key string, balancer netip.Prefix) (
	*twofold.Auth, store.Store, error) {
	durable, err := postgres.Open(ctx, database)
	if err != nil {
		return nil, nil, err
	}
	expiring, err := redis.Open(ctx, volatile)
	if err != nil {
		return nil, nil, errors.Join(err, durable.Close())
	}
	db := store.Join(durable, expiring)
	auth, err := twofold.New(twofold.Config{
		Origin:   "https://example.org",
		Key:      twofold.KeyText(key),
		Store:    db,
		Advanced: twofold.Advanced{TrustedProxies: []netip.Prefix{balancer}},
	})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return auth, db, nil
}

// through keeps what expires through a client of the program's own.
func through(ctx context.Context, c goredis.UniversalClient, durable store.Store) (store.Store, error) {
	expiring, err := redis.New(ctx, c, redis.Options{})
	if err != nil {
		return nil, err
	}
	return store.Join(durable, expiring), nil
}

// ready answers the balancer: 503 keeps requests away from a node without database.
func ready(db store.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := db.Ping(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

// serve answers until ctx ends, and then ends what is under way.
func serve(ctx context.Context, server *http.Server, auth *twofold.Auth) error {
	working := make(chan error, 1)
	go func() { working <- auth.Run(ctx) }()
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		stopped <- server.Shutdown(end)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(<-stopped, <-working)
}

func TestTheProgramClosesItsOwnClient(t *testing.T) {
	o, err := goredis.ParseURL(servers.NewRedis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	durable, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "twofold.db"))
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	defer c.Close()
	db, err := through(t.Context(), c, durable)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
		t.Error(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the store closed it: %v", err)
	}
}

func TestNodesShareSessions(t *testing.T) {
	pg, rd, key := servers.Postgres(t), servers.Redis(t), twofold.NewKey()
	var nodes []*twofold.Auth
	var stores []store.Store
	for range 2 {
		auth, db, err := node(t.Context(), pg, rd, key, netip.MustParsePrefix("192.0.2.0/28"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- serve(ctx, &http.Server{Addr: "127.0.0.1:0", Handler: auth}, auth) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		nodes, stores = append(nodes, auth), append(stores, db)
	}
	ask := func(h http.Handler, method, path, body string, cookies ...*http.Cookie) *http.Response {
		r := httptest.NewRequest(method, "https://example.org"+path, strings.NewReader(body))
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	user := twofold.NewUser{Email: "ada@example.org", Password: "walking a dog by the canal"}
	ada, err := nodes[0].CreateUser(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	const form = `{"email":"ada@example.org","password":"walking a dog by the canal"}`
	signed := ask(nodes[0], http.MethodPost, "/login", form)
	if signed.StatusCode != http.StatusOK {
		var body any
		_ = json.NewDecoder(signed.Body).Decode(&body)
		t.Fatalf("the sign-in: %d %v", signed.StatusCode, body)
	}
	page := func(n int) int {
		return ask(nodes[n].RequireUser(hello), http.MethodGet, "/", "", signed.Cookies()...).StatusCode
	}
	if got := page(1); got != http.StatusOK {
		t.Errorf("the other node: %d", got)
	}
	if err := nodes[1].EndSessions(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); page(0) != http.StatusUnauthorized; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a session that one node ended still works at the other")
		}
	}
	if got := ask(ready(stores[0]), http.MethodGet, "/readyz", "").StatusCode; got != http.StatusOK {
		t.Errorf("the node is not ready: %d", got)
	}
	if err := stores[0].Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask(ready(stores[0]), http.MethodGet, "/readyz", "").StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("a node without database: %d", got)
	}
}
