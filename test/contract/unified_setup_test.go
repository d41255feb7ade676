package contract_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// Row U15, setup_json.
func TestJSONSetsUpAMethod(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.TwoFactor.Freshness = -1 })
	c := s.tokenClient("joe")
	s.Advance(14 * time.Minute)
	c.get("/us-setup").want(200).has("identity_attributes", list("email", "username"),
		"available_methods", list("password", "email", "authenticator", "sms"), "active_methods", list("password"),
		"setup_methods", list("email", "authenticator", "sms"), "phone", nil)
	c.post("/us-setup", m{"chosen_method": "sms", "phone": "555-1212"}).refused(400, "phone",
		"Phone number not valid e.g. missing country code")
	begun := c.post("/us-setup", m{"chosen_method": "sms", "phone": "650-555-1212"}).want(200).has("chosen_method",
		"sms", "phone", phone, "authr_key", absent, "user", absent)
	path := "/us-setup/" + begun.Text("state")
	c.post(path, m{"passcode": wrong(s.code(phone))}).refused(400, "passcode", badPasscode)
	c.post(path, m{}).want(400)
	c.post(path, m{"passcode": s.code(phone)}).want(200).has("chosen_method", "sms", "phone", phone, "user", absent)
	c.get("/us-setup").want(200).has("active_methods", list("password", "sms"), "phone", phone)
	if e := testkit.EventsOf[event.USProfileChanged](s.Events); len(e) != 1 || !slices.Equal(e[0].Methods,
		[]string{"sms"}) || e[0].User.Email != "joe@lp.com" {
		t.Errorf("profile changed: %+v", e)
	}
	s.Advance(time.Minute)
	b := s.client()
	b.passcode("joe", b.ask("joe", "sms")).want(200)
	s.Advance(time.Minute)
	// A phone number is not an identity, in any spelling.
	s.client().post("/us-signin/send-code", m{"identity": "(650) 555-1212", "chosen_method": "sms"}).refused(400,
		"identity", noIdentity)
}

// Row U16, setup_json_no_session.
func TestAStaleHeaderTokenCannotSetUpAMethod(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Sessions.TokenLife = time.Hour })
	c := s.tokenClient("joe")
	s.Advance(16 * time.Minute)
	for _, r := range []*reply{c.get("/us-setup"), c.post("/us-setup", m{"chosen_method": "email"})} {
		r.refusedFlat(401, reauthenticate).has("reauth_required", true, "unified_signin_enabled", true)
		if r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("asks for a browser's own dialogue: %v", r.Header)
		}
	}
	c.post("/us-verify", m{"passcode": plain}).want(200)
	c.get("/us-setup").want(200)
	begun := c.post("/us-setup", m{"chosen_method": "email"}).want(200)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code("joe@lp.com")}).want(200)
}

// Row U17, setup_basic.
func TestBasicAuthenticationCannotSetUpAMethod(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.Header["Authorization"] = "Basic am9lQGxwLmNvbTpwYXNzd29yZA==" // joe@lp.com:password
	c.get("/us-setup").refusedFlat(401, signInFirst)
	c.post("/us-setup", m{"chosen_method": "email"}).refusedFlat(401, signInFirst)
}

// Row U18, setup_bad_token.
func TestAWrongStateCompletesNoUnifiedSetUp(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.login("joe").want(200)
	c.post("/us-setup/not-a-token", m{"passcode": "123456"}).refused(400, "", apiError)
	c.form("/us-setup/not-a-token", "passcode", "123456").to("/us-setup")
	c.page("/us-setup").shows(apiError)
}

// Row U19, setup_timeout.
func TestAnExpiredUnifiedSetUpActivatesNothing(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.TwoFactor.SetupWithin = 67 * time.Second })
	c := s.client()
	c.login("joe").want(200)
	begun := c.post("/us-setup", m{"chosen_method": "sms", "phone": phone}).want(200)
	s.Advance(67 * time.Second)
	const late = "Setup must be completed within 1 minute and 7 seconds. Please start over."
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code(phone)}).refused(400, "", late)
	c.form("/us-setup/"+begun.Text("state"), "passcode", s.code(phone)).to("/us-setup")
	c.get("/us-setup").want(200).has("active_methods", list("password"))
}

// Row U20, unique_phone.
func TestTwoUsersMayShareAPhone(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", storage.SMS)
	s.begins("matt", storage.SMS) // two people, one phone
	c := s.client()
	code := c.ask("matt", "sms")
	c.passcode("joe", code).refused(400, "passcode", badPasscode)
	c.passcode("matt", code).want(200)
	c.signedIn("matt", 1)
}

// Row U21, verify.
func TestACodeMakesASessionFreshByForm(t *testing.T) {
	s := newSite(t, withUnified, neverFresh)
	c := s.client()
	c.loginForm("joe").to("/")
	c.page("/us-setup").to("/us-verify?next=/us-setup")
	c.form("/us-verify?next=/us-setup", "passcode", plain).to("/us-setup")
	c.page("/us-setup").shows("Reauthentication successful")
	begun := c.post("/us-setup", m{"chosen_method": "sms", "phone": phone}).want(200)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code(phone)}).want(200)
	s.Advance(time.Minute)
	s.Events.Reset()
	c.form("/us-setup", "chosen_method", "email").to("/us-verify?next=/us-setup")
	page := c.page("/us-verify?next=/us-setup").shows("Confirm it's you", `name="passcode"`,
		`value="sms"`).hides(`value="email"`)
	if !strings.Contains(page.Body, `name="next" value="/us-setup"`) {
		t.Error("the page forgets where it came from")
	}
	c.form("/us-verify/send-code?next=/us-setup", "chosen_method", "carrier pigeon").shows("Not a valid choice.")
	c.form("/us-verify/send-code?next=/us-setup", "chosen_method", "email").shows(noMethod) // not set up
	c.form("/us-verify/send-code?next=/us-setup", "chosen_method", "sms").shows(codeSent)
	c.form("/us-verify?next=/us-setup", "passcode", s.code(phone)).to("/us-setup")
	c.page("/us-setup").want(200)
	sent, again := testkit.EventsOf[event.USSecurityTokenSent](s.Events),
		testkit.EventsOf[event.UserReauthenticated](s.Events)
	if len(sent) != 1 || sent[0].Method != "sms" || len(again) != 1 || !slices.Equal(again[0].Via, []string{"sms"}) ||
		len(testkit.EventsOf[event.UserFailedAuthn](s.Events)) != 0 {
		t.Errorf("sent %+v, again %+v", sent, again)
	}
}

// Row U22, verify_json.
func TestACodeMakesASessionFreshByJSON(t *testing.T) {
	s := newSite(t, withUnified, neverFresh, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{storage.SMS, "password", storage.Email}
	})
	c := s.client()
	c.get("/us-verify").refusedFlat(401, signInFirst)
	c.login("joe").want(200)
	c.get("/us-setup").refusedFlat(401, reauthenticate).has("reauth_required", true, "unified_signin_enabled", true)
	c.post("/us-verify", m{"passcode": plain}).want(200)
	begun := c.post("/us-setup", m{"chosen_method": "sms", "phone": phone}).want(200)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code(phone)}).want(200)
	s.Advance(time.Minute)
	s.Events.Reset()
	user := m{"id": s.id("joe"), "email": "joe@lp.com"}
	c.get("/us-verify").want(200).has("user", user, "available_methods", list("sms", "password", "email"),
		"code_methods", list("sms"),
		"has_webauthn_verify_credential", false, "oauth_enabled", false, "oauth_providers", list())
	c.post("/us-verify/send-code", m{}).refused(400, "chosen_method", noMethod)
	c.post("/us-verify/send-code", m{"chosen_method": "orange"}).refused(400, "chosen_method", "Not a valid choice.")
	if r := c.post("/us-verify/send-code", m{"chosen_method": "sms"}).want(200); len(r.JSON) != 1 {
		t.Errorf("more than csrf_token: %s", r.Body)
	}
	c.post("/us-verify", m{"passcode": nil}).refused(400, "passcode", badPasscode)
	if e := testkit.EventsOf[event.UserFailedAuthn](s.Events); len(e) != 0 {
		t.Errorf("no passcode is a failed sign-in: %+v", e)
	}
	c.post("/us-verify", m{"passcode": wrong(s.code(phone))}).refused(400, "passcode", badPasscode)
	if e := testkit.EventsOf[event.UserFailedAuthn](s.Events); len(e) != 1 || e[0].AuthType != "passcode" ||
		e[0].SecondFactor {
		t.Errorf("failed: %+v", e)
	}
	c.post("/us-verify", m{"passcode": s.code(phone)}).want(200).has("user", user)
	c.get("/us-setup").want(200)
}

// Row U23, setup_nofresh.
func TestWithoutFreshnessThereIsNoUnifiedVerify(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.TwoFactor.Freshness = -1 })
	c := s.client()
	c.login("joe").want(200)
	s.Advance(50 * time.Minute)
	c.get("/us-setup").want(200)
	c.post("/us-setup", m{"chosen_method": "email"}).want(200)
	c.get("/us-verify").want(404)
	c.post("/us-verify/send-code", m{"chosen_method": "email"}).want(404)
}

// Row U24, invalid_method.
func TestAMethodThatIsOffSendsNoCode(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{"password", storage.Email}
	})
	c := s.client()
	c.post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "sms"}).refused(400, "chosen_method",
		noMethod)
	c.form("/us-signin/send-code", "identity", "joe@lp.com", "chosen_method", "sms").shows(noMethod)
}

// Row U25, invalid_method_setup.
func TestAMethodThatIsOffCannotBeSetUp(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{"password", storage.Email}
	})
	c := s.client()
	c.login("joe").want(200)
	for _, method := range []string{"sms", "password", "webauthn", "nonsense"} {
		c.post("/us-setup", m{"chosen_method": method, "phone": phone}).refused(400, "chosen_method", noMethod)
		c.form("/us-setup", "chosen_method", method, "phone", phone).shows(noMethod)
	}
}

// Row U26, setup_new_totp.
func TestANewSetUpEndsTheEarlierOne(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.login("joe").want(200)
	first := c.post("/us-setup", m{"chosen_method": "authenticator"}).want(200)
	second := c.post("/us-setup", m{"chosen_method": "authenticator"}).want(200)
	old, app := s.app(first.Text("authr_b32key")), s.app(second.Text("authr_b32key"))
	if first.Text("authr_b32key") == second.Text("authr_b32key") {
		t.Error("two set-ups share a secret")
	}
	c.post("/us-setup/"+second.Text("state"), m{"passcode": old.next()}).refused(400, "passcode", badPasscode)
	// the later one replaced it
	c.post("/us-setup/"+first.Text("state"), m{"passcode": old.next()}).refused(400, "", apiError)
	c.post("/us-setup/"+second.Text("state"), m{"passcode": app.next()}).want(200)
	s.client().passcode("joe", old.next()).refused(400, "passcode", badPasscode)
	s.client().passcode("joe", app.next()).want(200)
}

// Row U27, qrcode.
func TestAnAppIsSetUpByItsQRCode(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.loginForm("joe").to("/")
	page := c.form("/us-setup", "chosen_method", "authenticator").shows("Set up your authenticator app",
		"data:image/svg+xml;base64,", `name="passcode"`)
	shown := shownKey(page.text())
	action := regexp.MustCompile(`action="(/us-setup/[^"]+)"`).FindStringSubmatch(page.text())
	if shown == "" || action == nil {
		t.Fatalf("no key or no form:\n%s", page.text())
	}
	a := s.app(shown)
	c.form(action[1], "passcode", a.next()).to("/us-setup")
	c.page("/us-setup").shows("Unified sign in setup successful")
}

// Row U28, next.
func TestNextSurvivesACodeByMail(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", storage.Email)
	c := s.client()
	c.page("/us-signin?next=/profile").shows(`name="next" value="/profile"`)
	c.passcodeForm("joe", c.ask("joe", "email"), "next", "/profile").to("/profile")
	c.logout()
	c.form("/us-signin?next=/both", "identity", "joe@lp.com", "passcode", plain).to("/both")
	c.logout()
	c.passcodeForm("joe", plain, "next", "https://evil.example/").shows("Redirections outside the domain are forbidden")
	c.stranger()
}

// unconfirmedSite returns a site with a new account whose address is not confirmed.
func unconfirmedSite(t *testing.T, change ...func(*twofold.Config)) *site {
	s := newSite(t, append([]func(*twofold.Config){withUnified, func(c *twofold.Config) {
		c.Accounts.Registerable, c.Accounts.Confirmable = true, true
	}}, change...)...)
	c := s.client()
	c.post("/register", m{"email": "jyl@lp.com", "password": "battery staple",
		"password_confirm": "battery staple"}).want(200)
	c.stranger()
	return s
}

// Row U29, requires_confirmation_error_redirect.
func TestUnifiedSignInLeadsToTheConfirmation(t *testing.T) {
	s := unconfirmedSite(t, func(c *twofold.Config) { c.Pages.Views.Life.Unconfirmed = "/confirm" })
	c := s.client()
	to := "/confirm?email=" + url.QueryEscape("jyl@lp.com")
	c.form("/us-signin/send-code", "identity", "jyl@lp.com", "chosen_method", "email").to(to)
	c.form("/us-signin", "identity", "jyl@lp.com", "passcode", "battery staple").to(to)
	c.page(to).shows("Email requires confirmation.", `value="jyl@lp.com"`)
	c.form("/login", "email", "jyl@lp.com", "password", "battery staple").to(to)
	c.stranger()
}

// Row U30, confirmable.
func TestUnifiedSignInNeedsAConfirmedAddress(t *testing.T) {
	s := unconfirmedSite(t)
	c := s.client()
	c.post("/us-signin/send-code", m{"identity": "jyl@lp.com", "chosen_method": "email"}).refused(400, "identity",
		"Email requires confirmation.")
	c.post("/us-signin", m{"identity": "jyl@lp.com", "passcode": "battery staple"}).refused(400, "identity",
		"Email requires confirmation.")
	c.form("/us-signin", "identity", "jyl@lp.com", "passcode", "battery staple").shows("Email requires confirmation.")
	c.post("/us-signin", m{"identity": "jyl@lp.com", "passcode": "wrong"}).refused(400, "passcode", badPasscode)
	c.stranger()
	if n := len(s.passcodes("jyl@lp.com")); n != 0 {
		t.Errorf("%d codes were mailed to an address that nobody has proven", n)
	}
}

// Row U33, empty_password.
func TestAnEmptyPasscodeIsRefused(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	for _, body := range []m{{"identity": "joe@lp.com"}, {"identity": "joe@lp.com", "passcode": ""},
		{"identity": "joe@lp.com", "passcode": nil}, {"identity": "jess@lp.com", "passcode": ""}} {
		c.post("/us-signin", body).refused(400, "passcode", badPasscode)
	}
	c.passcode("jess", plain).refused(400, "passcode", badPasscode) // an account without password
	c.passcodeForm("joe", "").shows(badPasscode)
	c.stranger()
}

// Row U34, regular_login.
func TestAPasswordIsAPasscode(t *testing.T) {
	s := newSite(t, withUnified, remembers)
	c := s.client()
	c.passcodeForm("matt", plain, "remember", "y").to("/")
	c.remembered().signedIn("matt", 1)
	if got := s.via(); len(got) == 0 || !slices.Equal(got[0], []string{"password"}) {
		t.Errorf("via %v", got)
	}
	c.logout()
	c.post("/us-signin", m{"identity": "matt", "passcode": plain}).want(200) // his username
	c.logout()
	c.post("/us-signin", m{"username": "gal2", "passcode": plain}).want(200)
	c.signedIn("gal2", 1)
}

// Row U35, regular_login_disallowed.
func TestWithoutThePasswordMethodNoPasswordSignsIn(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Passwordless.EnabledMethods = []string{storage.Email} })
	c := s.client()
	c.passcode("joe", plain).refused(400, "passcode", badPasscode)
	c.passcodeForm("joe", plain).shows(badPasscode)
	c.stranger()
	c.get("/us-signin").want(200).has("available_methods", list("email"))
}
