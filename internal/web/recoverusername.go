package web

func (s *Site) getRecoverUsername(c *call) (*answer, error) {
	return s.askPage(c, "username"), nil
}

func (s *Site) postRecoverUsername(c *call) (*answer, error) {
	a, err := s.ask(c, "username", "USERNAME_RECOVERY_REQUEST", s.c.Login.Account.RecoverUsername)
	if err == nil {
		a.to = s.paths.Login
	}
	return a, err
}
