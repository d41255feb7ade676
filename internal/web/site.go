package web

import (
	"context"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/invite"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/store"
)

// Paths contains the names of the paths, without prefix. An empty field keeps the name of the wire
// contract.
type Paths struct {
	Login, Logout, Register, Verify         string
	Setup, Validate, Select, Rescue, Resend string
	NotMe                                   string // "/tf-not-me"
	Sessions, Devices                       string // "/tf-sessions", "/tf-devices"
	Recovery, Notices                       string // "/tf-recovery", "/tf-notices"
	Language                                string // "/tf-language"
	Factors, Codes, UseCode                 string // "/tf-factors", "/mf-recovery-codes", "/mf-recovery"
	Account, Static                         string
	Profile                                 string // "/tf-profile"
	OAuth                                   OAuthPaths
	Unified                                 UnifiedPaths
	Life                                    LifePaths
	Tokens                                  TokenPaths
	// WanRegister, WanSignin, WanDelete and WanVerify are the paths of passkeys: "/wan-register",
	// "/wan-signin", "/wan-delete", "/wan-verify".
	WanRegister, WanSignin, WanDelete, WanVerify string
	// DeviceCookie is the name of the trusted-device cookie. The default is tf_validity.
	DeviceCookie string
}

// Link returns the path, without prefix, of the page of a mailed link. It is followed by a slash
// and the token.
func (p Paths) Link(kind string) string {
	switch kind {
	case "not-me":
		return or(p.NotMe, "/tf-not-me")
	case "recovery":
		return or(p.Recovery, "/tf-recovery")
	case "login":
		return or(p.Login, "/login")
	case "invite":
		return "/tf-invite"
	case "delete":
		return "/tf-delete"
	case "us-verify-link":
		return or(p.Unified.VerifyLink, "/us-verify-link")
	}
	return p.Life.link(kind)
}

// Views contains the pages to which a browser is redirected after a step. An empty field keeps the
// default.
type Views struct {
	PostLogin    string // "/"
	PostLogout   string // "/"
	PostRegister string // PostLogin
	PostVerify   string // PostLogin
	PostSetup    string // the account page, or else that of set-ups
	Error        string // a step out of turn: the sign-in page
	OAuth        OAuthViews
	Life         LifeViews
	Unauthorized string // a role is missing: empty for a page that says so
	// PostWanRegister is the page after adding a passkey. The default is the page of passkeys.
	PostWanRegister string
	// PostUnifiedSetup is the page after the set-up of a first factor. The default is the page of
	// first factors.
	PostUnifiedSetup string
	// VerifyError is the page after a failed re-authentication with an identity provider. The
	// default is the page of re-authentication.
	VerifyError string
}

// Config configures a Site.
type Config struct {
	Origin   *url.URL
	Prefix   string
	Name     string // name of the site
	Paths    Paths
	Views    Views
	App      App
	Login    *login.Login
	Sessions *session.Manager
	Keys     *seal.Keys
	Ring     *seal.Ring // encrypts data that a page stores for the next one
	Words    *Catalogue

	Usernames    bool
	Registerable bool
	Specific     bool // reveal which of identity and password was wrong
	Account      bool // serve the account page
	Passkeys     Passkeys
	Life         Life
	Leaving      Leaving
	Captcha      *captcha.Checker // nil if there is none
	// Invitations handles invitations. It is nil if they are off.
	Invitations *invite.Invitations
	// InvitedByPasskey allows invited users to register a passkey instead of a password.
	InvitedByPasskey bool
	// QRInJSON adds the QR code of an app's key to every JSON answer with the key. Otherwise a
	// client requests it with ?include_qr.
	QRInJSON bool
	// UnifiedLogin serves unified sign-in at the path of the sign-in page.
	UnifiedLogin bool

	MinPassword int
	TrustFor    time.Duration // lifetime of trusted devices; zero if off
	RememberFor time.Duration // lifetime of browsers that stay signed in; zero if off
	// If RememberByDefault is set, a sign-in that does not say asks to be remembered.
	RememberByDefault bool
	SetupWithin       time.Duration
	// FirstSetupWithin is the same for first factors.
	FirstSetupWithin time.Duration
	EarlyCodes       bool // recovery codes may come before the first second factor
	UsernameFirst    bool // show the username instead of the address
	Freshness        time.Duration
	CodeLife         map[string]time.Duration // lifetime of codes, by channel
	SendGap          time.Duration            // minimum time between two codes
	// FirstCodeLife is the lifetime of a code that replaces a password.
	FirstCodeLife time.Duration
	Tokens        TokenConfig
	Region        string
	Payload       func(store.User) map[string]any
	SignIns       store.SignInCounter // nil if sign-ins are not counted
	// Judge returns the errors of a registration that do not depend on existing accounts.
	Judge func(email, username, password string) error
	// Permissions returns the permissions of all given roles.
	Permissions func(ctx context.Context, roles []string) ([]string, error)
	Roles       bool // the payload contains roles and permissions
	Proxies     []netip.Prefix
	Templates   fs.FS
	Brand       Brand
	Log         *slog.Logger
	Now         func() time.Time
}

// Site serves the paths.
type Site struct {
	c         Config
	paths     URLs
	views     Views
	home, app string // origins; app is empty if the application's is the same
	csp       string // Content-Security-Policy of every answer
	jar       jar
	origin    *http.CrossOriginProtection
	routes    map[string]map[string]route // path, then method
	tokens    map[string]map[string]route // the same for path + "/" + token
	templates map[string]*template.Template
	assets    *assets
	told      struct{ host, forwarded, junk seldom } // rate-limited warnings
	gate      atomic.Pointer[Gate]                   // nil if there is no gate
	features
}

// New returns a Site.
func New(c Config) (*Site, error) {
	s := &Site{c: c, origin: http.NewCrossOriginProtection()}
	s.features = featuresOf(s)
	s.home = c.Origin.Scheme + "://" + c.Origin.Host
	if err := s.origin.AddTrustedOrigin(s.home); err != nil {
		return nil, err
	}
	s.jar = jar{secure: c.Origin.Scheme == "https", deviceName: or(c.Paths.DeviceCookie, "tf_validity"), refreshName: c.Tokens.RefreshCookie, readable: c.App.CSRFCookie}
	if err := s.spa.nameApp(); err != nil {
		return nil, err
	}
	if err := s.nameViews(); err != nil {
		return nil, err
	}
	var err error
	if s.templates, err = sitePages(c.Templates); err != nil {
		return nil, err
	}
	if s.assets, err = c.Brand.assets(c.Name, c.Origin.Hostname()); err != nil {
		return nil, err
	}
	s.routes, s.tokens = map[string]map[string]route{}, map[string]map[string]route{}
	for _, r := range s.table() {
		in, path := s.routes, r.path
		if base, ok := strings.CutSuffix(path, tokenEnd); ok {
			in, path = s.tokens, base
		}
		if in[path] == nil {
			in[path] = map[string]route{}
		}
		if r.access == 0 {
			return nil, errors.New("path " + r.path + " has no access column")
		}
		if _, twice := in[path][r.method]; twice {
			return nil, errors.New("two steps have the same path " + r.path)
		}
		in[path][r.method] = r
	}
	return s, nil
}

// tokenEnd represents, in the table, a token at the end of a path.
const tokenEnd = "/{token}"

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s *Site) nameViews() error {
	p, c := s.c.Paths, s.c
	at := func(own, def string) string { return c.Prefix + or(own, def) }
	s.paths = URLs{
		Login: at(p.Login, "/login"), Logout: at(p.Logout, "/logout"), Register: at(p.Register, "/register"),
		Verify: at(p.Verify, "/verify"), Setup: at(p.Setup, "/tf-setup"), Validate: at(p.Validate, "/tf-validate"),
		Select: at(p.Select, "/tf-select"), Rescue: at(p.Rescue, "/tf-rescue"), Resend: at(p.Resend, "/tf-resend"),
		NotMe: c.Prefix + p.Link("not-me"), Sessions: at(p.Sessions, "/tf-sessions"),
		Devices: at(p.Devices, "/tf-devices"), Recovery: c.Prefix + p.Link("recovery"), Factors: at(p.Factors, "/tf-factors"),
		Codes: at(p.Codes, "/mf-recovery-codes"), UseCode: at(p.UseCode, "/mf-recovery"), Account: at(p.Account, "/me"), Static: at(p.Static, "/tf-static"),
		Notices: at(p.Notices, "/tf-notices"), Language: at(p.Language, "/tf-language"),
	}
	s.paths.OAuth = p.OAuth.under(c.Prefix)
	s.paths.Unified, s.paths.Tokens = s.passwordless.unifiedPaths(), s.token.tokenPaths()
	if c.Passkeys.On { // templates omit links to empty paths
		s.paths.WanRegister, s.paths.WanDelete = at(p.WanRegister, "/wan-register"), at(p.WanDelete, "/wan-delete")
		s.paths.WanSignin = at(p.WanSignin, "/wan-signin")
		if c.Passkeys.Verify {
			s.paths.WanVerify = at(p.WanVerify, "/wan-verify")
		}
	}
	s.paths.Life = p.Life.under(c.Prefix)
	leaving{s}.name()
	if len(c.Life.Fields) > 0 { // templates omit links to empty paths
		s.paths.Profile = at(p.Profile, "/tf-profile")
	}
	if !c.Account { // templates omit links to empty paths
		s.paths.Account = ""
	}
	v, err := s.spa.placed(c.Views)
	if err != nil {
		return err
	}
	s.c.Views = v
	s.views = Views{
		PostLogin: or(v.PostLogin, "/"), PostLogout: or(v.PostLogout, "/"), PostSetup: or(v.PostSetup, or(s.paths.Account, s.paths.Setup)),
		Error: or(v.Error, s.paths.Login), Unauthorized: v.Unauthorized, VerifyError: v.VerifyError, Life: v.Life,
	}
	s.views.PostUnifiedSetup = or(v.PostUnifiedSetup, or(s.paths.Unified.Setup, "/"))
	s.views.PostRegister = or(v.PostRegister, s.views.PostLogin)
	s.views.PostVerify = or(v.PostVerify, s.views.PostLogin)
	s.views.OAuth = v.OAuth.or(s.views)
	s.views.PostWanRegister = or(v.PostWanRegister, or(s.paths.WanRegister, s.views.PostSetup))
	s.paths.PostLogin, s.paths.PostLogout = s.views.PostLogin, s.views.PostLogout
	for _, path := range append(s.paths.used(),
		s.paths.Login, s.paths.Logout, s.paths.Register, s.paths.Verify, s.paths.Setup, s.paths.Validate,
		s.paths.Select, s.paths.Rescue, s.paths.Resend, s.paths.NotMe, s.paths.Sessions, s.paths.Devices, s.paths.Recovery,
		s.paths.Notices, s.paths.Language, s.paths.Factors, s.paths.Codes, s.paths.UseCode, s.paths.Static) {
		if got, ok := safeNext(path); !ok || got != path || strings.ContainsAny(path, "?#{} ") || path == "/" {
			return errors.New("path " + path + ": must be a plain path such as /login")
		}
	}
	if err := s.account.nameLife(); err != nil {
		return err
	}
	return s.oauth.checkOAuthNames()
}

// route is a row of the table of paths.
type route struct {
	method, path string
	access       access // who may take the step
	take         fields
	step         func(*call) (*answer, error)
	// raw handles the request instead of a step.
	raw http.HandlerFunc
	// enrolls is set if a session that must set up a second factor may take the step. For all other
	// steps such a session counts as signed out.
	enrolls bool
	// again builds the page that a failed form shows again.
	again func(*call) (*answer, error)
	// link marks the paths of mailed links and of redirects from identity providers.
	link bool
	// back is the path of that page. If it is empty, the path of the form is used, if it has a
	// page.
	back string
	// twice answers a repeated request for a step that was just taken and that ended the session of
	// the request.
	twice func(*call) (*answer, error)
}

// table returns all paths of the site.
func (s *Site) table() []route {
	p := s.paths
	rows := []route{
		{method: http.MethodPost, path: p.Logout, access: forAnyone, step: s.session.postLogout,
			take: fields{"refresh_token": text}},
		{method: http.MethodGet, path: p.Verify, access: forUser, step: s.session.getVerify},
		{method: http.MethodPost, path: p.Verify, access: forUser, step: s.session.postVerify, again: s.session.getVerify,
			take: fields{"password": text}},
		{method: http.MethodGet, path: p.Setup, access: forAnyone, step: s.enroll.getSetup},
		{method: http.MethodPost, path: p.Setup, access: forAnyone, step: s.enroll.postSetup, again: s.enroll.getSetup,
			take: fields{"setup": text, "phone": text, "add": flag, "name": text}},
		{method: http.MethodGet, path: p.Validate, access: forAnyone, step: s.secondFactor.getValidate},
		{method: http.MethodPost, path: p.Validate, access: forAnyone, step: s.secondFactor.postValidate,
			again: s.secondFactor.getValidate, take: fields{"code": digits}},
		{method: http.MethodGet, path: p.Select, access: forAnyone, step: s.secondFactor.getSelect},
		{method: http.MethodPost, path: p.Select, access: forAnyone, step: s.secondFactor.postSelect,
			again: s.secondFactor.getSelect,
			take:  fields{"which": text, "code": digits}},
		{method: http.MethodGet, path: p.Rescue, access: forAnonymous, step: s.secondFactor.getRescue},
		{method: http.MethodPost, path: p.Rescue, access: forAnonymous, step: s.secondFactor.postRescue,
			again: s.secondFactor.getRescue, take: fields{"help_setup": text}},
		{method: http.MethodPost, path: p.Resend, access: forAnyone, step: s.secondFactor.postResend,
			again: s.secondFactor.getValidate, back: p.Validate},
		{method: http.MethodPost, path: p.Setup + tokenEnd, access: forUser, step: s.enroll.postSetupToken,
			twice: s.enroll.setUpTwice, take: fields{"code": digits}},
		{method: http.MethodGet, path: p.NotMe + tokenEnd, access: forAnyone, step: s.link.getNotMe},
		{method: http.MethodPost, path: p.NotMe + tokenEnd, access: forAnyone, step: s.link.postNotMe},
	}
	rows = append(rows, s.passwordless.loginRows()...)
	rows = append(rows, s.account.lifeRows()...)
	rows = append(rows, s.session.listRows()...)
	rows = append(rows, s.oauth.oauthRows()...)
	rows = append(rows, s.recovery.recoveryRows()...)
	rows = append(rows, s.profile.newsRows()...)
	rows = append(rows, s.webauthn.passkeyRows()...)
	rows = append(rows, s.passwordless.unifiedRows()...)
	rows = append(rows, s.secondFactor.factorRows()...)
	rows = append(rows, s.recovery.codeRows()...)
	rows = append(rows, s.token.tokenRows()...)
	rows = append(rows, leaving{s}.rows()...)
	rows = append(rows, inviting{s}.rows()...)
	if s.c.Account {
		rows = append(rows, route{method: http.MethodGet, path: p.Account, access: forUser, step: s.profile.getAccount})
	}
	captchas{s}.take(rows)
	for i := range rows {
		base, _ := strings.CutSuffix(rows[i].path, tokenEnd)
		rows[i].enrolls = slices.Contains(s.enrollPaths(), base)
	}
	return rows
}

// enrollPaths returns the paths for a session that must set up a second factor: those that set one
// up, re-authenticate and sign out.
func (s *Site) enrollPaths() []string {
	p := s.paths
	return []string{
		p.Logout, p.Setup, p.Validate, p.Select, p.Resend, p.Verify, p.WanVerify, p.Unified.Verify, p.Unified.VerifySendCode,
		p.OAuth.VerifyStart, p.OAuth.VerifyResponse, p.WanRegister,
	}
}

// Patterns returns the patterns for an http.ServeMux that match the site's paths.
func (s *Site) Patterns() []string {
	var out []string
	for path := range s.routes {
		out = append(out, path)
	}
	for path := range s.tokens {
		out = append(out, path+tokenEnd)
	}
	if g := s.gate.Load(); g != nil {
		out = append(out, g.patterns()...)
	}
	return append(out, s.paths.Static+"/")
}

// Serves reports whether a path is one of the site's.
func (s *Site) Serves(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, s.paths.Static+"/") {
		return true
	}
	if g := s.gate.Load(); g != nil && g.handler(r.URL.Path) != nil {
		return true
	}
	rt, _, allow := s.find(r)
	return rt.step != nil || len(allow) > 0
}

// find returns the step of a request, or the methods that the path has.
func (s *Site) find(r *http.Request) (rt route, token string, allow []string) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path := r.URL.Path
	byMethod := s.routes[path]
	if g := s.gate.Load(); g != nil && byMethod == nil {
		byMethod = g.steps[path]
	}
	for base, steps := range s.tokens {
		if byMethod != nil {
			break // /login/oauth-disconnect is a path, not a token of /login
		}
		if rest, ok := strings.CutPrefix(path, base+"/"); ok && rest != "" && !strings.Contains(rest, "/") {
			byMethod, token = steps, rest
		}
	}
	if rt, ok := byMethod[method]; ok {
		return rt, token, nil
	}
	for m := range byMethod {
		allow = append(allow, m)
		if m == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	return route{}, "", allow
}
