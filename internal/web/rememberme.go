package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// stay signs in a browser that stays signed in. A request without a valid session gets one in
// exchange for its cookie, and continues with it. Otherwise stay returns storage.ErrNotFound. It is
// never called for a request with a session.
//
// It is as safe as a session cookie: the request must come from this site (see ownRequest), so
// another site cannot make a browser send the cookie. A browser that opens many pages at start
// sends the cookie many times. The store exchanges it once, and the other requests use the result.
func (s sessionSteps) stay(w http.ResponseWriter, r *http.Request) (*auth.Principal, error) {
	if s.c.RememberFor == 0 || !s.ownRequest(r) || r.Header.Get("Authentication-Token") != "" ||
		r.Header.Get("Authorization") != "" {
		return nil, storage.ErrNotFound
	}
	b := s.browser(w, r, s.words(r))
	if b.RememberMe == "" {
		return nil, storage.ErrNotFound
	}
	out, err := s.c.Login.Sessions.Stay(r.Context(), b)
	switch {
	case errors.Is(err, auth.ErrNotRemembered):
		s.jar.clear(w, r, s.jar.rememberMe()) // so that it is not looked up again
		return nil, storage.ErrNotFound
	case errors.Is(err, auth.ErrLocked): // only for a while
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, err
	}
	s.jar.outcome(w, r, &out)
	return &auth.Principal{User: out.User, Session: out.Session.Session}, nil
}

// recall is like stay, for our own paths. Only paths that need the user call it: a pending or new
// sign-in belongs to the identity that it names.
func (s sessionSteps) recall(c *call) error {
	if c.who != nil {
		return nil
	}
	who, err := s.stay(c.w, c.r)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	c.who = who
	return err
}

// ownRequest reports whether this site, or the user with the address bar or a bookmark, initiated
// the request. A request without such information comes from an older browser, in which SameSite
// prevents other sites from sending the cookie, or from no browser. It may read but not write.
func (s sessionSteps) ownRequest(r *http.Request) bool {
	if s.spa.fromApp(r) {
		return true
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "same-origin":
		return true
	case "none":
		return !unsafeRequest(r)
	case "":
	default:
		return false
	}
	switch r.Header.Get("Origin") {
	case "":
		return !unsafeRequest(r)
	case s.c.Origin.Scheme + "://" + s.c.Origin.Host:
		return true
	}
	return false
}

// remembers reports whether the user asks to be remembered: with a checked box in a form, or with a
// JSON field, whose default the site sets.
func (s sessionSteps) remembers(c *call) bool {
	if _, said := c.form.flags["remember"]; said || c.body == formBody {
		return c.form.flag("remember")
	}
	return s.c.RememberByDefault
}
