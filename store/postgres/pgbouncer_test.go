package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

// exec holds the parameters for a pooler that does not support prepared statements.
const exec = "&default_query_exec_mode=exec"

func openPooled(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestPromisesBehindAPooler uses PgBouncer in transaction mode with fewer connections than callers.
func TestPromisesBehindAPooler(t *testing.T) {
	if !storetest.Thorough() {
		t.Skip("one database for each rule: set TWOFOLD_THOROUGH=1")
	}
	storetest.Briefly(t)
	storetest.Run(t, func(t *testing.T) storage.Store {
		pooled, _ := servers.PgBouncer(t)
		return openPooled(t, pooled+exec)
	})
}

// TestManyMigrateThroughAPooler runs several migrations at once, and checks that each step runs
// once.
func TestManyMigrateThroughAPooler(t *testing.T) {
	pooled, direct := servers.PgBouncer(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			db, err := postgres.Open(t.Context(), pooled+exec)
			if err != nil {
				t.Error(err)
				return
			}
			_ = db.Close()
		})
	}
	all.Wait()
	steps, err := postgres.Schema(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.At.IsZero() {
			t.Errorf("step %s is missing", s.Name)
		}
	}
}

// TestAPoolerIsNotAChannel checks that a node does not rely on notifications behind a pooler, which
// never arrive. With a direct address it receives them.
func TestAPoolerIsNotAChannel(t *testing.T) {
	pooled, direct := servers.PgBouncer(t)
	for _, c := range []struct {
		url   string
		hears bool
	}{{pooled + exec, false}, {pooled + exec + "&listen=" + url.QueryEscape(direct), true}} {
		db := openPooled(t, c.url)
		ctx, cancel := context.WithCancel(t.Context())
		var up atomic.Bool
		heard, ended := make(chan string, 10), make(chan struct{})
		go func() {
			defer close(ended)
			db.Listen(ctx, func(word string) { heard <- word }, func(is bool) { up.Store(is) })
		}()
		for begun := time.Now(); time.Since(begun) < 7*time.Second && !up.Load(); time.Sleep(20 * time.Millisecond) {
		}
		if up.Load() != c.hears {
			t.Errorf("%s: up %v, want %v", c.url, up.Load(), c.hears)
		}
		if c.hears {
			if err := db.Notify(ctx, "word"); err != nil {
				t.Error(err)
			}
			select {
			case word := <-heard:
				if word != "word" {
					t.Errorf("heard %q", word)
				}
			case <-time.After(5 * time.Second):
				t.Error("nothing heard past the pooler")
			}
		}
		cancel()
		<-ended
	}
}

// TestAPoolerWithoutItsSettings checks that the store refuses the pooler or returns an
// "unavailable" error, and no other.
func TestAPoolerWithoutItsSettings(t *testing.T) {
	pooled, _ := servers.PgBouncer(t)
	if _, err := postgres.Open(t.Context(), pooled+exec+"&jit=off"); err == nil ||
		!strings.Contains(err.Error(), "ignore_startup_parameters") {
		t.Errorf("a start-up parameter that does not pass: %v", err)
	}
	openPooled(t, pooled+exec).Close()
	db, err := postgres.Open(t.Context(), pooled) // prepared statements
	if err != nil {
		if !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
			t.Errorf("prepared statements: %v", err)
		}
		return
	}
	defer db.Close()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				_, err := db.UserByID(t.Context(), "nobody")
				if !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("prepared statements: %v", err)
				}
			}
		})
	}
	all.Wait()
}
