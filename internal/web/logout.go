package web

func (s sessionSteps) postLogout(c *call) (*answer, error) {
	if err := s.c.Login.Sessions.Logout(c.r.Context(), c.pending, c.who, c.browser); err != nil {
		return nil, err
	}
	if err := s.token.logoutRefresh(c); err != nil {
		return nil, err
	}
	// Keep tf_validity: it belongs to the browser and does not skip the first factor.
	s.jar.clear(c.w, c.r, s.jar.session())
	s.jar.clear(c.w, c.r, s.jar.pending())
	if s.jar.readable != "" {
		s.jar.clear(c.w, c.r, s.jar.readable)
	}
	s.jar.clear(c.w, c.r, s.jar.rememberMe())
	s.jar.clear(c.w, c.r, s.jar.csrf())
	c.w.Header().Set("Clear-Site-Data", `"cache"`)
	return &answer{bare: true, to: c.after(s.views.PostLogout), note: "SIGNED_OUT"}, nil
}
