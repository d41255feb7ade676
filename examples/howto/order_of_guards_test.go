package howto_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// guarded is a site with every kind of guard.
func guarded(auth *twofold.Auth, welcome, account, invoices, pay, admin, api http.Handler) http.Handler {
	fresh := auth.RequireFresh(5 * time.Minute)
	admins := auth.RequireRole("admin")
	scope := auth.RequireScope("invoices")

	mux := http.NewServeMux()
	mux.Handle("/", auth.Identify(welcome))
	mux.Handle("/account", auth.RequireUser(account))
	mux.Handle("/invoices", auth.RequireTwoFactor(invoices))
	mux.Handle("/pay", auth.RequireTwoFactor(fresh(pay)))
	mux.Handle("/admin", auth.RequireTwoFactor(admins(admin)))
	mux.Handle("/api/invoices", scope(auth.RequireTwoFactor(api)))
	return logged(auth.Wrap(mux))
}

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

func TestOrderOfGuards(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{Tokens: twofold.Tokens{Scopes: []string{"invoices"}}})
	k.ServeAll(guarded(k.Auth, hello, hello, hello, hello, hello, hello))
	status := func(b *twofoldtest.Browser, want map[string]int) {
		t.Helper()
		for path, code := range want {
			if a := b.Get(path); a.Status != code {
				t.Errorf("%s: %d, want %d: %s", path, a.Status, code, a.Body)
			}
		}
	}
	status(k.NewBrowser(), map[string]int{
		"/": 200, "/login": 200, "/account": 401, "/invoices": 401, "/pay": 401, "/admin": 401, "/api/invoices": 401,
	})
	one := k.LoginAs("one@example.org", 1)
	status(one, map[string]int{"/account": 200, "/invoices": 403, "/pay": 403, "/admin": 403})
	ada := k.LoginAs("ada@example.org", 2)
	status(ada, map[string]int{"/account": 200, "/invoices": 200, "/pay": 200, "/admin": 403, "/api/invoices": 200})
	status(k.LoginAs("eve@example.org", 2, "admin"), map[string]int{"/admin": 200})
	k.Clock.Move(6 * time.Minute)
	status(ada, map[string]int{"/invoices": 200, "/pay": 401})
	page := func(path, to string) {
		t.Helper()
		if a := k.NewBrowser().Page(path); a.Status != http.StatusSeeOther || a.Header.Get("Location") != to {
			t.Errorf("%s: %d %s", path, a.Status, a.Header.Get("Location"))
		}
	}
	page("/invoices", "/login?next=/invoices")
	if a := ada.Page("/pay"); a.Header.Get("Location") != "/verify?next=/pay" {
		t.Errorf("/pay leads to %s", a.Header.Get("Location"))
	}
	if a := one.Page("/invoices"); a.Header.Get("Location") != "/tf-setup?next=/invoices" {
		t.Errorf("/invoices leads to %s", a.Header.Get("Location"))
	}
}

// TestWrapIsOutsideOfGuards checks that a guard around Wrap blocks the sign-in.
func TestWrapIsOutsideOfGuards(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{})
	k.ServeAll(k.Auth.RequireUser(k.Auth.Wrap(hello)))
	if a := k.NewBrowser().Page("/login"); a.Status != http.StatusSeeOther {
		t.Errorf("the sign-in answers %d", a.Status)
	}
}

// TestScopeIsTheOutermostGuard checks that no token is accepted inside another guard.
func TestScopeIsTheOutermostGuard(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{Tokens: twofold.Tokens{Scopes: []string{"invoices"}}})
	scope := k.Auth.RequireScope("invoices")
	mux := http.NewServeMux()
	mux.Handle("/right", scope(k.Auth.RequireTwoFactor(hello)))
	mux.Handle("/wrong", k.Auth.RequireTwoFactor(scope(hello)))
	k.Serve(mux)
	a := k.LoginAs("ada@example.org", 2).Post("/access-tokens", map[string]any{
		"name": "script", "scopes": []string{"invoices"},
	})
	token, _ := a.Response["token"].(string)
	for path, want := range map[string]int{"/right": 200, "/wrong": 401} {
		if got := withToken(t, k.URL+path, "Bearer "+token); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// withToken asks for a path as a program does and returns the status.
func withToken(t *testing.T, url, authorization string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
