package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/twofold-auth/twofold/store"
)

// App says where the application's own pages are that Views lead to.
type App struct {
	// Origin serves them; nil: the site's own origin. Scripts of that origin may
	// call every path with the browser's cookies, as those of the site may.
	Origin *url.URL
	// Tells has mailed links, and the ways back from other sites, say what happened
	// in the query of the page that they lead to.
	Tells bool
	// CSRFCookie is a cookie that scripts can read, with the token of csrf_token;
	// none if empty. CSRFHeader is a further header that a form's token may be in.
	CSRFCookie, CSRFHeader string
}

// SameSite reports whether browsers take two origins for one site (RFC 6265bis
// section 5.2): then a cookie that is kept from other sites goes along.
func SameSite(a, b *url.URL) bool {
	if a.Scheme != b.Scheme {
		return false
	}
	if strings.EqualFold(a.Hostname(), b.Hostname()) {
		return true
	}
	_, errA := netip.ParseAddr(a.Hostname())
	_, errB := netip.ParseAddr(b.Hostname())
	if errA == nil || errB == nil {
		return false
	}
	siteA, errA := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a.Hostname()))
	siteB, errB := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b.Hostname()))
	return errA == nil && errB == nil && siteA == siteB
}

// nameApp reads where the application is. A page of another site gets cookies
// only if they say SameSite=None, which browsers take over https only.
func (s *Site) nameApp() error {
	csp := "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"
	if o := s.c.App.Origin; o != nil && o.Scheme+"://"+o.Host != s.home {
		s.app = o.Scheme + "://" + o.Host
		if err := s.origin.AddTrustedOrigin(s.app); err != nil {
			return err
		}
		s.jar.crossSite = !SameSite(s.c.Origin, o)
		if s.jar.crossSite && !s.jar.secure {
			return errors.New("the application at " + s.app + " is another site than " + s.home + ": that takes https")
		}
		csp += " " + s.app // browsers hold the redirect that follows a form against it
	}
	s.csp = csp + "; frame-ancestors 'none'"
	return nil
}

// all are the views by address.
func (v *Views) all() []*string {
	l := &v.Life
	return []*string{
		&v.PostLogin, &v.PostLogout, &v.PostRegister, &v.PostVerify, &v.PostSetup, &v.Error, &v.Unauthorized, &v.PostWanRegister,
		&v.PostUnifiedSetup, &v.VerifyError, &v.OAuth.PostLogin, &v.OAuth.PostVerify,
		&l.PostConfirm, &l.ConfirmError, &l.Unconfirmed, &l.PostReset, &l.ResetError, &l.Reset, &l.LoginError, &l.PostChange,
		&l.PostChangeEmail, &l.ChangeEmailError, &l.PostChangeUsername,
	}
}

// placed are the configured views, each at the application's origin. Nothing
// that a request says is ever placed so.
func (s *Site) placed(v Views) (Views, error) {
	if s.app != "" {
		v.PostLogin, v.PostLogout = or(v.PostLogin, "/"), or(v.PostLogout, "/")
	}
	for _, view := range v.all() {
		path := *view
		if rest, ok := strings.CutPrefix(path, s.app); ok && s.app != "" {
			path = or(rest, "/")
		}
		if path == "" {
			continue
		}
		if _, ok := safeNext(path); !ok {
			return v, errors.New("view " + *view + ": must be a path on this origin")
		}
		*view = s.app + path
	}
	return v, nil
}

// elsewhere reports whether a place is on the application's own origin.
func (s *Site) elsewhere(to string) bool { return s.app != "" && strings.HasPrefix(to, s.app+"/") }

// own reports whether a place is a page of this package.
func (s *Site) own(to string) bool {
	path, _, _ := strings.Cut(to, "#")
	path, _, _ = strings.Cut(path, "?")
	_, ok := s.routes[path]
	return ok
}

// goOn leads a browser to where a step ends, with what there is to say: in the
// query of the application's page, where that was asked for, else on our next
// page. about is the user that a link was for, once it has done its work: a link
// that is refused names no one (R193).
func (s *Site) goOn(c *call, to string, said problem, about *store.User, news bool) {
	view := s.views.Life.LoginError
	switch {
	case c.link && !s.own(to) && (s.c.App.Tells || to == view && view != ""):
		if kind, ok := noteKind(c.words, or(said.page, said.key)); ok {
			to = withQuery(to, kind, said.text(c.words))
		}
		if about != nil && s.c.App.Tells {
			to = withQuery(withQuery(to, "email", about.Email), "identity", about.Email)
		}
	case s.elsewhere(to): // our next page would show it out of its context
	default:
		life := flashLife
		if !s.own(to) {
			life = passingLife
		}
		s.setNotes(c, life, news, or(said.page, said.key), said.args...)
	}
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
}

// secondElsewhere is where a followed link leads that signs in, once a second
// factor is awaited: an application that shows its own pages goes on from there.
func (s *Site) secondElsewhere(c *call, a *answer) {
	view := s.views.Life.LoginError
	if !c.link || !s.c.App.Tells || view == "" || a.outcome == nil || a.outcome.Pending == nil {
		return
	}
	state := "select"
	if named, ok := s.pendingBody(a.outcome.Pending)["tf_state"].(string); ok {
		state = named
	}
	a.to, a.note = withQuery(withQuery(view, "tf_required", "1"), "tf_state", state), ""
	a.about = &a.outcome.User
}

// opensItself reports whether opening a link does its work, without a button. An
// application that shows its own pages may have that, and only for a person who
// goes to the link in the browser that asked for it: a scanner of mail has no
// cookie of that browser, and a page of another site cannot know the link (R193).
func (s *Site) opensItself(c *call, here bool) bool {
	h := c.r.Header
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	return here && s.c.App.Tells && !c.json && c.r.Method == http.MethodGet && (mode == "" || mode == "navigate") &&
		(dest == "" || dest == "document") && h.Get("Sec-Purpose") == "" && h.Get("Purpose") == ""
}

// fromApp reports whether a request comes from the application's own origin.
func (s *Site) fromApp(r *http.Request) bool { return s.app != "" && r.Header.Get("Origin") == s.app }

// share lets scripts of the application's origin, and of no other, read answers
// and send what forms cannot (R192). It reports whether the request only asked
// if it may.
func (s *Site) share(w http.ResponseWriter, r *http.Request) (asked bool) {
	if s.app == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !s.fromApp(r) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", s.app)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	headers := "Accept, Accept-Language, Authentication-Token, Authorization, Content-Type, X-CSRFToken, X-CSRF-Token, X-XSRF-Token, " + pendingHeader
	if own := s.c.App.CSRFHeader; own != "" {
		headers += ", " + own
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
