package twofold_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// idle returns a sign-in with its own clock that is not running.
func idle(t *testing.T, c twofold.Config) (*twofold.Auth, *time.Time) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c.Origin, c.Key, c.Store = "http://localhost", twofold.KeyText(twofold.NewKey()), db
	c.Advanced.Now = func() time.Time { return now }
	auth, err := twofold.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return auth, &now
}

// TestNewStartsNothing checks that New starts no goroutine and that queued messages are not
// delivered.
func TestNewStartsNothing(t *testing.T) {
	mail := &sendtest.Sink{}
	auth, _ := idle(t, twofold.Config{Mail: mail})
	ctx := t.Context()
	u, err := auth.CreateUser(ctx, twofold.NewUser{Email: "ann@example.org", Password: "battery staple"})
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.SetPassword(ctx, u.ID, "another long passphrase"); err != nil { // queues a notice
		t.Fatal(err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "created by github.com/twofold-auth/twofold.New in") {
			t.Errorf("New started a goroutine:\n%s", stack)
		}
	}
	before, err := auth.Stats(ctx)
	if err != nil || before.Outbox != 1 || before.Running {
		t.Fatalf("%+v, %v", before, err)
	}
	if got := mail.All(); len(got) != 0 {
		t.Errorf("it delivered %d messages", len(got))
	}
}

// TestRunWorksUntilItsContextEnds checks that Run delivers queued messages, cannot run twice at the
// same time, and returns nil when its context ends; then it can run again.
func TestRunWorksUntilItsContextEnds(t *testing.T) {
	mail := &sendtest.Sink{}
	auth, _ := idle(t, twofold.Config{Mail: mail})
	u, err := auth.CreateUser(t.Context(), twofold.NewUser{Email: "ann@example.org", Password: "battery staple"})
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.SetPassword(t.Context(), u.ID, "another long passphrase"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- auth.Run(ctx) }()
		for {
			l, err := auth.Stats(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if l.Running && l.Outbox == 0 && len(mail.All()) == 1 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := auth.Run(ctx); err == nil || !strings.Contains(err.Error(), "already running") {
			t.Errorf("a second Run at the same time: %v", err)
		}
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	}
}

// TestServingWithoutRunIsSaidOnce checks that the log has one line, and only after a program had
// time to call Run.
func TestServingWithoutRunIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	auth, now := idle(t, twofold.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	visit := func() {
		auth.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost/login", nil))
	}
	visit()
	if log.Len() > 0 {
		t.Errorf("at once: %s", &log)
	}
	*now = now.Add(time.Minute)
	visit()
	visit()
	if n := strings.Count(log.String(), "without its workers"); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
}
