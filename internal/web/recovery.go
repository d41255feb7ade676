package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/login"
)

// RecoveryPage is the data of "tf_recovery": what a recovery link opens.
type RecoveryPage struct {
	Action string    // where the password posts
	Opens  time.Time // zero: it works now
}

// RecoveryPart says on the account page that someone asked for a way in
// without the second factor.
type RecoveryPart struct {
	Asked, Opens     time.Time
	Browser, Address string // empty: an operator
	Action           string // where "stop" posts
}

func (s *Site) recoveryRows() []route {
	p := s.paths.Recovery
	return []route{
		{method: http.MethodGet, path: p, access: forUser, step: s.getRecovery},
		{method: http.MethodPost, path: p, access: forUser, step: s.cancelRecovery},
		{method: http.MethodDelete, path: p, access: forUser, step: s.cancelRecovery},
		{method: http.MethodGet, path: p + tokenEnd, access: forAnyone, step: s.getRecover},
		{method: http.MethodPost, path: p + tokenEnd, access: forAnonymous, step: s.postRecover, again: s.getRecover, take: fields{"password": text}},
	}
}

// recoverySection warns of a request that waits.
func (s *Site) recoverySection(c *call, p *AccountPage, body map[string]any) error {
	r, ok, err := s.c.Login.RecoveryOf(c.r.Context(), *c.who)
	body["recovery"] = nil
	if err != nil || !ok {
		return err
	}
	part := &RecoveryPart{Asked: r.CreatedAt, Opens: r.OpensAt, Address: r.Address, Action: s.paths.Recovery}
	if r.Address != "" {
		part.Browser = device.Name(r.Agent)
	}
	p.Recovery = part
	body["recovery"] = map[string]any{"asked": stamp(r.CreatedAt), "opens": stamp(r.OpensAt), "browser": part.Browser, "address": r.Address}
	return nil
}

// getRecovery says whether a request waits. A person sees it on his account page.
func (s *Site) getRecovery(c *call) (*answer, error) {
	var page AccountPage
	body := map[string]any{}
	if err := s.recoverySection(c, &page, body); err != nil {
		return nil, err
	}
	return &answer{body: body, to: s.listed(s.paths.Sessions)}, nil
}

// cancelRecovery stops a request, from any browser that is signed in.
func (s *Site) cancelRecovery(c *call) (*answer, error) {
	if err := s.c.Login.CancelRecovery(c.r.Context(), *c.who, c.browser); err != nil {
		return nil, err
	}
	return &answer{to: s.listed(s.paths.Sessions), note: "RECOVERY_CANCELLED"}, nil
}

// getRecover is the page of the link. Opening it changes nothing (R51).
func (s *Site) getRecover(c *call) (*answer, error) {
	err := s.c.Login.CheckRecovery(c.r.Context(), c.token)
	page := RecoveryPage{Action: s.paths.Recovery + "/" + c.token}
	var waits *login.Waits
	if errors.As(err, &waits) {
		page.Opens = waits.Until
		return &answer{body: map[string]any{"opens": stamp(waits.Until)}, page: "tf_recovery", data: page}, nil
	}
	if err != nil {
		return nil, err
	}
	return &answer{body: map[string]any{"opens": nil}, page: "tf_recovery", data: page}, nil
}

// postRecover takes the password alongside the link, and goes on to the set-up of
// another factor.
func (s *Site) postRecover(c *call) (*answer, error) {
	if c.form.text("password") == "" {
		return nil, fail(http.StatusBadRequest, "password", "PASSWORD_NOT_PROVIDED")
	}
	out, err := s.c.Login.Recover(c.r.Context(), c.token, c.form.text("password"), c.browser)
	var waits *login.Waits
	if errors.As(err, &waits) {
		return nil, fail(http.StatusBadRequest, "", "RECOVERY_WAITS", "within", waits.Until.Sub(s.c.Now()))
	}
	if errors.Is(err, login.ErrDisabled) {
		return nil, s.toFailure(err).at("")
	}
	if err != nil {
		return nil, err
	}
	return s.entered(c, out, s.views.PostLogin), nil
}
