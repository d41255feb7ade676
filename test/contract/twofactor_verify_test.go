package contract_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const (
	reauthenticate = "You must reauthenticate to access this endpoint"
	noToken        = "The CSRF token is missing."
	badToken       = "The CSRF token is invalid."
)

func neverFresh(c *twofold.Config) { c.TwoFactor.FreshOnlyAfterVerify = true }

// Row 35, verify.
func TestAChangeNeedsAFreshProofByForm(t *testing.T) {
	s := newSite(t, neverFresh)
	c := s.client()
	c.page("/verify").to("/login?next=/verify")
	c.loginForm("joe").to("/")
	c.page("/tf-setup").to("/verify?next=/tf-setup")
	c.page("/verify?next=/tf-setup").shows("Confirm it's you", `name="password"`, `name="next" value="/tf-setup"`)
	c.form("/verify?next=/tf-setup", "password", "wrong").shows("Invalid password")
	c.form("/verify?next=/tf-setup").shows("Password not provided")
	c.form("/tf-setup", "setup", "sms", "phone", phone).to("/verify?next=/tf-setup")
	c.form("/verify?next=/tf-setup", "password", plain).to("/tf-setup")
	c.page("/tf-setup").shows("Reauthentication successful", "Set up two-factor authentication")
	if n := len(testkit.EventsOf[event.UserReauthenticated](s.Events)); n != 1 {
		t.Errorf("%d re-authentications told, want 1", n)
	}
	s.Advance(time.Minute)
	c.page("/tf-setup").to("/verify?next=/tf-setup")

	s2 := anotherSite(t) // with a second factor, the way back leads over it
	c, a := s2.enroll("gal2", storage.Authenticator)
	s2.Advance(20 * time.Minute)
	c.page("/tf-setup").to("/verify?next=/tf-setup")
	c.form("/verify?next=/tf-setup", "password", plain).to("/tf-validate?next=/tf-setup")
	c.page("/tf-setup").to("/verify?next=/tf-setup")
	c.form("/tf-validate?next=/tf-setup", "code", a.next()).to("/tf-setup")
	c.page("/tf-setup").shows("Reauthentication successful", "Authenticator app")
}

// Row 36, verify_json.
func TestAChangeNeedsAFreshProofInJSON(t *testing.T) {
	s := newSite(t, neverFresh)
	c := s.client()
	c.get("/verify").refusedFlat(401, "You must sign in to view this resource.")
	c.login("joe").want(200)
	for _, r := range []*reply{c.get("/tf-setup"), c.post("/tf-setup", m{"setup": "email"}),
		c.post("/tf-setup", m{"setup": "disable"})} {
		r.refusedFlat(401, reauthenticate).has("reauth_required", true, "unified_signin_enabled", false,
			"has_webauthn_verify_credential", false, "oauth_enabled", false, "oauth_providers", list())
	}
	user := m{"id": s.id("joe"), "email": "joe@lp.com"}
	c.get("/verify").want(200).has("user", user, "has_webauthn_verify_credential", false, "oauth_enabled", false)
	c.post("/verify", m{"password": "wrong"}).refused(400, "password", "Invalid password")
	c.post("/verify", m{}).refused(400, "password", "Password not provided")
	c.post("/verify", m{"password": plain}).want(200).has("user", user)
	c.get("/tf-setup").want(200)
	begun := c.post("/tf-setup", m{"setup": "sms", "phone": phone}).want(200)
	c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": s.code(phone)}).want(200)

	// If the account has a second factor, the password is not enough.
	s.Advance(time.Minute)
	c.get("/tf-setup").want(401)
	c.post("/verify", m{"password": plain}).want(200).
		has("tf_required", true, "tf_state", "ready", "tf_method", "sms", "user", absent)
	c.get("/tf-setup").want(401)
	c.get("/tf-validate").want(200).has("recovery_options", m{}) // who is signed in needs no rescue
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200).has("user", user)
	c.get("/tf-setup").want(200).has("tf_method", "sms")
}

// Row 37, setup_nofresh.
func TestASessionIsFreshForFifteenMinutesOrAlways(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.TwoFactor.Freshness = -1 })
	c := s.client()
	c.login("joe").want(200)
	s.Advance(50 * time.Minute)
	c.get("/tf-setup").want(200)
	c.post("/tf-setup", m{"setup": "email"}).want(200)

	usual := anotherSite(t)
	c = usual.client()
	c.login("joe").want(200)
	usual.Advance(15*time.Minute - time.Second)
	c.get("/tf-setup").want(200)
	usual.Advance(time.Second)
	c.get("/tf-setup").want(401).has("reauth_required", true)
}

// Row 38, no_sms.
func TestWithoutAnSMSSenderNoPhoneIsOffered(t *testing.T) {
	s := newSite(t, required,
		func(c *twofold.Config) { c.SMS, c.TwoFactor.EnabledMethods = nil, []string{storage.Email} })
	c := s.client()
	c.loginForm("matt").to("/tf-setup")
	c.page("/tf-setup").shows("Email").hides("SMS", "Phone")
	c.form("/tf-setup", "setup", "sms", "phone", phone).shows("Marked method is not valid")
	c.form("/tf-setup", "setup", "email").shows("Enter code to complete setup")
	c.form("/tf-validate", "code", s.code("matt@lp.com")).to("/")
	c.get("/tf-setup").want(200).has("tf_method", "email", "tf_phone_number", nil, "tf_available_methods",
		list("email"))

	config := s.Config
	config.TwoFactor.EnabledMethods = []string{storage.SMS}
	if _, err := twofold.New(config); err == nil || !strings.Contains(err.Error(), "TwoFactor.EnabledMethods") {
		t.Errorf("sms without a sender: %v", err)
	}
}

// Row 39, post_setup_redirect.
func TestASetUpLeadsToTheConfiguredView(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.Pages.Views.PostSetup = "/profile" })
	c := s.client()
	c.loginForm("joe").to("/")
	c.form("/tf-setup", "setup", "sms", "phone", phone).shows("Enter code to complete setup")
	c.form("/tf-validate", "code", s.code(phone)).to("/profile")
	begun := c.post("/tf-setup", m{"setup": "email"}).want(200)
	c.form("/tf-setup/"+begun.Text("tf_state_token"), "code", s.code("joe@lp.com")).to("/profile")
	c.form("/tf-setup", "setup", "disable").to("/profile")
}

// Row 40, xlation.
func TestPagesAndMailsSpeakTheLanguageOfTheBrowser(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) {
		c.Pages.Locales = fstest.MapFS{"fr.json": {Data: []byte(`{
			"method_authenticator": "authentificateur", "label_authenticator": "Application d’authentification",
			"validate_hint_authenticator": "Saisissez le code de votre application.", "TWO_FACTOR_INVALID_TOKEN": "Code erroné"}`)}}
	})
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.Header["Accept-Language"] = "fr-CA,fr;q=0.9"
	c.loginForm("gal2").to("/tf-validate")
	c.page("/tf-validate").shows("Saisissez le code de votre application.", `lang="fr"`)
	c.post("/tf-validate", m{"code": "x"}).refused(400, "code", "Code erroné")
	c.form("/tf-validate", "code", a.next()).to("/")
	c.page("/tf-setup").shows("Application d’authentification", "Configurer une deuxième étape") // gaps are ours
	c.Header["Accept-Language"] = "de"
	c.page("/tf-setup").shows("Zweiten Schritt einrichten", "Authenticator-App")
	c.Header["Accept-Language"] = "xx"
	c.page("/tf-setup").shows("Set up two-factor authentication")

	mailed := s.client()
	mailed.Header["Accept-Language"] = "de"
	s.enroll("gal", storage.Email)
	mailed.login("gal").want(200)
	if mail := s.letter("gal@lp.com"); !strings.HasSuffix(mail.Subject, " ist Ihr Code für tests") {
		t.Errorf("subject %q", mail.Subject)
	}
}

var hiddenToken = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// Row 41, setup_csrf.
func TestAFormWithoutOriginNeedsItsCSRFToken(t *testing.T) {
	s := newSite(t)
	c, _ := s.enroll("gal", storage.SMS)
	c.bareForm("/tf-setup", "setup", "disable").shows(noToken)
	c.bareForm("/tf-setup", "setup", "disable", "csrf_token", "x").shows(badToken)
	other := s.client()
	stolen := hiddenToken.FindStringSubmatch(other.page("/login").text())[1]
	c.bareForm("/tf-setup", "setup", "disable", "csrf_token", stolen).shows(badToken)
	if len(s.factors("gal")) != 1 {
		t.Fatal("switched off without a token")
	}
	token := hiddenToken.FindStringSubmatch(c.page("/tf-setup").text())[1]
	c.bareForm("/tf-setup", "setup", "disable", "csrf_token", token).to("/tf-setup")
}

// Row 42, setup_csrf_header.
func TestRequestsFromOtherSitesAreRefused(t *testing.T) {
	s := newSite(t)
	c, _ := s.enroll("gal", storage.SMS)
	token := c.get("/tf-setup").want(200).Text("csrf_token")
	asForm := func(pairs ...string) *reply {
		return c.do("POST", "/tf-setup", "setup=disable",
			append(pairs, "Content-Type", testkit.TypeForm, "Accept", "application/json")...)
	}
	asForm().refused(400, "csrf_token", noToken)
	asForm("X-CSRF-Token", "x").refused(400, "csrf_token", badToken)
	const elsewhere = "The request came from another site and was refused."
	for _, h := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		asForm(append(h, "X-CSRF-Token", token)...).refusedFlat(403, elsewhere)
		c.do("POST", "/tf-setup", `{"setup":"disable"}`,
			append(h, "Content-Type", "application/json")...).refusedFlat(403, elsewhere)
	}
	if len(s.factors("gal")) != 1 {
		t.Fatal("switched off by another site")
	}
	for _, name := range []string{"X-CSRF-Token", "X-CSRFToken", "X-XSRF-Token"} {
		asForm(name, token).want(200)
	}
	c.post("/tf-setup", m{"setup": "email"}).want(200) // JSON that no page can send needs no token
}

// Row 43, csrf_2fa_login_cookie.
func TestOneCSRFTokenServesAWholeSignIn(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	token := c.get("/login").want(200).Text("csrf_token")
	k := c.Set["twofold-csrf"]
	if k == nil || !k.HttpOnly || k.Value == token {
		t.Errorf("the cookie is for the server alone: %v", k)
	}
	c.bareForm("/login", "email", "gal2@lp.com", "password", plain).shows(noToken)
	c.bareForm("/login", "email", "gal2@lp.com", "password", plain, "csrf_token", token).to("/tf-validate")
	c.bareForm("/tf-validate", "code", a.next()).shows(noToken)
	c.bareForm("/tf-validate", "code", a.next(), "csrf_token", token).to("/")
	c.signedIn("gal2", 2)
	c.bareForm("/tf-setup", "setup", "email", "csrf_token", token).shows("Enter code to complete setup")
	c.bareForm("/logout", "csrf_token", token).to("/")
	c.page("/login").shows("Sign in")
	c.bareForm("/login", "email", "gal2@lp.com", "password", plain, "csrf_token", token).shows(badToken)
}

// Row 44, csrf_2fa_nounauth_cookie.
func TestJSONAndBrowserFormsNeedNoCSRFToken(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client() // JSON
	c.login("gal2").want(200).has("tf_state", "ready")
	c.post("/tf-validate", m{"code": a.next()}).want(200)
	b := s.client() // a browser's form
	b.loginForm("gal2").to("/tf-validate")
	b.form("/tf-validate", "code", a.next()).to("/")
	for _, site := range []string{"same-origin", "none"} {
		r := s.client().do("POST", "/login", testkit.Fields([]string{"email", "joe@lp.com", "password", plain}),
			"Content-Type", testkit.TypeForm, "Accept", "text/html", "Sec-Fetch-Site", site)
		r.to("/")
	}
}

// Row 45, override_tf_required.
func TestRequireDecidesWhichUsersNeedASecondFactor(t *testing.T) {
	s := newSite(t, required, func(c *twofold.Config) {
		c.TwoFactor.Require = func(u twofold.User) bool { return u.Username != "gene" }
	})
	c := s.client()
	c.login("gene").want(200).has("tf_required", false)
	c.get("/tf-setup").want(200).has("tf_required", false)
	c = s.client()
	c.login("joe").want(200).has("tf_required", true, "tf_state", "setup_from_login")
	c.get("/tf-setup").want(200).has("tf_required", true)
	// A user who has a second factor must prove it, whatever Require is.
	s.enroll("gene", storage.SMS)
	s.client().login("gene").want(200).has("tf_required", true, "tf_state", "ready")
}

// Row 46, override_tf_required_admin.
func TestRequireCanDependOnRoles(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) {
		c.TwoFactor.Require = func(u twofold.User) bool { return slices.Contains(u.Roles, "admin") }
	})
	for user, demanded := range map[string]bool{"matt": true, "dave": true, "joe": false, "jill": false} {
		c := s.client()
		r := c.login(user).want(200).has("tf_required", demanded)
		if demanded {
			r.has("tf_state", "setup_from_login")
			c.stranger()
		} else {
			c.signedIn(user, 1)
		}
	}
	c, _ := s.enroll("matt", storage.Email)
	c.page("/admin").shows(fmt.Sprintf("signed in as %s", "matt@lp.com"))
	c.post("/tf-setup", m{"setup": "disable"}).refused(400, "setup", "Marked method is not valid")
	c = s.client()
	c.login("joe").want(200)
	c.get("/admin").refusedFlat(403, "You do not have permission to view this resource.")
	c.get("/both").refusedFlat(403, "This page needs a second factor. Please set one up.").has("tf_setup_url",
		"/tf-setup")
}
