package howto_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// programs lets people make tokens with these scopes, for 30 days at most.
var programs = twofold.Tokens{
	Scopes:       []string{"orders:read", "orders:write"},
	PersonalLife: 30 * 24 * time.Hour,
}

// api has paths for people and for programs.
func api(auth *twofold.Auth, list, add, report, settings http.Handler) http.Handler {
	read, write := auth.RequireScope("orders:read"), auth.RequireScope("orders:write")
	mux := http.NewServeMux()
	mux.Handle("GET /api/orders", read(auth.RequireTwoFactor(list)))
	mux.Handle("POST /api/orders", write(auth.RequireTwoFactor(add)))
	mux.Handle("GET /api/report", read(report))                  // also tokens of MintToken
	mux.Handle("GET /settings", auth.RequireTwoFactor(settings)) // takes no token
	return mux
}

// who says which program a request came from.
func who(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	_, _ = w.Write([]byte(user.Email + " by " + user.Program))
}

// robotToken makes a token for the account of a program.
func robotToken(ctx context.Context, auth *twofold.Auth, id string) (string, error) {
	ctx = event.WithActor(ctx, "deployment", "nightly export")
	return auth.MintToken(ctx, id, "nightly export", []string{"orders:read"}, 7*24*time.Hour)
}

func TestTokensOpenTheirScopes(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{Tokens: programs})
	page := http.HandlerFunc(who)
	k.Serve(api(k.Auth, page, page, page, page))
	ask := func(method, path, token string) int {
		r, err := http.NewRequest(method, k.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	ada := k.LoginAs("ada@example.org", 2)
	a := ada.Post("/access-tokens", map[string]any{"name": "laptop", "scopes": []string{"orders:read"}})
	own, _ := a.Response["token"].(string)
	robot, err := robotToken(t.Context(), k.Auth, k.User("robot@example.org").ID)
	if err != nil || own == "" {
		t.Fatalf("%v: %d %s", err, a.Status, a.Body)
	}
	for token, want := range map[string]int{own: http.StatusOK, robot: http.StatusForbidden} {
		if got := ask(http.MethodGet, "/api/orders", token); got != want {
			t.Errorf("reading what asks for two factors: %d, want %d", got, want)
		}
		if got := ask(http.MethodGet, "/api/report", token); got != http.StatusOK {
			t.Errorf("reading: %d", got)
		}
		if got := ask(http.MethodPost, "/api/orders", token); got != http.StatusForbidden {
			t.Errorf("writing without the scope: %d", got)
		}
		if got := ask(http.MethodGet, "/settings", token); got != http.StatusUnauthorized {
			t.Errorf("a page of people: %d", got)
		}
	}
	if a := ada.Get("/api/orders"); a.Status != http.StatusOK {
		t.Errorf("a browser: %d", a.Status)
	}
	k.Clock.Move(8 * 24 * time.Hour)
	if got := ask(http.MethodGet, "/api/report", robot); got != http.StatusUnauthorized {
		t.Errorf("a token that has expired: %d", got)
	}
}
