package twofoldtest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// noOne is a former system without accounts. A kit replaces it.
type noOne struct{}

func (noOne) CheckPassword(context.Context, string, string) (password.LegacyAccount, bool, error) {
	return password.LegacyAccount{}, false, nil
}

// TestNoSideDoorFromAFormerSystem covers an application that takes a correct password for a sign-in.
// It is open to people of the former system, but not to a user who claims another person's address
// there.
func TestNoSideDoorFromAFormerSystem(t *testing.T) {
	t.Parallel()
	l := &listener{TB: t}
	k := twofoldtest.New(l, twofold.Config{Password: twofold.Password{Legacy: noOne{}}})
	mux := http.NewServeMux()
	k.Auth.Mount(mux)
	k.ServeAll(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("right")
		switch {
		case r.URL.Path == "/secret" && err == nil:
			page(w, r)
		case r.URL.Path == "/secret":
			k.Auth.RequireTwoFactor(page).ServeHTTP(w, r)
		case r.URL.Path == "/login" && r.Method == http.MethodPost:
			mux.ServeHTTP(&marking{w}, r)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	k.TryDoors("/secret")
	for state, open := range map[string]bool{
		"someone of the former system:":                 true,
		"an account that waits for the former system:":  true,
		"whose address is claimed in the former system": false,
	} {
		if slices.ContainsFunc(l.heard, func(s string) bool { return strings.Contains(s, state) }) != open {
			t.Errorf("%s is a side door: %v, expected %v: %q", state, !open, open, l.heard)
		}
	}
}

// marking adds a cookie to an answer that is not a refusal.
type marking struct{ http.ResponseWriter }

func (m *marking) WriteHeader(status int) {
	if status < 400 {
		http.SetCookie(m, &http.Cookie{Name: "right", Value: "1", Path: "/"})
	}
	m.ResponseWriter.WriteHeader(status)
}
