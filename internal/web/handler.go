package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/storage"
)

// call is one request of a step.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	json    bool
	body    bodyKind
	form    form
	words   *i18n.Words
	browser auth.Client
	who     *auth.Principal // nil if no one is signed in
	enrolls bool            // a user is signed in but must set up a second factor first
	looked  bool            // who has been looked up
	pending *auth.PendingCookie
	token   string // token in the path, e.g. of /tf-setup/{token}
	program bool   // a client without cookies: see nativeclient.go
	link    bool   // this is the path of a mailed link or of a redirect from a provider
	asked   bool   // this request has sent a code, a link or a challenge

	problems []problem   // errors to show on the page
	instead  *FactorView // offered when a code could not be sent
	notes    []problem
	shows    []string // further fields of a refused form that are shown again
	said     []Note   // notes for this page
	made     []string // data created by the previous step, to be shown once
	again    func(*call) (*answer, error)
	back     string    // path that shows the page of the form; empty if there is none
	paused   time.Time // end of a pause
}

// ServeHTTP serves every path of the site.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g := s.gate.Load(); g != nil && g.answer(w, r) {
		return
	}
	s.headers(w)
	requestID(w)
	s.tellForwarded(r)
	EndConnection(w, r)
	if s.spa.share(w, r) {
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, s.paths.Static+"/"); ok {
		s.serveStatic(w, r, name)
		return
	}
	c := &call{w: w, r: r, json: wantsJSON(r), words: s.words(r)}
	defer recovered(s, c)
	if f := s.checkHost(r); f != nil {
		s.refuse(c, nil, f)
		return
	}
	rt, token, allow := s.find(r)
	if rt.step == nil {
		s.refuse(c, nil, noStep(w, allow))
		return
	}
	c.token, c.link = token, rt.link
	if rt.again != nil {
		c.back = s.flash.backFrom(rt, r)
	}
	if token != "" {
		// A token in the path must not be sent in a Referer, not even within the site (R51).
		// "no-referrer" would also remove Origin, with which older browsers show the origin of a
		// form.
		w.Header().Set("Referrer-Policy", "strict-origin")
	}
	if f := s.open(c, rt); f != nil {
		if !c.json && s.checkAccess(c, rt.access) == nil {
			c.again = rt.again // only pages that the step would not refuse
		}
		s.refuse(c, nil, f)
		return
	}
	if err := s.checkAccess(c, rt.access); err != nil {
		s.turnedAway(c, rt, err)
		return
	}
	c.again = rt.again
	takeKept(s, c)
	a, err := rt.step(c)
	if errors.Is(err, auth.ErrUnproven) {
		a, err = s.account.askAddressProof(c, rt, a, err)
	}
	if err != nil {
		s.refuse(c, a, s.toFailure(err))
		return
	}
	s.reply(c, a)
}

// recovered converts a panic to a refusal. No step is half done then, because nothing is granted
// before a step returns.
func recovered(s *Site, c *call) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		s.refuse(c, nil, s.toFailure(fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
	}
}

// turnedAway answers a caller that may not take a step, unless the request repeats one that has
// just taken it.
func (s *Site) turnedAway(c *call, rt route, err error) {
	if rt.twice != nil && c.who == nil {
		if a, again := rt.twice(c); again == nil {
			s.reply(c, a)
			return
		}
	}
	s.refuse(c, nil, s.toFailure(err))
}

// EndConnection closes the connection of a chunked request after its answer. Such a request may
// also have a Content-Length, which net/http ignores. A proxy that used the length would treat the
// remaining bytes as another client's request (RFC 9112 section 6.1). No browser sends chunked
// requests.
func EndConnection(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
}

// open reads the data of a request that a step needs. The order is fixed: first its origin, then
// its fields, then its sender.
func (s *Site) open(c *call, rt route) *failure {
	if f := s.checkOrigin(c.r); f != nil {
		return f
	}
	var f *failure
	if c.form, c.body, f = readForm(c.w, c.r, rt.take); f != nil {
		return f
	}
	c.browser = s.browser(c.w, c.r, c.words)
	c.pending = auth.NewPendingCookie(c.browser.Pending)
	who, err := s.Principal(c.r)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return s.toFailure(err)
	}
	if who != nil && who.Enrolls && !rt.enrolls {
		who, c.enrolls = nil, true
	}
	c.who, c.looked = who, true
	captchas{s}.read(c)
	s.readBinding(c)
	return s.checkToken(c)
}

// browser returns the origin of a request and its cookies.
func (s *Site) browser(w http.ResponseWriter, r *http.Request, words *i18n.Words) auth.Client {
	return auth.Client{
		Address: ClientAddress(r, s.c.Proxies), Agent: agent(r), Locale: words.Tag,
		Speaks: s.c.Words.Match(s.jar.languages(r)...), Request: requestID(w),
		Session: s.jar.get(r, s.jar.session()),
		Device:  s.jar.trusted(r), RememberMe: s.jar.get(r, s.jar.rememberMe()), Pending: s.jar.get(r, s.jar.pending()),
		Known: s.jar.get(r, s.jar.known()),
		Asked: s.jar.get(r, s.jar.asked()), WantToken: r.URL.Query().Has("include_auth_token"),
	}
}

func noStep(w http.ResponseWriter, allow []string) *failure {
	if len(allow) == 0 {
		return fail(http.StatusNotFound, "", "NOT_FOUND").flat()
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	return fail(http.StatusMethodNotAllowed, "", "METHOD_NOT_ALLOWED").flat()
}

// Principal returns the signed-in user of a request: by the header token if there is one, and otherwise
// by the session cookie. It returns storage.ErrNotFound if no one is signed in.
func (s *Site) Principal(r *http.Request) (*auth.Principal, error) {
	token, header := r.Header.Get("Authentication-Token"), true
	if token == "" {
		token, header = s.jar.get(r, s.jar.session()), false
	}
	if token == "" {
		return nil, storage.ErrNotFound
	}
	return s.c.Login.Sessions.Session(r.Context(), token, header)
}

// checkHost refuses requests for hosts other than that of the configured origin. All loopback names
// are equal, and a trusted proxy may use any host.
func (s *Site) checkHost(r *http.Request) *failure {
	if r.Host == s.c.Origin.Host {
		return nil
	}
	host := r.Host
	if h, port, err := net.SplitHostPort(r.Host); err == nil && strings.Trim(port, "0123456789") == "" {
		host = h
	}
	if Loopback(s.c.Origin.Hostname()) && Loopback(host) ||
		strings.EqualFold(host, s.c.Origin.Hostname()) && !strings.Contains(r.Host, ":") {
		return nil
	}
	if peer, ok := peerAddress(r); ok && within(peer, s.c.Proxies) {
		return nil
	}
	s.tellWrongHost(r)
	if Loopback(s.c.Origin.Hostname()) { // a local site need not be hidden
		return fail(http.StatusMisdirectedRequest, "", "WRONG_HOST_HERE", "origin", s.c.Origin.String(), "host",
			forLog(r.Host)).flat()
	}
	return fail(http.StatusMisdirectedRequest, "", "WRONG_HOST").flat()
}

// words selects the language: that chosen in this browser, then the application's cookie, then
// Accept-Language.
func (s *Site) words(r *http.Request) *i18n.Words {
	return s.c.Words.For(s.jar.languages(r)...)
}

// agent returns the user agent, truncated and cleaned for storage.
func agent(r *http.Request) string {
	a := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return -1
		}
		return c
	}, r.UserAgent())
	if len(a) > 256 {
		a = strings.ToValidUTF8(a[:256], "")
	}
	return a
}

// next returns the target that the caller wants afterwards, from the field or else from the query.
func (c *call) next() string {
	if v := c.form.text("next"); v != "" {
		return v
	}
	return c.r.URL.Query().Get("next")
}

// after returns the checked next, or the given view.
func (c *call) after(view string) string {
	if next, ok := safeNext(c.next()); ok {
		return next
	}
	return view
}
