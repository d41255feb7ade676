package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/twofold-auth/twofold/internal/storage"
)

// App configures the application's own pages in Views.
type App struct {
	// Origin is the origin of the pages. If it is nil, that of the site is used. Scripts of that
	// origin may call every path with the browser's cookies, like those of the site.
	Origin *url.URL
	// If Tells is set, mailed links and redirects from identity providers add the result to the
	// query of the page to which they redirect.
	Tells bool
	// CSRFCookie is the name of a cookie with the token of csrf_token that scripts can read, or
	// empty. CSRFHeader is an additional header in which the token may be sent.
	CSRFCookie, CSRFHeader string
}

// SameSite reports whether two origins are the same site for browsers (RFC 6265bis section 5.2), so
// that SameSite cookies are sent.
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

// nameApp reads the origin of the application. Requests of a page on another site have cookies only
// with SameSite=None, which browsers accept only over https.
func (s spaSteps) nameApp() error {
	csp := "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"
	if o := s.c.App.Origin; o != nil && o.Scheme+"://"+o.Host != s.home {
		s.app = o.Scheme + "://" + o.Host
		if err := s.origin.AddTrustedOrigin(s.app); err != nil {
			return err
		}
		s.jar.crossSite = !SameSite(s.c.Origin, o)
		if s.jar.crossSite && !s.jar.secure {
			return errors.New("the application at " + s.app + " is on another site than " + s.home + ": use https")
		}
		csp += " " + s.app // browsers check the redirect after a form against it
	}
	s.csp = csp + "; frame-ancestors 'none'"
	return nil
}

// all returns pointers to all views.
func (v *Views) all() []*string {
	l := &v.Life
	return []*string{
		&v.PostLogin, &v.PostLogout, &v.PostRegister, &v.PostVerify, &v.PostSetup, &v.Error, &v.Unauthorized,
		&v.PostWanRegister,
		&v.PostUnifiedSetup, &v.VerifyError, &v.OAuth.PostLogin, &v.OAuth.PostVerify,
		&l.PostConfirm, &l.ConfirmError, &l.Unconfirmed, &l.PostReset, &l.ResetError, &l.Reset, &l.LoginError,
		&l.PostChange,
		&l.PostChangeEmail, &l.ChangeEmailError, &l.PostChangeUsername,
	}
}

// placed returns the configured views, each at the application's origin. It never uses data of a
// request.
func (s spaSteps) placed(v Views) (Views, error) {
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

// elsewhere reports whether a target is on the application's own origin.
func (s spaSteps) elsewhere(to string) bool { return s.app != "" && strings.HasPrefix(to, s.app+"/") }

// own reports whether a target is a page of this package.
func (s spaSteps) own(to string) bool {
	path, _, _ := strings.Cut(to, "#")
	path, _, _ = strings.Cut(path, "?")
	_, ok := s.routes[path]
	return ok
}

// goOn redirects a browser to the target of a step, with its message: in the query of the
// application's page if Tells is set, and otherwise as a note on our next page. about is the user
// of a link that has taken effect; a refused link reveals no user (R193).
func (s spaSteps) goOn(c *call, to string, said problem, about *storage.User, news bool) {
	view := s.views.Life.LoginError
	switch {
	case c.link && !s.own(to) && (s.c.App.Tells || to == view && view != ""):
		if kind, ok := noteKind(c.words, or(said.page, said.key)); ok {
			to = withQuery(to, kind, said.text(c.words))
		}
		if about != nil && s.c.App.Tells {
			to = withQuery(withQuery(to, "email", about.Email), "identity", about.Email)
		}
	case s.elsewhere(to): // our next page would show it out of context
	default:
		life := flashLife
		if !s.own(to) {
			life = passingLife
		}
		s.flash.setNotes(c, life, news, or(said.page, said.key), said.args...)
	}
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
}

// secondElsewhere sets the target of a sign-in link after which a second factor is required, if the
// application shows its own pages.
func (s spaSteps) secondElsewhere(c *call, a *answer) {
	view := s.views.Life.LoginError
	if !c.link || !s.c.App.Tells || view == "" || a.outcome == nil || a.outcome.Pending == nil {
		return
	}
	state := or(s.account.pendingBody(a.outcome.Pending).State, "select")
	a.to, a.note = withQuery(withQuery(view, "tf_required", "1"), "tf_state", state), ""
	a.about = &a.outcome.User
}

// opensItself reports whether opening a link takes effect without a button. An application with its
// own pages may configure that, but only for a user who opens the link in the browser that
// requested it. A mail scanner does not have that browser's cookie, and a page of another site does
// not know the link (R193).
func (s spaSteps) opensItself(c *call, here bool) bool {
	h := c.r.Header
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	return here && s.c.App.Tells && !c.json && c.r.Method == http.MethodGet && (mode == "" || mode == "navigate") &&
		(dest == "" || dest == "document") && h.Get("Sec-Purpose") == "" && h.Get("Purpose") == ""
}

// fromApp reports whether a request comes from the application's own origin.
func (s spaSteps) fromApp(r *http.Request) bool {
	return s.app != "" && r.Header.Get("Origin") == s.app
}

// share sets the CORS headers that allow scripts of the application's origin only (R192). It
// reports whether the request was a preflight request.
func (s spaSteps) share(w http.ResponseWriter, r *http.Request) (asked bool) {
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
	headers := "Accept, Accept-Language, Authentication-Token, Authorization, Content-Type, X-CSRFToken, " +
		"X-CSRF-Token, X-XSRF-Token, " + pendingHeader
	if own := s.c.App.CSRFHeader; own != "" {
		headers += ", " + own
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
