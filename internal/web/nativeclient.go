package web

import (
	"net/http"
	"strings"

	"github.com/twofold-auth/twofold/internal/login"
)

// A browser's cookies bind a mailed code, a question to a passkey, a set-up and
// a pending sign-in to it. A client without cookies gets the same value in the
// JSON answer, as tf_pending_token, and sends it back in pendingHeader: always
// the newest one.
//
// Why it is safe: the value is in the answer only if the client asked for header
// tokens or presented one, so a page that lives by cookies never sees it. No
// other site can make a browser send the header: that takes a preflight request,
// which is refused. And the value opens what the cookie opens, the remaining
// steps of one sign-in, and never a page (R190, R191).
const pendingHeader = "Two-Factor-Pending"

// maxBinding bounds the header: no value of ours is longer.
const maxBinding = 128

// presentsToken reports whether a request carries a token in a header of ours,
// valid or not.
func presentsToken(r *http.Request) bool {
	return r.Header.Get("Authentication-Token") != "" || r.Header.Get(pendingHeader) != ""
}

// bearer reports whether a request carries a bearer token (RFC 6750 section 2.1).
func bearer(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

// readBinding takes the value of the header in place of the cookies'. One that
// stands twice is as good as none.
func (s *Site) readBinding(c *call) {
	c.program = c.browser.WantToken || presentsToken(c.r)
	if v := c.r.Header.Values(pendingHeader); len(v) == 1 && v[0] != "" && len(v[0]) <= maxBinding {
		c.pending, c.browser.Pending, c.browser.Asked = v[0], v[0], v[0]
	}
}

// handBinding adds to a JSON answer what binds the next step to this client, if
// the client is one that takes it there.
func (c *call) handBinding(body map[string]any, out *login.Outcome) {
	switch {
	case !c.program:
	case out != nil && out.Pending != nil && out.Pending.Token != "":
		body["tf_pending_token"] = out.Pending.Token
	case out != nil && out.Session != nil: // nothing is left to do
	case c.asked:
		body["tf_pending_token"] = c.browser.Asked
	case out != nil && out.Pending != nil: // the client keeps the one it has
		body["tf_pending_token"] = c.pending
	}
}
