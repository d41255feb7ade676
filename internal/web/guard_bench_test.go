package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// BenchmarkGuard measures a small handler without a guard, behind a guard with a cached session,
// behind a guard with its session in the database, and refused for a stranger.
func BenchmarkGuard(b *testing.B) {
	const sessions = 1000
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "a.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	auth, err := twofold.New(twofold.Config{Origin: "http://localhost:8080", Key: twofold.KeyText(twofold.NewKey()),
		Store: db})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	user := storage.User{ID: storage.NewID(), Email: "a@example.com", EmailKey: "a@example.com", Active: true,
		CredentialVersion: storage.NewID()}
	if err := db.CreateUser(b.Context(), user); err != nil {
		b.Fatal(err)
	}
	tokens := make([]string, sessions)
	for i := range tokens {
		tokens[i] = seal.Token()
		err := db.PutSession(b.Context(), storage.Session{
			Hash: seal.HashToken(tokens[i]), ID: storage.NewID(), UserID: user.ID,
			CredentialVersion: user.CredentialVersion, Level: storage.TwoFactors,
			Proofs:  []storage.Proof{{Method: "password", At: now}, {Method: storage.Authenticator, At: now}},
			FreshAt: now, SeenAt: now.Add(time.Hour), CreatedAt: now, IdleAt: now.Add(time.Hour),
			ExpiresAt: now.Add(time.Hour),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") })
	for _, c := range []struct {
		name   string
		h      http.Handler
		tokens []string
		status int
	}{
		{"bare", bare, tokens[:1], 200},
		{"memory", auth.RequireUser(bare), tokens[:1], 200},
		{"database", auth.RequireUser(bare), tokens, 200},
		{"stranger", auth.RequireUser(bare), []string{seal.Token()}, 401},
	} {
		b.Run(c.name, func(b *testing.B) {
			requests := make([]*http.Request, len(c.tokens))
			for i, t := range c.tokens {
				requests[i] = httptest.NewRequest("GET", "/page", nil)
				requests[i].Header.Set("Accept", "application/json")
				requests[i].Header.Set("Cookie", "twofold="+t)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if len(c.tokens) > 1 && i%len(c.tokens) == 0 {
					b.StopTimer()
					if err := auth.SetRoles(b.Context(), user.ID); err != nil { // empties the memory
						b.Fatal(err)
					}
					b.StartTimer()
				}
				w := httptest.NewRecorder()
				c.h.ServeHTTP(w, requests[i%len(requests)])
				if w.Code != c.status {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
