package web

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/store"
)

// FirstSetupPage is the data of "us_setup": what begins a sign-in.
type FirstSetupPage struct {
	Password bool           // the account has one and may begin with it
	Factors  []FactorView   // what is set up
	Methods  []MethodChoice // may be set up
	Last     bool           // only one way in is left: it cannot be removed
	Region   string
}

// FirstConfirmPage is the data of "us_confirm": the code that completes a
// set-up.
type FirstConfirmPage struct {
	ConfirmPage
}

// FirstVerifyPage is the data of "us_verify".
type FirstVerifyPage struct {
	Password  bool
	App       bool
	Codes     []string // methods that send a code
	Life      time.Duration
	Passkey   bool // one will do, at URL.WanVerify
	Providers []ProviderView
}

// firstError sends who is not fresh to prove himself again.
func (s *Site) firstError(err error, field string) error {
	switch {
	case errors.Is(err, login.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.verifyPath(), s.paths.Unified.Setup))
	case errors.Is(err, login.ErrMethod):
		return fail(http.StatusBadRequest, field, "US_METHOD_NOT_AVAILABLE")
	case errors.Is(err, login.ErrSend):
		return s.toFailure(err).at(field)
	}
	return err
}

func (s *Site) getFirstSetup(c *call) (*answer, error) {
	p, err := s.c.Login.FirstSetup(c.r.Context(), *c.who)
	if err != nil {
		return nil, s.firstError(err, "chosen_method")
	}
	active := p.Active
	if !p.Password && c.who.User.PasswordHash != "" { // the account has it, though no sign-in begins with it
		active = append(slices.Clone(active), login.ByPassword)
	}
	body := map[string]any{
		"identity_attributes": s.identityAttributes(), "available_methods": s.c.Login.FirstMethods(),
		"active_methods": active, "setup_methods": p.Methods, "phone": nil,
	}
	data := FirstSetupPage{
		Password: p.Password, Factors: factorViews(p.Factors),
		Last: len(p.Factors) == 1 && p.Last, Region: s.c.Region,
	}
	for _, m := range p.Methods {
		if !slices.Contains(p.Active, m) {
			data.Methods = append(data.Methods, MethodChoice{Method: m, Weak: login.Weak(m)})
		}
	}
	for _, f := range p.Factors {
		if page, ok := askRemoval(c, "method", f.Method, c.words.Page("label_"+f.Method)); ok && !data.Last {
			page.Action, page.Back = s.paths.Unified.Setup, s.paths.Unified.Setup
			page.Field, page.Value = "delete_method", f.Method
			return removal(page), nil
		}
		if f.Method == store.SMS {
			body["phone"] = f.Destination
		}
	}
	return &answer{body: body, page: "us_setup", data: data}, nil
}

// postFirstSetup removes and begins to add, in this order; a removal stands
// whatever becomes of the rest, as the wire contract says.
func (s *Site) postFirstSetup(c *call) (*answer, error) {
	method, gone := c.form.text("chosen_method"), c.form.lists["delete_method"]
	if method == "" && len(gone) == 0 {
		return nil, fail(http.StatusBadRequest, "", "API_ERROR")
	}
	a := &answer{}
	if len(gone) > 0 {
		out, err := s.c.Login.RemoveFirst(c.r.Context(), *c.who, gone, c.browser)
		if err != nil {
			return nil, s.firstError(err, "delete_method")
		}
		c.who = &login.Who{User: out.User, Session: out.Session.Session}
		a.outcome, a.to, a.note = &out, s.paths.Unified.Setup, "US_METHOD_REMOVED"
	}
	if method == "" {
		return a, nil
	}
	begun, err := s.c.Login.BeginFirst(c.r.Context(), *c.who, login.Wish{Method: method, Phone: c.form.text("phone")}, c.browser)
	if errors.Is(err, login.ErrSend) && !c.json && begun.Method != "" {
		c.problems = []problem{{field: "", key: "FAILED_TO_SEND_CODE"}}
		err = nil
	}
	if err != nil {
		return a, s.firstError(err, "chosen_method")
	}
	a.to, a.note = "", ""
	a.body, a.page, a.data = s.firstBegunBody(c, begun), "us_confirm", s.firstConfirmPage(begun)
	return a, nil
}

func (s *Site) firstBegunBody(c *call, b login.Begun) map[string]any {
	body := map[string]any{"chosen_method": b.Method, "phone": nil, "state": b.StateToken}
	if b.Method == store.SMS {
		body["phone"] = b.Destination
	}
	if b.Shown != nil {
		body["authr_key"], body["authr_b32key"], body["authr_uri"] = b.Shown.Key, b.Shown.B32Key, b.Shown.URI
		body["authr_username"], body["authr_issuer"] = b.Shown.Username, b.Shown.Issuer
		if s.wantsQR(c) {
			body["authr_qr"] = b.Shown.QR()
		}
	}
	return body
}

func (s *Site) firstConfirmPage(b login.Begun) FirstConfirmPage {
	p := ConfirmPage{
		Method: b.Method, Destination: mask(b.Method, b.Destination), Action: s.paths.Unified.Setup + "/" + b.StateToken,
		Life: s.c.CodeLife[b.Method],
	}
	if b.Shown != nil {
		p.QR, p.Key, p.URI = b.Shown.QR(), b.Shown.Key, template.URL(b.Shown.URI)
		p.Username, p.Issuer = b.Shown.Username, b.Shown.Issuer
	}
	return FirstConfirmPage{p}
}

func (s *Site) postFirstSetupToken(c *call) (*answer, error) {
	setup := s.paths.Unified.Setup
	code := c.form.text("passcode")
	if code == "" {
		return nil, fail(http.StatusBadRequest, "passcode", "FIELD_REQUIRED").goTo(setup)
	}
	out, f, err := s.c.Login.ConfirmFirst(c.r.Context(), *c.who, c.token, code, c.browser)
	switch {
	case errors.Is(err, login.ErrCode):
		return nil, fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE").goTo(setup)
	case errors.Is(err, login.ErrSetupExpired):
		return nil, fail(http.StatusBadRequest, "", "US_SETUP_EXPIRED", "within", s.c.FirstSetupWithin).goTo(setup)
	case errors.Is(err, login.ErrState), errors.Is(err, login.ErrMethod):
		return nil, fail(http.StatusBadRequest, "", "API_ERROR").goTo(setup)
	case err != nil:
		return nil, s.toFailure(err).goTo(setup)
	}
	body := map[string]any{"chosen_method": f.Method, "phone": nil}
	if f.Method == store.SMS {
		body["phone"] = f.Destination
	}
	return &answer{outcome: &out, body: body, to: s.views.PostUnifiedSetup, note: "US_SETUP_SUCCESSFUL"}, nil
}

func (s *Site) getUnifiedVerify(c *call) (*answer, error) {
	p, err := s.c.Login.FirstFactors(c.r.Context(), *c.who)
	if err != nil {
		return nil, err
	}
	body, passkey := s.verifyBody(c)
	data := FirstVerifyPage{
		Password: p.Password, App: slices.Contains(p.Active, store.Authenticator),
		Codes: []string{}, Life: s.c.FirstCodeLife, Passkey: passkey,
		Providers: s.providerViews(login.ToVerify, s.paths.OAuth.VerifyStart),
	}
	for _, m := range s.c.Login.CodeMethods() {
		if slices.Contains(p.Active, m) {
			data.Codes = append(data.Codes, m)
		}
	}
	body["available_methods"], body["code_methods"] = s.c.Login.FirstMethods(), data.Codes
	return &answer{body: body, user: &c.who.User, page: "us_verify", data: data}, nil
}

func (s *Site) postUnifiedVerify(c *call) (*answer, error) {
	if c.form.text("passcode") == "" {
		return nil, fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE")
	}
	out, err := s.c.Login.VerifyPasscode(c.r.Context(), *c.who, c.form.text("passcode"), c.browser)
	switch {
	case errors.Is(err, login.ErrPassword):
		return nil, fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE")
	case errors.Is(err, login.ErrSameFactor):
		return nil, s.toFailure(err).at("passcode")
	}
	return s.verifyEnded(c, out, s.paths.Unified.Verify, err)
}

func (s *Site) postVerifySendCode(c *call) (*answer, error) {
	method, p := s.chosen(c)
	if p != nil {
		return nil, &failure{status: http.StatusBadRequest, problems: []problem{*p}}
	}
	if err := s.c.Login.SendVerify(c.r.Context(), *c.who, method, c.browser); err != nil {
		return nil, s.firstError(err, "chosen_method")
	}
	a, err := s.getUnifiedVerify(c)
	if err != nil {
		return nil, err
	}
	return &answer{page: a.page, data: a.data, note: "CODE_HAS_BEEN_SENT", keep: &kept{At: s.paths.Unified.Verify}}, nil
}
