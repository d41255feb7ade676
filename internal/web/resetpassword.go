package web

func (s accountSteps) getAskReset(c *call) (*answer, error) { return s.link.askPage(c, "reset"), nil }

func (s accountSteps) postAskReset(c *call) (*answer, error) {
	return s.link.ask(c, "reset", "PASSWORD_RESET_REQUEST", s.c.Login.Account.AskReset)
}

func (s accountSteps) badReset(err error) error {
	return s.link.badLink(err, s.views.Life.ResetError, "INVALID_RESET_PASSWORD_TOKEN", "PASSWORD_RESET_EXPIRED",
		[]any{"within", s.c.Life.ResetWithin})
}

func (s accountSteps) getReset(c *call) (*answer, error) {
	email, err := s.c.Login.Account.LookReset(c.r.Context(), c.token)
	if err != nil {
		return nil, s.badReset(err)
	}
	a := s.link.choosePage(c, "reset", email)
	if view := s.views.Life.Reset; view != "" {
		a.to = withQuery(view, "token", c.token)
	}
	return a, nil
}

func (s accountSteps) postReset(c *call) (*answer, error) {
	n := &needs{}
	s.typed(c, n, "password")
	if f := n.result(); f != nil {
		return nil, f
	}
	out, err := s.c.Login.Account.Reset(c.r.Context(), c.token, c.form.text("password"), c.who, c.browser)
	if err != nil {
		return nil, s.badReset(err)
	}
	if c.who != nil && c.who.User.ID == out.User.ID {
		s.jar.clear(c.w, c.r, s.jar.session()) // that session has ended
		c.who = nil
	}
	a := s.link.afterLink(c, out, s.views.Life.PostReset, "PASSWORD_RESET_NO_LOGIN", "PASSWORD_RESET")
	a.bare = out.Session == nil && out.Pending == nil
	return a, nil
}
