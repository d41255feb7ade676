package web

import (
	"errors"
	"net/http"
	"slices"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// illegal returns the failure of a step out of order. In form mode it redirects to the start with
// an explanation. The cookie of an ended pending sign-in is removed; a valid one continues.
func (s secondFactorSteps) illegal(c *call) *failure {
	f := s.toFailure(auth.ErrState).goTo(s.views.Error).says("STEP_OVER")
	_, err := s.c.Login.Pending(c.r.Context(), c.pending, c.who)
	over := c.pending.Value() != "" && errors.Is(err, auth.ErrState)
	if over {
		s.jar.clear(c.w, c.r, s.jar.pending())
	}
	switch {
	case c.who != nil:
		return f.goTo(s.landing())
	case over:
		return f.says("SIGN_IN_TIMED_OUT")
	}
	return f
}

// landing returns the page that shows a signed-in user the result: the account page, or the target
// of a sign-in.
func (s secondFactorSteps) landing() string { return or(s.paths.Account, s.views.PostLogin) }

// signedInAlready answers a sign-in step of a signed-in browser without a pending sign-in, such as
// a form in another tab. Nothing changes.
func (s secondFactorSteps) signedInAlready(c *call) *failure {
	return s.illegal(c).says("SIGNED_IN_ALREADY")
}

// turn converts an error of login to a failure, with a redirect for steps out of order.
func (s secondFactorSteps) turn(c *call, err error) error {
	if errors.Is(err, auth.ErrState) {
		return s.illegal(c)
	}
	return err
}

func (s secondFactorSteps) getValidate(c *call) (*answer, error) {
	ctx := c.r.Context()
	out, err := s.c.Login.Pending(ctx, c.pending, c.who)
	if err != nil && !errors.Is(err, auth.ErrState) {
		return nil, err
	}
	if err == nil && out.Pending.State == storage.Owner {
		return &answer{
			json: func() response { return &rescueBody{Options: map[string]string{}} }, page: "tf_validate",
			view: func() any {
				return ValidatePage{
					Method: storage.Email, Destination: mask(storage.Email, out.User.Email), Sent: true,
					Life: s.c.CodeLife[storage.Email],
				}
			},
		}, nil
	}
	if err != nil || out.Pending.State != storage.Ready {
		started, ok, err := s.c.Login.Enroll.SettingUp(ctx, c.pending, c.who)
		switch {
		case err != nil:
			return nil, err
		case !ok && c.who != nil:
			return nil, s.signedInAlready(c)
		case !ok:
			return nil, s.illegal(c)
		}
		return s.settingUp(c, started), nil
	}
	urls, options, err := s.recoveryOptions(c)
	if err != nil {
		return nil, s.turn(c, err)
	}
	p := out.Pending
	if s.webauthn.awaitsPasskey(p) && !p.Rescue && !c.json {
		return &answer{to: withNext(s.webauthn.passkeyPath(p), c.next())}, nil
	}
	if c.paused.IsZero() && !c.json { // a page that is reloaded
		if c.paused, err = s.c.Login.SecondFactor.PausedUntil(ctx, c.pending, c.who, c.browser); err != nil {
			return nil, s.turn(c, err)
		}
	}
	return &answer{
		json: func() response { return &rescueBody{Options: urls} }, page: "tf_validate",
		view: func() any { return s.validatePage(c, p, options) },
	}, nil
}

// validatePage returns the page that asks for the code of a pending sign-in.
func (s secondFactorSteps) validatePage(c *call, p *auth.Pending, rescue []string) ValidatePage {
	page := ValidatePage{
		Method: p.Method, Several: len(p.Factors) > 1, Instead: c.instead, Verify: p.Verify, Rescue: rescue,
		Life: s.c.CodeLife[p.Method], Meanwhile: meanwhile(p, rescue),
		Sent: p.Method == storage.Email || p.Method == storage.SMS, Rescued: p.Rescue,
	}
	for _, f := range p.Factors {
		if f.ID == p.Factor {
			page.Destination, page.Name, page.Digits = mask(f.Method, f.Destination), f.Name, f.Digits
		}
	}
	return page
}

// meanwhile returns the alternatives while codes of an account are paused. Only users who have
// proven a first factor see the page.
func meanwhile(p *auth.Pending, rescue []string) string {
	passkey, code := slices.Contains(p.Methods, storage.Passkey), slices.Contains(rescue, auth.ByCode)
	switch {
	case passkey && code:
		return "both"
	case passkey:
		return storage.Passkey
	case code:
		return auth.ByCode
	}
	return ""
}

// settingUp returns the page of a draft that was started earlier.
func (s secondFactorSteps) settingUp(c *call, started auth.Enrollment) *answer {
	a := &answer{page: "tf_confirm", view: func() any { return s.enroll.confirmPage(started) }}
	if c.who != nil {
		a.user = &c.who.User
	}
	return a
}

func (s secondFactorSteps) postValidate(c *call) (*answer, error) {
	code := c.form.text("code")
	if c.who != nil {
		return s.validateSignedIn(c, code)
	}
	ctx := c.r.Context()
	if code == "" { // report a step out of order before a missing field
		if _, err := s.c.Login.Pending(ctx, c.pending, nil); err != nil {
			return nil, s.turn(c, err)
		}
		return nil, fail(http.StatusBadRequest, "code", "FIELD_REQUIRED")
	}
	out, err := s.c.Login.SecondFactor.Validate(ctx, c.pending, nil, code, c.browser)
	if err != nil {
		return nil, s.codeFailed(c, err)
	}
	if out.Pending != nil { // the mailbox is proven; the set-up comes next
		return s.account.entered(c, out, s.views.PostLogin), nil
	}
	to := s.recovery.offerCodes(out, c.after(s.views.PostLogin))
	return &answer{outcome: &out, user: &out.User, to: to, note: "TWO_FACTOR_LOGIN_SUCCESSFUL"}, nil
}

// codeFailed adds the refusal of a code to the code field.
func (s secondFactorSteps) codeFailed(c *call, err error) error {
	if errors.Is(err, auth.ErrState) {
		return s.illegal(c)
	}
	f := s.toFailure(err)
	if f.status == http.StatusTooManyRequests {
		return f.at("code")
	}
	return f
}

// validateSignedIn completes a re-authentication or a set-up of this session. If there is neither,
// the form comes from another tab, and the session stays.
func (s secondFactorSteps) validateSignedIn(c *call, code string) (*answer, error) {
	ctx := c.r.Context()
	under, verifying := s.c.Login.Pending(ctx, c.pending, c.who)
	if verifying != nil && !errors.Is(verifying, auth.ErrState) {
		return nil, verifying
	}
	if verifying != nil {
		method, err := s.c.Login.Enroll.DraftMethod(ctx, nil, c.who)
		if err != nil {
			return nil, err
		}
		if method == "" {
			return nil, s.signedInAlready(c)
		}
	}
	if code == "" {
		return nil, fail(http.StatusBadRequest, "code", "FIELD_REQUIRED")
	}
	if verifying == nil {
		out, err := s.c.Login.SecondFactor.Validate(ctx, c.pending, c.who, code, c.browser)
		if err != nil {
			return nil, s.codeFailed(c, err)
		}
		a := s.session.verified(c, out)
		if under.Pending.State == storage.Owner {
			a.note = "EMAIL_CONFIRMED"
		}
		return a, nil
	}
	out, err := s.c.Login.Enroll.ConfirmSetup(ctx, *c.who, "", code, c.browser)
	if err != nil {
		return nil, s.codeFailed(c, err)
	}
	to := s.recovery.offerCodes(out, c.after(s.views.PostSetup))
	return &answer{outcome: &out, user: &out.User, to: to, note: setUpNote(out)}, nil
}

func (s secondFactorSteps) getSelect(c *call) (*answer, error) {
	out, err := s.c.Login.Pending(c.r.Context(), c.pending, c.who)
	if err == nil && (len(out.Pending.Factors) < 2 || out.Pending.State.Enrolls()) {
		err = auth.ErrState
	}
	if err != nil {
		return nil, s.turn(c, err)
	}
	return &answer{
		json: func() response {
			return &selectBody{Select: true, SetupMethods: out.Pending.Methods, Factors: choicesBody(out.Pending)}
		},
		page: "tf_select",
		view: func() any {
			return SelectPage{
				Factors: choices(out.Pending.Factors), Verify: out.Pending.Verify, Codes: !out.Pending.Verify &&
					s.c.Login.Recovery.OffersCodes(),
			}
		},
	}, nil
}

// selectBody is the JSON of the page that asks for the choice of a factor.
type selectBody struct {
	common
	Select       bool         `json:"tf_select"`
	SetupMethods []string     `json:"tf_setup_methods"`
	Factors      []choiceBody `json:"tf_factors"`
}

func (s secondFactorSteps) postSelect(c *call) (*answer, error) {
	out, err := s.c.Login.SecondFactor.Choose(c.r.Context(), c.pending, c.who, c.form.text("which"), c.browser)
	if out.Pending == nil && err != nil {
		return nil, s.turn(c, err)
	}
	if errors.Is(err, auth.ErrSend) {
		return nil, s.undelivered(c, out.Pending, err).flat()
	}
	if err != nil {
		return nil, s.toFailure(err).flat().goTo(withNext(s.paths.Validate, c.next()))
	}
	// the page contains the field, too
	if !c.json && c.form.text("code") != "" && out.Pending.Method == storage.Authenticator {
		c.back, c.again = s.paths.Validate, s.getValidate
		return s.postValidate(c)
	}
	return s.account.entered(c, out, s.views.PostLogin), nil
}

func (s secondFactorSteps) postResend(c *call) (*answer, error) {
	out, err := s.c.Login.SecondFactor.Resend(c.r.Context(), c.pending, c.who, c.browser)
	if errors.Is(err, auth.ErrState) {
		return s.resendSetup(c)
	}
	if out.Pending == nil && err != nil {
		return nil, err
	}
	if err != nil {
		return nil, s.undelivered(c, out.Pending, err).at("")
	}
	return &answer{json: s.account.pendingAnswer(out.Pending), to: withNext(s.paths.Validate, c.next()),
		note: "CODE_HAS_BEEN_SENT"}, nil
}

// resendSetup sends another code for the current set-up.
func (s secondFactorSteps) resendSetup(c *call) (*answer, error) {
	started, err := s.c.Login.Enroll.ResendSetup(c.r.Context(), c.pending, c.who, c.browser)
	if started.Method == "" && err != nil {
		return nil, s.turn(c, err)
	}
	if err != nil {
		return nil, s.toFailure(err).at("")
	}
	return &answer{json: func() response { return &resentBody{enrollState: stateOf(started)} },
		to: withNext(s.paths.Validate, c.next()), note: "CODE_HAS_BEEN_SENT"}, nil
}

// resentBody is the answer if another code for a set-up was sent.
type resentBody struct {
	common
	enrollState
}

// choicesBody returns the factors that a client may choose by ID if two factors have the same
// method. Destinations are masked.
func choicesBody(p *auth.Pending) []choiceBody {
	out := []choiceBody{}
	for _, f := range p.Factors {
		out = append(out, choiceBody{ID: f.ID, Method: f.Method, Name: f.Name,
			Destination: mask(f.Method, f.Destination)})
	}
	return out
}

func mask(method, destination string) string {
	if destination == "" {
		return ""
	}
	return send.Mask(method, destination)
}

func choices(in []auth.Choice) []FactorView {
	var out []FactorView
	for _, f := range in {
		out = append(out, FactorView{
			ID: f.ID, Method: f.Method, Name: f.Name, Destination: mask(f.Method, f.Destination), LastUsed: f.LastUsed,
			Digits: f.Digits,
		})
	}
	return out
}
