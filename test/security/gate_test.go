package security_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const appHost, otherHost = "app.localhost", "wiki.localhost"

// gateRules are the rules of these tests: two hosts, with a page for each requirement.
func gateRules() []gate.Rule {
	both := []string{appHost, otherHost}
	return []gate.Rule{
		{Hosts: both, Paths: []string{"/public", "/{$}"}, Require: gate.Public},
		{Hosts: both, Paths: []string{"/one"}, Require: gate.OneFactor},
		{Hosts: both, Paths: []string{"/two"}, Require: gate.TwoFactors},
		{Hosts: both, Paths: []string{"/strong"}, Require: gate.Strong},
		{Hosts: both, Paths: []string{"/fresh"}, Require: gate.TwoFactors, Fresh: 5 * time.Minute},
		{Hosts: both, Paths: []string{"/admin"}, Require: gate.OneFactor, Roles: []string{"admin"}},
		{Hosts: both, Paths: []string{"/api"}, Require: gate.TwoFactors, Scopes: []string{"read"}},
		{Hosts: both, Paths: []string{"/inside"}, Networks: []string{"10.0.0.0/8"}, Require: gate.Public},
		{Hosts: both, Paths: []string{"/never"}, Require: gate.Deny},
		{Hosts: both, Paths: []string{"/local"}, Networks: []string{"127.0.0.0/8", "10.0.0.0/8"},
			Require: gate.Public},
		{Hosts: both, Paths: []string{"/remote"}, Networks: []string{"10.0.0.0/8"}, Require: gate.Deny},
		{Hosts: both, Paths: []string{"/remote"}, Require: gate.Public},
		{Hosts: both, Paths: []string{"/form"}, Methods: []string{"POST", "DELETE"}, Require: gate.Deny},
		{Hosts: both, Paths: []string{"/form"}, Require: gate.OneFactor},
	}
}

// gated is a world whose node has a gate. The gate answers a proxy, and stands in front of an
// application as a separate program.
type gated struct {
	*world
	node    *node
	home    string // host of the sign-in
	protect func(http.Handler) http.Handler
}

func newGated(t *testing.T, change ...func(*twofold.Config)) *gated {
	t.Helper()
	trust := func(c *twofold.Config) {
		c.Advanced.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}
	w := newWorld(t, append([]func(*twofold.Config){tokens, trust}, change...)...)
	return w.gate(w.Nodes[0])
}

// gate puts a gate in front of an application that returns the headers that it received.
func (w *world) gate(n *node) *gated {
	w.T.Helper()
	protect, err := n.Auth.Gate(gateRules())
	w.Must(err)
	server := httptest.NewServer(protect(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(out).Encode(map[string]any{"response": m{"page": r.URL.Path, "headers": r.Header}})
	})))
	w.T.Cleanup(server.Close)
	front := &node{Store: n.Store, Auth: n.Auth, Origin: server.URL, Addr: n.Addr}
	return &gated{world: w, node: front, home: n.Addr, protect: protect}
}

// at returns a browser for a host, since browsers keep the cookies of each host apart.
func (g *gated) at(host string) *browser {
	b := g.browser()
	b.Host = host
	return b.on(g.node)
}

// signedIn returns a browser that is signed in at the host of the sign-in, with one or two factors.
func (g *gated) signedIn(p *person) *browser {
	g.T.Helper()
	b := g.at(g.home)
	b.login(p).Want(200)
	if p.App != nil {
		b.validate(p.Next()).Want(200)
	}
	return b
}

// goTo follows the redirects of a browser from a page of another host to the sign-in and back. home
// and there hold its cookies on the two hosts. goTo returns the last answer.
func (g *gated) goTo(home, there *browser, path string) *answer {
	g.T.Helper()
	a := there.Page(path)
	for range 8 {
		to := a.Header.Get("Location")
		if to == "" {
			_, to, _ = strings.Cut(a.Header.Get("Refresh"), "url=")
		}
		if to == "" {
			return a
		}
		u, err := url.Parse(to)
		g.Must(err)
		switch u.Host {
		case g.home, "":
			a = home.Page(u.RequestURI())
			if strings.HasPrefix(u.Path, "/login") || strings.HasPrefix(u.Path, "/verify") ||
				strings.HasPrefix(u.Path, "/tf-setup") {
				return a
			}
		case there.Host:
			a = there.Page(u.RequestURI())
		default:
			g.T.Fatalf("the gate leads to %s", to)
		}
	}
	g.T.Fatal("the way does not end")
	return nil
}

// asks sends the request that nginx sends.
func asks(address string, more ...string) []string {
	return append([]string{"X-Original-URL", address, "X-Original-Method", "GET", "Accept", "text/html"}, more...)
}

// verify sends the request that nginx sends, with the cookies of a browser at that host.
func (g *gated) verify(b *browser, address string, more ...string) *answer {
	g.T.Helper()
	asking := b.copy()
	asking.Host = g.home
	return asking.Do(http.MethodGet, "/auth/verify", "", "", asks(address, more...)...)
}

// TestR250_TheGateLetsThroughWhatTheRulesSay checks, for a proxy and a separate program on two
// hosts, that each page opens only to users who meet its requirement.
func TestR250_TheGateLetsThroughWhatTheRulesSay(t *testing.T) {
	g := newGated(t)
	two, one, admin := g.withApp("alice"), g.person("robert"), g.person("carol")
	g.Must(g.node.Auth.SetRoles(t.Context(), admin.ID, "admin"))
	callers := map[string]func() *browser{
		"stranger": func() *browser { return g.at(g.home) },
		"one":      func() *browser { return g.signedIn(one) }, "admin": func() *browser { return g.signedIn(admin) },
		"two": func() *browser { return g.signedIn(two) },
	}
	opens := map[string][]string{
		"stranger": {"/public", "/public/x", "/"}, "one": {"/one", "/public", "/"}, "admin": {"/one", "/admin",
			"/public", "/"},
		"two": {"/one", "/two", "/strong", "/fresh", "/api", "/public", "/"},
	}
	pages := []string{"/", "/public", "/one", "/two", "/strong", "/fresh", "/admin", "/api", "/inside", "/never",
		"/elsewhere", "/public2"}
	for name, caller := range callers {
		home := caller()
		for _, host := range []string{appHost, otherHost} {
			there := g.at(host)
			if name != "stranger" {
				g.goTo(home, there, "/one").Want(200)
			}
			for _, page := range pages {
				want := slices.Contains(opens[name], page)
				if a := there.Get(page); (a.Status == 200) != want || want && a.JSON["page"] != page {
					t.Errorf("%s at %s%s: %d", name, host, page, a.Status)
				}
				if a := g.verify(there, "http://"+host+page); (a.Status == 200) != want || !want &&
					a.Status != 401 && a.Status != 403 {
					t.Errorf("%s at %s%s, by a proxy: %d", name, host, page, a.Status)
				}
			}
		}
	}
	// The proof is too old after some time.
	home, there := g.signedIn(two), g.at(appHost)
	g.goTo(home, there, "/fresh").Want(200)
	g.Advance(6 * time.Minute)
	there.Get("/strong").Want(200)
	if a := g.goTo(home, there, "/fresh"); a.Status != 200 || !strings.Contains(a.What, "/verify?next=/auth/gate") {
		t.Errorf("an old proof leads to %s", a.What)
	}
	if a := g.at(appHost).Do(http.MethodGet, "/inside", "", "", "X-Forwarded-For", "10.1.2.3"); a.Status != 200 {
		t.Errorf("a client of the network: %d", a.Status)
	}
}

// TestR251_AnAmbiguousAddressFallsToNoRule sends ambiguous URLs in every way that proxies send
// them.
func TestR251_AnAmbiguousAddressFallsToNoRule(t *testing.T) {
	g := newGated(t)
	b := g.at(appHost)
	paths := "//public|/public/../never|/public/./x|/public//x|/public/%2e%2e/never|/public%2f..%2fnever|" +
		"/public/..%2fnever|/public%5c..%5cnever|" +
		"/public/..;/never|/public;x=1|/public%3bx|/public%00|/public%0d%0aX:y|/public/%252e%252e/never|" +
		"/%2570ublic|/public%ff|/public/%c0%ae%c0%ae/x|" +
		"/PUBLIC|/Public/x|/public%EF%BC%8Fx|/public\\..\\never|/public%|/public#x|/./public|/x/../public|/" +
		strings.Repeat("a", 9000)
	for path := range strings.SplitSeq(paths, "|") {
		for how, a := range map[string]*answer{
			"nginx": g.verify(b, "http://"+appHost+path),
			"caddy": b.onHost(g.home).Do(http.MethodGet, "/auth/verify", "", "", "X-Forwarded-Proto", "http",
				"X-Forwarded-Host", appHost,
				"X-Forwarded-Uri", path, "X-Forwarded-Method", "GET"),
		} {
			if a.Status != 400 && a.Status != 403 && a.Status != 401 {
				t.Errorf("%s, by %s: %d", path, how, a.Status)
			}
		}
	}
	for address := range strings.SplitSeq("http://APP.localhost/public|http://app.localhost./public|"+
		"http://app.localhost:80/public", "|") {
		g.verify(b, address).Want(200)
	}
	hosts := "app.localhost:8080|app.localhost:443|localhost|evil.test|app.localhost.evil.test|x.app.localhost|" +
		"app.localhost@evil.test|evil.test#app.localhost|" +
		"app.localhost,evil.test|app.localhost%2eevil.test|app.localhost..|.app.localhost|app.localhost:|" +
		"app.localhost:080|[app.localhost]||app..localhost|" + g.home
	for host := range strings.SplitSeq(hosts, "|") {
		if a := g.verify(b, "http://"+host+"/public"); a.Status != 403 {
			t.Errorf("host %q: %d", host, a.Status)
		}
	}
	for address := range strings.SplitSeq("https://app.localhost/public|ftp://app.localhost/public|"+
		"app.localhost/public|/public|//app.localhost/public|http:/app.localhost/public|", "|") {
		if a := g.verify(b, address); a.Status != 403 {
			t.Errorf("address %q: %d", address, a.Status)
		}
	}
}

// onHost returns a copy of a browser that names another host.
func (b *browser) onHost(host string) *browser {
	c := b.copy()
	c.Host = host
	return c
}

// TestR252_ANeighborThatIsNotTrustedIsRefused also checks that the gate ignores the client address
// in such a request.
func TestR252_ANeighborThatIsNotTrustedIsRefused(t *testing.T) {
	open := newGated(t, func(c *twofold.Config) {
		c.Advanced.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	if a := open.verify(open.at(appHost), "http://"+appHost+"/public"); a.Status != 403 ||
		!strings.Contains(a.Body, "trusted") {
		t.Errorf("a neighbor that is not trusted: %d %s", a.Status, a.Body)
	}
	if a := open.at(appHost).Do(http.MethodGet, "/inside", "", "", "X-Forwarded-For", "10.1.2.3", "X-Real-Ip",
		"10.1.2.3"); a.Status != 403 {
		t.Errorf("a neighbor that is not trusted says its network: %d", a.Status)
	}
}

// TestR252_AProxyAsksInOneWayAtATime checks that headers that belong to another kind of proxy are
// not trusted, because a client may have sent them.
func TestR252_AProxyAsksInOneWayAtATime(t *testing.T) {
	g := newGated(t)
	b := g.at(g.home)
	address := "http://" + appHost + "/public"
	forwarded := []string{"X-Forwarded-Proto", "http", "X-Forwarded-Host", appHost, "X-Forwarded-Uri", "/public",
		"X-Forwarded-Method", "GET"}
	ask := func(path string, lines ...string) int { return b.Do(http.MethodGet, path, "", "", lines...).Status }
	for _, good := range [][]string{asks(address), forwarded, asks(address, "X-Forwarded-Proto", "http",
		"X-Forwarded-Host", "evil.test")} {
		if got := ask("/auth/verify", good...); got != 200 {
			t.Errorf("%v: %d", good, got)
		}
	}
	envoy := b.onHost(appHost)
	bare := httptest.NewServer(g.node.Auth)
	defer bare.Close()
	envoy.Origin = bare.URL
	paths := map[string]int{"/public/x?a=1": 200, "/never": 403, "/one": 401, "/public/../never": 400,
		"//public": 400, "": 400}
	for path, want := range paths {
		if got := envoy.Do(http.MethodGet, "/auth/verify"+path, "", "", "X-Forwarded-Proto",
			"http"); got.Status != want {
			t.Errorf("%q in the path: %d, want %d", path, got.Status, want)
		}
	}
	for what, lines := range map[string][]string{
		"nothing":                  nil,
		"no method":                {"X-Original-URL", address},
		"no address":               {"X-Original-Method", "GET"},
		"Caddy's and the client's": append(slices.Clone(forwarded), "X-Original-URL", address),
		"Caddy's and a method":     append(slices.Clone(forwarded), "X-Original-Method", "GET"),
		"nginx's and the client's": asks(address, "X-Forwarded-Uri", "/public"),
		"nginx's and a method":     asks(address, "X-Forwarded-Method", "GET"),
		"no scheme":                forwarded[2:],
		"no host":                  append(slices.Clone(forwarded[:2]), forwarded[4:]...),
		"a whole address": {"X-Forwarded-Proto", "http", "X-Forwarded-Host", appHost,
			"X-Forwarded-Uri", address, "X-Forwarded-Method", "GET"},
		"two hosts": {"X-Forwarded-Proto", "http", "X-Forwarded-Host", appHost + ", evil.test",
			"X-Forwarded-Uri", "/public", "X-Forwarded-Method", "GET"},
		"two schemes": {"X-Forwarded-Proto", "https, http", "X-Forwarded-Host", appHost,
			"X-Forwarded-Uri", "/public", "X-Forwarded-Method", "GET"},
		"a host with a path": {"X-Forwarded-Proto", "http", "X-Forwarded-Host", appHost + "/public?",
			"X-Forwarded-Uri", "/never", "X-Forwarded-Method", "GET"},
		"the path, and nginx's also": asks(address),
	} {
		path := "/auth/verify"
		if strings.HasPrefix(what, "the path") {
			path = "/auth/verify/public"
		}
		if got := ask(path, lines...); got != 400 && got != 403 {
			t.Errorf("%s: %d", what, got)
		}
	}
	r, err := http.NewRequest(http.MethodGet, g.node.Origin+"/auth/verify", nil)
	g.Must(err)
	r.Host = g.home
	r.Header["X-Original-Url"], r.Header["X-Original-Method"] = []string{address, address}, []string{"GET"}
	resp, err := g.Client.Do(r)
	g.Must(err)
	if a := g.read("two addresses", resp); a.Status != 403 {
		t.Errorf("two addresses: %d", a.Status)
	}
}

// ticket follows the redirects to the step before the callback and returns the path of the
// callback.
func (g *gated) ticket(home, there *browser, path string) string {
	g.T.Helper()
	start, err := url.Parse(there.Page(path).Header.Get("Location"))
	g.Must(err)
	enter, err := url.Parse(there.Page(start.RequestURI()).Header.Get("Location"))
	g.Must(err)
	a := home.Page(enter.RequestURI()).Want(200)
	_, to, _ := strings.Cut(a.Header.Get("Refresh"), "url=")
	u, err := url.Parse(to)
	g.Must(err)
	if u.Host != there.Host || u.Path != "/.twofold/callback" {
		g.T.Fatalf("the sign-in leads to %q", to)
	}
	return u.RequestURI()
}

// TestR251_AHostIsAHostAlone checks that a client cannot add to the path through the host.
func TestR251_AHostIsAHostAlone(t *testing.T) {
	g := newGated(t)
	for _, end := range []string{"/public?", "/public#", "/public/", "?", "@" + appHost, "\\public"} {
		host := appHost + end
		for _, path := range []string{"/never", "/two"} {
			if a := g.at(host).Get(path); a.Status == 200 || a.Status >= 500 {
				t.Errorf("%q and %s: %d", host, path, a.Status)
			}
		}
		if a := g.at(host).Page("/.twofold/start?to=/two"); a.Status < 400 {
			t.Errorf("%q: %d to %q", host, a.Status, a.Header.Get("Location"))
		}
	}
}

// TestR253_ATicketIsTakenOnce checks that a ticket is single-use, and valid only for the browser
// and host for which it was issued, for one minute.
func TestR253_ATicketIsTakenOnce(t *testing.T) {
	g := newGated(t)
	home := g.signedIn(g.withApp("alice"))
	in := func(b *browser) bool { return b.Get("/two").Status == 200 }

	there := g.at(appHost)
	callback := g.ticket(home, there, "/two?a=1&b=2")
	thief := there.copy() // with the nonce: the same browser twice
	if a := there.Page(callback).Want(303); a.Header.Get("Location") != "http://"+appHost+"/two?a=1&b=2" || !in(there) {
		t.Errorf("the way back is %q", a.Header.Get("Location"))
	}
	if thief.Page(callback).Want(403); in(thief) {
		t.Error("a ticket was taken twice")
	}
	if a := there.Page(callback); a.Status != 303 || !in(there) {
		t.Errorf("the button \"back\" in the browser that is in: %d", a.Status)
	}
	there = g.at(appHost)
	callback = g.ticket(home, there, "/two")
	if other := g.at(appHost); other.Page(callback).Status != 403 || in(other) {
		t.Error("another browser took the ticket")
	}
	if there.Page(callback); in(there) {
		t.Error("a ticket that another browser tried was still good")
	}
	there = g.at(appHost)
	callback = g.ticket(home, there, "/two")
	if a := there.onHost(otherHost).Page(callback); a.Status != 403 || in(there.onHost(otherHost)) {
		t.Error("another host took the ticket")
	}
	there = g.at(appHost)
	callback = g.ticket(home, there, "/two")
	g.Advance(61 * time.Second)
	if there.Page(callback).Want(403); in(there) {
		t.Error("an old ticket was taken")
	}
	for _, bad := range []string{"", "AAAA", callback[len(callback)-40:], strings.Repeat("a", 5000)} {
		there.Page("/.twofold/callback?ticket=" + url.QueryEscape(bad)).Want(403)
	}
	home = g.signedIn(g.withApp("dora"))
	there = g.at(appHost)
	callback = g.ticket(home, there, "/two")
	home.Post("/logout", m{}).Want(200)
	if there.Page(callback).Want(403); in(there) {
		t.Error("a ticket outlived its session")
	}

	home, there = g.signedIn(g.withApp("emil")), g.at(appHost)
	callback = g.ticket(home, there, "/two")
	var taken atomic.Int32
	testkit.Par(16, func(int) {
		if there.copy().Page(callback).Status == 303 {
			taken.Add(1)
		}
	})
	if taken.Load() != 1 {
		t.Errorf("of 16 at once %d took the ticket", taken.Load())
	}
}

// TestR254_AHostsCookieEndsWithItsSession checks that the cookie ends at once in this process, and
// within a second in another one.
func TestR254_AHostsCookieEndsWithItsSession(t *testing.T) {
	g := newGated(t)
	second := g.gate(g.Start(nil))
	for name, end := range map[string]func(p *person, home *browser){
		"signed out":   func(_ *person, home *browser) { home.Post("/logout", m{}).Want(200) },
		"a new secret": func(p *person, _ *browser) { g.Must(g.node.Auth.SetPassword(t.Context(), p.ID, secret+"!")) },
		"not active":   func(p *person, _ *browser) { g.Must(g.node.Auth.SetActive(t.Context(), p.ID, false)) },
		"access reset": func(p *person, _ *browser) { g.Must(g.node.Auth.ResetAccess(t.Context(), p.ID)) },
	} {
		p := g.withApp("p" + strings.ReplaceAll(name, " ", ""))
		home, there := g.signedIn(p), g.at(appHost)
		g.goTo(home, there, "/two").Want(200)
		elsewhere := there.copy()
		elsewhere.on(second.node)
		elsewhere.Get("/two").Want(200)
		end(p, home)
		began := time.Now()
		if a := there.Get("/two"); a.Status == 200 {
			t.Errorf("%s: the page still opens", name)
		}
		for elsewhere.Get("/two").Status == 200 {
			if time.Since(began) > 5*time.Second {
				t.Errorf("%s: the page still opens at another node", name)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: another node noticed after %v", name, took)
		}
	}
	// A renewed session is the same session; a new sign-in is not.
	p := g.withApp("frida")
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	g.Advance(time.Minute)
	home.Post("/verify", m{"password": secret}).Want(200)
	home.validate(p.Next()).Want(200)
	there.Get("/two").Want(200)
	g.Advance(25 * time.Hour)
	if a := there.Get("/two"); a.Status == 200 {
		t.Error("the cookie outlived the longest life of a session")
	}
}

// TestR255_ACookieOpensItsOwnHostOnly checks that a cookie of one host is not accepted on another
// one.
func TestR255_ACookieOpensItsOwnHostOnly(t *testing.T) {
	g := newGated(t)
	home, there := g.signedIn(g.withApp("alice")), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	cookie, session := there.Jar["twofold-gate"], home.Jar["twofold"]
	if cookie == "" || session == "" || there.Jar["twofold"] != "" || there.Jar["twofold-gate-nonce"] != "" {
		t.Fatalf("cookies %v and %v", there.Jar, home.Jar)
	}
	holding := func(value string) *browser {
		b := g.at(appHost)
		b.Jar["twofold-gate"] = value
		return b
	}
	for what, b := range map[string]*browser{
		"at another host": there.onHost(otherHost), "the session at a host behind": home.onHost(appHost),
		"the session in the cookie's place": holding(session),
		"a changed cookie":                  holding("A" + cookie[1:]),
		"a cut cookie":                      holding(cookie[:len(cookie)-1]),
	} {
		if a := b.Get("/two"); a.Status == 200 {
			t.Errorf("%s: opens", what)
		}
	}
	for _, name := range []string{"twofold", "twofold-pending", "tf_validity", "remember_token", "twofold-asked"} {
		b := g.at(g.home)
		b.Jar[name] = cookie
		b.Get("/me").Want(401)
	}
	for _, header := range []string{"Authentication-Token", "Authorization"} {
		b := g.at(appHost)
		b.Header[header] = strings.TrimPrefix("Bearer "+cookie,
			map[string]string{"Authentication-Token": "Bearer "}[header])
		if b.Get("/two").Status == 200 {
			t.Errorf("the cookie as %s opens", header)
		}
	}
}

// TestR256_TheGateLeadsToItsOwnHostsOnly checks that a redirect goes only to hosts of the gate,
// whatever the return URL is.
func TestR256_TheGateLeadsToItsOwnHostsOnly(t *testing.T) {
	g := newGated(t)
	home, there := g.signedIn(g.withApp("alice")), g.at(appHost)
	for to := range strings.SplitSeq("https://evil.test/|//evil.test|/\\evil.test|\\\\evil.test|@evil.test/|"+
		".evil.test/|:80@evil.test/|:8080/two|evil|/..//evil.test|/two#@evil.test|"+
		"/%2f%2fevil.test|/;@evil.test|javascript:alert(1)|/\t/evil.test|", "|") {
		a := there.Page("/.twofold/start?to=" + url.QueryEscape(to))
		if a.Status != 400 && a.Status != 403 {
			t.Errorf("%q: %d to %q", to, a.Status, a.Header.Get("Location"))
		}
	}
	for host := range strings.SplitSeq("evil.test|app.localhost.evil.test|app.localhost:8080|"+g.home, "|") {
		for _, path := range []string{"/.twofold/start?to=/two", "/.twofold/callback?ticket=x"} {
			if a := g.at(host).Page(path); a.Status != 403 {
				t.Errorf("%s%s: %d", host, path, a.Status)
			}
		}
	}
	// The requirement is signed, so another page cannot use the sign-in to redirect a browser.
	for _, request := range []string{"", "AAAA", "eyJoIjoiZXZpbC50ZXN0IiwidCI6Ii8iLCJyIjoib25lIn0.AAAA",
		home.Jar["twofold"]} {
		if a := home.Page("/auth/gate?request=" + url.QueryEscape(request)); a.Status != 400 {
			t.Errorf("%q: %d", request, a.Status)
		}
	}
	if a := g.goTo(home, there, "/two?next=https://evil.test"); a.Status != 200 || a.JSON["page"] != "/two" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	long := "/two?q=" + strings.Repeat("x", 3000)
	if a := g.goTo(home, g.at(appHost), long); a.Status != 200 || a.JSON["page"] != "/" {
		t.Errorf("a long address comes back to %v", a.JSON["page"])
	}
}

// TestR257_AnApplicationSeesNoSecretOfOurs also checks that the application sees no identity but
// the one that the gate sets.
func TestR257_AnApplicationSeesNoSecretOfOurs(t *testing.T) {
	g := newGated(t)
	p := g.withApp("alice")
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	for name, value := range home.Jar {
		there.Jar[name] = value
	}
	there.Jar["theme"], there.Jar["__Host-twofold"] = "dark", "x"
	forged := []string{"Authentication-Token", "", "Authorization", "Basic dTpw"}
	for _, name := range []string{"Remote-User", "Remote_User", "Remote-Email", "Remote-Groups", "Remote_Groups",
		"Remote-Name", "Twofold-Level", "Twofold-Fresh", "Twofold_Level", "Twofold-Assertion"} {
		forged = append(forged, name, "forged")
	}
	for _, page := range []string{"/two", "/public"} {
		a := there.Do(http.MethodGet, page, "", "", forged...).Want(200)
		for value, what := range g.known() {
			if strings.Contains(a.Body, value) && what != "csrf_token" {
				t.Errorf("%s: the application sees the %s", page, what)
			}
		}
		got := http.Header{}
		raw, _ := json.Marshal(a.JSON["headers"])
		g.Must(json.Unmarshal(raw, &got))
		if strings.Contains(fmt.Sprint(got), "forged") || got.Get("Cookie") != "theme=dark" ||
			got.Get("Remote-User") != p.ID || got.Get("Authorization") != "Basic dTpw" {
			t.Errorf("%s: the application sees %v", page, got)
		}
	}
	a := g.at(appHost).Do(http.MethodGet, "/public", "", "", forged...).Want(200)
	if strings.Contains(a.Body, "forged") || strings.Contains(a.Body, "Remote") {
		t.Errorf("a stranger got an identity: %s", a.Body)
	}
	// A proxy gets the same headers to forward.
	v := g.verify(there, "http://"+appHost+"/two", forged...).Want(200)
	if v.Header.Get("Cookie") != "theme=dark" || v.Header.Get("Remote-User") != p.ID ||
		v.Header.Get("Remote-Email") != p.Email || v.Header.Get("Twofold-Level") != "2" ||
		v.Header.Get("Twofold-Fresh") == "" || len(v.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("a proxy gets %v", v.Header)
	}
	if v := g.verify(g.at(appHost), "http://"+appHost+"/public",
		forged...).Want(200); v.Header.Get("Remote-User") != "" || v.Header.Get("Twofold-Assertion") != "" {
		t.Errorf("for a stranger a proxy gets %v", v.Header)
	}
}

// TestR258_APersonalTokenOpensWhatItsScopesName checks that personal tokens are accepted only by
// rules that name scopes.
func TestR258_APersonalTokenOpensWhatItsScopesName(t *testing.T) {
	g := newGated(t)
	p := g.withApp("alice")
	home := g.signedIn(p)
	read, _ := home.personal("read")
	write, _ := home.personal("write")
	for what, c := range map[string]struct {
		token, page string
		want        int
	}{
		"the scope": {read, "/api/x", 200}, "another scope": {write, "/api/x", 403}, "no scopes named": {read,
			"/one", 403}, "two": {read, "/two", 403},
		"public": {read, "/public", 200}, "never": {read, "/never", 403}, "no token": {"tfp_" +
			strings.Repeat("A", 43), "/api", 401}, "nonsense": {"x", "/api", 401},
	} {
		for _, host := range []string{appHost, otherHost} {
			b := g.at(host)
			b.Bare = true
			b.Header["Authorization"] = "Bearer " + c.token
			a := b.Get(c.page)
			if a.Status != c.want || a.Header.Get("Location") != "" {
				t.Errorf("%s at %s: %d to %q, want %d", what, host, a.Status, a.Header.Get("Location"), c.want)
			}
			if strings.HasPrefix(c.token, "tfp_") && strings.Contains(a.Body, c.token) {
				t.Errorf("%s: the application sees the token", what)
			}
			v := g.verify(b, "http://"+host+c.page, "Accept", "*/*")
			if c.page == "/public" && v.Header.Get("Remote-User")+v.Header.Get("Twofold-Assertion") != "" {
				t.Errorf("a token acts for its owner without a scope: %v", v.Header)
			}
			if v.Status != c.want || v.Header.Get("Location") != "" || c.want == 200 && c.page != "/public" &&
				v.Header.Get("Twofold-Level") != "0" {
				t.Errorf("%s at %s, by a proxy: %d %v", what, host, v.Status, v.Header)
			}
		}
	}
	g.Must(g.node.Auth.SetPassword(t.Context(), p.ID, secret+"!"))
	b := g.at(appHost)
	b.Header["Authorization"] = "Bearer " + read
	if a := b.Get("/api"); a.Status != 401 {
		t.Errorf("after a new password: %d", a.Status)
	}
}

// TestR259_AnotherSiteCannotUseTheCookieOfAHost tries requests that change something or open a
// WebSocket.
func TestR259_AnotherSiteCannotUseTheCookieOfAHost(t *testing.T) {
	g := newGated(t)
	home, there := g.signedIn(g.withApp("alice")), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	there.Bare = true
	for what, c := range map[string]struct {
		method string
		lines  []string
		want   int
	}{
		"a form of its own":                 {"POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"a form of its own, said by Origin": {"POST", []string{"Origin", "http://" + appHost}, 200},
		"a program":                         {"POST", nil, 200},
		"a form of another site":            {"POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a form of a sibling": {"POST", []string{"Sec-Fetch-Site", "same-site", "Origin",
			"http://" + otherHost}, 403},
		"a form of another site, said by Origin": {"DELETE", []string{"Origin", "https://evil.test"}, 403},
		"a form of nowhere":                      {"POST", []string{"Origin", "null"}, 403},
		"our name with another scheme":           {"POST", []string{"Origin", "https://" + appHost}, 403},
		"a channel of its own": {"GET", []string{"Sec-WebSocket-Key", "x", "Sec-Fetch-Site",
			"same-origin"}, 200},
		"a channel of another site": {"GET", []string{"Sec-WebSocket-Key", "x", "Origin",
			"https://evil.test"}, 403},
		"a channel of a sibling": {"GET", []string{"Upgrade", "websocket", "Sec-Fetch-Site",
			"same-site"}, 403},
		"a link of another site":            {"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		"an unknown method of another site": {"PURGE", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		asking := there.onHost(g.home)
		lines := append([]string{"X-Original-URL", "http://" + appHost + "/two", "X-Original-Method", c.method},
			c.lines...)
		if a := asking.Do(http.MethodGet, "/auth/verify", "", "", lines...); a.Status != c.want {
			t.Errorf("%s, by a proxy: %d, want %d", what, a.Status, c.want)
		}
		if slices.Contains(c.lines, "Upgrade") {
			continue // Go's client does not send it by itself
		}
		if a := there.Do(c.method, "/two", "", "", c.lines...); a.Status != c.want {
			t.Errorf("%s: %d, want %d", what, a.Status, c.want)
		}
	}
}

// TestR260_AnAssertionIsForOneHostAndAMinute also checks that the assertion lists the proven
// factors.
func TestR260_AnAssertionIsForOneHostAndAMinute(t *testing.T) {
	g := newGated(t)
	p := g.withApp("alice")
	g.Must(g.node.Auth.SetRoles(t.Context(), p.ID, "admin"))
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	text := g.verify(there, "http://"+appHost+"/two").Header.Get("Twofold-Assertion")
	verifier := func(host string) *gate.Verifier {
		return &gate.Verifier{Issuer: "http://" + g.home, Audience: host, KeysURL: "http://" + g.home +
			"/.well-known/jwks.json", Now: g.Now, Client: &http.Client{Transport: g.toNode()}}
	}
	a, err := verifier(appHost).Verify(t.Context(), text)
	if err != nil || a.Subject != p.ID || a.Email != p.Email || a.Level != "aal2" || !slices.Equal(a.Groups,
		[]string{"admin"}) ||
		!slices.Equal(a.Methods, []string{"mfa", "otp", "pwd"}) || a.AuthTime.IsZero() ||
		a.Expires.Sub(g.Now()) > time.Minute {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := verifier(otherHost).Verify(t.Context(), text); err == nil {
		t.Error("another host takes the assertion")
	}
	g.Advance(80 * time.Second)
	if _, err := verifier(appHost).Verify(t.Context(), text); err == nil {
		t.Error("an old assertion is taken")
	}
	// Roles that were removed are missing in the next assertion.
	g.Must(g.node.Auth.SetRoles(t.Context(), p.ID))
	text = g.verify(there, "http://"+appHost+"/two").Header.Get("Twofold-Assertion")
	if a, err = verifier(appHost).Verify(t.Context(), text); err != nil || len(a.Groups) > 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

type toNode struct {
	g *gated
}

// toNode fetches the keys as an application does.
func (g *gated) toNode() http.RoundTripper { return toNode{g} }

func (n toNode) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(n.g.node.Origin)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Host, r.URL.Host = r.URL.Host, to.Host
	return n.g.Client.Transport.RoundTrip(r)
}

// brokenSessions is a store that fails to read sessions.
type brokenSessions struct {
	storage.Store
	broken atomic.Bool
}

var errDown = errors.New("the store is down")

func (b *brokenSessions) SessionsOf(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	if b.broken.Load() {
		return nil, errDown
	}
	return b.Store.SessionsOf(ctx, userID, now)
}

// TestR261_AStoreThatFailsOpensNothing checks for a 503, and that public pages still open.
func TestR261_AStoreThatFailsOpensNothing(t *testing.T) {
	g := newGated(t)
	down := &brokenSessions{}
	second := g.gate(g.Start(func(s storage.Store) storage.Store { down.Store = s; return down }))
	home, there := second.signedIn(g.withApp("alice")), second.at(appHost)
	second.goTo(home, there, "/two").Want(200)
	down.broken.Store(true)
	for path, want := range map[string]int{"/two": 503, "/one": 503, "/public": 200, "/never": 403} {
		if a := there.Get(path); a.Status != want {
			t.Errorf("%s: %d, want %d", path, a.Status, want)
		}
		if a := second.verify(there, "http://"+appHost+path); a.Status != want {
			t.Errorf("%s, by a proxy: %d, want %d", path, a.Status, want)
		}
	}
	down.broken.Store(false)
	there.Get("/two").Want(200)
}

// TestR262_SignInLeadsBackToThePage checks that the first visit to a page leads back to it after
// the sign-in.
func TestR262_SignInLeadsBackToThePage(t *testing.T) {
	g := newGated(t)
	p := g.withApp("alice")
	home, there := g.at(g.home), g.at(appHost)
	login := g.goTo(home, there, "/strong/report?year=2026&part=a%20b")
	_, next, ok := strings.Cut(login.What, "/login?next=")
	if !ok {
		t.Fatalf("a stranger is led to %s", login.What)
	}
	next, err := url.QueryUnescape(next)
	g.Must(err)
	home.Form("/login", "email", p.Email, "password", secret, "next", next).Want(303)
	a := home.Form("/tf-validate", "code", p.Next(), "next", next).Want(303)
	if a.Header.Get("Location") != next {
		t.Fatalf("after sign-in: %q, want %q", a.Header.Get("Location"), next)
	}
	away := home.Page(next).Want(200)
	_, to, _ := strings.Cut(away.Header.Get("Refresh"), "url=")
	u, err := url.Parse(to)
	g.Must(err)
	back := there.Page(u.RequestURI()).Want(303)
	if got := back.Header.Get("Location"); got != "http://"+appHost+"/strong/report?year=2026&part=a%20b" {
		t.Errorf("the way back is %q", got)
	}
	// A user who must enroll a factor is redirected there; a script gets a status.
	one := g.signedIn(g.person("robert"))
	if a := g.goTo(one, g.at(appHost), "/two"); !strings.Contains(a.What, "/tf-setup?next=/auth/gate") {
		t.Errorf("without a second factor: %s", a.What)
	}
	script := g.at(appHost).Do(http.MethodGet, "/two", "", "", "Accept", "text/html", "Sec-Fetch-Mode", "cors")
	if script.Status != 401 || script.Header.Get("Location") != "" {
		t.Errorf("a script: %d to %q", script.Status, script.Header.Get("Location"))
	}
}

// TestR300_AnApplicationSeesNoCookieOfOurs checks that all cookies of the library are removed,
// including those without a secret and those of later versions.
func TestR300_AnApplicationSeesNoCookieOfOurs(t *testing.T) {
	g := newGated(t, func(c *twofold.Config) { c.Pages.SPA.CSRFCookie = "XSRF-TOKEN" })
	p := g.withApp("alice")
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	for _, name := range []string{"inbox", "lang", "refused", "later"} {
		there.Jar["twofold-"+name], there.Jar["__Host-twofold-"+name] = "x", "x"
	}
	there.Jar["tf_validity"], there.Jar["remember_token"], there.Jar["XSRF-TOKEN"] = "x", "x", "x"
	there.Jar["twofolded"] = "theirs"
	a := there.Page("/two").Want(200)
	v := g.verify(there, "http://"+appHost+"/two").Want(200)
	if got := v.Header.Get("Cookie"); got != "twofolded=theirs" || !strings.Contains(a.Body, `["`+got+`"]`) {
		t.Errorf("a proxy hands on %q, and the application sees %s", got, a.Body)
	}
}

// TestR301_AClientCannotHaveItsIdentityRemoved checks that a client cannot list the identity
// headers in Connection, because a proxy behind the gate removes the headers that Connection names.
// WebSockets still work.
func TestR301_AClientCannotHaveItsIdentityRemoved(t *testing.T) {
	g := newGated(t)
	p := g.withApp("alice")
	var got http.Header
	behind := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(behind.Close)
	to, err := url.Parse(behind.URL)
	g.Must(err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	front := httptest.NewServer(g.protect(proxy))
	t.Cleanup(front.Close)
	g.node.Origin = front.URL
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/two")
	for connection, upgrade := range map[string]string{
		"Remote-User, Twofold-Assertion": "", "close, remote-user": "", "keep-alive": "",
		"Upgrade, Remote-User": "chat",
	} {
		lines := []string{"Connection", connection}
		if upgrade != "" {
			lines = append(lines, "Upgrade", upgrade)
		}
		there.Do(http.MethodGet, "/two", "", "", lines...)
		if got.Get("Remote-User") != p.ID || got.Get("Twofold-Assertion") == "" || got.Get("Upgrade") != upgrade {
			t.Errorf("Connection: %s: the application gets %v", connection, got)
		}
	}
}

// TestR302_ARoleIsNotTakenForTwo checks that a role with a comma in its name is left out of a
// header that lists roles with commas between them.
func TestR302_ARoleIsNotTakenForTwo(t *testing.T) {
	g := newGated(t)
	p := g.withApp("alice")
	for _, odd := range []string{"team,admin", "team\nadmin"} {
		if err := g.node.Auth.SetRoles(t.Context(), p.ID, "staff", odd); !errors.Is(err, twofold.ErrRoleName) {
			t.Errorf("%q: %v", odd, err)
		}
	}
	g.Must(g.node.Auth.SetRoles(t.Context(), p.ID, "staff", "guest"))
	g.write(`UPDATE twofold_users SET roles = '["staff","team,admin","team\nadmin","guest"]'`) // an older version's
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/two").Want(200)
	v := g.verify(there, "http://"+appHost+"/two").Want(200)
	if got := v.Header.Get("Remote-Groups"); got != "staff,guest" {
		t.Errorf("a proxy hands on the groups %q", got)
	}
}

// TestR303_AMethodHasOneSpelling checks that a request with the method "post" matches no rule,
// because frameworks treat it as POST.
func TestR303_AMethodHasOneSpelling(t *testing.T) {
	g := newGated(t)
	p := g.person("alice")
	home, there := g.signedIn(p), g.at(appHost)
	g.goTo(home, there, "/one").Want(200)
	for method, want := range map[string]int{
		"GET": 200, "PUT": 200, "POST": 403, "DELETE": 403, "post": 400, "Post": 400, "delete": 400, "get": 400,
	} {
		there.Do(method, "/form", "", "").Want(want)
		if want == 400 { // nginx takes no other refusal
			want = 403
		}
		g.verify(there, "http://"+appHost+"/form", "X-Original-Method", method).Want(want)
	}
}

// TestR304_AProxyIsNotItsClient checks that if a proxy does not name its client, the request does
// not count as one from the network of the proxy.
func TestR304_AProxyIsNotItsClient(t *testing.T) {
	g := newGated(t)
	for _, of := range []struct {
		forwarded     string
		local, remote int
	}{
		{"", 403, 403}, {"unknown", 403, 403}, {"10.1.2.3, x", 403, 403},
		{"10.1.2.3", 200, 403}, {"127.0.0.1", 200, 200}, {"192.0.2.1", 403, 200},
		{"10.1.2.3, 192.0.2.1", 403, 200},
	} {
		var lines []string
		if of.forwarded != "" {
			lines = []string{"X-Forwarded-For", of.forwarded}
		}
		for page, want := range map[string]int{"/local": of.local, "/remote": of.remote} {
			a := g.verify(g.at(appHost), "http://"+appHost+page, lines...)
			b := g.at(appHost).Do(http.MethodGet, page, "", "", lines...)
			if a.Status != want || b.Status != want {
				t.Errorf("%s for %q: %d and %d, want %d", page, of.forwarded, a.Status, b.Status, want)
			}
		}
	}
}
