package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// loginRows returns the paths of the sign-in page, except those of unified sign-in.
func (s passwordlessSteps) loginRows() []route {
	p := s.paths
	switch {
	case s.unified() && s.c.UnifiedLogin:
		return nil
	case s.c.Life.ByLink:
		return []route{
			{method: http.MethodGet, path: p.Login, access: forAnyone, step: s.account.getLogin},
			{method: http.MethodPost, path: p.Login, access: forAnonymous, step: s.postAskLogin,
				again: s.account.getLogin,
				take:  fields{"email": text}},
			{method: http.MethodGet, path: p.Login + tokenEnd, access: forAnonymous, step: s.getLoginLink, link: true},
			{method: http.MethodPost, path: p.Login + tokenEnd, access: forAnonymous, step: s.postLoginLink,
				take: fields{"meant": flag}, link: true},
		}
	}
	return []route{
		{method: http.MethodGet, path: p.Login, access: forAnyone, step: s.account.getLogin},
		{method: http.MethodPost, path: p.Login, access: forAnonymous, step: s.account.postLogin,
			again: s.account.getLogin,
			take:  fields{"email": text, "username": text, "identity": text, "password": text, "remember": flag}},
	}
}

func (s accountSteps) identityAttributes() []string {
	switch {
	case s.c.UsernameFirst:
		return []string{"username", "email"}
	case s.c.Usernames:
		return []string{"email", "username"}
	}
	return []string{"email"}
}

func (s accountSteps) getLogin(c *call) (*answer, error) {
	a := &answer{json: func() response { return &loginBody{Identities: s.identityAttributes()} }}
	if err := s.session.recall(c); err != nil {
		return nil, err
	}
	if c.who != nil {
		a.user, a.to = &c.who.User, s.views.PostLogin
		if s.asksWho(c) {
			a.to, a.page, a.view = "", "switch", s.switchPage(c)
		}
		return a, nil
	}
	if c.form.flag(sentFlag) && !s.c.Life.ByLink {
		page := inboxPage(s.Site, c)
		a.page, a.view = page.page, page.view
		return a, nil
	}
	a.page, a.view = "login", func() any {
		return LoginPage{
			Usernames: s.c.Usernames && !s.c.Life.ByLink, Remember: s.session.remembers(c), Register: s.c.Registerable,
			RememberTF: s.c.TrustLife > 0 && !s.c.Life.ByLink, Trust: s.c.TrustLife,
			Link: s.c.Life.ByLink, Stay: s.c.RememberFor,
			Passkey: s.c.Passkeys.shown(s.c.Origin) && s.c.Passkeys.First,
			Codes:   s.c.Login.Passwordless.CodeMethods(), Sent: c.form.flag(sentFlag),
			Providers: s.oauth.providerViews(auth.ToSignIn, s.paths.OAuth.Start),
		}
	}
	return a, nil
}

// loginBody is the JSON of the sign-in page.
type loginBody struct {
	common
	Identities []string `json:"identity_attributes"` // what may name an account, in order
}

// unifiedBody is the JSON of the page of unified sign-in.
type unifiedBody struct {
	loginBody
	methodsBody
}

// methodsBody contains the methods of unified sign-in.
type methodsBody struct {
	Methods []string `json:"available_methods"`
	Codes   []string `json:"code_methods"` // those that send a code
}

// switchQuery marks the sign-in page of a signed-in user who wanted to use another account.
const switchQuery = "switch"

func (s accountSteps) asksWho(c *call) bool { return !c.json && c.r.URL.Query().Has(switchQuery) }

func (s accountSteps) switchPage(c *call) func() any {
	return func() any { return SwitchPage{To: c.after(s.secondFactor.landing()), Email: c.who.User.Email} }
}

func (s accountSteps) postLogin(c *call) (*answer, error) {
	identity, field := c.identity(s.c.Usernames)
	if f := s.missingLogin(c, identity, field); f != nil {
		return nil, f
	}
	out, err := s.c.Login.Account.Password(c.r.Context(), auth.Attempt{
		Identity: identity, Password: c.form.text("password"), Remember: s.session.remembers(c),
	}, c.browser)
	if err != nil {
		return s.loginFailed(c, out, field, err)
	}
	return s.entered(c, out, s.views.PostLogin), nil
}

// identity returns the identity that the caller entered, and its field.
func (c *call) identity(usernames bool) (value, field string) {
	for _, f := range []string{"email", "username", "identity"} {
		if v := c.form.text(f); v != "" && (f != "username" || usernames) {
			return v, f
		}
	}
	return "", "email"
}

// typedNothing reports whether the field of an identity was sent but is empty.
func typedNothing(c *call) bool {
	for _, name := range []string{"email", "username", "identity"} {
		if v, there := c.form.texts[name]; there && v == "" {
			return true
		}
	}
	return false
}

// missingLogin returns the failure of missing fields, the password first, as the wire contract
// requires.
func (s accountSteps) missingLogin(c *call, identity, field string) *failure {
	f := &failure{status: http.StatusBadRequest}
	if c.form.text("password") == "" {
		f.problems = append(f.problems, problem{field: "password", key: "PASSWORD_NOT_PROVIDED"})
	}
	switch {
	case identity != "":
	case s.c.Specific && typedNothing(c): // treated as an unknown name
		if len(f.problems) == 0 {
			f.problems = append(f.problems, problem{key: "USER_DOES_NOT_EXIST"})
		}
	default:
		f.problems = append(f.problems, problem{field: "email", key: "EMAIL_NOT_PROVIDED"})
	}
	if next := c.next(); next != "" {
		if _, ok := safeNext(next); !ok {
			f.problems = append(f.problems, problem{field: "next", key: "INVALID_REDIRECT"})
		}
	}
	if len(f.problems) == 0 {
		return nil
	}
	return f
}

// loginFailed returns a failure that reveals no more than a stranger may know.
func (s accountSteps) loginFailed(c *call, out auth.Outcome, field string, err error) (*answer, error) {
	switch {
	case errors.Is(err, auth.ErrUnknownUser), errors.Is(err, auth.ErrPassword):
		if !s.c.Specific {
			return nil, fail(http.StatusBadRequest, "", "GENERIC_AUTHN_FAILED")
		}
		if errors.Is(err, auth.ErrUnknownUser) {
			return nil, s.toFailure(err).at(field)
		}
	case errors.Is(err, auth.ErrDisabled), errors.Is(err, auth.ErrLocked):
		return nil, s.toFailure(err).at(field)
	case errors.Is(err, auth.ErrUnconfirmed):
		return nil, s.addressUnconfirmed(c, err, field)
	case errors.Is(err, auth.ErrSend):
		return &answer{outcome: &out}, s.toFailure(err).flat().goTo(s.paths.Login)
	}
	// If the first code could not be sent yet, the sign-in stays valid and its page shows that.
	var paused *limit.Paused
	if errors.As(err, &paused) && out.Pending != nil {
		return &answer{outcome: &out}, s.toFailure(err).flat().goTo(withNext(s.paths.Validate, c.next()))
	}
	return nil, err
}

// addressUnconfirmed refuses an account whose address is not confirmed. The page that requests another
// link may be prefilled with the typed address.
func (s accountSteps) addressUnconfirmed(c *call, err error, field string) *failure {
	f, view := s.toFailure(err).at(field), s.views.Life.Unconfirmed
	if view == "" {
		return f
	}
	typed, _ := c.identity(false)
	if _, _, err := account.ParseEmail(typed); err == nil && !strings.Contains(view, "?") {
		view += "?" + url.Values{"email": {typed}}.Encode()
	}
	return f.goTo(view)
}

// entered returns the answer after any first factor: signed in, or the next factor to prove.
func (s accountSteps) entered(c *call, out auth.Outcome, view string) *answer {
	a := &answer{outcome: &out}
	if out.Pending == nil {
		a.json, a.user, a.to = func() response { return &outcomeBody{} }, &out.User, c.after(view)
		return a
	}
	a.json, a.to = s.pendingAnswer(out.Pending), s.pendingPath(out.Pending, c.next())
	return a
}

// outcomeBody is the JSON answer of a step that may lead to a second factor.
type outcomeBody struct {
	common
	pendingBody
}

func (s accountSteps) pendingAnswer(p *auth.Pending) func() response {
	return func() response { return &outcomeBody{pendingBody: *s.pendingBody(p)} }
}

// pendingBody returns the JSON of the wire contract for a pending sign-in.
func (s accountSteps) pendingBody(p *auth.Pending) *pendingBody {
	body := &pendingBody{stepBody: stepBody{Required: true}}
	switch p.State {
	case storage.Setup, storage.Repair: // for the client a set-up like any other
		body.State = string(storage.Setup)
	case storage.Owner: // for the client a mailed code like any other
		body.State, body.Method, body.PrimaryMethod = string(storage.Ready), new(storage.Email), new(storage.Email)
	case storage.Select:
		body.Select, body.SetupMethods, body.Factors = true, p.Methods, choicesBody(p)
	default:
		body.State, body.Method = string(storage.Ready), &p.Method
		if s.webauthn.awaitsPasskey(p) {
			body.SigninURL = s.webauthn.passkeyPath(p)
		} else {
			body.PrimaryMethod = &p.Primary
		}
	}
	return body
}

func (s accountSteps) pendingPath(p *auth.Pending, next string) string {
	switch p.State {
	case storage.Setup, storage.Repair:
		return withNext(s.paths.Setup, next)
	case storage.Select:
		return withNext(s.paths.Select, next)
	}
	if s.webauthn.awaitsPasskey(p) {
		return withNext(s.webauthn.passkeyPath(p), next)
	}
	return withNext(s.paths.Validate, next)
}
