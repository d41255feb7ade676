package twofoldtest

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/settings"
)

// knownPath is a path of the sign-in that NoSideDoor knows.
type knownPath struct {
	pattern string // default path without prefix
	field   string // field of twofold.Config.Pages.Paths that renames it
	// in is the method whose success is a step of a sign-in. If the path is registered, NoSideDoor
	// must complete this step, or it fails. It is empty for paths that are not a step of a sign-in;
	// these are still tried from every state.
	in string
	// closed reports whether the step cannot succeed in this configuration.
	closed func(k *Kit) bool
	// fixed is set if the prefix does not apply.
	fixed bool
}

// knownPaths lists all known paths. NoSideDoor fails if the sign-in registers another path, so a
// new way to sign in must be added here.
var knownPaths = []knownPath{
	{pattern: "/login", field: "Login", in: http.MethodPost},
	{pattern: "/login/{token}", field: "Login", in: http.MethodPost},
	{pattern: "/logout", field: "Logout"},
	{pattern: "/register", field: "Register", in: http.MethodPost},
	{pattern: "/verify", field: "Verify", in: http.MethodPost},
	{pattern: "/tf-setup", field: "Setup", in: http.MethodPost},
	{pattern: "/tf-setup/{token}", field: "Setup", in: http.MethodPost},
	{pattern: "/tf-validate", field: "Validate", in: http.MethodPost},
	{pattern: "/tf-select", field: "Select", in: http.MethodPost},
	{pattern: "/tf-rescue", field: "Rescue", in: http.MethodPost, closed: noRescue},
	{pattern: "/tf-resend", field: "Resend"},
	{pattern: "/tf-not-me/{token}", field: "NotMe", in: http.MethodPost},
	{pattern: "/tf-sessions", field: "Sessions"},
	{pattern: "/tf-sessions/{token}", field: "Sessions"},
	{pattern: "/tf-devices", field: "Devices"},
	{pattern: "/tf-devices/{token}", field: "Devices"},
	{pattern: "/tf-factors", field: "Factors"},
	{pattern: "/tf-factors/{token}", field: "Factors"},
	{pattern: "/tf-notices", field: "Notices"},
	{pattern: "/tf-language", field: "Language"},
	{pattern: "/tf-profile", field: "Profile"},
	{pattern: "/tf-delete", in: http.MethodPost},
	{pattern: "/tf-delete/{token}", in: http.MethodPost},
	{pattern: "/tf-export"},
	{pattern: "/tf-invite/{token}", in: http.MethodPost},
	{pattern: "/tf-static/", field: "Static"},
	{pattern: "/me", field: "Account"},
	{pattern: "/tf-recovery", field: "Recovery"},
	{pattern: "/tf-recovery/{token}", field: "Recovery", in: http.MethodPost, closed: noRecovery},
	{pattern: "/mf-recovery-codes", field: "Codes"},
	{pattern: "/mf-recovery", field: "UseCode", in: http.MethodPost},
	{pattern: "/confirm", field: "Life.Confirm"},
	{pattern: "/confirm/{token}", field: "Life.Confirm", in: http.MethodPost,
		closed: func(k *Kit) bool { return !k.config.Accounts.Registerable }},
	{pattern: "/reset", field: "Life.Reset"},
	{pattern: "/reset/{token}", field: "Life.Reset", in: http.MethodPost},
	{pattern: "/change", field: "Life.Change", in: http.MethodPost},
	{pattern: "/change-email", field: "Life.ChangeEmail"},
	{pattern: "/change-email/{token}", field: "Life.ChangeEmail", in: http.MethodPost},
	{pattern: "/change-username", field: "Life.ChangeUsername"},
	{pattern: "/recover-username", field: "Life.RecoverUsername"},
	{pattern: "/us-signin", field: "Unified.Signin", in: http.MethodPost},
	{pattern: "/us-signin/send-code", field: "Unified.SendCode", in: http.MethodPost, closed: noCodes},
	{pattern: "/us-setup", field: "Unified.Setup"},
	{pattern: "/us-setup/{token}", field: "Unified.Setup", in: http.MethodPost,
		closed: func(k *Kit) bool { return len(k.firstMethods()) == 0 }},
	{pattern: "/us-verify", field: "Unified.Verify", in: http.MethodPost,
		closed: func(k *Kit) bool { return !k.unifiedPassword() }},
	{pattern: "/us-verify/send-code", field: "Unified.VerifySendCode"},
	{pattern: "/us-verify-link", field: "Unified.VerifyLink"},
	{pattern: "/us-verify-link/{token}", field: "Unified.VerifyLink", in: http.MethodPost,
		closed: func(k *Kit) bool { return !slices.Contains(k.firstMethods(), "email") }},
	{pattern: "/wan-register", field: "WanRegister"},
	{pattern: "/wan-register/{token}", field: "WanRegister", in: http.MethodPost},
	{pattern: "/wan-signin", field: "WanSignin"},
	{pattern: "/wan-signin/{token}", field: "WanSignin", in: http.MethodPost},
	{pattern: "/wan-delete", field: "WanDelete"},
	{pattern: "/wan-verify", field: "WanVerify"},
	{pattern: "/wan-verify/{token}", field: "WanVerify", in: http.MethodPost, closed: noPasskeyVerifies},
	{pattern: "/login/oauthstart/{token}", field: "OAuth.Start"},
	{pattern: "/login/oauthresponse/{token}", field: "OAuth.Response", in: http.MethodGet},
	{pattern: "/login/oauth-verify-start/{token}", field: "OAuth.VerifyStart"},
	{pattern: "/login/oauth-verify-response/{token}", field: "OAuth.VerifyResponse", in: http.MethodGet,
		closed: noSiteVerifies},
	{pattern: "/login/oauth-connect/{token}", field: "OAuth.Connect"},
	{pattern: "/login/oauth-disconnect", field: "OAuth.Disconnect"},
	{pattern: "/login/oauth-signup", field: "OAuth.SignUp", in: http.MethodPost},
	{pattern: "/refresh-token", field: "Tokens.Refresh", in: http.MethodPost},
	{pattern: "/access-tokens", field: "Tokens.Personal", in: http.MethodPost,
		closed: func(k *Kit) bool { return len(k.config.Tokens.Scopes) == 0 }},
	{pattern: "/access-tokens/{token}", field: "Tokens.Personal"},
	{pattern: "/token-check", field: "Tokens.Check"},
	{pattern: "/auth/verify"},
	{pattern: "/auth/verify/"},
	{pattern: "/auth/gate"},
	{pattern: "/.twofold/start", fixed: true},
	{pattern: "/.twofold/callback", fixed: true},
	{pattern: "/.well-known/jwks.json", fixed: true},
}

// knownCookies lists the cookies of the sign-in. NoSideDoor fails if another cookie is set. The
// first two are session cookies.
const knownCookies = "twofold __Host-twofold twofold-pending twofold-csrf twofold-oauth twofold-signup twofold-notes " +
	"twofold-refused twofold-inbox twofold-known twofold-asked twofold-lang tf_validity fs_refresh remember_token " +
	"twofold-gate twofold-gate-nonce"

func noRescue(k *Kit) bool {
	return noMailRescue(k) && noRecovery(k) && k.config.TwoFactor.HelpAddress == ""
}

func noMailRescue(k *Kit) bool {
	t := k.config.TwoFactor
	return !t.RescueEmail || t.StrongOnly || k.config.Accounts.MagicLink
}

// noRecovery reports whether recovery is off. It is also off if the mailbox is the first factor,
// because one mailbox is not enough (R73).
func noRecovery(k *Kit) bool { return !k.config.TwoFactor.Recovery || k.config.Accounts.MagicLink }

func noCodes(k *Kit) bool {
	return !slices.ContainsFunc(k.firstMethods(), func(m string) bool { return m != "authenticator" })
}

func noPasskeyVerifies(k *Kit) bool {
	p := k.config.Passkeys
	return !p.MultiFactor || !p.FirstFactor || !slices.Contains(p.Verify, "first")
}

func noSiteVerifies(k *Kit) bool {
	return !slices.ContainsFunc(k.config.Accounts.OAuth, func(p provider) bool { return p.Reauthenticates() })
}

// names are the names that a configuration gives to paths, cookies, methods and sites.
type names struct {
	config  twofold.Config // the configuration under test
	forgets []string       // names that NoSideDoor must not know, in tests of this package
}

// at returns the name of a path in this configuration. The part after a known path does not change.
func (n names) at(path string) string {
	best, field := "", ""
	for _, p := range knownPaths {
		base := strings.TrimSuffix(strings.TrimSuffix(p.pattern, "/{token}"), "/")
		rest, ok := strings.CutPrefix(path, base)
		if ok && len(base) > len(best) && (rest == "" || strings.ContainsRune("/?", rune(rest[0]))) {
			best, field = base, p.field
		}
	}
	return n.config.Pages.Prefix + n.renamed(field, best) + path[len(best):]
}

// renamed returns the name that a field of Config.Pages.Paths gives to a path.
func (n names) renamed(field, path string) string {
	v := reflect.ValueOf(n.config.Pages.Paths)
	for name := range strings.SplitSeq(field, ".") {
		if v.Kind() != reflect.Struct || name == "" {
			return path
		}
		v = v.FieldByName(name)
	}
	if own := v.String(); own != "" {
		return own
	}
	return path
}

// registered returns the known path for each path that the sign-in serves, and the unknown paths.
func (k *Kit) registered() (known map[string]knownPath, unknown []string) {
	names := map[string]knownPath{}
	for _, p := range knownPaths {
		base, end := p.pattern, ""
		for _, e := range []string{"/{token}", "/"} {
			if strings.HasSuffix(base, e) {
				base, end = strings.TrimSuffix(base, e), e
				break
			}
		}
		if !slices.Contains(k.forgets, p.pattern) {
			prefix := k.config.Pages.Prefix
			if p.fixed {
				prefix = ""
			}
			names[prefix+k.renamed(p.field, base)+end] = p
		}
	}
	known = map[string]knownPath{}
	for _, pattern := range k.Auth.Paths() {
		if p, ok := names[pattern]; ok {
			known[pattern] = p
		} else {
			unknown = append(unknown, pattern)
		}
	}
	slices.Sort(unknown)
	return known, unknown
}

// unheard returns the fields of a configuration that NoSideDoor does not know: only those that are
// set, or, with all, also those that are not. Not every way to sign in has its own path, so NoSideDoor
// fails if another field than those of package settings is set.
func (n names) unheard(c twofold.Config, all bool) []string {
	known, out := n.without(settings.Fields()), []string{}
	var look func(v reflect.Value, prefix string)
	look = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			f, name := v.Type().Field(i), prefix+v.Type().Field(i).Name
			switch {
			case !f.IsExported():
			case !slices.Contains(known, name):
				if all || !v.Field(i).IsZero() {
					out = append(out, name)
				}
			case f.Type.Kind() == reflect.Struct && f.Type.PkgPath() == v.Type().PkgPath() && name != "Key":
				look(v.Field(i), name+".")
			case f.Type.Kind() == reflect.Pointer && f.Type.Elem().PkgPath() == v.Type().PkgPath():
				section := v.Field(i)
				if section.IsNil() {
					section = reflect.New(f.Type.Elem())
				}
				look(section.Elem(), name+".")
			}
		}
	}
	look(reflect.ValueOf(c), "")
	return out
}

// strangeCookie reports whether a cookie is an unknown cookie of the sign-in.
func (n names) strangeCookie(name string) bool {
	return !slices.Contains(n.cookieNames(), strings.TrimPrefix(name, "__Host-"))
}

// cookieNames returns the names of the sign-in's cookies in this configuration.
func (n names) cookieNames() []string {
	names := n.without(strings.Fields(knownCookies))
	pages := n.config.Pages
	for _, own := range []string{pages.Paths.DeviceCookie, n.config.Tokens.RefreshCookie, pages.SPA.CSRFCookie} {
		if own != "" {
			names = append(names, own)
		}
	}
	return names
}

// without removes names that NoSideDoor must not know in a test of this package.
func (n names) without(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(n.forgets, name) })
}
