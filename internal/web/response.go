package web

import (
	"encoding/json"
	"time"
)

// response is the JSON answer of a step: a pointer to a struct that embeds common. A field that an
// answer may lack has omitempty or omitzero. A field without them that has no value is null.
type response interface{ shared() *common }

// common contains the fields that the JSON answer of any step may have.
type common struct {
	CSRFToken       string       `json:"csrf_token,omitempty"`
	User            *payload     `json:"user,omitempty"`
	Captcha         *captchaBody `json:"captcha,omitempty"`
	Notices         int          `json:"tf_notices,omitempty"` // number of events that are not seen yet
	DeletionStopped bool         `json:"deletion_stopped,omitempty"`
	PendingToken    *string      `json:"tf_pending_token,omitempty"`
}

func (c *common) shared() *common { return c }

// payload is the data about a user in an answer. The application chooses its keys.
type payload map[string]any

// envelope encloses every JSON answer.
type envelope struct {
	Meta     meta `json:"meta"`
	Response any  `json:"response"`
}

type meta struct {
	Code int `json:"code"` // the status
}

// refusedBody is the JSON answer of a failure.
type refusedBody struct {
	Errors      []string            `json:"errors"`
	FieldErrors map[string][]string `json:"field_errors,omitempty"` // by the name of the field
	// The captcha that must be solved first.
	CaptchaRequired bool         `json:"captcha_required,omitempty"`
	Captcha         *captchaBody `json:"captcha,omitempty"`
	// The steps that are missing.
	*reauthBody
	EmailProofRequired bool `json:"email_proof_required,omitempty"`
	*stepBody
	SetupURL     string      `json:"tf_setup_url,omitempty"`
	Instead      *choiceBody `json:"tf_instead,omitempty"` // the next factor of another method
	PendingToken *string     `json:"tf_pending_token,omitempty"`
}

// reauthBody contains the methods of re-authentication in a refusal that requires one.
type reauthBody struct {
	Required bool `json:"reauth_required"`
	Unified  bool `json:"unified_signin_enabled"`
	verifyMethods
}

// verifyMethods contains the methods of re-authentication besides the password.
type verifyMethods struct {
	Passkey   bool     `json:"has_webauthn_verify_credential"`
	OAuth     bool     `json:"oauth_enabled"` // the site has providers
	Providers []string `json:"oauth_providers"`
}

// stepBody describes the next step. Required is false if none is left.
type stepBody struct {
	Required      bool    `json:"tf_required"`
	State         string  `json:"tf_state,omitempty"`
	Method        *string `json:"tf_method,omitempty"`
	PrimaryMethod *string `json:"tf_primary_method,omitempty"`
}

// pendingBody describes a pending sign-in, or a completed one.
type pendingBody struct {
	stepBody
	Select       bool         `json:"tf_select,omitempty"`
	SetupMethods []string     `json:"tf_setup_methods,omitempty"`
	Factors      []choiceBody `json:"tf_factors,omitempty"`
	SigninURL    string       `json:"tf_signin_url,omitempty"`
}

// choiceBody is a factor that a user may choose. The destination is masked.
type choiceBody struct {
	ID          string `json:"id"`
	Method      string `json:"method"`
	Name        string `json:"name"`
	Destination string `json:"destination"`
}

// captchaBody is the data that a program needs to show a captcha.
type captchaBody struct {
	Provider  string          `json:"provider"`
	Field     string          `json:"field"`
	SiteKey   string          `json:"site_key,omitempty"`
	Action    string          `json:"action,omitempty"`
	Challenge json.RawMessage `json:"challenge,omitempty"`
}

// awayBody is the answer that sends a program to an identity provider.
type awayBody struct {
	Location string `json:"location"`
}

// given returns a text for JSON: null if it is empty.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// stamp returns a time for JSON: in RFC 3339 and UTC, or null if it is zero.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format(time.RFC3339))
}
