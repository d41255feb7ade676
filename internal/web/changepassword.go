package web

import (
	"errors"

	"github.com/twofold-auth/twofold/password"
)

func (s profileSteps) getChange(c *call) (*answer, error) {
	has := c.who.User.PasswordHash != ""
	return &answer{
		json: func() response { return &passwordBody{Active: has} }, user: &c.who.User, page: "change",
		view: func() any {
			return ChangePage{Has: has, Confirm: !s.c.Life.TypedOnce, MinLength: s.c.MinPassword}
		},
	}, nil
}

// passwordBody is the JSON of the page that changes the password.
type passwordBody struct {
	common
	Active bool `json:"active_password"` // the account has a password
}

func (s profileSteps) postChange(c *call) (*answer, error) {
	old, n := c.form.text("password"), &needs{}
	n.that(old == "" && c.who.User.PasswordHash != "", "password", "PASSWORD_NOT_PROVIDED")
	s.account.typed(c, n, "new_password")
	if f := n.result(); f != nil {
		return nil, f
	}
	out, err := s.c.Login.Account.ChangePassword(c.r.Context(), *c.who, old, c.form.text("new_password"), c.browser)
	if err != nil {
		return nil, s.changeFailed(c, err)
	}
	return &answer{outcome: &out, user: &out.User, to: c.after(s.views.Life.PostChange), note: "PASSWORD_CHANGE"}, nil
}

// changeFailed adds an error of the new password to its field.
func (s profileSteps) changeFailed(c *call, err error) error {
	for _, about := range []error{
		password.ErrTooShort, password.ErrTooLong, password.ErrCommon, password.ErrContext, password.ErrMalformed,
		password.ErrSimple, password.ErrBreached, password.ErrNotChecked,
	} {
		if errors.Is(err, about) {
			return s.toFailure(err).at("new_password")
		}
	}
	return s.secondFactor.turn(c, s.session.stale(c, err))
}
