package twofoldtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// ruled enables what the rules of factors, trust and budgets need.
func ruled() twofold.Config {
	return twofold.Config{
		TwoFactor:    twofold.TwoFactor{LoginValidity: 30 * 24 * time.Hour, RescueEmail: true},
		Passkeys:     &twofold.Passkeys{FirstFactor: true},
		Passwordless: &twofold.Passwordless{EnabledMethods: []string{"password", "email", "sms"}},
		Sessions:     twofold.Sessions{Remember: 30 * 24 * time.Hour},
		Tokens:       twofold.Tokens{Refresh: true},
		Accounts:     twofold.Accounts{Recoverable: true, Registerable: true, OAuth: []federated.Provider{site{}}},
	}
}

// post returns the posted data of a request. Its body can be read again.
func post(r *http.Request) map[string]any {
	raw, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields)
	return fields
}

// own serves the sign-in's paths and the page behind its guard.
func own(kit *twofoldtest.Kit) *http.ServeMux {
	mux := http.NewServeMux()
	kit.Auth.Mount(mux)
	mux.Handle("/", kit.Auth.RequireTwoFactor(page))
	return mux
}

// forgiving takes a refused step for a sign-in.
func forgiving(path string) func(kit *twofoldtest.Kit) http.Handler {
	return func(kit *twofoldtest.Kit) http.Handler {
		next := own(kit)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("door"); err == nil && r.URL.Path == "/secret" {
				page(w, r)
				return
			}
			seen := httptest.NewRecorder()
			next.ServeHTTP(seen, r)
			maps.Copy(w.Header(), seen.Header())
			if r.Method == http.MethodPost && r.URL.Path == path && seen.Code >= 400 {
				http.SetCookie(w, &http.Cookie{Name: "door", Value: "open", Path: "/"})
			}
			w.WriteHeader(seen.Code)
			_, _ = w.Write(seen.Body.Bytes())
		})
	}
}

// remembering accepts every request that it accepted once.
func remembering(kit *twofoldtest.Kit) http.Handler {
	mux, guarded := own(kit), kit.Auth.RequireTwoFactor(page)
	var let sync.Map
	mux.HandleFunc("/secret", func(w http.ResponseWriter, r *http.Request) {
		shown := r.Header.Get("Authentication-Token")
		if c, err := r.Cookie("twofold"); err == nil {
			shown = c.Value
		}
		if _, ok := let.Load(shown); ok {
			page(w, r)
			return
		}
		seen := httptest.NewRecorder()
		if guarded.ServeHTTP(seen, r); seen.Code == http.StatusOK && shown != "" {
			let.Store(shown, true)
		}
		maps.Copy(w.Header(), seen.Header())
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	})
	return mux
}

// vouching creates accounts for all visitors with a method meant for users whom the application
// knows, and signs them in.
func vouching(kit *twofoldtest.Kit) http.Handler {
	mux := own(kit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/register" {
			typed := post(r)
			kit.User(typed["email"].(string))
			r = r.Clone(r.Context())
			r.URL.Path = "/login"
		}
		mux.ServeHTTP(w, r)
	})
}

// cached is a cache that repeats a page for clients that had it.
func cached(kit *twofoldtest.Kit) http.Handler {
	mux := own(kit)
	var kept sync.Map
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("twofold")
		if err != nil || r.Method != http.MethodGet || r.URL.Path != "/tf-setup" {
			mux.ServeHTTP(w, r)
			if err == nil && r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/tf-setup") {
				kept.Store(c.Value, true)
			}
			return
		}
		if _, ok := kept.Load(c.Value); ok {
			w.WriteHeader(http.StatusOK)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// believing accepts any user whom a guard let through, even one of another sign-in.
func believing(kit *twofoldtest.Kit) http.Handler {
	mux := http.NewServeMux()
	kit.Auth.Mount(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if u, ok := twofold.UserOf(r); ok && u.Level == 2 {
			page(w, r)
			return
		}
		kit.Auth.RequireTwoFactor(page).ServeHTTP(w, r)
	})
	return mux
}

// locking locks an account after five wrong passwords from any browser.
func locking(kit *twofoldtest.Kit) http.Handler {
	mux := own(kit)
	var mu sync.Mutex
	wrong := map[any]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/login" {
			mux.ServeHTTP(w, r)
			return
		}
		email := post(r)["email"]
		mu.Lock()
		full := wrong[email] >= 5
		mu.Unlock()
		if full {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		seen := httptest.NewRecorder()
		if mux.ServeHTTP(seen, r); seen.Code >= 400 {
			mu.Lock()
			wrong[email]++
			mu.Unlock()
		}
		maps.Copy(w.Header(), seen.Header())
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	})
}

// seldom lists sites that only a thorough run tries, because similar ones are in every run.
var seldom = []string{"one thing, as a choice", "one factor", "what came of trust, as a refresh token"}

// TestARuleThatIsBrokenIsFound tries, for each rule, a site that breaks it.
func TestARuleThatIsBrokenIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		app   func(kit *twofoldtest.Kit) http.Handler
		heard []string
	}{
		"one thing, as a sign-in": {forgiving("/us-signin"), []string{
			"one mailbox twice: a code, and a second factor", "one phone twice: a code, and a second factor",
		}},
		"one thing, as a rescue": {forgiving("/tf-rescue"), []string{
			"one mailbox twice: a code, and a rescue", "one mailbox twice: a reset, and a rescue",
		}},
		"one thing, as a choice": {forgiving("/tf-select"), []string{
			"corp: one mailbox twice: an account there, and a mailed second factor",
		}},
		"one factor": {oneFactor, []string{"one passkey twice"}},
		"what came of trust, as a refresh token": {forgiving("/refresh-token"), []string{
			"a refresh token by a trusted browser, and trust ended by its owner",
			"a refresh token by a trusted browser, and trust that the policy",
		}},
		"what came of trust, as a session": {remembering, []string{
			"a session by a trusted browser, and trust ended by its owner",
			"a session by a trusted browser, and trust that the policy",
		}},
		"what was planted":     {vouching, []string{"before the address is proven"}},
		"what outlives":        {cached, []string{"the session of the stranger who registered an address outlives"}},
		"other sign-ins":       {believing, []string{"a user of another sign-in"}},
		"strangers' lock-outs": {locking, []string{"locked out: the owner's browser"}},
	} {
		t.Run(name, func(t *testing.T) {
			if !storetest.Thorough() && slices.Contains(seldom, name) {
				t.Skip("set TWOFOLD_THOROUGH=1")
			}
			t.Parallel()
			l := &listener{TB: t}
			kit := twofoldtest.New(l, ruled())
			kit.ServeAll(test.app(kit))
			kit.TryRules("/secret")
			for _, want := range test.heard {
				if !slices.ContainsFunc(l.heard, func(s string) bool { return strings.Contains(s, want) }) {
					t.Errorf("%q is not found among %q", want, l.heard)
				}
			}
		})
	}
}

func oneFactor(kit *twofoldtest.Kit) http.Handler {
	mux := http.NewServeMux()
	kit.Auth.Mount(mux)
	mux.Handle("/", kit.Auth.RequireUser(page))
	return mux
}

// TestARuleThatIsKeptIsNoFault tries sites that look similar but keep the rules.
func TestARuleThatIsKeptIsNoFault(t *testing.T) {
	independent := federated.Independent(site{})
	for name, change := range map[string]func(c *twofold.Config){
		"as it is": func(*twofold.Config) {},
		"a site that is no mailbox": func(c *twofold.Config) {
			c.Accounts.OAuth = []federated.Provider{independent}
		},
		"a passkey that counts as both":   func(c *twofold.Config) { c.Passkeys.MultiFactor = true },
		"addresses are confirmed":         func(c *twofold.Config) { c.Accounts.Confirmable = true },
		"everybody must enroll":           func(c *twofold.Config) { c.TwoFactor.Required = true },
		"a link in place of the password": func(c *twofold.Config) { c.Accounts.MagicLink = true },
		"few browsers may be trusted":     func(c *twofold.Config) { c.TwoFactor.Trust = nobodys },
		"little patience with wrong guesses": func(c *twofold.Config) {
			c.Advanced.Limits.FirstFailures,
				c.Advanced.Limits.AccountFailures = 3, 5
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !storetest.Thorough() && name != "as it is" && name != "a site that is no mailbox" {
				t.Skip("takes a minute: set TWOFOLD_THOROUGH=1")
			}
			t.Parallel()
			c := ruled()
			change(&c)
			kit := twofoldtest.New(t, c)
			kit.ServeAll(own(kit))
			kit.TryRules("/secret")
		})
	}
}

func nobodys(twofold.User) bool { return false }
