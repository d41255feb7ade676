package twofoldtest_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	fmt.Fprintf(w, "for %s only", user.Email)
})

func TestAnApplicationSeesNoSideDoor(t *testing.T) {
	for name, c := range map[string]twofold.Config{
		"as it comes": {},
		"passkeys": {Passkeys: &twofold.Passkeys{FirstFactor: true, MultiFactor: true,
			Verify: []string{"first", "secondary"}}},
		"everything required": {TwoFactor: twofold.TwoFactor{Required: true, RescueEmail: true,
			HelpAddress: "admin@example.org"}, Accounts: twofold.Accounts{Registerable: true},
			Pages: twofold.Pages{AccountPage: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kit := twofoldtest.New(t, c)
			kit.Serve(kit.Auth.RequireTwoFactor(page))
			kit.NoSideDoor("/secret")
		})
	}
}

// listener records failures without failing.
type listener struct {
	testing.TB
	heard []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.heard = append(l.heard, fmt.Sprintf(format, args...))
}
func (l *listener) Helper() {}

// first records one failure and ends its goroutine, because the rest of the search would add
// nothing.
type first struct{ listener }

func (f *first) Errorf(format string, args ...any) {
	f.listener.Errorf(format, args...)
	runtime.Goexit()
}

// TestMain makes garbage collection rare, because hashing leaves much garbage.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// NoSideDoor must find a guard with each kind of hole that was ever published.
func TestNoSideDoorFindsThem(t *testing.T) {
	holes := map[string]func(kit *twofoldtest.Kit) http.Handler{
		"no guard at all": func(*twofoldtest.Kit) http.Handler { return page },
		"one factor is taken for two": func(kit *twofoldtest.Kit) http.Handler {
			return kit.Auth.RequireUser(page)
		},
		"a pending sign-in is taken for a session": func(kit *twofoldtest.Kit) http.Handler {
			guarded := kit.Auth.RequireTwoFactor(page)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c, err := r.Cookie("twofold-pending"); err == nil && c.Value != "" {
					page(w, r)
					return
				}
				guarded.ServeHTTP(w, r)
			})
		},
		"any token in the header will do": func(kit *twofoldtest.Kit) http.Handler {
			guarded := kit.Auth.RequireTwoFactor(page)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authentication-Token") != "" {
					page(w, r)
					return
				}
				guarded.ServeHTTP(w, r)
			})
		},
		"pages are guarded and JSON is not": func(kit *twofoldtest.Kit) http.Handler {
			guarded := kit.Auth.RequireTwoFactor(page)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") == "application/json" {
					page(w, r)
					return
				}
				guarded.ServeHTTP(w, r)
			})
		},
	}
	for name, hole := range holes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &first{listener{TB: t}}
			kit := twofoldtest.New(l, twofold.Config{})
			kit.Serve(hole(kit))
			var search sync.WaitGroup
			search.Go(func() { kit.NoSideDoor("/secret") })
			search.Wait()
			if len(l.heard) == 0 || !strings.Contains(l.heard[0], "side door") {
				t.Errorf("not found: %v", l.heard)
			}
		})
	}
}

func TestAUserIsSignedInToTheLevelAskedFor(t *testing.T) {
	kit := twofoldtest.New(t, twofold.Config{Pages: twofold.Pages{AccountPage: true}})
	kit.Serve(nil)
	for level := 1; level <= 2; level++ {
		a := kit.LoginAs(fmt.Sprintf("level%d@example.org", level), level, "admin").Get("/me")
		user, _ := a.Response["user"].(map[string]any)
		if a.Status != http.StatusOK || user["level"] != float64(level) || fmt.Sprint(user["roles"]) != "[admin]" {
			t.Errorf("level %d: %d %s", level, a.Status, a.Body)
		}
	}
	// Signed in once, the user can sign in again.
	if a := kit.LoginAs("level2@example.org", 2).Get("/me"); a.Status != http.StatusOK {
		t.Errorf("again: %d", a.Status)
	}
}

func TestSentMessagesAreCaught(t *testing.T) {
	kit := twofoldtest.New(t, twofold.Config{})
	kit.Serve(nil)
	b := kit.LoginAs("ada@example.org", 1)
	started := b.Post("/tf-setup", map[string]any{"setup": "sms", "phone": "+16505551212"})
	token, _ := started.Response["tf_state_token"].(string)
	if a := b.Post("/tf-setup/"+token,
		map[string]any{"code": kit.SMS.Code(t, "+16505551212")}); a.Status != http.StatusOK {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
