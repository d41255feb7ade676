package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/twofold-auth/twofold/internal/auth"
	inner "github.com/twofold-auth/twofold/internal/gate"
)

// The kinds of proxies. They differ in how a redirect is returned.
type proxyKind int

const (
	forwards   proxyKind = iota // Caddy, Traefik, HAProxy, Envoy: the browser gets the answer
	subrequest                  // nginx: 401 with Location, which its configuration converts to a redirect
)

var (
	errUntrusted = errors.New("only trusted proxies may use this: add the proxy's address to the trusted proxies")
	errUnasked   = errors.New("the proxy must report the requested URL and method exactly once")
)

// serveVerify tells a proxy what to do with a request. A status 2xx allows it, and the answer has
// the headers that the proxy passes to the application.
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
		if kind == subrequest { // nginx converts any other status to 500
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
		// Set all headers, even to an empty value. If one is missing, some proxies pass its name as
		// its value, and others pass the client's header.
		for _, name := range passed() {
			w.Header()[name] = []string{""}
		}
		g.pass(w.Header(), r, d)
		w.WriteHeader(http.StatusOK)
	default:
		g.turnAway(w, r, d, kind)
	}
}

// asked reads the requested page from the headers of a trusted proxy. Each kind of proxy uses its
// own headers and passes on those of the client. So a request with the headers of two kinds is
// refused, because one of them may come from the client.
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

// request returns the request of a client. The scheme must be that of the sign-in.
func (g *Gate) request(r *http.Request, a inner.Address, method string) (inner.Request, error) {
	err := inner.CheckMethod(method)
	if a.Scheme != g.s.c.Origin.Scheme {
		err = fmt.Errorf("the URL is %s, but the sign-in is %s: make the proxy report the scheme that browsers use",
			a.Scheme, g.s.c.Origin.Scheme)
	}
	return inner.Request{Address: a, Method: method, Client: g.client(r)}, err
}

func has(h http.Header, name string) bool { return len(h[name]) > 0 }

// single returns the value of a header that was sent once, or an empty string.
func single(h http.Header, name string) string {
	if v := h[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// turnAway refuses a request, or redirects a browser to the page that meets the requirement.
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

// navigates reports whether a user waits for a page. For a script, a redirect to the sign-in page
// is useless.
func navigates(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return !wantsJSON(r) && strings.Contains(r.Header.Get("Accept"), "text/html") && (mode == "" ||
		mode == "navigate") &&
		r.Header.Get("Sec-WebSocket-Key") == ""
}

// maxReturn is the maximum length of the path to return to, which is part of URLs.
const maxReturn = 1000

// way returns the URL of the page that meets the requirement. After a form, which cannot be sent
// again, and for a long URL, the browser returns to the home page.
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

// broken answers if the store does not respond.
func (g *Gate) broken(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, auth.ErrState) {
		g.s.c.Log.ErrorContext(r.Context(), "the gate could not judge a request", "cause", err)
	}
	g.say(w, http.StatusServiceUnavailable, "the sign-in cannot be reached, try again")
}

// say answers with one line of text.
func (g *Gate) say(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(line + "\n")) // the caller may have disconnected
}

// serveKeys serves the public keys of assertions.
func (g *Gate) serveKeys(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(g.keySet)
}

// readOnly refuses methods other than GET and HEAD.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// Protect passes requests that the rules allow to next, and serves the paths of the site and of the
// gate. Requests to next have the identity headers of the gate, none of the client's, and none of
// our cookies and tokens.
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
