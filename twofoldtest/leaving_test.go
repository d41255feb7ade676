package twofoldtest_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// rehashing takes it for a sign-in if a password matches the hash of another system.
func rehashing(kit *twofoldtest.Kit) http.Handler {
	next := own(kit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("door"); err == nil && r.URL.Path == "/secret" {
			page(w, r)
			return
		}
		arrived := false
		if r.Method == http.MethodPost && r.URL.Path == "/login" {
			arrived = strings.HasPrefix(fmt.Sprint(post(r)["email"]), "arrived")
		}
		seen := httptest.NewRecorder()
		next.ServeHTTP(seen, r)
		maps.Copy(w.Header(), seen.Header())
		if arrived && seen.Code == 200 {
			http.SetCookie(w, &http.Cookie{Name: "door", Value: "open", Path: "/"})
		}
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	})
}

// TestADoorOfPeopleWhoComeOrGoIsFound checks that NoSideDoor reports a site that takes a step of
// arriving or leaving users for a sign-in, and does not report one that does not.
func TestADoorOfPeopleWhoComeOrGoIsFound(t *testing.T) {
	t.Parallel()
	config := func() twofold.Config {
		return twofold.Config{Accounts: twofold.Accounts{Deletable: true}}
	}
	for name, test := range map[string]struct {
		app  func(*twofoldtest.Kit) http.Handler
		page string
		want []string
	}{
		"none":          {func(kit *twofoldtest.Kit) http.Handler { return own(kit) }, "/secret", nil},
		"a request":     {doored, door("POST /tf-delete"), []string{"a deletion requested", "a deletion stopped, in"}},
		"a stop":        {doored, door("POST /tf-delete/{token}"), []string{"a deletion stopped by the mailed link"}},
		"an invitation": {doored, door("POST /tf-invite/{token}"), []string{"an invitation accepted"}},
		"an import": {rehashing, "/secret", []string{"an imported account, and only the first factor",
			"an imported account, whose hash was just replaced"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &listener{TB: t}
			kit := twofoldtest.New(l, config())
			kit.ServeAll(test.app(kit))
			kit.TryDoors(test.page)
			if len(test.want) == 0 && len(l.heard) > 0 {
				t.Errorf("found %q", l.heard)
			}
			for _, want := range test.want {
				if !strings.Contains(strings.Join(l.heard, "\n"), "side door: "+want) {
					t.Errorf("%q is not found among %q", want, l.heard)
				}
			}
		})
	}
}

// door is the page that opens after a successful step.
func door(way string) string { return fmt.Sprint("/door/", slices.Index(twofoldtest.Ways(), way)) }
