package contract_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func trusting(c *twofold.Config) { c.TwoFactor.LoginValidity = 30 * 24 * time.Hour }
func required(c *twofold.Config) { c.TwoFactor.Required = true }

// Row 1, validity_cookie.
func TestATrustedBrowserSkipsTheSecondFactor(t *testing.T) {
	s := newSite(t, trusting, func(c *twofold.Config) { c.Pages.Paths.DeviceCookie = "tf_custom" })
	s.enroll("gal", storage.SMS)
	_, gal2 := s.enroll("gal2", storage.Authenticator)

	c := s.client()
	c.loginForm("gal", "remember", "y").to("/tf-validate")
	if _, ok := c.Jar["tf_custom"]; ok {
		t.Error("trusted before the second factor was proven")
	}
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	k, ok := c.Set["tf_custom"]
	if !ok {
		t.Fatal("no cookie of the configured name")
	}
	if k.MaxAge != 30*24*3600 || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" {
		t.Errorf("attributes: %v", k.Raw)
	}
	if _, ok := c.Jar["tf_validity"]; ok {
		t.Error("the default name is used beside the configured one")
	}
	c.signedIn("gal", 2)
	c.logout()
	if _, ok := c.Jar["tf_custom"]; !ok {
		t.Fatal("signing out took the cookie")
	}
	c.loginForm("gal", "remember", "y").to("/")
	c.page("/profile").shows("signed in as gal@lp.com level 1 trusted true")
	c.logout()
	c.loginForm("gal2").to("/tf-validate") // it is gal's browser, not gal2's
	c.form("/tf-validate", "code", gal2.next()).to("/")
	c.logout()

	// The same with JSON.
	s.Advance(time.Minute)
	j := s.client()
	j.login("gal", "remember", true).want(200).has("tf_required", true)
	j.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	j.post("/logout", m{}).want(200)
	j.login("gal").want(200).has("tf_required", false, "user", m{"id": s.id("gal"), "email": "gal@lp.com"})
	j.post("/logout", m{}).want(200)
	j.login("gal2").want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "authenticator", "user",
		absent)
}

// Row 2, do_not_remember_tf_validity.
func TestWithoutRememberNoBrowserIsTrusted(t *testing.T) {
	s := newSite(t, trusting)
	s.enroll("gal", storage.SMS)
	c := s.client()
	for _, body := range []any{absent, false, nil, "false", ""} {
		s.Advance(time.Minute)
		if body == absent {
			c.login("gal").want(200)
		} else {
			c.login("gal", "remember", body).want(200).
				has("tf_required", true, "tf_state", "ready", "tf_method", "sms", "tf_primary_method", "sms")
		}
		c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
		if _, ok := c.Jar["tf_validity"]; ok {
			t.Fatalf("remember %v: trusted all the same", body)
		}
		c.logout()
	}
	s.Advance(time.Minute)
	c.loginForm("gal").to("/tf-validate")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	if _, ok := c.Jar["tf_validity"]; ok {
		t.Error("a form without remember is remembered")
	}
	c.logout()
	c.loginForm("gal").to("/tf-validate")
}

// Row 3, tf_expired_cookie.
func TestTheTrustOfABrowserExpires(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.TwoFactor.LoginValidity = time.Hour })
	config := s.Config
	config.TwoFactor.LoginValidity = -time.Minute
	if _, err := twofold.New(config); err == nil || !strings.Contains(err.Error(), "TwoFactor.LoginValidity") {
		t.Errorf("a negative validity: %v", err)
	}
	s.enroll("gal", storage.SMS)
	c := s.client()
	c.loginForm("gal", "remember", "y").to("/tf-validate")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	c.logout()
	c.loginForm("gal").to("/")
	c.logout()
	s.Advance(time.Hour)
	c.Clock = nil // as if the browser kept it forever
	c.loginForm("gal").to("/tf-validate")
	c.form("/logout")
	s.Advance(time.Minute)
	c.login("gal").want(200).has("tf_required", true)

	always := anotherSite(t)
	always.enroll("gal", storage.SMS)
	c = always.client()
	c.login("gal", "remember", true).want(200).has("tf_required", true)
	c.post("/tf-validate", m{"code": always.code(phone)}).want(200)
	if _, ok := c.Jar["tf_validity"]; ok {
		t.Error("without LoginValidity a browser is trusted")
	}
}

// Row 4, change_uniquifier_invalidates_cookie.
func TestAChangeOfIdentityEndsTheTrustOfABrowser(t *testing.T) {
	s := newSite(t, trusting)
	s.enroll("gal", storage.SMS)
	c := s.client()
	c.loginForm("gal", "remember", "y").to("/tf-validate")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	c.logout()
	if err := s.Auth.SetIdentity(t.Context(), s.id("gal"), "gal@lp.com", ""); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Jar["tf_validity"]; !ok {
		t.Fatal("no cookie to try")
	}
	c.loginForm("gal").to("/tf-validate")
	c.form("/logout")
	s.Advance(time.Minute)
	c.login("gal").want(200).has("tf_required", true, "tf_state", "ready")
}

// Row 5, tf_reset_invalidates_cookie.
func TestResetAccessEndsTrustAndSessions(t *testing.T) {
	s := newSite(t, trusting, required)
	s.enroll("gal", storage.SMS)
	c := s.client()
	c.loginForm("gal", "remember", "y").to("/tf-validate")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	if err := s.Auth.ResetAccess(t.Context(), s.id("gal")); err != nil {
		t.Fatal(err)
	}
	c.stranger() // what was issued before is invalid
	c.loginForm("gal").to("/tf-setup")
	c.page("/tf-setup").shows("Two-factor authentication adds an extra layer of security to your account")
	c.stranger()
	c.login("gal").want(200).has("tf_required", true, "tf_state", "setup_from_login", "user", absent)
}

// Row 6, two_factor_two_factor_setup_anonymous.
func TestAStrangerCannotSetUpASecondFactor(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.form("/tf-setup", "setup", "sms").to("/login")
	c.page("/login").shows(denied)
	c.page("/login").hides(denied) // said once
	c.post("/tf-setup", m{"setup": "sms"}).refused(400, "", denied)
	if len(s.SMS.All()) != 0 {
		t.Error("a stranger had a code sent")
	}
}

// Row 7, two_factor_illegal_state.
func TestStepsWithoutASignInLeadToTheSignInPage(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.Pages.Prefix = "/api" })
	for _, path := range []string{"/tf-setup", "/tf-validate", "/tf-rescue"} {
		c := s.client()
		c.page("/api" + path).to("/api/login")
		c.page("/api/login").shows(denied)
		c.get("/api"+path).refused(400, "", denied)
		c.page(path).want(404)
	}
	c := s.client()
	c.form("/api/tf-setup", "setup", "email").to("/api/login")
	c.form("/api/tf-validate", "code", "123456").to("/api/login")
	c.form("/api/tf-rescue", "help_setup", "help").to("/api/login")
}

// Row 8, two_factor_flag.
func TestFormsSetUpProveChangeAndRescueASecondFactor(t *testing.T) {
	s := newSite(t, required, trusting)
	c := s.client()
	c.page("/tf-setup").to("/login")
	c.page("/login").shows(denied)
	c.form("/login", "email", "nobody@lp.com", "password", plain).shows("Specified user does not exist")
	c.form("/login", "email", "matt@lp.com", "password", "wrong").shows("Invalid password")
	c.form("/login", "email", "tiya@lp.com", "password", plain).shows("Account is disabled.")
	c.post("/login", m{"email": "nobody@lp.com", "password": plain}).refused(400, "email",
		"Specified user does not exist")
	c.post("/login", m{"email": "matt@lp.com", "password": "wrong"}).refused(400, "password", "Invalid password")
	c.login("jess").refused(400, "password", "Invalid password") // has none

	t.Log("set-up is demanded at the first sign-in, and a bad method changes nothing")
	c.loginForm("matt").to("/tf-setup")
	c.page("/tf-setup").shows("adds an extra layer of security to your account").hides("Turn off")
	c.form("/tf-setup", "setup", "not_a_method").shows("Marked method is not valid")
	c.post("/tf-setup", m{"setup": "not_a_method"}).refused(400, "setup", "Marked method is not valid")
	c.post("/tf-setup", m{}).refused(400, "setup", "Marked method is not valid")
	c.get("/tf-setup").want(200).has("tf_required", true, "tf_method", nil, "tf_primary_method", nil)
	c.form("/tf-setup", "setup", "sms", "phone", "+442083661177").shows("Enter code to complete setup")
	c.form("/tf-validate", "code", wrong(s.code("+442083661177"))).shows("Invalid code")
	c.form("/tf-validate", "code", s.code("+442083661177")).to("/")
	c.signedIn("matt", 2)
	c.logout()

	t.Log("sign-in by SMS")
	s.enroll("gal", storage.SMS)
	s.Events.Reset()
	c.login("gal", "remember", true).want(200).
		has("tf_required", true, "tf_state", "ready", "tf_method", "sms", "tf_primary_method", "sms", "user", absent)
	c.page("/tf-validate").shows("We texted a code to")
	c.form("/tf-validate", "code", wrong(s.code(phone))).shows("Invalid code")
	failed := testkit.EventsOf[event.UserFailedAuthn](s.Events)
	if len(failed) != 1 || failed[0].User.Email != "gal@lp.com" || failed[0].AuthType != "code" ||
		!failed[0].SecondFactor {
		t.Errorf("failed-authn events: %+v", failed)
	}
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	if _, ok := c.Jar["twofold-pending"]; ok {
		t.Error("the pending sign-in outlived itself")
	}
	if _, ok := c.Jar["tf_validity"]; !ok {
		t.Error("not remembered")
	}
	c.page("/tf-setup").shows("Your code has been confirmed", "Text message (SMS)").hides("Turn off")
	s.changeMethods(c)
	s.rescueByForm()
}

// changeMethods changes the method within the session, to e-mail and then to an app.
func (s *site) changeMethods(c *client) {
	s.T.Helper()
	c.form("/tf-setup", "setup", "email").shows("Enter code to complete setup")
	c.page("/tf-validate").shows(`name="code"`)
	c.form("/tf-validate", "code", wrong(s.code("gal@lp.com"))).shows("Invalid code")
	c.form("/tf-validate", "code", s.code("gal@lp.com")).to("/tf-setup")
	c.page("/tf-setup").shows("set up.", "Email")

	page := c.form("/tf-setup", "setup", "authenticator").
		shows("Open an authenticator app on your device", "data:image/svg+xml;base64,", "gal@lp.com", "tests")
	key := shownKey(page.text())
	if len(key) != 32 {
		s.T.Fatalf("no key of eight groups of four on the page:\n%s", page.text())
	}
	a := s.app(key)
	c.form("/tf-validate", "code", a.next()).to("/tf-setup")
	c.page("/tf-setup").shows("set up.", "Authenticator app")
	c.signedIn("gal", 2)
	c.logout()
	for _, name := range []string{"twofold", "twofold-pending", "twofold-csrf"} {
		if _, ok := c.Jar[name]; ok {
			s.T.Errorf("cookie %s is there after signing out", name)
		}
	}
	c.stranger()
	c.loginForm("gal").to("/tf-validate") // the change ended the trust, too
	c.page("/tf-validate").shows("from your authenticator app")
	c.form("/tf-validate", "code", a.next()).to("/")
}

// rescueByForm requests a rescue with a form.
func (s *site) rescueByForm() {
	s.T.Helper()
	c := s.client()
	c.form("/tf-rescue", "help_setup", "email").to("/login")
	c.post("/tf-rescue", m{"help_setup": "email"}).refused(400, "", denied)
	c.loginForm("gal").to("/tf-validate")
	c.form("/tf-rescue", "help_setup", "email").to("/tf-validate")
	c.page("/tf-validate").shows("The code for authentication was sent to your email address")
	c.form("/tf-rescue", "help_setup", "help").to("/tf-validate")
	c.page("/tf-validate").shows("An email was sent to us in order to reset your application account")
	c.form("/tf-validate", "code", s.code("gal@lp.com")).to("/")
	c.signedIn("gal", 2)
}

// Row 9, no_rescue_email.
func TestWithoutRescueEmailNoCodeIsMailed(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.TwoFactor.RescueEmail = false })
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal2").want(200)
	c.get("/tf-validate").want(200).has("recovery_options", m{"help": "/tf-rescue"}, "user", absent)
	c.get("/tf-rescue").want(200).has("recovery_options", m{"help": "/tf-rescue"})
	c.page("/tf-validate").shows("Contact the administrator").hides("Send code via email")
	c.post("/tf-rescue", m{"help_setup": "email"}).refused(400, "help_setup", "Not a valid choice.")
	c.form("/tf-rescue", "help_setup", "email").shows("Not a valid choice.")
	if len(s.mails("gal2@lp.com")) != 0 {
		t.Error("a mail went out all the same")
	}
	c.post("/tf-validate", m{"code": a.next()}).want(200) // nothing was lost by it
}

// Row 10, setup_bad_phone.
func TestOnlyAValidConfirmedPhoneNumberIsStored(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.loginForm("matt").to("/")
	const bad = "Phone number not valid e.g. missing country code"
	for number, why := range map[string]string{ // which pages say
		"555-1212": "too short", "": "isn't a phone number", "+1": "isn't a phone number",
		"650-555-1212x7": "this kind of number", "+19005551212": "this kind of number", "x": "isn't a phone number",
	} {
		c.form("/tf-setup", "setup", "sms", "phone", number).shows(why)
		c.post("/tf-setup", m{"setup": "sms", "phone": number}).refused(400, "phone", bad)
	}
	c.post("/tf-setup", m{"setup": "sms"}).refused(400, "phone", bad)
	if n := len(s.SMS.All()); n != 0 {
		t.Fatalf("%d messages sent to bad numbers", n)
	}
	c.form("/tf-setup", "setup", "sms", "phone", "650-555-1212").shows("Enter code to complete setup")
	if len(s.factors("matt")) != 0 {
		t.Error("stored before it was confirmed")
	}
	c.form("/tf-validate", "code", s.code(phone)).to("/tf-setup")
	f := s.factors("matt")
	if len(f) != 1 || f[0].Destination != phone { // E.164, not as typed
		t.Errorf("stored: %+v", f)
	}
	c.get("/tf-setup").want(200).has("tf_phone_number", phone, "tf_method", "sms", "tf_primary_method", "sms")
}
