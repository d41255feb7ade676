package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/internal/auth"
	inner "github.com/twofold-auth/twofold/internal/gate"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Gate decides which requests reach applications behind it, on the host of the sign-in and on
// others. It issues no session: a user signs in at the site, and another host gets a cookie that
// refers to the session and ends with it.
type Gate struct {
	s       *Site
	home    string // host of the sign-in, in normal form
	rules   *inner.Rules
	signer  *inner.Signer
	keySet  []byte
	known   identities
	cookies map[string]bool // see renamed
	origin  *http.CrossOriginProtection
	raw     map[string]http.HandlerFunc
	steps   map[string]map[string]route
	paths   gatePaths
}

// gatePaths contains the paths of the gate. Those below /.twofold are for hosts behind the gate,
// whose proxies send them here.
type gatePaths struct{ verify, enter, keys, start, callback string }

func gatePathsOf(s *Site) gatePaths {
	return gatePaths{
		verify: s.c.Prefix + "/auth/verify", enter: s.c.Prefix + "/auth/gate", keys: "/.well-known/jwks.json",
		start: "/.twofold/start", callback: "/.twofold/callback",
	}
}

// NewGate adds a gate to a site, which serves its paths from then on. A site has at most one gate.
// The error lists every mistake in the rules.
func NewGate(s *Site, rules []gate.Rule) (*Gate, error) {
	compiled, err := inner.Compile(rules)
	if err != nil {
		return nil, err
	}
	if err := checkGate(s, compiled); err != nil {
		return nil, err
	}
	home, err := inner.ParseAddress(s.home + "/")
	if err != nil {
		return nil, err
	}
	g := &Gate{
		s: s, home: home.Host, rules: compiled, signer: inner.NewSigner(s.home, s.c.Keys), cookies: renamed(s.jar),
		origin: http.NewCrossOriginProtection(), raw: map[string]http.HandlerFunc{},
		steps: map[string]map[string]route{},
		paths: gatePathsOf(s),
	}
	g.keySet = g.signer.KeySet()
	for _, row := range g.rows() {
		if s.routes[row.path] != nil {
			return nil, errors.New("path " + row.path + " belongs to the gate: choose another path for that page")
		}
		if row.raw != nil {
			g.raw[row.path] = row.raw
			continue
		}
		g.steps[row.path] = map[string]route{row.method: row}
	}
	if !s.gate.CompareAndSwap(nil, g) {
		return nil, errors.New("the site already has a gate")
	}
	return g, nil
}

// checkGate returns an error if the rules do not match the site.
func checkGate(s *Site, rules *inner.Rules) error {
	errs := []error{rules.CheckOrigin(s.c.Origin, Loopback)}
	for _, scope := range rules.Scopes() {
		if !slices.Contains(s.c.Tokens.Scopes, scope) {
			errs = append(errs, fmt.Errorf("scopes: unknown scope %q: add it to the scopes of personal access "+
				"tokens", scope))
		}
	}
	return errors.Join(errs...)
}

// rows returns the rows that a gate adds to the table of paths.
func (g *Gate) rows() []route {
	p := g.paths
	return []route{
		{method: http.MethodGet, path: p.verify, access: forAnyone, raw: g.serveVerify},
		{method: http.MethodGet, path: p.keys, access: forAnyone, raw: g.serveKeys},
		{method: http.MethodGet, path: p.start, access: forAnyone, raw: g.serveStart},
		{method: http.MethodGet, path: p.callback, access: forAnyone, raw: g.serveCallback},
		{method: http.MethodGet, path: p.enter, access: forUser, step: g.getEnter},
	}
}

// handler returns the handler of a path that is not a step of the table, or nil.
func (g *Gate) handler(path string) http.HandlerFunc {
	if strings.HasPrefix(path, g.paths.verify+"/") { // Envoy appends the requested path
		return g.serveVerify
	}
	return g.raw[path]
}

// answer answers a request for a path that is not a step of the table, and reports whether it did.
func (g *Gate) answer(w http.ResponseWriter, r *http.Request) bool {
	h := g.handler(r.URL.Path)
	if h != nil {
		h(w, r)
	}
	return h != nil
}

// patterns returns the gate's part of Site.Patterns.
func (g *Gate) patterns() []string {
	return []string{g.paths.verify, g.paths.verify + "/", g.paths.enter, g.paths.keys, g.paths.start, g.paths.callback}
}

// decision is the gate's decision about one request.
type decision struct {
	inner.Request
	rule    gate.Rule
	number  int
	outcome inner.Outcome
	who     *auth.Principal // nil for a stranger
	forged  bool            // another site made the browser send it
}

// decide decides about a request. r has the caller's cookies and headers; q describes the requested
// page.
func (g *Gate) decide(r *http.Request, q inner.Request) (decision, error) {
	d := decision{Request: q}
	d.rule, d.number = g.rules.Find(q)
	if d.number == 0 || d.rule.Require == gate.Deny {
		return d, nil
	}
	who, err := g.who(r, q.Address.Host)
	if err == nil && !who.Session.Token && g.crossSite(r, q) {
		// Browsers send cookies even with requests that another site initiates.
		d.forged, who = true, nil
	}
	public := d.rule.Require == gate.Public
	switch {
	case errors.Is(err, storage.ErrNotFound):
		who = nil
	case err != nil && public: // a public page is for strangers, too
		g.s.c.Log.ErrorContext(r.Context(), "the user of a public page could not be read", "cause", err)
		who = nil
	case err != nil:
		return d, err
	}
	if public && who != nil && (who.Enrolls || who.Program != nil) {
		who = nil // the session lacks a required factor, or the token has no scope for this page
	}
	d.who = who
	caller, err := g.caller(r.Context(), d.rule, who)
	if err != nil {
		return d, err
	}
	d.outcome = inner.Judge(d.rule, d.number, caller)
	return d, nil
}

// who recognizes a caller by a personal access token, a header token or the cookie
// of the host.
func (g *Gate) who(r *http.Request, host string) (*auth.Principal, error) {
	if text := personalToken(r); text != "" {
		return g.s.c.Login.Sessions.Program(r.Context(), text)
	}
	if host == g.home {
		return g.s.Principal(r)
	}
	if token := r.Header.Get("Authentication-Token"); token != "" {
		return g.s.c.Login.Sessions.Session(r.Context(), token, true)
	}
	return g.descendant(r, host)
}

// caller returns the data about who that a rule needs.
func (g *Gate) caller(ctx context.Context, rule gate.Rule, who *auth.Principal) (inner.Caller, error) {
	if who == nil {
		return inner.Caller{}, nil
	}
	c := inner.Caller{
		SignedIn: true, Enrolls: who.Enrolls, Program: who.Program != nil, Roles: who.User.Roles,
		Two: who.Session.Level >= storage.TwoFactors || who.Session.Trusted, Strong: auth.Strong(who.Session),
	}
	if who.Program != nil {
		c.Scopes = who.Program.Scopes
	}
	if rule.Fresh > 0 && who.Program == nil {
		err := g.s.c.Login.Reauth.RequireFresh(ctx, *who, rule.Fresh)
		if err != nil && !errors.Is(err, auth.ErrReauthenticate) {
			return c, err
		}
		c.Fresh = err == nil
	}
	if len(rule.Permissions) > 0 {
		var err error
		if c.Permissions, err = g.s.c.Permissions(ctx, who.User.Roles); err != nil {
			return c, err
		}
	}
	return c, nil
}

// crossSite reports whether another site initiated a request that may change data or open a channel
// (RFC 6455 section 10.2).
func (g *Gate) crossSite(r *http.Request, q inner.Request) bool {
	method := q.Method
	if r.Header.Get("Sec-WebSocket-Key") != "" || r.Header.Get("Upgrade") != "" {
		method = http.MethodPost // Check depends on the method
	}
	if safeMethod(method) {
		return false
	}
	asked := &http.Request{Method: method, Host: q.Address.Host, URL: &url.URL{Path: q.Address.Path}, Header: r.Header}
	if g.origin.Check(asked) != nil {
		return true
	}
	origin := r.Header.Get("Origin")
	return origin != "" && r.Header.Get("Sec-Fetch-Site") == "" && !strings.HasPrefix(origin, q.Address.Scheme+"://")
}

// client returns the address of the client of a request, for the networks of rules. If a proxy does
// not report it, client returns the zero value, which is in no network; with the proxy's own
// address, every client would be in the proxy's network.
func (g *Gate) client(r *http.Request) netip.Addr {
	if peer, ok := peerAddress(r); ok && within(peer, g.s.c.Proxies) && !saysClient(r) {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(ClientAddress(r, g.s.c.Proxies))
	return a
}

// renamed returns the names of our cookies that are set by the configuration or the wire contract.
func renamed(j jar) map[string]bool {
	out := map[string]bool{}
	for _, name := range []string{j.rememberMe(), j.deviceName, j.refresh(), j.readable} {
		out[strings.TrimPrefix(name, hostPrefix)] = true
	}
	return out
}

// ours reports whether a cookie belongs to the site, with or without prefix. All names that start
// with "twofold" do, so that none can be forgotten here.
func (g *Gate) ours(name string) bool {
	bare := strings.TrimPrefix(name, hostPrefix)
	return bare == "twofold" || strings.HasPrefix(bare, "twofold-") || g.cookies[bare]
}
