package main

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

const (
	joanSignsIn  = `{"email":"joan@example.org","password":"correct horse 71 battery"}`
	antonSignsIn = `{"email":"anton@example.org","password":"correct horse 71 battery"}`
	antonGuesses = `{"email":"anton@example.org","password":"wrong"}`
)

// becomes polls until the answer has this status, since recovery takes time and must work without help.
func (s *server) becomes(status int, method, path, body string) {
	s.t.Helper()
	last := 0
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(100 * time.Millisecond) {
		if last, _ = s.do(method, path, body); last == status {
			return
		}
	}
	s.t.Fatalf("%s %s: %d after a minute, want %d", method, path, last, status)
}

// TestFaultDatabases stops and restarts PostgreSQL and Redis of a running server. While one is
// down, the answer is 503 and no sign-in succeeds; afterwards everything works without a restart of
// the server. After the loss of Redis's data, users must sign in again, and failed attempts still count.
func TestFaultDatabases(t *testing.T) {
	postgres, redis := servers.NewPostgres(t), servers.NewRedis(t)
	env := []string{
		"TWOFOLD_ORIGIN=http://localhost:8080", "SECRET_KEY=" + goodKey, "TWOFOLD_METRICS_LISTEN=127.0.0.1:0",
		"SQLALCHEMY_DATABASE_URI=" + strings.Replace(postgres.URL, "postgres://", "postgresql://", 1),
		"TWOFOLD_REDIS_URL=" + redis.URL,
	}
	f := &front{t: t}
	f.run(env, "correct horse 71 battery", "user", "create", "joan@example.org", "--password-stdin")
	f.run(env, "correct horse 71 battery", "user", "create", "anton@example.org", "--password-stdin")
	s := start(t, env)
	s.want(200, "POST", "/login", joanSignsIn)
	s.want(200, "GET", "/me", "")
	guesses := 0
	for status := 400; status == 400 && guesses < 50; guesses++ {
		status, _ = s.elsewhere("POST", "/login", antonGuesses)
	}
	if status, _ := s.elsewhere("POST", "/login", antonSignsIn); status != 429 {
		t.Fatalf("after %d wrong passwords the right one answers %d, want 429", guesses, status)
	}

	postgres.Stop(t)
	for _, body := range []string{joanSignsIn, antonSignsIn, antonGuesses} {
		if status, text := s.elsewhere("POST", "/login", body); status != 503 {
			t.Errorf("a sign-in without the database: %d %s", status, text)
		}
	}
	s.want(503, "GET", "/readyz", "")
	s.want(200, "GET", "/healthz", "")
	if text := s.figures(); !strings.Contains(text, "\ntwofold_store_up 0\n") ||
		!strings.Contains(text, "\ntwofold_store_errors_total{") {
		t.Error("the metrics do not report that the database is down")
	}
	postgres.Start(t)
	s.becomes(200, "GET", "/readyz", "")
	s.becomes(200, "GET", "/me", "") // the session stayed in Redis
	s.becomes(200, "POST", "/logout", `{}`)
	s.want(200, "POST", "/login", joanSignsIn)

	redis.Stop(t)
	if status, text := s.elsewhere("POST", "/login", joanSignsIn); status != 503 {
		t.Errorf("a sign-in without Redis: %d %s", status, text)
	}
	s.becomes(503, "GET", "/me", "") // a node may cache a session for a second
	redis.Start(t)
	s.becomes(401, "GET", "/me", "")
	if status, _ := s.elsewhere("POST", "/login", antonSignsIn); status != 429 {
		t.Errorf("after Redis came back empty, earlier guesses do not count: %d", status)
	}
	s.becomes(200, "POST", "/login", joanSignsIn)
	s.want(200, "GET", "/me", "")
	s.stop()
}

// elsewhere sends a request from another browser.
func (s *server) elsewhere(method, path, body string) (int, string) {
	s.t.Helper()
	jar := s.http.Jar
	s.http.Jar = nil
	defer func() { s.http.Jar = jar }()
	return s.do(method, path, body)
}
