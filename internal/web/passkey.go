package web

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Passkeys configures the paths of passkeys.
type Passkeys struct {
	On     bool
	First  bool // a passkey may replace the password
	Verify bool // a passkey may re-authenticate
	Hints  bool // the typed name selects the passkeys at sign-in
	// MaxName is the maximum length of a passkey's name in code points. The default is 64.
	MaxName                 int
	CreateWithin, GetWithin time.Duration // lifetimes of challenges
}

// shown reports whether pages offer passkeys. Browsers create passkeys only for host names, so if
// the origin is an IP address, the paths are only for programs.
func (p Passkeys) shown(origin *url.URL) bool { return p.On && net.ParseIP(origin.Hostname()) == nil }

// passkeyRows returns the paths of passkeys.
func (s webauthnSteps) passkeyRows() []route {
	if !s.c.Passkeys.On {
		return nil
	}
	p := s.paths
	answer := fields{"credential": long, "remember": flag}
	rows := []route{
		{method: http.MethodGet, path: p.WanRegister, access: forEnrolling, step: s.getWanRegister},
		{method: http.MethodPost, path: p.WanRegister, access: forEnrolling, step: s.postWanRegister,
			again: s.getWanRegister,
			take:  fields{"name": text, "usage": text, "unnamed": flag}},
		{method: http.MethodPost, path: p.WanRegister + tokenEnd, access: forEnrolling, step: s.postWanRegisterAnswer,
			take: fields{"credential": long}},
		{method: http.MethodGet, path: p.WanDelete, access: forUser, step: s.getWanDelete},
		{method: http.MethodPost, path: p.WanDelete, access: forUser, step: s.postWanDelete, again: s.getWanRegister,
			back: p.WanRegister, take: fields{"name": text}},
		{method: http.MethodGet, path: p.WanSignin, access: forAnonymous, step: s.getWanSignin},
		{method: http.MethodPost, path: p.WanSignin, access: forAnonymous, step: s.postWanSignin, again: s.getWanSignin,
			take: fields{"identity": text, "remember": flag}},
		{method: http.MethodPost, path: p.WanSignin + tokenEnd, access: forAnonymous, step: s.postWanSigninAnswer,
			take: answer},
	}
	if s.c.Passkeys.Verify {
		rows = append(rows,
			route{method: http.MethodGet, path: p.WanVerify, access: forUser, step: s.getWanVerify},
			route{method: http.MethodPost, path: p.WanVerify, access: forUser, step: s.postWanVerify,
				again: s.getWanVerify},
			route{method: http.MethodPost, path: p.WanVerify + tokenEnd, access: forUser, step: s.postWanVerifyAnswer,
				take: answer})
	}
	return rows
}

// PasskeyForm is the data that the script needs to pass a challenge to an authenticator. If Options
// is empty, the script requests it first.
type PasskeyForm struct {
	Options string // JSON for the browser
	Action  string // target of the answer
}

func passkeyForm(asked auth.PasskeyAsked, path string) PasskeyForm {
	return PasskeyForm{Options: string(asked.Options), Action: path + "/" + asked.State}
}

// challengeBody is the answer with a challenge.
type challengeBody struct {
	common
	Options json.RawMessage `json:"credential_options"` // for the browser
	State   string          `json:"wan_state"`
}

func challenge(a auth.PasskeyAsked) func() response {
	return func() response { return &challengeBody{Options: a.Options, State: a.State} }
}

// passkeyFailure returns the failure of an answer: at its field, or at the form if the challenge is
// no longer valid. back is the page to return to.
func (s webauthnSteps) passkeyFailure(c *call, err error, within time.Duration, back string) *failure {
	var f *failure
	var refused *factor.Refused
	switch {
	case errors.Is(err, auth.ErrCeremonyExpired):
		f = fail(http.StatusBadRequest, "", "WEBAUTHN_EXPIRED", "within", within)
	case errors.As(err, &refused):
		f = fail(http.StatusBadRequest, "credential", "WEBAUTHN_NO_VERIFY", "cause", refused.Cause)
		if !c.json { // the note cannot contain its own text
			f = fail(http.StatusBadRequest, "credential", "WEBAUTHN_FAILED")
		}
	default:
		f = s.toFailure(err)
	}
	return f.goTo(withNext(back, c.next()))
}

// strangers is like passkeyFailure, for callers who have proven nothing yet. It hides the exact
// error, which would reveal which passkeys, and therefore accounts, exist.
func (s webauthnSteps) strangers(c *call, err error, within time.Duration, back string) *failure {
	var refused *factor.Refused
	known := errors.Is(err, auth.ErrPasskeyUnknown) || errors.Is(err, auth.ErrPasskeyOwner) ||
		errors.Is(err, auth.ErrPasskeyUsage) ||
		errors.As(err, &refused)
	if known && !s.c.Specific {
		return fail(http.StatusBadRequest, "credential", "WEBAUTHN_FAILED").goTo(withNext(back, c.next()))
	}
	f := s.passkeyFailure(c, err, within, back)
	if errors.Is(err, auth.ErrDisabled) {
		f.at("credential")
	}
	return f
}

// WanSigninPage is the data of "wan_signin".
type WanSigninPage struct {
	Form   PasskeyForm
	Second bool // as a second factor, after the password
	Hints  bool // a name may be typed
	// For a first factor: the box, as on LoginPage.
	Remember, RememberTF bool
	Stay, Trust          time.Duration
	// For a second factor:
	Several bool     // another factor can be chosen
	Rescue  []string // ways of rescue
}

func (s webauthnSteps) getWanSignin(c *call) (*answer, error) {
	second, err := s.c.Login.WebAuthn.PasskeySecond(c.r.Context(), c.pending, nil)
	if err != nil {
		return nil, s.secondFactor.turn(c, err)
	}
	page, err := s.wanSigninPage(c, second)
	return &answer{
		json: func() response { return &wanSigninBody{Second: second} }, page: "wan_signin",
		view: func() any { return page },
	}, err
}

// wanSigninBody is the JSON of the page of passkeys.
type wanSigninBody struct {
	common
	Second bool `json:"is_secondary"` // as a second factor, after the first
}

// wanChallengeBody is the answer with a challenge for a sign-in.
type wanChallengeBody struct {
	challengeBody
	Remember bool `json:"remember"` // to be sent with the answer
	Second   bool `json:"is_secondary"`
}

// wanSigninPage returns the data of the page, which JSON callers do not get.
func (s webauthnSteps) wanSigninPage(c *call, second bool) (WanSigninPage, error) {
	page := WanSigninPage{Second: second, Hints: s.c.Passkeys.Hints && !second}
	switch {
	case c.json:
		return page, nil
	case !second:
		page.Remember, page.RememberTF = s.session.remembers(c), s.c.TrustLife > 0
		page.Trust, page.Stay = s.c.TrustLife, s.c.RememberFor
		return page, nil
	}
	out, err := s.c.Login.Pending(c.r.Context(), c.pending, nil)
	if err != nil {
		return page, s.secondFactor.turn(c, err)
	}
	page.Several = len(out.Pending.Factors) > 1
	_, page.Rescue, err = s.secondFactor.recoveryOptions(c)
	return page, s.secondFactor.turn(c, err)
}

func (s webauthnSteps) postWanSignin(c *call) (*answer, error) {
	if next := c.next(); next != "" {
		if _, ok := safeNext(next); !ok {
			return nil, fail(http.StatusBadRequest, "next", "INVALID_REDIRECT")
		}
	}
	s.link.asks(c) // an answer is accepted only from the browser that requested the challenge
	asked, err := s.c.Login.WebAuthn.AskPasskey(c.r.Context(), c.pending, c.form.text("identity"), c.browser)
	if err != nil {
		return nil, s.secondFactor.turn(c, err)
	}
	page, err := s.wanSigninPage(c, asked.Second)
	if err != nil {
		return nil, err
	}
	return &answer{
		json: func() response {
			return &wanChallengeBody{
				challengeBody: challengeBody{Options: asked.Options, State: asked.State},
				Remember:      s.session.remembers(c), Second: asked.Second,
			}
		},
		page: "wan_signin",
		view: func() any {
			page.Form = passkeyForm(asked, s.paths.WanSignin)
			return page
		},
	}, nil
}

func (s webauthnSteps) postWanSigninAnswer(c *call) (*answer, error) {
	second, err := s.c.Login.WebAuthn.PasskeySecond(c.r.Context(), c.pending, nil)
	if err != nil && !errors.Is(err, auth.ErrPasskeysOff) {
		return nil, err
	}
	out, err := s.c.Login.WebAuthn.Passkey(c.r.Context(), c.pending, c.token, c.form.text("credential"),
		s.session.remembers(c), c.browser)
	if errors.Is(err, auth.ErrSend) && out.Pending != nil {
		return s.account.loginFailed(c, out, "credential", err)
	}
	switch {
	case err != nil && second:
		return nil, s.passkeyFailure(c, err, s.c.Passkeys.GetWithin, s.paths.WanSignin)
	case err != nil:
		return s.waits(c, out, s.strangers(c, err, s.c.Passkeys.GetWithin, s.paths.WanSignin))
	}
	return s.account.entered(c, out, s.views.PostLogin), nil
}

// waits answers if the passkey was right but the code of the second factor could not be sent yet.
// The sign-in stays valid.
func (s webauthnSteps) waits(c *call, out auth.Outcome, f *failure) (*answer, error) {
	if out.Pending == nil {
		return nil, f
	}
	return &answer{outcome: &out}, f.flat().goTo(s.account.pendingPath(out.Pending, c.next()))
}

// WanVerifyPage is the data of "wan_verify".
type WanVerifyPage struct{ Form PasskeyForm }

func (s webauthnSteps) getWanVerify(c *call) (*answer, error) {
	return &answer{user: &c.who.User, page: "wan_verify", view: func() any { return WanVerifyPage{} }}, nil
}

func (s webauthnSteps) postWanVerify(c *call) (*answer, error) {
	asked, err := s.c.Login.WebAuthn.AskPasskeyAgain(c.r.Context(), c.pending, *c.who)
	if err != nil {
		return nil, err
	}
	return &answer{json: challenge(asked), page: "wan_verify", view: func() any {
		return WanVerifyPage{Form: passkeyForm(asked, s.paths.WanVerify)}
	}}, nil
}

func (s webauthnSteps) postWanVerifyAnswer(c *call) (*answer, error) {
	out, err := s.c.Login.WebAuthn.VerifyByPasskey(c.r.Context(), c.pending, *c.who, c.token, c.form.text("credential"),
		c.browser)
	if err != nil {
		f := s.passkeyFailure(c, err, s.c.Passkeys.GetWithin, s.paths.WanVerify)
		if errors.Is(err, auth.ErrPasskeyOwner) {
			f.at("")
		}
		return nil, f
	}
	return s.session.verified(c, out), nil
}

// awaitsPasskey reports whether a pending sign-in continues at the page of passkeys.
func (s webauthnSteps) awaitsPasskey(p *auth.Pending) bool {
	return s.c.Passkeys.On && p.State == storage.Ready && p.Method == storage.Passkey
}

// passkeyPath returns the path of that page, or that of re-authentication for a signed-in user.
func (s webauthnSteps) passkeyPath(p *auth.Pending) string {
	if p.Verify && s.c.Passkeys.Verify {
		return s.paths.WanVerify
	}
	return s.paths.WanSignin
}

// hasVerifier reports whether the signed-in user may re-authenticate with a passkey. If that cannot
// be determined, the password can still be used.
func (s webauthnSteps) hasVerifier(c *call) bool {
	ok, err := s.c.Login.WebAuthn.CanVerifyByPasskey(c.r.Context(), c.who.User)
	return ok && err == nil && s.c.Passkeys.Verify
}
