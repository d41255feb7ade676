package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
)

func (s profileSteps) getChangeEmail(c *call) (*answer, error) {
	return &answer{
		json: func() response { return &emailBody{Current: c.who.User.Email} }, user: &c.who.User,
		page: "change_email", view: func() any { return ChangePage{Current: c.who.User.Email} },
	}, nil
}

// emailBody is the JSON of the page that changes the address.
type emailBody struct {
	common
	Current string `json:"current_email"`
}

func (s profileSteps) postAskChangeEmail(c *call) (*answer, error) {
	email := c.form.text("email")
	if email == "" {
		return nil, fail(http.StatusBadRequest, "email", "EMAIL_NOT_PROVIDED")
	}
	s.link.asks(c)
	err := s.c.Login.Account.AskChangeEmail(c.r.Context(), *c.who, email, c.browser)
	if errors.Is(err, auth.ErrTaken) {
		if s.c.Specific {
			return nil, fail(http.StatusBadRequest, "email", "EMAIL_ALREADY_ASSOCIATED", "email", canonical(email))
		}
		err = nil
	}
	if err != nil {
		return nil, s.session.stale(c, err)
	}
	a, err := s.getChangeEmail(c)
	if err == nil {
		a.note, a.args = "CHANGE_EMAIL_SENT", []any{"email", canonical(email)}
	}
	return a, err
}

func (s profileSteps) badChangeEmail(err error) error {
	return s.link.badLink(err, s.views.Life.ChangeEmailError, "API_ERROR", "CHANGE_EMAIL_EXPIRED",
		[]any{"within", s.c.Life.EmailWithin})
}

// changeEmailRefused redirects a caller who is not signed in to the sign-in page, which leads back.
func (s profileSteps) changeEmailRefused(c *call, err error) error {
	if !errors.Is(err, auth.ErrNotAsked) {
		return s.badChangeEmail(err)
	}
	f := s.toFailure(err).flat()
	if c.who == nil {
		f.status = http.StatusUnauthorized
		return f.goTo(withNext(s.paths.Login, s.paths.Life.ChangeEmail+"/"+c.token))
	}
	return f.goTo(s.views.Life.ChangeEmailError)
}

func (s profileSteps) getChangeEmailLink(c *call) (*answer, error) {
	here, err := s.c.Login.Account.LookChangeEmail(c.r.Context(), c.token, c.who, c.browser)
	if err != nil {
		return nil, s.changeEmailRefused(c, err)
	}
	if s.spa.opensItself(c, here) {
		return s.postChangeEmailLink(c)
	}
	return s.link.linkPage(c, "change-email"), nil
}

func (s profileSteps) postChangeEmailLink(c *call) (*answer, error) {
	out, err := s.c.Login.Account.ChangeEmail(c.r.Context(), c.token, c.who, c.browser)
	if err != nil {
		return nil, s.changeEmailRefused(c, err)
	}
	return &answer{outcome: &out, about: &out.User, to: s.views.Life.PostChangeEmail,
		note: "CHANGE_EMAIL_CONFIRMED"}, nil
}
