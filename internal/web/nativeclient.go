package web

import (
	"net/http"
	"strings"

	"github.com/twofold-auth/twofold/internal/auth"
)

// Cookies bind a mailed code, a passkey challenge, a set-up and a pending sign-in to a browser. A
// client without cookies gets the same value in the JSON answer, as tf_pending_token, and sends the
// newest one back in pendingHeader.
//
// Why it is safe: the value is in the answer only if the client requested or presented header
// tokens, so a page that uses cookies never sees it. No other site can make a browser send the
// header, because that needs a preflight request, which is refused. Like the cookie, the value
// gives access only to the remaining steps of one sign-in, never to a page (R190, R191).
const pendingHeader = "Two-Factor-Pending"

// maxBinding is the maximum length of the header. Our values are not longer.
const maxBinding = 128

// presentsToken reports whether a request has a token in one of our headers, valid or not.
func presentsToken(r *http.Request) bool {
	return r.Header.Get("Authentication-Token") != "" || r.Header.Get(pendingHeader) != ""
}

// bearer reports whether a request has a bearer token (RFC 6750 section 2.1).
func bearer(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

// readBinding uses the value of the header instead of the cookies. It ignores a header that was
// sent twice.
func (s *Site) readBinding(c *call) {
	c.program = c.browser.WantToken || presentsToken(c.r)
	if v := c.r.Header.Values(pendingHeader); len(v) == 1 && v[0] != "" && len(v[0]) <= maxBinding {
		c.pending, c.browser.Pending, c.browser.Asked = auth.NewPendingCookie(v[0]), v[0], v[0]
	}
}

// binding returns the value that binds the next step to a client without cookies, for its JSON
// answer, or nil.
func (c *call) binding(out *auth.Outcome) *string {
	switch {
	case !c.program:
	case out != nil && out.Pending != nil && out.Pending.Token != "":
		return &out.Pending.Token
	case out != nil && out.Session != nil: // no further step
	case c.asked:
		return &c.browser.Asked
	case out != nil && out.Pending != nil: // the client keeps its value
		value := c.pending.Value()
		return &value
	}
	return nil
}
