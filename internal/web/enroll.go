package web

import (
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	disable = "disable"
	maxName = 64
)

// ConfirmPage is the data of "tf_confirm", which asks for the code that completes the set-up of a
// second or first factor.
type ConfirmPage struct {
	Method      string
	Destination string // masked; empty for an app
	Field       string // name of the field for the code
	Action      string // target of the form
	Back        string // page that offers other methods
	Resend      string // target that sends another code; empty if the method sends none
	QR          template.URL
	Key         string       // base32 in groups of four, for typing
	URI         template.URL // otpauth URI, opens an app on the same phone
	Username    string
	Issuer      string
	Life        time.Duration // lifetime of a sent code
}

// Groups returns the key in groups of four characters, without separators.
func (p ConfirmPage) Groups() []string { return strings.Split(p.Key, "-") }

// Choice is the data of the part "methods": the methods that may be set up.
type Choice struct {
	Field   string // name of the radio buttons
	ID      string // prefix of their element IDs
	Texts   string // prefix of their text keys: <texts>_choose, <texts>_hint_<method>
	Methods []MethodChoice
	// Recommended is the recommended method, or empty.
	Recommended string
	Region      string // region of phone numbers without country code
}

// Choice returns the page for the part "methods".
func (p *Page) Choice(field, id, texts string) *Page {
	c := Choice{Field: field, ID: id, Texts: texts}
	switch d := p.Data.(type) {
	case SetupPage:
		c.Methods, c.Region = d.Methods, d.Region
		if !d.Passkey {
			c.Recommended = storage.Authenticator
		}
	case FirstSetupPage:
		c.Methods, c.Region = d.Methods, d.Region
	}
	return p.Part(c)
}

// setupError redirects a user whose session is not fresh to re-authentication, and a caller without
// a session to the sign-in page.
func (s enrollSteps) setupError(c *call, err error) error {
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.paths.Setup))
	case errors.Is(err, auth.ErrState):
		return s.secondFactor.illegal(c)
	}
	return err
}

func (s enrollSteps) getSetup(c *call) (*answer, error) {
	p, err := s.c.Login.Enroll.Setup(c.r.Context(), c.pending, c.who)
	if err != nil {
		return nil, s.setupError(c, err)
	}
	open, err := s.c.Login.Enroll.DraftMethod(c.r.Context(), c.pending, c.who)
	if err != nil {
		return nil, err
	}
	return &answer{
		json: func() response { return s.setupBody(p) }, page: "tf_setup",
		view: func() any {
			page := SetupPage{
				Required: p.Required, Pending: p.Pending, Factors: factorViews(p.Factors),
				Disable: !p.Required && len(p.Factors) > 0, Region: s.c.Region, Add: c.r.URL.Query().Has("add"),
				Passkey: s.c.Passkeys.shown(s.c.Origin), Open: open,
			}
			for _, m := range p.Methods {
				page.Methods = append(page.Methods, MethodChoice{Method: m, Weak: policy.Weak(m)})
			}
			if p.Primary != nil {
				page.Current = new(factorView(*p.Primary))
			}
			return page
		},
	}, nil
}

// setupBody is the JSON of the page that starts a set-up.
type setupBody struct {
	common
	Required      bool     `json:"tf_required"`
	Method        *string  `json:"tf_method"`
	PrimaryMethod *string  `json:"tf_primary_method"`
	Phone         *string  `json:"tf_phone_number"`
	Methods       []string `json:"tf_available_methods"`
	Passkeys      string   `json:"tf_passkey_setup,omitempty"` // path of passkeys, if they are on
}

func (s enrollSteps) setupBody(p auth.Profile) *setupBody {
	body := &setupBody{Required: p.Required, Methods: available(p), Passkeys: s.paths.WanRegister}
	if p.Primary != nil && p.Primary.Method != storage.Passkey { // methods of this page
		body.Method, body.PrimaryMethod = &p.Primary.Method, &p.Primary.Method
	}
	for _, f := range p.Factors {
		if f.Method == storage.SMS {
			body.Phone = &f.Destination
			break
		}
	}
	return body
}

// available lists the allowed values of the field setup, disable first.
func available(p auth.Profile) []string {
	out := []string{}
	if !p.Required && len(p.Factors) > 0 {
		out = append(out, disable)
	}
	return append(out, p.Methods...)
}

func (s enrollSteps) postSetup(c *call) (*answer, error) {
	ctx, method := c.r.Context(), c.form.text("setup")
	if method == disable && c.who != nil {
		out, err := s.c.Login.SecondFactor.Disable(ctx, *c.who, c.browser)
		if err != nil {
			return nil, s.setupError(c, err)
		}
		return &answer{outcome: &out, user: &out.User, to: s.views.PostSetup, note: "TWO_FACTOR_DISABLED"}, nil
	}
	started, err := s.c.Login.Enroll.BeginSetup(ctx, c.pending, c.who, auth.EnrollRequest{
		Method: method, Phone: c.form.text("phone"), Add: c.form.flag("add"), Name: TidyName(c.form.text("name")),
	}, c.browser)
	if errors.Is(err, auth.ErrSend) {
		f := s.toFailure(err).at("setup")
		if errors.Is(err, auth.ErrUndeliverable) {
			if method == storage.SMS {
				f.at("phone")
			}
			return nil, f
		}
		if started.Method != "" { // the draft is valid: its page shows that the code was not sent
			c.back = s.paths.Validate
		}
		return nil, f
	}
	if err != nil {
		return nil, s.setupError(c, err)
	}
	// Redirect to a separate page of the draft, so that reloading it starts nothing.
	return &answer{json: func() response { return s.enrollmentBody(c, started) },
		to: withNext(s.paths.Validate, c.next())}, nil
}

// enrollmentBody is the answer to a started set-up.
type enrollmentBody struct {
	common
	enrollState
	Token *string `json:"tf_state_token"` // null during a sign-in
	*appKeyBody
}

// enrollState is the state of a started set-up.
type enrollState struct {
	State         string `json:"tf_state"`
	Method        string `json:"tf_method"`
	PrimaryMethod string `json:"tf_primary_method"`
}

// appKeyBody is the key of an app.
type appKeyBody struct {
	Key      string       `json:"tf_authr_key"`
	B32Key   string       `json:"tf_authr_b32key"`
	Username string       `json:"tf_authr_username"`
	Issuer   string       `json:"tf_authr_issuer"`
	URI      string       `json:"tf_authr_uri"`
	QR       template.URL `json:"tf_authr_qr,omitempty"`
}

func stateOf(b auth.Enrollment) enrollState {
	return enrollState{State: "validating_profile", Method: b.Method, PrimaryMethod: b.Method}
}

func (s enrollSteps) enrollmentBody(c *call, b auth.Enrollment) *enrollmentBody {
	body := &enrollmentBody{enrollState: stateOf(b), Token: given(b.StateToken)}
	if b.Secret != nil {
		body.appKeyBody = s.appKey(c, b.Secret)
	}
	return body
}

// appKey returns the key of an app for JSON. Drawing the QR code takes longer than the rest of the
// answer, so it is only drawn on request.
func (s enrollSteps) appKey(c *call, secret *factor.EnrollmentSecret) *appKeyBody {
	body := &appKeyBody{Key: secret.Key, B32Key: secret.B32Key, Username: secret.Username, Issuer: secret.Issuer,
		URI: secret.URI}
	if s.c.QRInJSON || c.r.URL.Query().Has("include_qr") {
		body.QR = secret.QR()
	}
	return body
}

func (s enrollSteps) confirmPage(b auth.Enrollment) ConfirmPage {
	p := ConfirmPage{
		Method: b.Method, Destination: mask(b.Method, b.Destination), Life: s.c.CodeLife[b.Method],
		Field: "code", Action: s.paths.Validate, Back: s.paths.Setup,
	}
	if b.Destination != "" {
		p.Resend = s.paths.Resend
	}
	if b.StateToken != "" {
		p.Action = s.paths.Setup + "/" + b.StateToken
	}
	if b.Secret != nil {
		p.QR, p.Key, p.URI = b.Secret.QR(), b.Secret.Key, template.URL(b.Secret.URI)
		p.Username, p.Issuer = b.Secret.Username, b.Secret.Issuer
	}
	return p
}

// postSetupToken is the second part of a change by a signed-in caller.
func (s enrollSteps) postSetupToken(c *call) (*answer, error) {
	c.back = s.paths.Validate // its page shows the set-up again
	code := c.form.text("code")
	if code == "" {
		return nil, fail(http.StatusBadRequest, "code", "FIELD_REQUIRED")
	}
	out, err := s.c.Login.Enroll.ConfirmSetup(c.r.Context(), *c.who, c.token, code, c.browser)
	if err != nil {
		return nil, s.setupRefused(c, err)
	}
	return s.setUp(c, out)
}

// setUpTwice is the same for a second click on the button.
func (s enrollSteps) setUpTwice(c *call) (*answer, error) {
	out, err := s.c.Login.Repeats.SetupAgain(c.r.Context(), c.token, c.form.text("code"), c.browser)
	if err != nil {
		return nil, err
	}
	return s.setUp(c, out)
}

// setupRefused shows the refusal of a first code on the page of the set-up if that is still open,
// or on the page that starts a set-up.
func (s enrollSteps) setupRefused(c *call, err error) error {
	f := s.toFailure(s.secondFactor.turn(c, err))
	if f.status == http.StatusTooManyRequests {
		f.at("code")
	}
	if !errors.Is(err, auth.ErrCode) && f.status != http.StatusTooManyRequests {
		f.goTo(s.paths.Setup)
	}
	return f
}

// setUp returns the answer to a set-up that a signed-in caller has completed. If the primary factor
// cannot be read, it is omitted, because the step is done.
func (s enrollSteps) setUp(c *call, out auth.Outcome) (*answer, error) {
	to := s.recovery.offerCodes(out, s.views.PostSetup)
	return &answer{outcome: &out, to: to, note: setUpNote(out), json: func() response {
		body := &enrolledBody{}
		profile, err := s.c.Login.Enroll.Profile(c.r.Context(), out.User, false)
		if err != nil {
			s.c.Log.ErrorContext(c.r.Context(), "factors could not be read", "user", out.User.ID, "cause", err)
		}
		if p := profile.Primary; p != nil {
			body.Method, body.PrimaryMethod, body.Phone = &p.Method, &p.Method, phone(p.Method, p.Destination)
		}
		return body
	}}, nil
}

// enrolledBody is the answer to a completed set-up: the primary factor.
type enrolledBody struct {
	common
	Method        *string `json:"tf_method"`
	PrimaryMethod *string `json:"tf_primary_method"`
	Phone         *string `json:"tf_phone"`
}

// setUpNote returns the note about what was set up.
func setUpNote(out auth.Outcome) string {
	if out.Session == nil || len(out.Session.Proofs) == 0 {
		return "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL"
	}
	switch out.Session.Proofs[len(out.Session.Proofs)-1].Method {
	case storage.Authenticator:
		return "SETUP_DONE_APP"
	case storage.SMS:
		return "SETUP_DONE_SMS"
	case storage.Email:
		return "SETUP_DONE_EMAIL"
	}
	return "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL"
}

// TidyName returns the name of a factor or a token in a form that can be shown: one line, no
// invisible characters, at most 64 code points.
func TidyName(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s))
	if utf8.RuneCountInString(s) > maxName {
		s = string([]rune(s)[:maxName])
	}
	return s
}

func factorViews(in []storage.Factor) []FactorView {
	var out []FactorView
	for _, f := range in {
		out = append(out, factorView(f))
	}
	return out
}

func factorView(f storage.Factor) FactorView {
	return FactorView{
		ID: f.ID, Method: f.Method, Name: f.Name, Destination: mask(f.Method, f.Destination),
		Added: f.CreatedAt, LastUsed: f.LastUsedAt, Primary: f.Primary,
	}
}
