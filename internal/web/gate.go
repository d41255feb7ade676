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
	inner "github.com/twofold-auth/twofold/internal/gate"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/store"
)

// Gate decides which requests reach applications behind it, on the host of the
// sign-in and on others. It issues no session: a caller signs in at the site, and
// another host gets a cookie that names the session and ends with it.
type Gate struct {
	s       *Site
	home    string // host of the sign-in, in its one spelling
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

// gatePaths are the paths of the gate. Those below /.twofold are for hosts behind it,
// whose proxies send them here.
type gatePaths struct{ verify, enter, keys, start, callback string }

func gatePathsOf(s *Site) gatePaths {
	return gatePaths{
		verify: s.c.Prefix + "/auth/verify", enter: s.c.Prefix + "/auth/gate", keys: "/.well-known/jwks.json",
		start: "/.twofold/start", callback: "/.twofold/callback",
	}
}

// NewGate puts a gate into a site, which serves its paths from then on. A site has
// one gate at most. The error names every mistake of the rules.
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
			return nil, errors.New("path " + row.path + " is one of the gate's: choose another one for the page there")
		}
		if row.raw != nil {
			g.raw[row.path] = row.raw
			continue
		}
		g.steps[row.path] = map[string]route{row.method: row}
	}
	if !s.gate.CompareAndSwap(nil, g) {
		return nil, errors.New("there is a gate already")
	}
	return g, nil
}

// checkGate reports what of the rules does not fit the site.
func checkGate(s *Site, rules *inner.Rules) error {
	errs := []error{rules.CheckOrigin(s.c.Origin, Loopback)}
	for _, scope := range rules.Scopes() {
		if !slices.Contains(s.c.Tokens.Scopes, scope) {
			errs = append(errs, fmt.Errorf("scopes: no token can have %q: add it to the scopes of personal access "+
				"tokens", scope))
		}
	}
	return errors.Join(errs...)
}

// rows is the part of the table of paths that a gate adds.
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

// handler returns what answers a request without the table's steps, or nil.
func (g *Gate) handler(path string) http.HandlerFunc {
	if strings.HasPrefix(path, g.paths.verify+"/") { // Envoy puts the path asked for there
		return g.serveVerify
	}
	return g.raw[path]
}

// answer reports whether the gate has answered a request without the table's steps.
func (g *Gate) answer(w http.ResponseWriter, r *http.Request) bool {
	h := g.handler(r.URL.Path)
	if h != nil {
		h(w, r)
	}
	return h != nil
}

// patterns are those of Site.Patterns.
func (g *Gate) patterns() []string {
	return []string{g.paths.verify, g.paths.verify + "/", g.paths.enter, g.paths.keys, g.paths.start, g.paths.callback}
}

// decision is what the gate says of one request.
type decision struct {
	inner.Request
	rule    gate.Rule
	number  int
	outcome inner.Outcome
	who     *login.Who // nil: a stranger
	forged  bool       // another site made the browser send it
}

// decide judges a request. r has the caller's cookies and headers; q says what was
// asked for.
func (g *Gate) decide(r *http.Request, q inner.Request) (decision, error) {
	d := decision{Request: q}
	d.rule, d.number = g.rules.Find(q)
	if d.number == 0 || d.rule.Require == gate.Deny {
		return d, nil
	}
	who, err := g.who(r, q.Address.Host)
	if err == nil && !who.Session.Token && g.crossSite(r, q) {
		// A cookie goes along with what another site makes a browser send.
		d.forged, who = true, nil
	}
	public := d.rule.Require == gate.Public
	switch {
	case errors.Is(err, store.ErrNotFound):
		who = nil
	case err != nil && public: // such a page is for strangers, too
		g.s.c.Log.ErrorContext(r.Context(), "the user of a public page could not be read", "cause", err)
		who = nil
	case err != nil:
		return d, err
	}
	if public && who != nil && (who.Enrolls || who.Program != nil) {
		who = nil // the sign-in of today is not over, or no scope lets the token act here
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
func (g *Gate) who(r *http.Request, host string) (*login.Who, error) {
	if text := personalToken(r); text != "" {
		return g.s.c.Login.Program(r.Context(), text)
	}
	if host == g.home {
		return g.s.Who(r)
	}
	if token := r.Header.Get("Authentication-Token"); token != "" {
		return g.s.c.Login.Session(r.Context(), token, true)
	}
	return g.descendant(r, host)
}

// caller is what a rule needs to know of who.
func (g *Gate) caller(ctx context.Context, rule gate.Rule, who *login.Who) (inner.Caller, error) {
	if who == nil {
		return inner.Caller{}, nil
	}
	c := inner.Caller{
		SignedIn: true, Enrolls: who.Enrolls, Program: who.Program != nil, Roles: who.User.Roles,
		Two: who.Session.Level >= store.TwoFactors || who.Session.Trusted, Strong: login.Strong(who.Session),
	}
	if who.Program != nil {
		c.Scopes = who.Program.Scopes
	}
	if rule.Fresh > 0 && who.Program == nil {
		err := g.s.c.Login.RequireFresh(ctx, *who, rule.Fresh)
		if err != nil && !errors.Is(err, login.ErrReauthenticate) {
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

// crossSite reports whether another site made the browser send a request that may
// change something, or open a channel (RFC 6455 section 10.2).
func (g *Gate) crossSite(r *http.Request, q inner.Request) bool {
	method := q.Method
	if r.Header.Get("Sec-WebSocket-Key") != "" || r.Header.Get("Upgrade") != "" {
		method = http.MethodPost // Check goes by the method
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

// client is the address of the sender of a request, for the networks of rules. The
// zero value is in no network. It is not known if a proxy does not say it: the proxy's
// own would put everyone into the network of the proxy.
func (g *Gate) client(r *http.Request) netip.Addr {
	if peer, ok := peerAddress(r); ok && within(peer, g.s.c.Proxies) && !saysClient(r) {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(ClientAddress(r, g.s.c.Proxies))
	return a
}

// renamed are the names of our cookies that settings or the wire contract choose.
func renamed(j jar) map[string]bool {
	out := map[string]bool{}
	for _, name := range []string{j.staying(), j.deviceName, j.refresh(), j.readable} {
		out[strings.TrimPrefix(name, hostPrefix)] = true
	}
	return out
}

// ours reports whether a cookie is the site's, with or without prefix. All names that
// begin with "twofold" are, so that none can be forgotten here.
func (g *Gate) ours(name string) bool {
	bare := strings.TrimPrefix(name, hostPrefix)
	return bare == "twofold" || strings.HasPrefix(bare, "twofold-") || g.cookies[bare]
}
