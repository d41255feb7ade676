package web

// getNotMe shows the button. Opening the link of a notice changes nothing, because mail scanners
// also open links (R51).
func (s linkSteps) getNotMe(c *call) (*answer, error) {
	if err := s.c.Login.Links.CheckStop(c.r.Context(), c.token); err != nil {
		return nil, s.secondFactor.turn(c, err)
	}
	return &answer{page: "not_me", view: func() any { return NotMePage{Action: s.paths.NotMe + "/" + c.token} }}, nil
}

// postNotMe ends everything issued to the account.
func (s linkSteps) postNotMe(c *call) (*answer, error) {
	kept, err := s.c.Login.Links.NotMe(c.r.Context(), c.token, c.browser)
	if err != nil {
		return nil, s.secondFactor.turn(c, err)
	}
	a := &answer{page: "not_me", view: func() any { return NotMePage{Done: true} }}
	if kept {
		a.keeps()
	}
	return a, nil
}
