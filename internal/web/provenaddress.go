package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/limit"
)

// askAddressProof answers a step that would add a credential to an account whose address is not proven.
// It mails a code to the address. The client enters the code at Paths.Validate and then tries
// again. The answer is the same for every step. A GET mails nothing.
func (s accountSteps) askAddressProof(c *call, rt route, a *answer, refusal error) (*answer, error) {
	f := s.toFailure(refusal).at("")
	if c.who == nil || c.r.Method != http.MethodPost {
		return a, f
	}
	out, err := s.c.Login.Account.AskProof(c.r.Context(), c.pending, *c.who, c.browser)
	var paused *limit.Paused
	switch {
	case err == nil:
	case errors.Is(err, auth.ErrReauthenticate):
		return nil, s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.back(c, rt)))
	case out.Pending != nil && (errors.Is(err, auth.ErrSend) || errors.As(err, &paused)):
		f = s.toFailure(err).at("")
	default:
		return nil, err
	}
	if a != nil && a.outcome != nil { // the earlier effects of the step stay
		out.Session = a.outcome.Session
	}
	f.extras = refusedBody{EmailProofRequired: true, stepBody: &s.pendingBody(out.Pending).stepBody}
	return &answer{outcome: &out}, f.goTo(withNext(s.paths.Validate, s.back(c, rt)))
}

// back returns the page to which a step belongs, or else the account page.
func (s accountSteps) back(c *call, rt route) string {
	if rt.again != nil {
		return c.r.URL.EscapedPath()
	}
	return s.oauth.accountOr(s.views.PostLogin)
}
