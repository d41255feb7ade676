package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
)

// public is a page without a guard.
func public(w http.ResponseWriter, r *http.Request) {
	u, ok := twofold.UserOf(r)
	fmt.Fprintf(w, "%v %s", ok, u.Email)
}

// ask sends a request directly to a handler and returns the answer.
func (s *site) ask(h http.Handler, method, path string, header map[string]string) *httptest.ResponseRecorder {
	s.T.Helper()
	r := httptest.NewRequest(method, s.Origin+path, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// cookieHeader returns the cookies that the client sends.
func (c *client) cookieHeader() string {
	var all []string
	for name, value := range c.Jar {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, "; ")
}

func TestIdentifySaysWhoIsSignedInAndLetsEveryoneThrough(t *testing.T) {
	s := newSite(t)
	page := s.Auth.Identify(http.HandlerFunc(public))
	c := s.client()
	c.login("matt").want(200)
	cookie := c.cookieHeader()
	for name, test := range map[string]struct {
		method string
		header map[string]string
		body   string
		cache  string
	}{
		"nobody": {"GET", nil, "false ", ""},
		"a signed-in user": {"GET", map[string]string{"Cookie": cookie}, "true matt@lp.com",
			"private, no-store"},
		"the cookie header twice": {"GET", map[string]string{"Cookie": cookie + "; " + cookie}, "true matt@lp.com",
			"private, no-store"},
		"a token that was never given": {"GET", map[string]string{"Authentication-Token": "x"}, "false ", ""},
		"a form of another site": {"POST", map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "cross-site"},
			"false ", ""},
		"a form of this site": {"POST", map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "same-origin"},
			"true matt@lp.com", "private, no-store"},
	} {
		w := s.ask(page, test.method, "/", test.header)
		if w.Code != 200 || w.Body.String() != test.body || w.Header().Get("Cache-Control") != test.cache {
			t.Errorf("%s: %d %q, cached %q; want 200 %q, cached %q", name, w.Code, w.Body,
				w.Header().Get("Cache-Control"), test.body, test.cache)
		}
		if w.Header().Get("Vary") != "Cookie" {
			t.Errorf("%s: a cache may answer one person with the page of another", name)
		}
	}
}

func TestIdentifyAroundAGuardRefusesWhatTheGuardRefuses(t *testing.T) {
	s := newSite(t)
	page := s.Auth.Identify(s.Auth.RequireTwoFactor(http.HandlerFunc(public)))
	c := s.client()
	c.login("matt").want(200)
	for name, header := range map[string]map[string]string{
		"nobody":     {"Accept": "application/json"},
		"one factor": {"Accept": "application/json", "Cookie": c.cookieHeader()},
		"a form of another site": {"Accept": "application/json", "Cookie": c.cookieHeader(),
			"Sec-Fetch-Site": "cross-site"},
	} {
		if w := s.ask(page, "POST", "/", header); w.Code != 401 && w.Code != 403 {
			t.Errorf("%s: got %d, want a refusal", name, w.Code)
		}
	}
}

func TestIdentifyDoesNotTakeTheUserOfAnotherSite(t *testing.T) {
	s := newSite(t)
	other := anotherSite(t)
	c := other.client()
	c.login("matt").want(200)
	h := other.Auth.Identify(s.Auth.Identify(http.HandlerFunc(public)))
	if w := s.ask(h, "GET", "/", map[string]string{"Cookie": c.cookieHeader()}); w.Body.String() != "false " {
		t.Errorf("got %q, want nobody", w.Body)
	}
}

func TestIdentifyServesPublicPagesWhileTheStoreIsDown(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.login("matt").want(200)
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	header := map[string]string{"Authentication-Token": "x", "Cookie": c.cookieHeader()}
	if w := s.ask(s.Auth.Identify(http.HandlerFunc(public)), "GET", "/", header); w.Code != 200 ||
		w.Body.String() != "false " {
		t.Errorf("got %d %q, want the page for nobody", w.Code, w.Body)
	}
}

func TestUserReportsFalseWithoutAGuard(t *testing.T) {
	if u, ok := twofold.UserOf(httptest.NewRequest("GET", "/", nil)); ok || u.ID != "" {
		t.Errorf("got %v %v", u, ok)
	}
}

func TestWrapServesThePathsOfTheSignInAndPassesTheRestOn(t *testing.T) {
	s := newSite(t)
	h := s.Auth.Wrap(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, ours := range map[string]bool{
		"/": false, "/login/": false, "//login": false, "/loginx": false, "/tf-static": false, "/tf-setup/a/b": false,
		"/tf-setup/": false,
		"/login":     true, "/tf-setup/token": true, "/tf-static/twofold.css": true, "/tf-static/nothing": true,
		"/tf-validate": true,
	} {
		if w := s.ask(h, "GET", path, nil); (w.Code != http.StatusTeapot) != ours {
			t.Errorf("GET %s: %d, ours: %v", path, w.Code, ours)
		}
	}
	if w := s.ask(h, "DELETE", "/login", nil); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE /login: %d", w.Code)
	}
}

// record returns a recorder for the answer, and a request with cookies.
func record(method, url, cookie string) (*httptest.ResponseRecorder, *http.Request) {
	r := httptest.NewRequest(method, url, nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return httptest.NewRecorder(), r
}
