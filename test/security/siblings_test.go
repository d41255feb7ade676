package security_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR172_AGuardAcceptsUsersOfItsOwnSiteOnly covers a program with two sign-ins, one for customers and
// one for staff. A user whom the guard of one accepts has proven nothing to the guard of the other,
// in whichever order they are nested.
func TestR172_AGuardAcceptsUsersOfItsOwnSiteOnly(t *testing.T) {
	staff := newWorld(t)
	customers := newWorld(struct{ testing.TB }{t})
	for _, w := range []*world{staff, customers} {
		p := w.withApp("alice")
		w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), p.ID, "admin"))
	}
	outer, inner := customers.Nodes[0], staff.Nodes[0]
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		fmt.Fprint(w, "page of ", u.ID)
	})
	person := func(w *world) (*person, *http.Cookie) {
		u, err := w.Nodes[0].Auth.FindUser(t.Context(), "alice@good.test")
		w.Must(err)
		p := w.of(testkit.Person{Name: "alice", Email: u.Email, ID: u.ID})
		return p, &http.Cookie{Name: "twofold", Value: w.plantSession(p).Jar["twofold"]}
	}
	_, customer := person(customers)
	member, employee := person(staff)
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"user": inner.Auth.RequireUser, "role": inner.Auth.RequireRole("admin"),
		"two factors": inner.Auth.RequireTwoFactor,
		"strong":      inner.Auth.RequireStrong, "fresh": inner.Auth.RequireFresh(-1),
		"scope":         inner.Auth.RequireScope("read"),
		"fresh, of all": inner.Auth.RequireFresh(1 << 60),
	} {
		for order, h := range map[string]http.Handler{
			"outside": outer.Auth.RequireUser(guard(page)), "inside": guard(outer.Auth.RequireUser(page)),
			"around": outer.Auth.RequireUser(guard(outer.Auth.RequireUser(page))),
		} {
			for who, cookie := range map[string]*http.Cookie{"a customer": customer, "an employee": employee} {
				r, w := httptest.NewRequest(http.MethodGet, outer.Origin+"/page", nil), httptest.NewRecorder()
				r.AddCookie(cookie)
				if h.ServeHTTP(w, r); w.Code < 300 {
					t.Errorf("%s, the customers' guard %s: %s gets %d %s", name, order, who, w.Code, w.Body)
				}
			}
		}
		// In contrast, guards of one site can be nested, and the page sees its user.
		r, w := httptest.NewRequest(http.MethodGet, inner.Origin+"/page", nil), httptest.NewRecorder()
		r.AddCookie(employee)
		if inner.Auth.RequireUser(guard(page)).ServeHTTP(w, r); w.Code != 200 ||
			w.Body.String() != "page of "+member.ID {
			t.Errorf("%s: guards of one site: %d %s", name, w.Code, w.Body)
		}
	}
}

// TestR173_AHandshakeIsCheckedLikeAPost covers a GET that upgrades to another protocol, which opens
// a channel for writing. Pages of sibling hosts can send it with cookies.
func TestR173_AHandshakeIsCheckedLikeAPost(t *testing.T) {
	w := newWorld(t, remembering, plenty)
	p := w.person("alice")
	n, b := w.Nodes[0], w.plantSession(p)
	stays := w.staying(p)
	own := n.Origin
	for _, c := range []struct {
		name   string
		site   string // Sec-Fetch-Site
		origin string
		status int
	}{
		{"a sibling host", "same-site", "https://evil.good.test", 403},
		{"another site", "cross-site", "https://evil.test", 403},
		{"a sibling, by an older browser", "", "https://evil.good.test", 403}, {"no origin", "", "null", 403},
		{"another scheme", "", "https" + own[4:], 403},
		{"this site", "same-origin", own, 200}, {"this site, by an older browser", "", own, 200},
	} {
		for how, lines := range map[string][]string{
			"WebSocket": {"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
				"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="},
			"another": {"Connection", "upgrade", "Upgrade", "h2c"},
		} {
			for path, who := range map[string]*browser{"/app/user": b, "/me": b} {
				who = who.copy()
				who.Bare = true
				lines := append([]string{"Origin", c.origin, "Accept", testkit.TypeJSON}, lines...)
				if c.site != "" {
					lines = append(lines, "Sec-Fetch-Site", c.site)
				}
				if r := who.Do("GET", path, "", "", lines...); r.Status != c.status {
					t.Errorf("%s, %s, %s: status %d, want %d", c.name, how, path, r.Status, c.status)
				}
			}
		}
	}
	// Over HTTP/2 the handshake is a CONNECT.
	h := n.Auth.RequireUser(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for site, status := range map[string]int{"same-site": 403, "same-origin": 200} {
		r, got := httptest.NewRequest(http.MethodGet, own+"/page", nil), httptest.NewRecorder()
		r.Method = http.MethodConnect
		r.Header.Set("Sec-Fetch-Site", site)
		r.AddCookie(&http.Cookie{Name: "twofold", Value: b.Jar["twofold"]})
		if h.ServeHTTP(got, r); got.Code != status {
			t.Errorf("CONNECT, %s: status %d, want %d", site, got.Code, status)
		}
	}
	// Such a request does not restore the session of a remembered browser either.
	for _, lines := range [][]string{{"Upgrade", "websocket"}, {"Upgrade", "websocket", "Sec-Fetch-Site", "none"}} {
		back := stays.copy()
		back.Bare = true
		if r := back.Do("GET", "/app/user", "", "",
			append(lines, "Connection", "Upgrade", "Accept", testkit.TypeJSON)...); r.Status != 401 {
			t.Errorf("%v: a handshake without origin brought a browser back: %d", lines, r.Status)
		}
	}
	if n := len(happened[event.UserAuthenticated](w)); n != 1 {
		t.Errorf("%d sessions were begun, want 1", n)
	}
	// A page of another site cannot send a program's token.
	for _, path := range []string{"/app/user"} {
		r := w.program("Authentication-Token", "x").Do("GET", path, "", "", "Upgrade", "websocket", "Origin",
			"https://evil.good.test", "Accept", testkit.TypeJSON)
		r.Want(401)
	}
}
