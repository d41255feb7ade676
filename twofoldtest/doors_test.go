package twofoldtest_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// site is an identity provider that cannot be reached.
type site struct{ federated.Provider }

func (site) Name() string          { return "corp" }
func (site) Title() string         { return "Corp" }
func (site) Reauthenticates() bool { return true }

// thorough skips a test that takes a minute in a short run, and runs it in parallel with others in
// a thorough one.
func thorough(t *testing.T) {
	if !storetest.Thorough() {
		t.Skip("takes a minute: set TWOFOLD_THOROUGH=1")
	}
	t.Parallel()
}

// everything enables all features.
func everything() twofold.Config {
	return twofold.Config{Pages: twofold.Pages{AccountPage: true},
		TwoFactor: twofold.TwoFactor{
			LoginValidity: 30 * 24 * time.Hour, RescueEmail: true, HelpAddress: "admin@example.org", Recovery: true,
			RecoveryCodes: &twofold.RecoveryCodes{},
		},
		Passkeys: &twofold.Passkeys{FirstFactor: true, MultiFactor: true,
			Verify: []string{"first", "secondary"}},
		Passwordless: &twofold.Passwordless{},
		Sessions:     twofold.Sessions{Remember: 30 * 24 * time.Hour},
		Tokens:       twofold.Tokens{Refresh: true, Scopes: []string{"read", "write"}},
		Accounts: twofold.Accounts{
			Confirmable: true, AutoLoginAfterConfirm: true, Recoverable: true, AutoLoginAfterReset: true,
			Changeable:  true,
			ChangeEmail: true, ChangeUsername: true, UsernameRecovery: true, PasswordOptional: true,
			OAuthSignUp:  []string{"corp"},
			Deletable:    true,
			Registerable: true, Usernames: true, OAuth: []federated.Provider{site{}},
		},
	}
}

// doored is an application that takes the success of one step for a sign-in. Each of its pages does
// so for another step, with its own cookie.
func doored(kit *twofoldtest.Kit) http.Handler {
	mux := http.NewServeMux()
	kit.Auth.Mount(mux)
	guarded := kit.Auth.RequireTwoFactor(page)
	mux.HandleFunc("/door/{n}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("door" + r.PathValue("n")); err == nil {
			page(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := httptest.NewRecorder()
		mux.ServeHTTP(seen, r)
		for name, values := range seen.Header() {
			w.Header()[name] = values
		}
		step := slices.Index(twofoldtest.Ways(), r.Method+" "+kit.PatternOf(r.URL.Path))
		if step >= 0 && seen.Code < 400 {
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("door", step), Value: "open", Path: "/"})
		}
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	})
}

// TestADoorBehindEveryStepIsFound checks, for each step of a sign-in, that NoSideDoor reports an
// application that takes its success for a sign-in.
func TestADoorBehindEveryStepIsFound(t *testing.T) {
	thorough(t)
	byLink := everything()
	byLink.Accounts.MagicLink = true // one at the path of the other
	missing := map[string]string{}   // pages by way
	for n, way := range twofoldtest.Ways() {
		missing[way] = fmt.Sprint("/door/", n)
	}
	for _, c := range []twofold.Config{everything(), byLink} {
		l := &listener{TB: t}
		kit := twofoldtest.New(l, c)
		kit.ServeAll(doored(kit))
		kit.TryDoors(slices.Collect(maps.Values(missing))...)
		for _, s := range l.heard {
			if !strings.HasPrefix(s, "side door") && !strings.Contains(s, "cookie door") {
				t.Error(s)
			}
		}
		maps.DeleteFunc(missing, func(_, page string) bool {
			return slices.ContainsFunc(l.heard, func(s string) bool {
				return strings.HasPrefix(s, "side door") &&
					strings.Contains(s, page+" answers")
			})
		})
	}
	for way := range missing {
		t.Errorf("%s: taken for a sign-in, and not found", way)
	}
}

// TestEveryConfigFieldIsKnown requires that each new field is in package settings. If the field adds a
// way to sign in, states that try it are needed too.
func TestEveryConfigFieldIsKnown(t *testing.T) {
	if got := twofoldtest.Unheard(); len(got) > 0 {
		t.Errorf("NoSideDoor has not heard of Config.%s: see internal/settings", strings.Join(got, ", Config."))
	}
}

func TestAPageThatIsOpenToProgramsIsNone(t *testing.T) {
	t.Parallel()
	twofoldtest.NoSideDoor(t, twofold.Config{Tokens: twofold.Tokens{Scopes: []string{"read", "write"}}},
		func(a *twofold.Auth) http.Handler { return a.RequireScope("read")(a.RequireTwoFactor(page)) }, "/secret")
}

// TestNamesAreTheApplications checks that renamed paths are found, and that pages that require
// roles are tried by users who have them.
func TestNamesAreTheApplications(t *testing.T) {
	thorough(t)
	c := everything()
	paths := &c.Pages.Paths
	c.Pages.Prefix, paths.Login, paths.Life.Reset, paths.Unified.VerifyLink = "/auth", "/come-in", "/forgot", "/click"
	paths.DeviceCookie, c.Tokens.RefreshCookie = "known_browser", "go_on"
	k := twofoldtest.New(t, c)
	k.Roles = []string{"admin"}
	k.Serve(k.Auth.RequireRole("admin")(k.Auth.RequireTwoFactor(page)))
	k.TryDoors("/secret")
}

// TestNothingIsOpenWhereEverythingIsOn runs NoSideDoor on the sign-in itself, with all features.
func TestNothingIsOpenWhereEverythingIsOn(t *testing.T) {
	thorough(t)
	twofoldtest.NoSideDoor(t, everything(), func(a *twofold.Auth) http.Handler { return a.RequireTwoFactor(page) },
		"/secret")
}

// TestACredentialThatPassesForASignInIsFound presents each credential alone to a page that accepts it
// as a sign-in.
func TestACredentialThatPassesForASignInIsFound(t *testing.T) {
	thorough(t)
	cookie := func(name string) func(*http.Request) bool {
		return func(r *http.Request) bool { c, err := r.Cookie(name); return err == nil && c.Value != "" }
	}
	holes := map[string]struct {
		shows func(r *http.Request) bool
		heard string
	}{
		"/trusted-browser": {cookie("tf_validity"), "a trusted browser alone"},
		"/stays":           {cookie("remember_token"), "a browser that stays signed in by one factor"},
		"/stays-too-long":  {cookie("remember_token"), "stays signed in, and a new password since"},
		"/refresh-cookie":  {cookie("fs_refresh"), "fs_refresh"},
		"/asked-for-links": {cookie("twofold-asked"), "reset"},
		"/on-a-trip":       {cookie("twofold-oauth"), "corp"},
		"/personal-token": {func(r *http.Request) bool {
			return strings.HasPrefix(r.Header.Get("Authorization"), "Bearer tfp_")
		}, "personal token of one factor"},
		"/as-a-password": {func(r *http.Request) bool {
			_, p,
				_ := r.BasicAuth()
			return strings.HasPrefix(p, "tfp_")
		}, "as header Authorization Basic"},
		"/in-the-address": {func(r *http.Request) bool { return len(r.URL.Query().Get("token")) > 30 },
			"as query token"},
		"/session-as-token": {func(r *http.Request) bool { return len(r.Header.Get("Authentication-Token")) == 43 },
			"as header Authentication-Token"},
	}
	l := &listener{TB: t}
	kit := twofoldtest.New(l, everything())
	mux, guarded := http.NewServeMux(), kit.Auth.RequireTwoFactor(page)
	for path, hole := range holes {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if hole.shows(r) {
				page(w, r)
				return
			}
			guarded.ServeHTTP(w, r)
		})
	}
	kit.Serve(mux)
	// in this order one page takes away what the next would open to
	kit.TryDisguises(slices.Sorted(maps.Keys(holes))...)
	for path, hole := range holes {
		if !slices.ContainsFunc(l.heard, func(s string) bool {
			return strings.HasPrefix(s, "side door") && strings.Contains(s, path) && strings.Contains(s, hole.heard)
		}) {
			t.Errorf("%s: not found", path)
		}
	}
}

// TestAWayThatIsNotKnownIsReported checks that a new way to sign in cannot be forgotten.
func TestAWayThatIsNotKnownIsReported(t *testing.T) {
	thorough(t)
	l := &listener{TB: t}
	kit := twofoldtest.New(l, everything())
	kit.Forget("/us-verify-link/{token}", "twofold-asked", "Passwordless")
	kit.Serve(kit.Auth.RequireTwoFactor(page))
	kit.TryDoors("/secret")
	for _, want := range []string{"/us-verify-link/{token}", "cookie twofold-asked", "Config.Passwordless"} {
		if !slices.ContainsFunc(l.heard, func(s string) bool {
			return strings.Contains(s, want) && strings.Contains(s, "NoSideDoor does not know")
		}) {
			t.Errorf("%s: not reported among %q", want, l.heard)
		}
	}
}

// TestOtherConfigurationsAreGoneThroughToo checks that disabled features are skipped and required
// steps are completed.
func TestOtherConfigurationsAreGoneThroughToo(t *testing.T) {
	thorough(t)
	for name, change := range map[string]func(c *twofold.Config){
		"everybody must enroll, with proof of the mailbox": func(c *twofold.Config) {
			c.TwoFactor.Required, c.TwoFactor.EnrollProof, c.TwoFactor.RescueRepairOnly = true, true, true
			c.Accounts.Confirmable, c.Tokens.RefreshInBody = false, true
		},
		"no browser is trusted, and little is on": func(c *twofold.Config) {
			c.TwoFactor.Trust = func(twofold.User) bool { return false }
			c.TwoFactor.HelpAddress, c.TwoFactor.Recovery, c.TwoFactor.RecoveryCodes = "", false, nil
			c.Passkeys.FirstFactor, c.Passkeys.MultiFactor, c.Accounts.AutoLoginAfterReset = false, false, false
			c.Passwordless.EnabledMethods, c.Tokens.Scopes = []string{"email"}, nil
		},
		"a mailed link in the password's place": func(c *twofold.Config) { c.Accounts.MagicLink = true },
		"strong factors only":                   func(c *twofold.Config) { c.TwoFactor.StrongOnly = true },
		"unified sign-in in the page's place":   func(c *twofold.Config) { c.Passwordless.ReplacesLogin = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := everything()
			change(&c)
			k := twofoldtest.New(t, c)
			k.Serve(k.Auth.RequireTwoFactor(page))
			k.TryDoors("/secret")
		})
	}
}
