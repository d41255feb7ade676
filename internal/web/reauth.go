package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/limit"
)

func (s sessionSteps) getVerify(c *call) (*answer, error) {
	methods, to := s.verifyMethods(c), ""
	if path := s.passwordless.verifyPath(); c.who.User.PasswordHash == "" && path != s.paths.Verify {
		to = withNext(path, c.next()) // this page accepts only a password
	}
	return &answer{
		json: func() response { return &verifyBody{verifyMethods: methods} }, user: &c.who.User, page: "verify", to: to,
		view: func() any {
			return VerifyPage{Passkey: methods.Passkey, Keyless: c.who.User.PasswordHash == "",
				Providers: s.oauth.providerViews(auth.ToVerify, s.paths.OAuth.VerifyStart)}
		},
	}, nil
}

// verifyBody is the JSON of the page of re-authentication.
type verifyBody struct {
	common
	verifyMethods
}

// verifyMethods returns the other methods of re-authentication.
func (s sessionSteps) verifyMethods(c *call) verifyMethods {
	return s.oauth.verifyMethods(s.webauthn.hasVerifier(c))
}

func (s sessionSteps) postVerify(c *call) (*answer, error) {
	if c.form.text("password") == "" {
		return nil, fail(http.StatusBadRequest, "password", "PASSWORD_NOT_PROVIDED")
	}
	out, err := s.c.Login.Reauth.Verify(c.r.Context(), *c.who, c.form.text("password"), c.browser)
	return s.verifyEnded(c, out, s.paths.Verify, err)
}

// verifyEnded returns the answer after the first factor of a re-authentication.
func (s sessionSteps) verifyEnded(c *call, out auth.Outcome, page string, err error) (*answer, error) {
	if errors.Is(err, auth.ErrSend) {
		return &answer{outcome: &out}, s.toFailure(err).flat().goTo(withNext(page, c.next()))
	}
	var paused *limit.Paused
	if errors.As(err, &paused) && out.Pending != nil {
		return &answer{outcome: &out}, s.toFailure(err).flat().goTo(withNext(s.paths.Validate, c.next()))
	}
	if err != nil {
		return nil, err
	}
	if out.Pending != nil {
		return s.account.entered(c, out, s.views.PostVerify), nil
	}
	return s.verified(c, out), nil
}

// verified returns the answer to a completed re-authentication.
func (s sessionSteps) verified(c *call, out auth.Outcome) *answer {
	return &answer{outcome: &out, user: &out.User, to: c.after(s.views.PostVerify), note: "REAUTHENTICATION_SUCCESSFUL"}
}

// stale adds the path to return to after a re-authentication.
func (s sessionSteps) stale(c *call, err error) error {
	if errors.Is(err, auth.ErrReauthenticate) {
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), c.r.URL.EscapedPath()))
	}
	return err
}
