package twofoldtest_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// behindGate serves two pages of another host behind the gate at paths of this one: one in a
// program, one behind a proxy. It follows the redirects through the sign-in as a browser does, with
// the cookies of the request.
func behindGate(t *testing.T, k *twofoldtest.Kit) http.Handler {
	t.Helper()
	const host = "app.localhost"
	protect, err := k.Auth.Gate([]gate.Rule{{Hosts: []string{host}, Require: gate.TwoFactors}})
	if err != nil {
		t.Fatal(err)
	}
	behind, home := protect(page), strings.TrimPrefix(k.URL, "http://")
	ask := func(h http.Handler, jar map[string]string, r *http.Request, to *url.URL,
		more map[string]string) *httptest.ResponseRecorder {
		asking := httptest.NewRequest(http.MethodGet, to.RequestURI(), nil)
		asking.Host, asking.RemoteAddr, asking.Header = to.Host, "127.0.0.1:9", r.Header.Clone()
		asking.Header.Del("Cookie")
		asking.Header.Set("Accept", "text/html") // a program is not led to the sign-in
		for name, value := range more {
			asking.Header.Set(name, value)
		}
		for name, value := range jar {
			asking.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, asking)
		for _, c := range w.Result().Cookies() {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
		return w
	}
	show := func(byProxy bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			jar := map[string]string{}
			for _, c := range r.Cookies() {
				jar[c.Name] = c.Value
			}
			get := func(to *url.URL) *httptest.ResponseRecorder {
				if !byProxy || to.Path != "/secret" {
					return ask(behind, jar, r, to, nil)
				}
				return ask(k.Auth, jar, r, &url.URL{Scheme: "http", Host: home, Path: "/auth/verify"},
					map[string]string{"X-Original-URL": to.String(), "X-Original-Method": r.Method})
			}
			a := get(&url.URL{Scheme: "http", Host: host, Path: "/secret"})
			for range 6 {
				location := a.Header().Get("Location")
				if _, address, refresh := strings.Cut(a.Header().Get("Refresh"), "url="); refresh {
					location = address
				}
				to, err := url.Parse(location)
				if err != nil || !slices.Contains([]string{"/secret", "/.twofold/start", "/.twofold/callback",
					"/auth/gate"}, to.Path) {
					break
				}
				a = get(to)
			}
			status := a.Code
			if status >= 300 && status < 500 {
				status = http.StatusUnauthorized
			}
			maps.Copy(w.Header(), http.Header{"Cache-Control": {"no-store"}})
			w.WriteHeader(status)
		}
	}
	mux := http.NewServeMux()
	k.Auth.Mount(mux)
	mux.Handle("/program", show(false))
	mux.Handle("/proxied", show(true))
	mux.Handle("/.behind/", http.StripPrefix("/.behind", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = host
		behind.ServeHTTP(w, r)
	})))
	return mux
}

// TestNoSideDoorOfTheGate tries every way to sign in on pages of another host behind the gate, and
// requests the gate's own paths there.
func TestNoSideDoorOfTheGate(t *testing.T) {
	c := twofold.Config{
		Advanced: twofold.Advanced{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		},
		Tokens:    twofold.Tokens{Refresh: true, Scopes: []string{"read"}},
		Sessions:  twofold.Sessions{Remember: 24 * time.Hour},
		TwoFactor: twofold.TwoFactor{LoginValidity: 24 * time.Hour},
	}
	for _, protected := range []string{"/program", "/proxied"} {
		k := twofoldtest.New(t, c)
		k.ServeAll(behindGate(t, k))
		k.NoSideDoor(protected,
			"/.behind/.twofold/start?to=/secret", "/.behind/.twofold/callback?ticket=AAAA", "/.behind/secret")
	}
}
