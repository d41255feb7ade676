package web

import (
	"errors"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

func (s secondFactorSteps) recoveryOptions(c *call) (map[string]string, []string, error) {
	options, err := s.c.Login.Recovery.RescueOptions(c.r.Context(), c.pending, c.who)
	if err != nil {
		return nil, nil, err
	}
	urls := map[string]string{}
	for _, o := range options {
		urls[o] = s.paths.Rescue
		if o == auth.ByCode {
			urls[o] = s.paths.UseCode
		}
	}
	return urls, options, nil
}

func (s secondFactorSteps) getRescue(c *call) (*answer, error) {
	out, err := s.c.Login.Pending(c.r.Context(), c.pending, nil)
	if err == nil && out.Pending.State != storage.Ready {
		err = auth.ErrState
	}
	if err != nil {
		return nil, s.turn(c, err)
	}
	a, err := s.getValidate(c)
	return a, err
}

func (s secondFactorSteps) postRescue(c *call) (*answer, error) {
	option := c.form.text("help_setup")
	out, err := s.c.Login.Recovery.Rescue(c.r.Context(), c.pending, nil, option, c.browser)
	switch {
	case errors.Is(err, auth.ErrState):
		return nil, s.illegal(c)
	case err != nil:
		return nil, s.toFailure(err).at("help_setup")
	}
	urls, _, err := s.recoveryOptions(c)
	if err != nil {
		return nil, s.turn(c, err)
	}
	var opens *string
	a := &answer{json: func() response { return &rescuedBody{rescueBody: rescueBody{Options: urls}, Opens: opens} },
		to: withNext(s.paths.Validate, c.next()), note: "RESCUE_HELP_SENT"}
	switch option {
	case auth.ByCode:
		a.to, a.note = withNext(s.paths.UseCode, c.next()), ""
	case auth.ByEmail:
		a.note = "RESCUE_EMAIL_SENT"
	case auth.ByRequest:
		a.note, a.args = "RESCUE_RECOVERY_SENT", []any{"within", out.Opens.Sub(s.c.Now())}
		opens = stamp(out.Opens)
	}
	return a, nil
}

// rescueBody contains the paths of the ways of rescue, by their names.
type rescueBody struct {
	common
	Options map[string]string `json:"recovery_options"`
}

// rescuedBody is the answer to a request for help.
type rescuedBody struct {
	rescueBody
	Opens *string `json:"opens,omitempty"` // time from which a requested recovery works
}
