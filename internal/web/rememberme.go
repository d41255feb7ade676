package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/store"
)

// stay lets a browser in that stays signed in: a request that has no living
// session gets one in exchange for its cookie, and goes on as if it had brought
// it. store.ErrNotFound: it does not. A request with a session is never handled here.
//
// It is as safe as a session cookie: the request may come from nowhere but this
// site (see ownRequest), so no one is made to send the cookie. A browser that
// opens many pages as it starts sends it many times at once; the store exchanges
// it once, and the others are let in by what was just exchanged.
func (s *Site) stay(w http.ResponseWriter, r *http.Request) (*login.Who, error) {
	if s.c.RememberFor == 0 || !s.ownRequest(r) || r.Header.Get("Authentication-Token") != "" || r.Header.Get("Authorization") != "" {
		return nil, store.ErrNotFound
	}
	b := s.browser(w, r, s.words(r))
	if b.Stays == "" {
		return nil, store.ErrNotFound
	}
	out, err := s.c.Login.Stay(r.Context(), b)
	switch {
	case errors.Is(err, login.ErrNotStaying):
		s.jar.clear(w, r, s.jar.staying()) // so that no one looks for it again
		return nil, store.ErrNotFound
	case errors.Is(err, login.ErrLocked): // for a while
		return nil, store.ErrNotFound
	case err != nil:
		return nil, err
	}
	s.jar.outcome(w, r, &out)
	return &login.Who{User: out.User, Session: out.Session.Session}, nil
}

// recall is stay for our own paths. Only those call it that need to know who
// comes: a sign-in under way, or one that begins, belongs to anyone who it names.
func (s *Site) recall(c *call) error {
	if c.who != nil {
		return nil
	}
	who, err := s.stay(c.w, c.r)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	c.who = who
	return err
}

// ownRequest says that no one but this site, or the person themselves by address
// bar or bookmark, made the browser ask. What says nothing of it is an older
// browser, which SameSite keeps from sending the cookie along for another site,
// or none; it may read, but not write.
func (s *Site) ownRequest(r *http.Request) bool {
	if s.fromApp(r) {
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

// remembers says whether who signs in asks to be remembered. A form says so by
// a box that is ticked; JSON may leave it to the site.
func (s *Site) remembers(c *call) bool {
	if _, said := c.form.flags["remember"]; said || c.body == formBody {
		return c.form.flag("remember")
	}
	return s.c.RememberByDefault
}
