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

// recoverySection warns of a pending request.
func (s recoverySteps) recoverySection(c *call, p *AccountPage, body map[string]any) error {
	r, ok, err := s.c.Login.Recovery.RecoveryOf(c.r.Context(), *c.who)
	body["recovery"] = nil
	if err != nil || !ok {
		return err
	}
	part := &RecoveryPart{Asked: r.CreatedAt, Opens: r.OpensAt, Address: r.Address, Action: s.paths.Recovery}
	if r.Address != "" {
		part.Browser = device.Name(r.Agent)
	}
	p.Recovery = part
	body["recovery"] = map[string]any{"asked": stamp(r.CreatedAt), "opens": stamp(r.OpensAt), "browser": part.Browser,
		"address": r.Address}
	return nil
}

// getRecovery reports whether there is a pending request. Browsers see it on the account page.
func (s recoverySteps) getRecovery(c *call) (*answer, error) {
	var page AccountPage
	body := map[string]any{}
	if err := s.recoverySection(c, &page, body); err != nil {
		return nil, err
	}
	return &answer{body: body, to: s.session.listed(s.paths.Sessions)}, nil
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
	if errors.As(err, &waits) {
		page.Opens = waits.Until
		return &answer{body: map[string]any{"opens": stamp(waits.Until)}, page: "tf_recovery", data: page}, nil
	}
	if err != nil {
		return nil, err
	}
	return &answer{body: map[string]any{"opens": nil}, page: "tf_recovery", data: page}, nil
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
