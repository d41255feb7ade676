package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/password"
)

// stale shows the way back after a re-authentication.
func (s *Site) stale(c *call, err error) error {
	if errors.Is(err, login.ErrReauthenticate) {
		return s.toFailure(err).goTo(withNext(s.verifyPath(), c.r.URL.EscapedPath()))
	}
	return err
}

func (s *Site) getChange(c *call) (*answer, error) {
	has := c.who.User.PasswordHash != ""
	return &answer{
		body: map[string]any{"active_password": has}, user: &c.who.User,
		page: "change", data: ChangePage{Has: has, Confirm: !s.c.Life.TypedOnce, MinLength: s.c.MinPassword},
	}, nil
}

func (s *Site) postChange(c *call) (*answer, error) {
	old, n := c.form.text("password"), &needs{}
	n.that(old == "" && c.who.User.PasswordHash != "", "password", "PASSWORD_NOT_PROVIDED")
	s.typed(c, n, "new_password")
	if f := n.result(); f != nil {
		return nil, f
	}
	out, err := s.c.Login.ChangePassword(c.r.Context(), *c.who, old, c.form.text("new_password"), c.browser)
	if err != nil {
		return nil, s.changeFailed(c, err)
	}
	return &answer{outcome: &out, user: &out.User, to: c.after(s.views.Life.PostChange), note: "PASSWORD_CHANGE"}, nil
}

// changeFailed puts what is wrong with the new password to its field.
func (s *Site) changeFailed(c *call, err error) error {
	for _, about := range []error{
		password.ErrTooShort, password.ErrTooLong, password.ErrCommon, password.ErrContext, password.ErrMalformed,
		password.ErrSimple, password.ErrBreached, password.ErrNotChecked,
	} {
		if errors.Is(err, about) {
			return s.toFailure(err).at("new_password")
		}
	}
	return s.turn(c, s.stale(c, err))
}

func (s *Site) getChangeEmail(c *call) (*answer, error) {
	return &answer{
		body: map[string]any{"current_email": c.who.User.Email}, user: &c.who.User,
		page: "change_email", data: ChangePage{Current: c.who.User.Email},
	}, nil
}

func (s *Site) postAskChangeEmail(c *call) (*answer, error) {
	email := c.form.text("email")
	if email == "" {
		return nil, fail(http.StatusBadRequest, "email", "EMAIL_NOT_PROVIDED")
	}
	s.asks(c)
	err := s.c.Login.AskChangeEmail(c.r.Context(), *c.who, email, c.browser)
	if errors.Is(err, login.ErrTaken) {
		if s.c.Specific {
			return nil, fail(http.StatusBadRequest, "email", "EMAIL_ALREADY_ASSOCIATED", "email", canonical(email))
		}
		err = nil
	}
	if err != nil {
		return nil, s.stale(c, err)
	}
	a, err := s.getChangeEmail(c)
	if err == nil {
		a.note, a.args = "CHANGE_EMAIL_SENT", []any{"email", canonical(email)}
	}
	return a, err
}

func (s *Site) badChangeEmail(err error) error {
	return s.badLink(err, s.views.Life.ChangeEmailError, "API_ERROR", "CHANGE_EMAIL_EXPIRED", []any{"within", s.c.Life.EmailWithin})
}

// changeEmailRefused sends who is not signed in to sign in, and back.
func (s *Site) changeEmailRefused(c *call, err error) error {
	if !errors.Is(err, login.ErrNotAsked) {
		return s.badChangeEmail(err)
	}
	f := s.toFailure(err).flat()
	if c.who == nil {
		f.status = http.StatusUnauthorized
		return f.goTo(withNext(s.paths.Login, s.paths.Life.ChangeEmail+"/"+c.token))
	}
	return f.goTo(s.views.Life.ChangeEmailError)
}

func (s *Site) getChangeEmailLink(c *call) (*answer, error) {
	here, err := s.c.Login.LookChangeEmail(c.r.Context(), c.token, c.who, c.browser)
	if err != nil {
		return nil, s.changeEmailRefused(c, err)
	}
	if s.opensItself(c, here) {
		return s.postChangeEmailLink(c)
	}
	return s.linkPage(c, "change-email"), nil
}

func (s *Site) postChangeEmailLink(c *call) (*answer, error) {
	out, err := s.c.Login.ChangeEmail(c.r.Context(), c.token, c.who, c.browser)
	if err != nil {
		return nil, s.changeEmailRefused(c, err)
	}
	return &answer{outcome: &out, about: &out.User, to: s.views.Life.PostChangeEmail, note: "CHANGE_EMAIL_CONFIRMED"}, nil
}

func (s *Site) getChangeUsername(c *call) (*answer, error) {
	var current any
	if name := c.who.User.Username; name != "" {
		current = name
	}
	return &answer{
		body: map[string]any{"current_username": current}, user: &c.who.User,
		page: "change_username", data: ChangePage{Has: current != nil, Current: c.who.User.Username},
	}, nil
}

func (s *Site) postChangeUsername(c *call) (*answer, error) {
	// A field that is there and empty gives the username up.
	name, given := c.form.texts["username"]
	if name == "" && (!given || s.c.Life.UsernameRequired || c.who.User.Username == "") {
		return nil, fail(http.StatusBadRequest, "username", "USERNAME_NOT_PROVIDED")
	}
	out, err := s.c.Login.ChangeUsername(c.r.Context(), *c.who, name, c.browser)
	if errors.Is(err, login.ErrUsernameTaken) {
		return nil, fail(http.StatusBadRequest, "username", "USERNAME_ALREADY_ASSOCIATED", "username", name)
	}
	if err != nil {
		return nil, s.turn(c, s.stale(c, err))
	}
	return &answer{outcome: &out, user: &out.User, to: c.after(s.views.Life.PostChangeUsername), note: "USERNAME_CHANGE"}, nil
}
