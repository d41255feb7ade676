package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
)

func (s passwordlessSteps) postAskLogin(c *call) (*answer, error) {
	next := c.next()
	if _, ok := safeNext(next); next != "" && !ok {
		return nil, fail(http.StatusBadRequest, "next", "INVALID_REDIRECT")
	}
	a, err := s.link.ask(c, "login", "LOGIN_EMAIL_SENT", func(ctx context.Context, email string, b auth.Client) error {
		return s.c.Login.Passwordless.AskLogin(ctx, email, next, b)
	})
	if err != nil {
		return nil, err
	}
	page, err := s.account.getLogin(c)
	if err == nil {
		a.page, a.view = page.page, page.view
	}
	return a, err
}

func (s passwordlessSteps) getLoginLink(c *call) (*answer, error) {
	return s.signInLink(c, s.c.Login.Passwordless.OpenLogin, s.postLoginLink, s.loginLinkFailed)
}

func (s passwordlessSteps) postLoginLink(c *call) (*answer, error) {
	return s.followLink(c, s.c.Login.Passwordless.FollowLogin, s.getLoginLink, s.loginLinkFailed)
}

func (s passwordlessSteps) loginLinkFailed(c *call, err error) error {
	f := fail(http.StatusBadRequest, "", "INVALID_LOGIN_TOKEN")
	switch {
	case errors.Is(err, auth.ErrLinkExpired):
		f = fail(http.StatusBadRequest, "", "LOGIN_EXPIRED", "within", s.c.Life.LoginWithin)
	case !errors.Is(err, auth.ErrLink):
		return err
	}
	return s.linkRefused(c, f, s.paths.Login)
}

// linkRefused redirects after an invalid link to the application's own page if there is one, and
// otherwise to the page that requests another link.
func (s passwordlessSteps) linkRefused(c *call, f *failure, back string) error {
	return f.flat().goTo(or(s.views.Life.LoginError, back))
}
