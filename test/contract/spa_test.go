package contract_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const appOrigin = "http://127.0.0.1:8081"

// withApp configures a single-page application on another port, like the original's tests with
// localhost:8081.
func withApp(c *twofold.Config) {
	withLife(c)
	c.Pages.SPA = twofold.SPA{Origin: appOrigin, TellInQuery: true}
	v := &c.Pages.Views.Life
	v.PostConfirm, v.ConfirmError, v.Reset, v.ResetError = "/confirm-redirect", "/confirm-error", "/reset-redirect",
		"/reset-error"
	v.PostChangeEmail, v.ChangeEmailError, v.LoginError = "/change-email-redirect", "/change-email-error",
		"/login-error"
}

// leads ends the test unless the answer redirects to this page of the application with exactly
// these parameters.
func (r *reply) leads(path string, pairs ...string) {
	r.T.Helper()
	to, err := url.Parse(r.want(http.StatusSeeOther).Header.Get("Location"))
	if err != nil {
		r.T.Fatal(err)
	}
	want := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		want.Set(pairs[i], pairs[i+1])
	}
	if to.Scheme+"://"+to.Host != appOrigin || to.Path != path ||
		!maps.EqualFunc(to.Query(), want, func(a, b []string) bool { return a[0] == b[0] && len(a) == 1 }) {
		r.T.Errorf("leads to %s, want %s%s with %v", to, appOrigin, path, want)
	}
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if strings.HasSuffix(c.Name, "notes") && c.MaxAge >= 0 {
			r.T.Errorf("a note is kept for a page of ours: %v", c)
		}
	}
}

// open follows a link as a browser does, without requesting JSON.
func (c *client) open(path string) *reply {
	c.T.Helper()
	return c.do(http.MethodGet, path, "")
}

// Row C12, spa.
func TestAConfirmationLeadsToTheApplication(t *testing.T) {
	s := newSite(t, withApp, confirming)
	c, link := s.confirmLink("mary")
	c.open("/confirm/bogus").leads("/confirm-error", "error", "Invalid confirmation token.")
	stranger := s.client() // who did not register must press a button
	if r := stranger.open(link).want(200); strings.Contains(r.Body, "mary@") {
		t.Errorf("the page names somebody: %s", r.Body)
	}
	c.open(link).leads("/confirm-redirect", "success", "Thank you. Your email has been confirmed.", "email",
		"mary@lp.com", "identity", "mary@lp.com")
	c.open(link).leads("/confirm-error", "info", "Your email has already been confirmed.")
	c.get("/confirm/bogus").refused(400, "", "Invalid confirmation token.") // programs are answered
}

// Row F11, spa.
func TestALinkToResetLeadsToTheApplication(t *testing.T) {
	s := newSite(t, withApp)
	c := s.client()
	c.open("/reset/bogus").leads("/reset-error", "error", "Invalid reset password token.")
	link := c.resetLink("joe")
	c.open(link).leads("/reset-redirect", "token", link[len("/reset/"):])
	c.post(link, m{"password": newPlain, "password_confirm": newPlain}).want(200)
	c.open(link).leads("/reset-error", "error", "Invalid reset password token.")
}

// Row E7, spa.
func TestAChangeOfAddressLeadsToTheApplication(t *testing.T) {
	s := newSite(t, withApp)
	c := s.client()
	c.open("/change-email/bogus").leads("/change-email-error", "error", apiError)
	c.login("joe").want(200)
	c.post("/change-email", m{"email": "joe2@lp.com"}).want(200)
	link := s.linkIn("change_email", "joe2@lp.com")
	s.client().open(link).want(303) // to sign in first
	c.open(link).leads("/change-email-redirect", "success", changeDone, "email", "joe2@lp.com", "identity",
		"joe2@lp.com")
	c.open(link).leads("/change-email-error", "error", apiError)
}

// Row U12, verify_link_spa.
func TestAMailedLinkLeadsToTheApplication(t *testing.T) {
	s := newSite(t, withApp, withUnified)
	s.begins("joe", storage.Email)
	c := s.client()
	c.open("/us-verify-link").leads("/login-error", "error", apiError)
	const bad = "This link does not work any more. It may have been used already, or something it rested on has " +
		"changed."
	c.open("/us-verify-link/bogus").leads("/login-error", "error", bad)
	link := c.mailedLink("joe")
	s.client().open(link).want(200)
	c.do(http.MethodHead, link, "").want(200) // no one's click
	c.do(http.MethodGet, link, "", "Sec-Purpose", "prefetch").want(200)
	c.do(http.MethodGet, link, "", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image").want(200)
	c.stranger()
	c.open(link).leads("/", "success", "You have successfully logged in.", "email", "joe@lp.com", "identity",
		"joe@lp.com")
	c.signedIn("joe", 1)
	c.form("/logout").leads("/")
	c.open(link).leads("/login-error", "error", bad)
}

// Row U39, tf_link_spa.
func TestTheApplicationContinuesAMailedLinkWithTheSecondFactor(t *testing.T) {
	s := newSite(t, withApp, withUnified)
	s.begins("joe", storage.Email)
	_, app := s.enroll("joe", storage.Authenticator)
	s.Advance(time.Minute)
	c := s.client()
	c.open(c.mailedLink("joe")).leads("/login-error", "tf_required", "1", "tf_state", "ready", "email", "joe@lp.com",
		"identity", "joe@lp.com")
	c.stranger()
	c.post("/tf-validate", m{"code": app.next()}).want(200) // the application goes on
	c.signedIn("joe", 2)
}

// TestFormsLeadToTheApplication checks that redirects to a configured view go to the application's
// host, and that next is a page of this site.
func TestFormsLeadToTheApplication(t *testing.T) {
	s := newSite(t, withApp, func(c *twofold.Config) { c.Pages.Views.PostVerify = "/verified" })
	c := s.client()
	c.loginForm("joe").leads("/")
	c.form("/verify", "password", plain).leads("/verified")
	c.form("/logout").leads("/")
	c.loginForm("joe", "next", "/profile").to("/profile")
	c.form("/logout", "next", "//evil.example").leads("/")
	if csp := c.page("/login").Header.Get("Content-Security-Policy"); !strings.Contains(csp,
		"form-action 'self' "+appOrigin+";") {
		t.Errorf("browsers do not follow the redirect of a form: %s", csp)
	}
}

// TestTheFirstSetUpLeadsToTheApplication checks that the next page, which belongs to the
// application, offers the recovery codes.
func TestTheFirstSetUpLeadsToTheApplication(t *testing.T) {
	s := newSite(t, withApp, withCodes, withPasskeys, func(c *twofold.Config) {
		c.TwoFactor.Required, c.Pages.Views.PostSetup, c.Pages.Views.PostWanRegister = true, "/set-up", "/passkeys"
	})
	c := s.client()
	c.loginForm("gal").want(http.StatusSeeOther)
	c.form("/tf-setup", "setup", "sms", "phone", phone).want(http.StatusOK)
	c.form("/tf-validate", "code", s.code(phone)).leads("/")
	s.Advance(time.Minute)
	d := s.client()
	d.loginForm("gal2", "next", "/profile").want(http.StatusSeeOther)
	d.form("/tf-setup?next=/profile", "setup", "email").to("/tf-validate?next=/profile")
	d.form("/tf-validate?next=/profile", "code", s.code("gal2@lp.com")).to("/mf-recovery-codes?next=/profile")

	free := anotherSite(t, withApp, withCodes, withPasskeys, func(c *twofold.Config) {
		c.Pages.Views.PostSetup, c.Pages.Views.PostWanRegister = "/set-up", "/passkeys"
	})
	e, k := free.client(), free.key(plainKey)
	e.loginForm("gal").leads("/")
	options, action := e.form("/wan-register", "name", "testr1", "usage", "secondary").want(http.StatusOK).asked(t)
	e.form(action, "credential", free.made(k.Create(options))).leads("/passkeys")
	f := free.client()
	f.loginForm("gal2").leads("/")
	f.form("/tf-setup", "setup", "sms", "phone", phone).want(http.StatusOK)
	f.form("/tf-validate", "code", free.code(phone)).leads("/set-up")
}

// TestTheCSRFCookieIsTheTokenOfTheAnswer covers the original's tests csrf_2fa_login_cookie and
// csrf_2fa_us_cookie.
func TestTheCSRFCookieIsTheTokenOfTheAnswer(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) {
		c.Pages.SPA.CSRFCookie, c.Pages.SPA.CSRFHeader = "XSRF-TOKEN", "X-My-Token"
	})
	c := s.client()
	first := c.get("/login").want(200).Text("csrf_token")
	held := c.Set["XSRF-TOKEN"]
	if held == nil || held.Value != first || held.HttpOnly || held.SameSite != http.SameSiteStrictMode {
		t.Fatalf("the cookie is %+v, the token %q", held, first)
	}
	r := c.do(http.MethodPost, "/login", testkit.Fields([]string{"email", "joe@lp.com", "password", plain}),
		"Content-Type", testkit.TypeForm, "Accept", "text/html", "X-My-Token", held.Value)
	r.to("/")
	c.signedIn("joe", 1)
	c.do(http.MethodPost, "/verify", testkit.Fields([]string{"password", plain}), "Content-Type", testkit.TypeForm,
		"Accept", "text/html", "X-XSRF-TOKEN", held.Value).want(303)
	c.logout()
	if _, there := c.Jar["XSRF-TOKEN"]; there {
		t.Error("the cookie outlives the sign-in")
	}
}
