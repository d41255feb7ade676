package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/twofold-auth/twofold/internal/seal"
)

// Every unsafe request is checked by http.CrossOriginProtection, which relies on Sec-Fetch-Site and
// Origin. A request without either header does not come from a recent browser. If it is a form, it
// must then contain the token that every page and every JSON answer contains, which is bound to a
// cookie. A JSON request without these headers needs no token, because no page can make a browser
// send one.

const csrfSize = 16

// csrfToken returns a token for this browser and sets the cookie to which it is bound. The token is
// different each time, so that the compression of pages does not reveal it.
func (s *Site) csrfToken(w http.ResponseWriter, r *http.Request) string {
	cookie := s.jar.get(r, s.jar.csrf())
	if len(cookie) != len(seal.Token()) {
		cookie = seal.Token()
		s.jar.set(w, s.jar.csrf(), cookie, 0)
	}
	salt := make([]byte, csrfSize)
	rand.Read(salt) // never fails: crypto/rand aborts the program instead
	mac := s.c.Keys.MAC("csrf", string(salt), cookie)
	token := base64.RawURLEncoding.EncodeToString(append(salt, mac[:csrfSize]...))
	if s.jar.readable != "" {
		s.jar.set(w, s.jar.readable, token, 0)
	}
	return token
}

// csrfOK checks a token against this browser's cookie.
func (s *Site) csrfOK(r *http.Request, token string) bool {
	cookie := s.jar.get(r, s.jar.csrf())
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 2*csrfSize || cookie == "" {
		return false
	}
	ok := 0
	for _, mac := range s.c.Keys.MACs("csrf", string(raw[:csrfSize]), cookie) {
		ok |= subtle.ConstantTimeCompare(mac[:csrfSize], raw[csrfSize:])
	}
	return ok == 1
}

// checkOrigin refuses a request that another site made a browser send.
func (s *Site) checkOrigin(r *http.Request) *failure {
	if !unsafeRequest(r) {
		return nil
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		asked := *r
		asked.Method = http.MethodPost // Check depends on the method
		r = &asked
	}
	if err := s.origin.Check(r); err != nil || s.otherScheme(r) {
		return fail(http.StatusForbidden, "", "CSRF_ORIGIN").flat()
	}
	return nil
}

// otherScheme detects a case that Check cannot: without Sec-Fetch-Site, Check compares Origin with
// Host, which has no scheme, so it would accept an attacker's page on plain http under our host
// name (R103).
func (s *Site) otherScheme(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && !s.spa.fromApp(r) && r.Header.Get("Sec-Fetch-Site") == "" &&
		!strings.HasPrefix(origin, s.c.Origin.Scheme+"://")
}

// checkToken requires the token in a form without headers that show its origin.
func (s *Site) checkToken(c *call) *failure {
	r := c.r
	if safeMethod(r.Method) || c.body == jsonBody || c.json && c.body == noBody ||
		r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" {
		return nil
	}
	token := c.form.text("csrf_token")
	for _, h := range []string{"X-CSRFToken", "X-CSRF-Token", "X-XSRF-Token", s.c.App.CSRFHeader} {
		if token == "" && h != "" {
			token = r.Header.Get(h)
		}
	}
	switch {
	case token == "":
		return fail(http.StatusBadRequest, "csrf_token", "CSRF_MISSING")
	case !s.csrfOK(r, token):
		return fail(http.StatusBadRequest, "csrf_token", "CSRF_INVALID")
	}
	return nil
}

func safeMethod(m string) bool { return m == http.MethodGet || m == http.MethodHead }

// unsafeRequest reports whether a request may have an effect. The handshake of a WebSocket is a GET
// with an Upgrade header (RFC 6455 section 4.1), over HTTP/2 a CONNECT (RFC 8441). It opens a
// channel for writing, and browsers send it with cookies even for pages of sibling hosts, so it
// counts as a POST.
func unsafeRequest(r *http.Request) bool {
	return !safeMethod(r.Method) || len(r.Header.Values("Upgrade")) > 0
}
