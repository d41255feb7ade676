package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	inner "github.com/twofold-auth/twofold/internal/gate"
	"github.com/twofold-auth/twofold/internal/login"
)

// How a proxy asks. They differ in how it is told of a redirect.
type proxyKind int

const (
	forwards   proxyKind = iota // Caddy, Traefik, HAProxy, Envoy: the answer goes to the browser
	subrequest                  // nginx: 401 and the Location, which its configuration makes a redirect of
)

var (
	errUntrusted = errors.New("this is for trusted proxies: name the proxy's address in the setting of trusted proxies")
	errUnasked   = errors.New("the proxy does not say once which address and method were asked for")
)

// serveVerify says to a proxy what to do with a request: 2xx lets it pass, and has
// the headers that the proxy hands to the application.
func (g *Gate) serveVerify(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	peer, ok := peerAddress(r)
	if !ok || !within(peer, g.s.c.Proxies) {
		g.say(w, http.StatusForbidden, errUntrusted.Error())
		return
	}
	q, kind, err := g.asked(r)
	if err != nil {
		status := http.StatusBadRequest
		if kind == subrequest { // nginx makes 500 of anything else
			status = http.StatusForbidden
		}
		g.say(w, status, err.Error())
		return
	}
	d, err := g.decide(r, q)
	switch {
	case err != nil:
		g.broken(w, r, err)
	case d.outcome == inner.Passes:
		// Some proxies hand on the name of a header that is not there in place of its
		// value, others what the client sent: all are there, if need be empty.
		for _, name := range passed() {
			w.Header()[name] = []string{""}
		}
		g.pass(w.Header(), r, d)
		w.WriteHeader(http.StatusOK)
	default:
		g.turnAway(w, r, d, kind)
	}
}

// asked reads what a trusted proxy says was asked for. Each kind of proxy says it in
// its own headers and hands those of the client on, so a request that has the headers
// of two kinds is refused: one of them may be the client's.
func (g *Gate) asked(r *http.Request) (inner.Request, proxyKind, error) {
	rest := strings.TrimPrefix(r.RequestURI, g.paths.verify)
	h := r.Header
	byURL, byURI := has(h, "X-Original-Url") || has(h, "X-Original-Method"), has(h, "X-Forwarded-Uri") || has(h,
		"X-Forwarded-Method")
	byPath := strings.HasPrefix(rest, "/")
	var a inner.Address
	var err error
	method, kind := r.Method, forwards
	switch {
	case byURL && !byURI && !byPath:
		kind, method = subrequest, single(h, "X-Original-Method")
		a, err = inner.ParseAddress(single(h, "X-Original-Url"))
	case byURI && !byURL && !byPath:
		method = single(h, "X-Forwarded-Method")
		a, err = inner.AddressOf(single(h, "X-Forwarded-Proto"), single(h, "X-Forwarded-Host"), single(h,
			"X-Forwarded-Uri"))
	case byPath && !byURL && !byURI:
		a, err = inner.AddressOf(single(h, "X-Forwarded-Proto"), r.Host, rest)
	default:
		if byURL {
			kind = subrequest
		}
		return inner.Request{}, kind, errUnasked
	}
	if err == nil && (method == "" || len(method) > 32) {
		err = errUnasked
	}
	if err != nil {
		return inner.Request{}, kind, err
	}
	q, err := g.request(r, a, method)
	return q, kind, err
}

// request is what a client asked for. The scheme must be that of the sign-in.
func (g *Gate) request(r *http.Request, a inner.Address, method string) (inner.Request, error) {
	err := inner.CheckMethod(method)
	if a.Scheme != g.s.c.Origin.Scheme {
		err = fmt.Errorf("the address is %s, but the sign-in is %s: have the proxy say the scheme that browsers use",
			a.Scheme, g.s.c.Origin.Scheme)
	}
	return inner.Request{Address: a, Method: method, Client: g.client(r)}, err
}

func has(h http.Header, name string) bool { return len(h[name]) > 0 }

// single is the value of a header that is sent once, or else empty.
func single(h http.Header, name string) string {
	if v := h[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// turnAway refuses a request, or leads a browser to where it can get what is missing.
func (g *Gate) turnAway(w http.ResponseWriter, r *http.Request, d decision, kind proxyKind) {
	status := http.StatusForbidden
	switch {
	case d.forged:
		g.say(w, status, "another site made the browser send this request")
		return
	case d.outcome == inner.NeedsSignIn:
		status = http.StatusUnauthorized
	case d.outcome == inner.NeedsSecond, d.outcome == inner.NeedsStrong, d.outcome == inner.NeedsFresh:
	case d.number == 0:
		g.say(w, status, "no rule is for this address")
		return
	default:
		g.say(w, status, d.outcome.String())
		return
	}
	if d.who != nil && d.who.Session.Token || !navigates(r) {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		g.say(w, status, d.outcome.String())
		return
	}
	w.Header().Set("Location", g.way(d))
	status = http.StatusFound
	if kind == subrequest {
		status = http.StatusUnauthorized
	}
	g.say(w, status, d.outcome.String())
}

// navigates reports whether a person waits for a page: to a script, a redirect to
// sign-in is of no use.
func navigates(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return !wantsJSON(r) && strings.Contains(r.Header.Get("Accept"), "text/html") && (mode == "" ||
		mode == "navigate") &&
		r.Header.Get("Sec-WebSocket-Key") == ""
}

// maxReturn bounds the path to come back to: it travels in addresses.
const maxReturn = 1000

// way is where a browser gets what it lacks. A form that was sent cannot be sent
// again, and a long address does not fit: both come back to the front page.
func (g *Gate) way(d decision) string {
	to := d.Address.URI
	if !safeMethod(d.Method) || len(to) > maxReturn {
		to = "/"
	}
	if d.Address.Host == g.home {
		return g.enterAt(intent{Host: g.home, To: to, Require: d.rule.Require, Fresh: d.rule.Fresh})
	}
	return d.Address.Scheme + "://" + d.Address.Host + g.paths.start + "?to=" + url.QueryEscape(to)
}

// broken says that the store does not answer.
func (g *Gate) broken(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, login.ErrState) {
		g.s.c.Log.ErrorContext(r.Context(), "the gate could not judge a request", "cause", err)
	}
	g.say(w, http.StatusServiceUnavailable, "the sign-in cannot be reached, try again")
}

// say answers one plain line.
func (g *Gate) say(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(line + "\n")) // a caller who is gone needs no answer
}

// serveKeys shows the public keys of assertions.
func (g *Gate) serveKeys(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(g.keySet)
}

// readOnly answers methods other than GET and HEAD.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// Protect lets requests through to next that the rules allow, and serves the paths of
// the site and of the gate. What next gets has the headers of the gate and none that
// the client sent in their place, and no cookie or token of ours.
func (g *Gate) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q inner.Request
		a, err := inner.AddressOf(g.s.c.Origin.Scheme, r.Host, r.URL.RequestURI())
		if err == nil {
			q, err = g.request(r, a, r.Method)
		}
		if g.own(r, q, err) {
			g.s.ServeHTTP(w, r)
			return
		}
		if err != nil {
			g.say(w, http.StatusBadRequest, err.Error())
			return
		}
		d, err := g.decide(r, q)
		switch {
		case err != nil:
			g.broken(w, r, err)
		case d.outcome == inner.Passes:
			own := r.Clone(r.Context())
			stripIdentity(own.Header)
			stripConnection(own.Header)
			own.Header.Del("Authentication-Token")
			own.Header.Del("Authorization")
			own.Header.Del("Cookie")
			g.pass(own.Header, r, d)
			next.ServeHTTP(w, own)
		default:
			g.turnAway(w, r, d, forwards)
		}
	})
}

// own reports whether a request is for the site itself.
func (g *Gate) own(r *http.Request, q inner.Request, err error) bool {
	if r.URL.Path == g.paths.start || r.URL.Path == g.paths.callback {
		return true
	}
	return err == nil && q.Address.Host == g.home && g.s.Serves(r)
}
