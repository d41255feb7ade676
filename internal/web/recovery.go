package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/device"
)

// RecoveryPage is the data of "tf_recovery", the page of a recovery link.
type RecoveryPage struct {
	Action string    // target of the form
	Opens  time.Time // time from which the link works; zero if it works now
}

// RecoveryPart shows on the account page that a recovery of the second factor was requested.
type RecoveryPart struct {
	Asked, Opens     time.Time
	Browser, Address string // empty if an operator requested it
	Action           string // target of the button "stop"
}

func (s recoverySteps) recoveryRows() []route {
	p := s.paths.Recovery
	return []route{
		{method: http.MethodGet, path: p, access: forUser, step: s.getRecovery},
		{method: http.MethodPost, path: p, access: forUser, step: s.cancelRecovery},
		{method: http.MethodDelete, path: p, access: forUser, step: s.cancelRecovery},
		{method: http.MethodGet, path: p + tokenEnd, access: forAnyone, step: s.getRecover},
		{method: http.MethodPost, path: p + tokenEnd, access: forAnonymous, step: s.postRecover, again: s.getRecover,
			take: fields{"password": text}},
	}
}

// recoveryBody is a pending request.
type recoveryBody struct {
	Asked   *string `json:"asked"`
	Opens   *string `json:"opens"`
	Browser string  `json:"browser"`
	Address string  `json:"address"`
}

// recoveryAnswer is the answer about a pending request, which is null if there is none.
type recoveryAnswer struct {
	common
	Recovery *recoveryBody `json:"recovery"`
}

// opensBody is the JSON of the page of a recovery link.
type opensBody struct {
	common
	Opens *string `json:"opens"`
}

// recoverySection warns of a pending request.
func (s recoverySteps) recoverySection(c *call) (part, error) {
	r, ok, err := s.c.Login.Recovery.RecoveryOf(c.r.Context(), *c.who)
	if err != nil || !ok {
		return part{}, err
	}
	browser := ""
	if r.Address != "" {
		browser = device.Name(r.Agent)
	}
	return part{
		json: func(body *accountBody) {
			body.Recovery = &recoveryBody{Asked: stamp(r.CreatedAt), Opens: stamp(r.OpensAt), Browser: browser,
				Address: r.Address}
		},
		page: func(p *AccountPage) {
			p.Recovery = &RecoveryPart{Asked: r.CreatedAt, Opens: r.OpensAt, Browser: browser, Address: r.Address,
				Action: s.paths.Recovery}
		},
	}, nil
}

// getRecovery reports whether there is a pending request. Browsers see it on the account page.
func (s recoverySteps) getRecovery(c *call) (*answer, error) {
	request, err := s.recoverySection(c)
	if err != nil {
		return nil, err
	}
	return &answer{to: s.session.listed(s.paths.Sessions), json: func() response {
		var account accountBody
		if request.json != nil {
			request.json(&account)
		}
		return &recoveryAnswer{Recovery: account.Recovery}
	}}, nil
}

// cancelRecovery cancels a request, from any signed-in browser.
func (s recoverySteps) cancelRecovery(c *call) (*answer, error) {
	if err := s.c.Login.Recovery.CancelRecovery(c.r.Context(), *c.who, c.browser); err != nil {
		return nil, err
	}
	return &answer{to: s.session.listed(s.paths.Sessions), note: "RECOVERY_CANCELLED"}, nil
}

// getRecover shows the page of the link. Opening it changes nothing (R51).
func (s recoverySteps) getRecover(c *call) (*answer, error) {
	err := s.c.Login.Recovery.CheckRecovery(c.r.Context(), c.token)
	page := RecoveryPage{Action: s.paths.Recovery + "/" + c.token}
	var waits *auth.Waits
	switch {
	case errors.As(err, &waits):
		page.Opens = waits.Until
	case err != nil:
		return nil, err
	}
	return &answer{
		json: func() response { return &opensBody{Opens: stamp(page.Opens)} }, page: "tf_recovery",
		view: func() any { return page },
	}, nil
}

// postRecover checks the password together with the link, and continues with the set-up of another
// factor.
func (s recoverySteps) postRecover(c *call) (*answer, error) {
	if c.form.text("password") == "" {
		return nil, fail(http.StatusBadRequest, "password", "PASSWORD_NOT_PROVIDED")
	}
	out, err := s.c.Login.Recovery.Recover(c.r.Context(), c.token, c.form.text("password"), c.browser)
	var waits *auth.Waits
	if errors.As(err, &waits) {
		return nil, fail(http.StatusBadRequest, "", "RECOVERY_WAITS", "within", waits.Until.Sub(s.c.Now()))
	}
	if errors.Is(err, auth.ErrDisabled) {
		return nil, s.toFailure(err).at("")
	}
	if err != nil {
		return nil, err
	}
	return s.account.entered(c, out, s.views.PostLogin), nil
}
