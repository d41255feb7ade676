package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
)

func (s profileSteps) getChangeUsername(c *call) (*answer, error) {
	current := c.who.User.Username
	return &answer{
		json: func() response { return &usernameBody{Current: given(current)} }, user: &c.who.User,
		page: "change_username", view: func() any { return ChangePage{Has: current != "", Current: current} },
	}, nil
}

// usernameBody is the JSON of the page that changes the username.
type usernameBody struct {
	common
	Current *string `json:"current_username"`
}

func (s profileSteps) postChangeUsername(c *call) (*answer, error) {
	// An empty field removes the username.
	name, given := c.form.texts["username"]
	if name == "" && (!given || s.c.Life.UsernameRequired || c.who.User.Username == "") {
		return nil, fail(http.StatusBadRequest, "username", "USERNAME_NOT_PROVIDED")
	}
	out, err := s.c.Login.Account.ChangeUsername(c.r.Context(), *c.who, name, c.browser)
	if errors.Is(err, auth.ErrUsernameTaken) {
		return nil, fail(http.StatusBadRequest, "username", "USERNAME_ALREADY_ASSOCIATED", "username", name)
	}
	if err != nil {
		return nil, s.secondFactor.turn(c, s.session.stale(c, err))
	}
	return &answer{outcome: &out, user: &out.User, to: c.after(s.views.Life.PostChangeUsername),
		note: "USERNAME_CHANGE"}, nil
}
