package web

import (
	"errors"

	"github.com/twofold-auth/twofold/internal/auth"
)

// undelivered returns the failure of a code that could not be sent, and offers the next factor of
// another method.
func (s *Site) undelivered(c *call, p *auth.Pending, err error) *failure {
	f := s.toFailure(err)
	if !errors.Is(err, auth.ErrSend) {
		return f
	}
	if c.instead = instead(p); c.instead != nil {
		f.extras.Instead = &choiceBody{ID: c.instead.ID, Method: c.instead.Method, Name: c.instead.Name,
			Destination: c.instead.Destination}
	}
	return f
}

// instead returns the first factor with another method than the chosen one, or nil.
func instead(p *auth.Pending) *FactorView {
	for _, f := range choices(p.Factors) {
		if f.Method != p.Method {
			return &f
		}
	}
	return nil
}
