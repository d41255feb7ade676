package web

func (s accountSteps) getRecoverUsername(c *call) (*answer, error) {
	return s.link.askPage(c, "username"), nil
}

func (s accountSteps) postRecoverUsername(c *call) (*answer, error) {
	a, err := s.link.ask(c, "username", "USERNAME_RECOVERY_REQUEST", s.c.Login.Account.RecoverUsername)
	if err == nil {
		a.to = s.paths.Login
	}
	return a, err
}
