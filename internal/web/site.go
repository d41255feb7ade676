package web

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/invite"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
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
	Login    *auth.Login
	Sessions *session.Manager
	Keys     *seal.Keys
	Ring     *seal.Ring // encrypts data that a page stores for the next one
	Words    *i18n.Catalogue

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
	TrustLife   time.Duration // lifetime of trusted devices; zero if off
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
	Payload       func(storage.User) map[string]any
	SignIns       storage.SignInCounter // nil if sign-ins are not counted
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
	templates map[string]page
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
	s.jar = jar{secure: c.Origin.Scheme == "https", deviceName: or(c.Paths.DeviceCookie, "tf_validity"),
		refreshName: c.Tokens.RefreshCookie, readable: c.App.CSRFCookie}
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
		Devices: at(p.Devices, "/tf-devices"), Recovery: c.Prefix + p.Link("recovery"),
		Factors: at(p.Factors, "/tf-factors"),
		Codes:   at(p.Codes, "/mf-recovery-codes"), UseCode: at(p.UseCode, "/mf-recovery"),
		Account: at(p.Account, "/me"), Static: at(p.Static, "/tf-static"),
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
		PostLogin: or(v.PostLogin, "/"), PostLogout: or(v.PostLogout, "/"),
		PostSetup: or(v.PostSetup, or(s.paths.Account, s.paths.Setup)),
		Error:     or(v.Error, s.paths.Login), Unauthorized: v.Unauthorized, VerifyError: v.VerifyError, Life: v.Life,
	}
	s.views.PostUnifiedSetup = or(v.PostUnifiedSetup, or(s.paths.Unified.Setup, "/"))
	s.views.PostRegister = or(v.PostRegister, s.views.PostLogin)
	s.views.PostVerify = or(v.PostVerify, s.views.PostLogin)
	s.views.OAuth = v.OAuth.or(s.views)
	s.views.PostWanRegister = or(v.PostWanRegister, or(s.paths.WanRegister, s.views.PostSetup))
	s.paths.PostLogin, s.paths.PostLogout = s.views.PostLogin, s.views.PostLogout
	for _, path := range append(s.paths.used(),
		s.paths.Login, s.paths.Logout, s.paths.Register, s.paths.Verify, s.paths.Setup, s.paths.Validate,
		s.paths.Select, s.paths.Rescue, s.paths.Resend, s.paths.NotMe, s.paths.Sessions, s.paths.Devices,
		s.paths.Recovery,
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
