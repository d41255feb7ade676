package web

func (s accountSteps) getAskConfirm(c *call) (*answer, error) {
	return s.link.askPage(c, "confirm"), nil
}

func (s accountSteps) postAskConfirm(c *call) (*answer, error) {
	return s.link.ask(c, "confirm", "CONFIRMATION_REQUEST", s.c.Login.Account.AskConfirm)
}

func (s accountSteps) badConfirm(err error) error {
	return s.link.badLink(err, s.views.Life.ConfirmError, "INVALID_CONFIRMATION_TOKEN", "CONFIRMATION_EXPIRED",
		[]any{"within", s.c.Life.ConfirmWithin})
}

func (s accountSteps) getConfirm(c *call) (*answer, error) {
	choose, here, err := s.c.Login.Account.LookConfirm(c.r.Context(), c.token, c.who, c.browser)
	if err != nil {
		return nil, s.badConfirm(err)
	}
	if !choose && s.spa.opensItself(c, here) {
		return s.postConfirm(c)
	}
	a := s.link.linkPage(c, "confirm")
	if choose {
		a = s.link.choosePage(c, "confirm", "") // reveal nothing about the account to another browser (R193)
	}
	a.json = func() response { return &confirmBody{PasswordRequired: choose} }
	return a, nil
}

// confirmBody is the JSON of the page of a confirmation link.
type confirmBody struct {
	common
	PasswordRequired bool `json:"password_required"`
}

func (s accountSteps) postConfirm(c *call) (*answer, error) {
	plain, n := c.form.text("password"), &needs{}
	if plain != "" {
		s.typed(c, n, "password")
	}
	if f := n.result(); f != nil {
		return nil, f
	}
	out, err := s.c.Login.Account.Confirm(c.r.Context(), c.token, plain, c.who, c.browser)
	if err != nil {
		return nil, s.badConfirm(err)
	}
	if c.who != nil && c.who.User.ID != out.User.ID { // as the contract requires: another user was signed in
		if err := s.c.Login.Sessions.Logout(c.r.Context(), nil, c.who, c.browser); err != nil {
			return &answer{outcome: &out}, err
		}
		s.jar.clear(c.w, c.r, s.jar.session())
		c.who = nil
	}
	a := s.link.afterLink(c, out, s.views.Life.PostConfirm, "EMAIL_CONFIRMED", "EMAIL_CONFIRMED")
	a.about = &out.User
	return a, nil
}
