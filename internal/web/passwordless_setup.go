package web

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// FirstSetupPage is the data of "us_setup": the first factors.
type FirstSetupPage struct {
	Password bool           // the account has a password that can start a sign-in
	Factors  []FactorView   // factors that are set up
	Methods  []MethodChoice // methods that may be set up
	Last     bool           // the only remaining factor, which cannot be removed
	Region   string
}

// FirstVerifyPage is the data of "us_verify".
type FirstVerifyPage struct {
	Password  bool
	App       bool
	Codes     []string // methods that send a code
	Sent      bool     // a code was sent and may be entered now
	Method    string   // method that sent it
	Life      time.Duration
	Passkey   bool // a passkey is accepted, at URL.WanVerify
	Providers []ProviderView
}

// firstError redirects a user whose session is not fresh to re-authentication.
func (s passwordlessSteps) firstError(err error, field string) error {
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.verifyPath(), s.paths.Unified.Setup))
	case errors.Is(err, auth.ErrMethod):
		return fail(http.StatusBadRequest, field, "US_METHOD_NOT_AVAILABLE")
	case errors.Is(err, auth.ErrSend):
		return s.toFailure(err).at(field)
	}
	return err
}

func (s passwordlessSteps) getFirstSetup(c *call) (*answer, error) {
	p, err := s.c.Login.Passwordless.FirstSetup(c.r.Context(), *c.who)
	if err != nil {
		return nil, s.firstError(err, "chosen_method")
	}
	active := p.Active
	// the account has a password, although it cannot start a sign-in
	if !p.Password && c.who.User.PasswordHash != "" {
		active = append(slices.Clone(active), auth.ByPassword)
	}
	last := len(p.Factors) == 1 && p.Last
	for _, f := range p.Factors {
		if page, ok := askRemoval(c, "method", f.Method, c.words.Page("label_"+f.Method)); ok && !last {
			page.Action, page.Back = s.paths.Unified.Setup, s.paths.Unified.Setup
			page.Field, page.Value = "delete_method", f.Method
			return removal(page), nil
		}
	}
	return &answer{
		json: func() response {
			body := &firstSetupBody{
				Identities: s.account.identityAttributes(), Methods: s.c.Login.Passwordless.FirstMethods(),
				Active: active, SetupMethods: p.Methods,
			}
			for _, f := range p.Factors {
				if f.Method == storage.SMS {
					body.Phone = &f.Destination
				}
			}
			return body
		},
		page: "us_setup",
		view: func() any {
			page := FirstSetupPage{Password: p.Password, Factors: factorViews(p.Factors), Last: last,
				Region: s.c.Region}
			for _, m := range p.Methods {
				if !slices.Contains(p.Active, m) {
					page.Methods = append(page.Methods, MethodChoice{Method: m, Weak: policy.Weak(m)})
				}
			}
			return page
		},
	}, nil
}

// firstSetupBody is the JSON of the page of first factors.
type firstSetupBody struct {
	common
	Identities   []string `json:"identity_attributes"`
	Methods      []string `json:"available_methods"`
	Active       []string `json:"active_methods"` // those of the user
	SetupMethods []string `json:"setup_methods"`
	Phone        *string  `json:"phone"`
}

// postFirstSetup removes factors and then starts to add one. As the wire contract requires, a
// removal is kept even if the rest fails.
func (s passwordlessSteps) postFirstSetup(c *call) (*answer, error) {
	method, gone := c.form.text("chosen_method"), c.form.lists["delete_method"]
	if method == "" && len(gone) == 0 {
		return nil, fail(http.StatusBadRequest, "", "API_ERROR")
	}
	a := &answer{}
	if len(gone) > 0 {
		out, err := s.c.Login.Passwordless.RemoveFirst(c.r.Context(), *c.who, gone, c.browser)
		if err != nil {
			return nil, s.firstError(err, "delete_method")
		}
		c.who = &auth.Principal{User: out.User, Session: out.Session.Session}
		a.outcome, a.to, a.note = &out, s.paths.Unified.Setup, "US_METHOD_REMOVED"
	}
	if method == "" {
		return a, nil
	}
	started, err := s.c.Login.Passwordless.BeginFirst(c.r.Context(), *c.who,
		auth.EnrollRequest{Method: method, Phone: c.form.text("phone")}, c.browser)
	at := s.paths.Unified.Setup + "/" + started.StateToken
	if err != nil {
		field := "chosen_method"
		if started.Method != "" && !c.json && !errors.Is(err, auth.ErrUndeliverable) {
			c.back, field = at, "setup" // the draft is valid: its page shows that the code was not sent
		}
		return a, s.firstError(err, field)
	}
	// Redirect to a separate page of the draft, so that reloading it starts nothing.
	a.json, a.to, a.note = firstEnrollment(s.Site, c, started), withNext(at, c.next()), ""
	return a, nil
}

// firstEnrollmentBody is the answer to a started set-up of a first factor.
type firstEnrollmentBody struct {
	common
	Method string  `json:"chosen_method"`
	Phone  *string `json:"phone"`
	State  string  `json:"state"`
	*firstKeyBody
}

// firstFactorBody is the answer to a completed set-up: the newest first factor.
type firstFactorBody struct {
	common
	Method *string `json:"chosen_method"`
	Phone  *string `json:"phone"`
}

// firstKeyBody is appKeyBody under the names of unified sign-in.
type firstKeyBody struct {
	Key      string       `json:"authr_key"`
	B32Key   string       `json:"authr_b32key"`
	Username string       `json:"authr_username"`
	Issuer   string       `json:"authr_issuer"`
	URI      string       `json:"authr_uri"`
	QR       template.URL `json:"authr_qr,omitempty"`
}

func firstEnrollment(s *Site, c *call, b auth.Enrollment) func() response {
	return func() response {
		body := &firstEnrollmentBody{Method: b.Method, Phone: phone(b.Method, b.Destination), State: b.StateToken}
		if b.Secret != nil {
			body.firstKeyBody = (*firstKeyBody)(s.enroll.appKey(c, b.Secret))
		}
		return body
	}
}

// phone returns the destination of a method for JSON: null if it is not a phone number.
func phone(method, destination string) *string {
	if method != storage.SMS {
		return nil
	}
	return &destination
}

// getFirstSetupToken shows the page of a draft, for the session that started it.
func (s passwordlessSteps) getFirstSetupToken(c *call) (*answer, error) {
	started, err := s.c.Login.Passwordless.SettingUpFirst(c.r.Context(), *c.who, c.token)
	if errors.Is(err, auth.ErrSetupToken) { // it is complete or was replaced by another one
		return nil, firstRefused(s.Site, err).says("STEP_OVER")
	}
	if err != nil {
		return nil, firstRefused(s.Site, err)
	}
	return &answer{json: firstEnrollment(s.Site, c, started), page: "tf_confirm", view: func() any {
		page := s.enroll.confirmPage(started)
		page.Field, page.Action, page.Back = "passcode", s.paths.Unified.Setup+"/"+c.token, s.paths.Unified.Setup
		if page.Resend != "" {
			page.Resend = page.Action
		}
		return page
	}}, nil
}

func (s passwordlessSteps) postFirstSetupToken(c *call) (*answer, error) {
	ctx, code := c.r.Context(), c.form.text("passcode")
	if c.form.flag("resend") {
		started, err := s.c.Login.Passwordless.ResendFirst(ctx, *c.who, c.token, c.browser)
		if err != nil {
			return nil, firstRefused(s.Site, err)
		}
		return &answer{json: func() response { return &firstFactorBody{Method: &started.Method} },
			to: withNext(c.r.URL.EscapedPath(), c.next()), note: "CODE_HAS_BEEN_SENT"}, nil
	}
	if code == "" {
		return nil, fail(http.StatusBadRequest, "passcode", "FIELD_REQUIRED")
	}
	out, err := s.c.Login.Passwordless.ConfirmFirst(ctx, *c.who, c.token, code, c.browser)
	if err != nil {
		return nil, firstRefused(s.Site, err)
	}
	return firstSetUp(s.Site, c, out)
}

// firstSetUpTwice is the same for a second click on the button.
func (s passwordlessSteps) firstSetUpTwice(c *call) (*answer, error) {
	out, err := s.c.Login.Repeats.SetupAgain(c.r.Context(), c.token, c.form.text("passcode"), c.browser)
	if err != nil {
		return nil, err
	}
	return firstSetUp(s.Site, c, out)
}

// firstRefused shows an error of a code on the page of the set-up, which is still open. All other
// errors lead to the page that starts a set-up.
func firstRefused(s *Site, err error) *failure {
	setup := s.paths.Unified.Setup
	switch {
	case errors.Is(err, auth.ErrCode):
		return fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE").says("TWO_FACTOR_INVALID_TOKEN")
	case errors.Is(err, auth.ErrSend):
		return s.toFailure(err).at("")
	case errors.Is(err, auth.ErrSetupExpired):
		return fail(http.StatusBadRequest, "", "US_SETUP_EXPIRED", "within", s.c.FirstSetupWithin).goTo(setup)
	case errors.Is(err, auth.ErrState), errors.Is(err, auth.ErrMethod):
		return fail(http.StatusBadRequest, "", "API_ERROR").goTo(setup)
	}
	f := s.toFailure(err)
	if f.status == http.StatusTooManyRequests {
		return f.at("passcode")
	}
	return f.goTo(setup)
}

// firstSetUp returns the answer to a completed set-up: the newest first factor.
func firstSetUp(s *Site, c *call, out auth.Outcome) (*answer, error) {
	p, err := s.c.Login.Passwordless.FirstFactors(c.r.Context(), out.User)
	if err != nil {
		return nil, err
	}
	return &answer{outcome: &out, to: s.views.PostUnifiedSetup, note: "US_SETUP_SUCCESSFUL", json: func() response {
		if len(p.Factors) == 0 {
			return &firstFactorBody{}
		}
		f := slices.MaxFunc(p.Factors, func(a, b storage.Factor) int { return a.CreatedAt.Compare(b.CreatedAt) })
		return &firstFactorBody{Method: &f.Method, Phone: phone(f.Method, f.Destination)}
	}}, nil
}

func (s passwordlessSteps) getUnifiedVerify(c *call) (*answer, error) {
	p, err := s.c.Login.Passwordless.FirstFactors(c.r.Context(), c.who.User)
	if err != nil {
		return nil, err
	}
	codes, methods := []string{}, s.session.verifyMethods(c)
	for _, m := range s.c.Login.Passwordless.CodeMethods() {
		if slices.Contains(p.Active, m) {
			codes = append(codes, m)
		}
	}
	return &answer{
		json: func() response {
			return &firstVerifyBody{verifyMethods: methods,
				methodsBody: methodsBody{s.c.Login.Passwordless.FirstMethods(), codes}}
		},
		user: &c.who.User, page: "us_verify",
		view: func() any {
			return FirstVerifyPage{
				Password: p.Password, App: slices.Contains(p.Active, storage.Authenticator),
				Codes: codes, Life: s.c.FirstCodeLife, Passkey: methods.Passkey,
				Sent: c.form.flag(sentFlag), Method: c.form.text("chosen_method"),
				Providers: s.oauth.providerViews(auth.ToVerify, s.paths.OAuth.VerifyStart),
			}
		},
	}, nil
}

// firstVerifyBody is the JSON of the page of re-authentication with a first factor.
type firstVerifyBody struct {
	common
	verifyMethods
	methodsBody
}

func (s passwordlessSteps) postUnifiedVerify(c *call) (*answer, error) {
	typesCode(c)
	if c.form.text("passcode") == "" {
		return nil, fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE")
	}
	out, err := s.c.Login.Passwordless.VerifyPasscode(c.r.Context(), *c.who, c.form.text("passcode"), c.browser)
	switch {
	case errors.Is(err, auth.ErrPassword):
		return nil, ofCode(c, fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE"))
	case errors.Is(err, auth.ErrSameFactor):
		return nil, s.toFailure(err).at("passcode")
	}
	return s.session.verifyEnded(c, out, s.paths.Unified.Verify, err)
}

func (s passwordlessSteps) postVerifySendCode(c *call) (*answer, error) {
	method, p := s.chosen(c)
	if p != nil {
		return nil, &failure{status: http.StatusBadRequest, problems: []problem{*p}}
	}
	sentBefore(c)
	if err := s.c.Login.Passwordless.SendVerify(c.r.Context(), *c.who, method, c.browser); err != nil {
		return nil, s.firstError(err, "chosen_method")
	}
	c.form.flags[sentFlag] = true
	a, err := s.getUnifiedVerify(c)
	if err != nil {
		return nil, err
	}
	shown := &kept{At: s.paths.Unified.Verify, Values: typedAgain(c), Flags: c.form.flags}
	return &answer{page: a.page, view: a.view, note: "CODE_HAS_BEEN_SENT", keep: shown}, nil
}
