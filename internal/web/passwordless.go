package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// UnifiedPaths contains the names of the paths of unified sign-in, without prefix. An empty field
// keeps the name of the wire contract.
type UnifiedPaths struct {
	Signin, SendCode       string // "/us-signin", "/us-signin/send-code"
	Setup                  string // "/us-setup"
	Verify, VerifySendCode string // "/us-verify", "/us-verify/send-code"
	VerifyLink             string // "/us-verify-link"
}

// UnifiedPage is the data of "us_signin".
type UnifiedPage struct {
	Usernames  bool
	Password   bool     // a password is accepted
	Codes      []string // methods that send a code
	Sent       bool     // a code was requested and may be entered now
	Method     string   // method that sent it; empty if unknown
	Remember   bool     // the box is checked
	Register   bool
	RememberTF bool          // "remember me" skips the second factor for Trust
	Stay       time.Duration // time for which "remember me" keeps the browser signed in, or zero
	Trust      time.Duration
	Life       time.Duration // lifetime of a code
	Passkey    bool          // a passkey may start a sign-in, too
	Providers  []ProviderView
}

// CodeLinkPage is the data of "us_link", the page of the link that is mailed with a code.
type CodeLinkPage struct {
	Action    string
	To        string // masked address of the account
	Elsewhere bool   // another browser requested the link
}

// unified reports whether unified sign-in is on.
func (s passwordlessSteps) unified() bool { return len(s.c.Login.Passwordless.FirstMethods()) > 0 }

// verifyPath returns the path of re-authentication.
func (s passwordlessSteps) verifyPath() string {
	if s.unified() && s.c.Freshness >= 0 {
		return s.paths.Unified.Verify
	}
	return s.paths.Verify
}

func (s passwordlessSteps) unifiedPaths() UnifiedPaths {
	if !s.unified() { // templates omit links to empty paths
		return UnifiedPaths{}
	}
	own := s.c.Paths.Unified
	at := func(own, def string) string { return s.c.Prefix + or(own, def) }
	signin := at(own.Signin, "/us-signin")
	if s.c.UnifiedLogin {
		signin = s.paths.Login
	}
	return UnifiedPaths{
		Signin: signin, SendCode: at(own.SendCode, "/us-signin/send-code"),
		Setup: at(own.Setup, "/us-setup"), Verify: at(own.Verify, "/us-verify"),
		VerifySendCode: at(own.VerifySendCode, "/us-verify/send-code"),
		VerifyLink:     s.c.Prefix + s.c.Paths.Link("us-verify-link"),
	}
}

func (p UnifiedPaths) all() []string {
	return []string{p.Signin, p.SendCode, p.Setup, p.Verify, p.VerifySendCode, p.VerifyLink}
}

// unifiedRows returns the paths of unified sign-in.
func (s passwordlessSteps) unifiedRows() []route {
	if !s.unified() {
		return nil
	}
	p := s.paths.Unified
	signin := fields{"identity": text, "email": text, "username": text, "passcode": digits, "chosen_method": text,
		"remember": flag}
	sends := maps.Clone(signin)
	sends["resend"] = flag
	page := func(path string) []route {
		return []route{
			{method: http.MethodGet, path: path, access: forAnyone, step: s.getUnified},
			{method: http.MethodPost, path: path, access: forAnonymous, step: s.postUnified, again: s.unifiedPage,
				take: signin},
		}
	}
	rows := page(p.Signin)
	if own := s.c.Prefix + or(s.c.Paths.Unified.Signin, "/us-signin"); own != p.Signin {
		rows = append(rows, page(own)...) // it replaces the sign-in page and also keeps its own path
	}
	rows = append(rows, []route{
		{method: http.MethodPost, path: p.SendCode, access: forAnonymous, step: s.postSendCode, again: s.unifiedPage,
			back: p.Signin, take: sends},
		{method: http.MethodGet, path: p.VerifyLink, access: forAnonymous, step: s.noCodeLink, link: true},
		{method: http.MethodGet, path: p.VerifyLink + tokenEnd, access: forAnonymous, step: s.getCodeLink, link: true},
		{method: http.MethodPost, path: p.VerifyLink + tokenEnd, access: forAnonymous, step: s.postCodeLink,
			take: fields{"meant": flag}, link: true},
		{method: http.MethodGet, path: p.Setup, access: forUser, step: s.getFirstSetup},
		{method: http.MethodPost, path: p.Setup, access: forUser, step: s.postFirstSetup, again: s.getFirstSetup,
			take: fields{"chosen_method": text, "phone": text, "delete_method": list}},
		{method: http.MethodGet, path: p.Setup + tokenEnd, access: forUser, step: s.getFirstSetupToken},
		{method: http.MethodPost, path: p.Setup + tokenEnd, access: forUser, step: s.postFirstSetupToken,
			again: s.getFirstSetupToken,
			twice: s.firstSetUpTwice, take: fields{"passcode": digits, "resend": flag}},
	}...)
	if s.c.Freshness < 0 {
		return rows // every session is fresh, so there is no re-authentication
	}
	return append(rows,
		route{method: http.MethodGet, path: p.Verify, access: forUser, step: s.getUnifiedVerify},
		route{method: http.MethodPost, path: p.Verify, access: forUser, step: s.postUnifiedVerify,
			again: s.getUnifiedVerify,
			take:  fields{"passcode": digits, "chosen_method": text}},
		route{method: http.MethodPost, path: p.VerifySendCode, access: forUser, step: s.postVerifySendCode,
			again: s.getUnifiedVerify, back: p.Verify,
			take: fields{"chosen_method": text, "passcode": digits, "resend": flag}})
}

func (s passwordlessSteps) getUnified(c *call) (*answer, error) {
	if err := s.session.recall(c); err != nil {
		return nil, err
	}
	a, err := s.unifiedPage(c)
	if err == nil && c.who != nil {
		a.user, a.to = &c.who.User, s.views.PostLogin
		if s.account.asksWho(c) {
			a.to, a.page, a.view = "", "switch", s.account.switchPage(c)
		}
	}
	return a, err
}

func (s passwordlessSteps) unifiedPage(c *call) (*answer, error) {
	methods, codes := s.c.Login.Passwordless.FirstMethods(), s.c.Login.Passwordless.CodeMethods()
	return &answer{
		json: func() response {
			return &unifiedBody{loginBody{Identities: s.account.identityAttributes()}, methodsBody{methods, codes}}
		},
		page: "us_signin",
		view: func() any {
			return UnifiedPage{
				Usernames: s.c.Usernames, Password: slices.Contains(methods, auth.ByPassword), Codes: codes,
				Sent: c.form.flag(sentFlag), Method: c.form.text("chosen_method"),
				Remember: s.session.remembers(c), Register: s.c.Registerable, RememberTF: s.c.TrustLife > 0,
				Trust: s.c.TrustLife, Stay: s.c.RememberFor,
				Life: s.c.FirstCodeLife, Passkey: s.c.Passkeys.shown(s.c.Origin) && s.c.Passkeys.First,
				Providers: s.oauth.providerViews(auth.ToSignIn, s.paths.OAuth.Start),
			}
		},
	}, nil
}

// typesCode makes the page for a sent code appear again if the code is refused. Its form contains
// the method that sent the code.
func typesCode(c *call) { c.form.flags[sentFlag] = c.form.text("chosen_method") != "" }

// sentBefore does the same if another code is requested.
func sentBefore(c *call) {
	if c.form.flag("resend") {
		typesCode(c)
	}
}

// ofCode makes such a page show that the code is wrong, without mentioning a password.
func ofCode(c *call, err error) error {
	var f *failure
	if c.form.flag(sentFlag) && errors.As(err, &f) &&
		slices.Contains([]string{"INVALID_PASSWORD_CODE", "GENERIC_AUTHN_FAILED"}, f.problems[0].key) {
		return f.says("TWO_FACTOR_INVALID_TOKEN")
	}
	return err
}

func (s passwordlessSteps) postUnified(c *call) (*answer, error) {
	typesCode(c)
	identity, f := s.missingUnified(c)
	if c.form.text("passcode") == "" {
		f.problems = append(f.problems, problem{field: "passcode", key: "INVALID_PASSWORD_CODE"})
	}
	if len(f.problems) > 0 {
		return nil, s.oneText(f)
	}
	out, err := s.c.Login.Passwordless.Passcode(c.r.Context(), auth.Attempt{
		Identity: identity, Password: c.form.text("passcode"), Remember: s.session.remembers(c),
	}, c.browser)
	switch {
	case err == nil:
		return s.account.entered(c, out, s.views.PostLogin), nil
	case s.c.Specific && errors.Is(err, auth.ErrUnknownUser):
		return nil, fail(http.StatusBadRequest, "identity", "US_SPECIFY_IDENTITY")
	case s.c.Specific && errors.Is(err, auth.ErrPassword):
		return nil, ofCode(c, fail(http.StatusBadRequest, "passcode", "INVALID_PASSWORD_CODE"))
	case errors.Is(err, auth.ErrSameFactor):
		return nil, s.toFailure(err).at("passcode")
	}
	a, err := s.account.loginFailed(c, out, "identity", err)
	return a, ofCode(c, err)
}

// oneText replaces errors of identity and passcode with one text on sites that do not reveal
// accounts.
func (s passwordlessSteps) oneText(f *failure) *failure {
	if s.c.Specific {
		return f
	}
	rest := slices.DeleteFunc(f.problems, func(p problem) bool {
		return p.field == "identity" ||
			p.field == "passcode"
	})
	if len(rest) < len(f.problems) {
		rest = append(rest, problem{key: "GENERIC_AUTHN_FAILED"})
	}
	f.problems = rest
	return f
}

// missingUnified returns the failure of missing fields.
func (s passwordlessSteps) missingUnified(c *call) (string, *failure) {
	f := &failure{status: http.StatusBadRequest}
	identity := c.form.text("identity")
	if identity == "" {
		identity, _ = c.identity(s.c.Usernames)
	}
	if identity == "" {
		f.problems = append(f.problems, problem{field: "identity", key: "US_SPECIFY_IDENTITY"})
	}
	if next := c.next(); next != "" {
		if _, ok := safeNext(next); !ok {
			f.problems = append(f.problems, problem{field: "next", key: "INVALID_REDIRECT"})
		}
	}
	return identity, f
}

// chosen reads the selected method that sends codes. Its refusals do not depend on the account.
func (s passwordlessSteps) chosen(c *call) (string, *problem) {
	method := c.form.text("chosen_method")
	switch {
	case method == "":
		return "", &problem{field: "chosen_method", key: "US_METHOD_NOT_AVAILABLE"}
	case !slices.Contains([]string{storage.Email, storage.SMS}, method):
		return "", &problem{field: "chosen_method", key: "CHOICE_INVALID"}
	case !slices.Contains(s.c.Login.Passwordless.CodeMethods(), method):
		return "", &problem{field: "chosen_method", key: "US_METHOD_NOT_AVAILABLE"}
	}
	return method, nil
}

func (s passwordlessSteps) postSendCode(c *call) (*answer, error) {
	identity, f := s.missingUnified(c)
	method, p := s.chosen(c)
	if p != nil {
		f.problems = append(f.problems, *p)
	}
	if len(f.problems) > 0 {
		return nil, f
	}
	sentBefore(c)
	s.link.asks(c)
	err := s.c.Login.Passwordless.SendPasscode(c.r.Context(), identity, method, c.browser)
	note := "CODE_HAS_BEEN_SENT"
	if !s.c.Specific {
		note = "GENERIC_US_SIGNIN"
	}
	if err != nil && (s.c.Specific || !aboutAccount(err)) {
		return nil, s.sendCodeFailed(c, err)
	}
	a, err := s.unifiedPage(c)
	if err != nil {
		return nil, err
	}
	c.form.flags[sentFlag], c.form.texts["chosen_method"] = true, method
	shown := &kept{At: s.paths.Unified.Signin, Values: typedAgain(c), Flags: c.form.flags}
	return &answer{page: a.page, view: a.view, note: note, keep: shown}, nil
}

// aboutAccount reports whether a refusal would reveal something about an account.
func aboutAccount(err error) bool {
	return slices.ContainsFunc([]error{
		auth.ErrUnknownUser, auth.ErrDisabled, auth.ErrUnconfirmed, auth.ErrLocked, auth.ErrMethod,
	}, func(refusal error) bool { return errors.Is(err, refusal) })
}

func (s passwordlessSteps) sendCodeFailed(c *call, err error) error {
	switch {
	case errors.Is(err, auth.ErrUnknownUser):
		return fail(http.StatusBadRequest, "identity", "US_SPECIFY_IDENTITY")
	case errors.Is(err, auth.ErrUnconfirmed):
		return s.account.addressUnconfirmed(c, err, "identity")
	case errors.Is(err, auth.ErrDisabled), errors.Is(err, auth.ErrLocked):
		return s.toFailure(err).at("identity")
	case errors.Is(err, auth.ErrMethod):
		return fail(http.StatusBadRequest, "chosen_method", "US_METHOD_NOT_AVAILABLE")
	case errors.Is(err, auth.ErrSend):
		return s.toFailure(err).at("chosen_method")
	}
	return err
}

// noCodeLink answers a link without its token.
func (s passwordlessSteps) noCodeLink(c *call) (*answer, error) {
	return nil, s.linkRefused(c, fail(http.StatusBadRequest, "", "API_ERROR"), s.paths.Unified.Signin)
}

func (s passwordlessSteps) getCodeLink(c *call) (*answer, error) {
	return s.signInLink(c, s.c.Login.Passwordless.OpenCodeLink, s.postCodeLink, s.codeLinkFailed)
}

func (s passwordlessSteps) postCodeLink(c *call) (*answer, error) {
	return s.followLink(c, s.c.Login.Passwordless.FollowCodeLink, s.getCodeLink, s.codeLinkFailed)
}

// signInLink shows the button of a link that signs in. Opening the link does not sign in or use it
// up, because mail scanners also open links (R51).
func (s passwordlessSteps) signInLink(c *call, open func(context.Context, string, auth.Client) (auth.CodeLink, error),
	follow func(*call) (*answer, error), bad func(*call, error) error) (*answer, error) {
	k, err := open(c.r.Context(), c.token, c.browser)
	if err != nil {
		return nil, bad(c, err)
	}
	if s.spa.opensItself(c, !k.Elsewhere) {
		return follow(c)
	}
	return &answer{
		json: func() response { return &codeLinkBody{Elsewhere: k.Elsewhere} }, page: "us_link",
		view: func() any {
			return CodeLinkPage{Action: c.r.URL.EscapedPath(), To: mask(storage.Email, k.User.Email),
				Elsewhere: k.Elsewhere}
		},
	}, nil
}

// codeLinkBody is the JSON of the page of a link that signs in.
type codeLinkBody struct {
	common
	Elsewhere bool `json:"elsewhere"` // another browser requested the link
}

// followLink handles the click on that button.
func (s passwordlessSteps) followLink(c *call,
	follow func(context.Context, string, bool, auth.Client) (auth.Outcome, error), page func(*call) (*answer, error),
	bad func(*call, error) error) (*answer, error) {
	out, err := follow(c.r.Context(), c.token, c.form.flag("meant"), c.browser)
	switch {
	case errors.Is(err, auth.ErrElsewhere):
		c.again = page
		return nil, s.toFailure(err)
	case errors.Is(err, auth.ErrSameFactor):
		return nil, s.toFailure(err).goTo(or(s.paths.Unified.Signin, s.paths.Login))
	case errors.Is(err, auth.ErrLink), errors.Is(err, auth.ErrLinkExpired):
		return nil, bad(c, err)
	case err != nil:
		return s.account.loginFailed(c, out, "identity", err)
	}
	if next, ok := safeNext(out.Next); ok && c.next() == "" {
		c.form.texts = map[string]string{"next": next}
	}
	a := s.account.entered(c, out, s.views.PostLogin)
	if out.Pending == nil {
		a.note, a.about = "PASSWORDLESS_LOGIN_SUCCESSFUL", &out.User
	}
	return a, nil
}

// codeLinkFailed redirects to the page that requests another link.
func (s passwordlessSteps) codeLinkFailed(c *call, err error) error {
	return s.linkRefused(c, s.toFailure(err), s.paths.Unified.Signin)
}
