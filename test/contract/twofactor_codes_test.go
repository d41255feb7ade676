package contract_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

const notSent = "Failed to send code. Please try again later"

// Row 23, recoverable.
func TestAResetPasswordStillNeedsTheSecondFactor(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.AutoLoginAfterReset = true })
	signedIn, _ := s.enroll("gal", storage.SMS)
	c := s.client()
	link := c.resetLink("gal")
	c.form(link, chosenForm...).to("/tf-validate")
	c.stranger()
	signedIn.stranger()
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	c.signedIn("gal", 2)
	// The password that an administrator sets is not enough to sign in.
	if err := s.Auth.SetPassword(t.Context(), s.id("gal"), "a new and longer one"); err != nil {
		t.Fatal(err)
	}
	c.stranger()
	c.post("/login", m{"email": "gal@lp.com", "password": "a new and longer one"}).want(200).
		has("tf_required", true, "tf_state", "ready", "tf_method", "sms")
}

// Row 24, admin_setup_reset.
func TestAdministratorsResetSecondFactors(t *testing.T) {
	s := newSite(t, required)
	c := s.client()
	c.page("/profile").to("/login?next=/profile")
	c.get("/profile").refusedFlat(401, "You must sign in to view this resource.")
	s.enroll("gene", storage.SMS)
	c.loginForm("gene").to("/tf-validate")
	c.page("/profile").to("/login?next=/profile")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	c.signedIn("gene", 2)
	if methods := s.methods("gene"); methods != "sms" {
		t.Errorf("methods %q", methods)
	}
	if err := s.Auth.ResetAccess(t.Context(), s.id("gene")); err != nil {
		t.Fatal(err)
	}
	c.page("/profile").to("/login?next=/profile")
	c.login("gene").want(200).has("tf_required", true, "tf_state", "setup_from_login")
}

// Row 25, datastore.
func TestTheServerKeepsTheSetUp(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.loginForm("joe").to("/")
	c.post("/tf-setup", m{"setup": "sms", "phone": phone}).want(200).has("tf_state", "validating_profile", "tf_method",
		"sms")
	c.page("/tf-validate").shows("Enter code to complete setup") // the server keeps the state of a pending step
	c.form("/tf-validate", "code", s.code(phone)).to("/tf-setup")
	c.page("/tf-validate").to("/") // and over now
	f := s.factors("joe")
	if len(f) != 1 || f[0].Method != "sms" || f[0].Destination != phone || !f[0].Primary || len(f[0].Secret) != 0 {
		t.Errorf("stored: %+v", f) // a sent code needs no secret
	}
}

// Row 26, totp_secret_generation.
func TestEachSetUpHasItsOwnEncryptedSecret(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.loginForm("joe").to("/")
	begun := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	again := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	if begun.Text("tf_authr_b32key") == again.Text("tf_authr_b32key") {
		t.Error("two set-ups with one secret")
	}
	if len(s.factors("joe")) != 0 {
		t.Error("stored before it was confirmed")
	}
	old, a := s.app(begun.Text("tf_authr_b32key")), s.app(again.Text("tf_authr_b32key"))
	c.post("/tf-validate", m{"code": old.next()}).refused(400, "code", "Invalid code")
	c.post("/tf-validate", m{"code": a.next()}).want(200)
	f := s.factors("joe")
	if len(f) != 1 || len(f[0].Secret) == 0 || bytes.Contains(f[0].Secret, a.App) ||
		bytes.Contains(f[0].Secret, []byte(again.Text("tf_authr_b32key"))) {
		t.Errorf("stored: %+v", f)
	}
	for name, value := range c.Jar {
		if strings.Contains(value, again.Text("tf_authr_b32key")) {
			t.Errorf("cookie %s holds the secret", name)
		}
	}
	c.post("/tf-setup", m{"setup": "disable"}).want(200)
	if f := s.factors("joe"); len(f) != 0 {
		t.Errorf("left after switching off: %+v", f)
	}
}

// Row 27, just_authenticator.
func TestTheAppCanBeTheOnlyMethod(t *testing.T) {
	s := newSite(t, required, func(c *twofold.Config) { c.TwoFactor.EnabledMethods = []string{storage.Authenticator} })
	c := s.client()
	c.loginForm("matt").to("/tf-setup")
	c.page("/tf-setup").shows("Authenticator app").hides("SMS", `value="email"`)
	c.form("/tf-setup", "setup", "sms", "phone", phone).shows("Marked method is not valid")
	page := c.form("/tf-setup", "setup", "authenticator").shows("Open an authenticator app on your device").hides("SMS")
	a := s.app(shownKey(page.text()))
	c.form("/tf-validate", "code", a.next()).to("/")
	c.signedIn("matt", 2)
	c.logout()

	c.login("matt").want(200).has("tf_state", "ready", "tf_method", "authenticator", "tf_primary_method",
		"authenticator")
	c.post("/tf-validate", m{"code": a.next()}).want(200)
	c.get("/tf-setup").want(200).has("tf_available_methods", list("authenticator"), "tf_phone_number", nil)
	s.enroll("gal2", storage.Authenticator)
}

// Row 28, authr_identity.
func TestTheKeyOfAnAppNamesSiteAndAccount(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.login("matt").want(200)
	r := c.post("/tf-setup", m{"setup": "authenticator"}).want(200).
		has("tf_authr_issuer", "tests", "tf_authr_username", "matt@lp.com", "tf_state", "validating_profile")
	b32 := r.Text("tf_authr_b32key")
	if !regexp.MustCompile(`^[A-Z2-7]{32}$`).MatchString(b32) {
		t.Errorf("tf_authr_b32key %q", b32)
	}
	if !regexp.MustCompile(`^([A-Z2-7]{4}-){7}[A-Z2-7]{4}$`).MatchString(r.Text("tf_authr_key")) ||
		strings.ReplaceAll(r.Text("tf_authr_key"), "-", "") != b32 {
		t.Errorf("tf_authr_key %q", r.Text("tf_authr_key"))
	}
	if want := "otpauth://totp/tests:matt@lp.com?secret=" + b32 + "&issuer=tests"; r.Text("tf_authr_uri") != want {
		t.Errorf("tf_authr_uri %q, want %q", r.Text("tf_authr_uri"), want)
	}
}

// Row 29, authr_identity_num.
func TestAUsernameOfDigitsIsText(t *testing.T) {
	s := newSite(t)
	if err := s.Auth.SetIdentity(t.Context(), s.id("jill"), "jill@lp.com", "456789"); err != nil {
		t.Fatal(err)
	}
	c := s.client()
	c.post("/login", m{"username": 456789, "password": plain}).
		refused(400, "username", "Input not appropriate for requested API") // a name is text, even of digits
	c.post("/login", m{"username": "456789", "password": plain}).want(200).has("tf_required", false)
	c.post("/tf-setup", m{"setup": "authenticator"}).want(200).has("tf_authr_username", "jill@lp.com")
}

// Row 30, email_salutation.
func TestMailsGreetByAddress(t *testing.T) {
	s := newSite(t)
	s.enroll("joe", storage.Email) // has no username
	s.client().login("joe").want(200).has("tf_method", "email")
	mail := s.letter("joe@lp.com")
	for what, text := range map[string]string{"text": mail.Text, "html": mail.HTML} {
		if !strings.Contains(text, "Hello joe@lp.com,") || !strings.Contains(text, s.code("joe@lp.com")) {
			t.Errorf("%s of the mail:\n%s", what, text)
		}
	}
	if want := s.code("joe@lp.com") + " is your tests code"; mail.Subject != want {
		t.Errorf("subject %q, want %q", mail.Subject, want)
	}
}

// Row 31, username_salutation.
func TestMailsGreetByTheFirstIdentity(t *testing.T) {
	s := newSite(t, usernameFirst)
	s.enroll("matt", storage.Email)
	s.client().post("/login", m{"username": "matt", "password": plain}).want(200).has("tf_method", "email")
	mail := s.letter("matt@lp.com")
	for what, text := range map[string]string{"text": mail.Text, "html": mail.HTML} {
		if !strings.Contains(text, "Hello matt,") || strings.Contains(text, "Hello matt@lp.com") {
			t.Errorf("%s of the mail:\n%s", what, text)
		}
	}
	byAddress := anotherSite(t)
	byAddress.enroll("matt", storage.Email)
	byAddress.client().login("matt").want(200)
	if mail := byAddress.letter("matt@lp.com"); !strings.Contains(mail.Text, "Hello matt@lp.com,") {
		t.Errorf("greeted by another name than the first: %s", mail.Text)
	}
}

var errProvider = errors.New("internal-detail-of-the-provider")

// Row 32, bad_sender.
func TestASignInSurvivesAMessageThatFails(t *testing.T) {
	s := newSite(t)
	s.enroll("gal", storage.SMS)
	s.SMS.FailWith(errProvider)
	c := s.client()
	c.loginForm("gal").to("/login")
	c.page("/login").shows(notSent)
	c.login("gal").refusedFlat(500, notSent)
	c.stranger()

	j := s.client()
	j.loginForm("joe").to("/")
	j.form("/tf-setup", "setup", "sms", "phone", "+442083661177").shows(notSent,
		`name="code"`).hides(errProvider.Error())
	s.Advance(time.Minute)
	j.post("/tf-setup", m{"setup": "sms", "phone": "+442083661177"}).refused(500, "setup", notSent)
	s.SMS.FailWith(nil)
	s.Advance(time.Minute)
	c.post("/tf-resend", m{}).want(200).has("tf_state", "ready", "tf_method", "sms") // the sign-in stands
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
}

// Row 33, replace_send_code.
func TestTheErrorOfASenderIsNotShown(t *testing.T) {
	s := newSite(t)
	s.enroll("gal", storage.Email)
	_, a := s.enroll("gal2", storage.Authenticator)
	s.Mail.FailWith(errProvider)
	c := s.client()
	c.login("gal").refusedFlat(500, notSent) // what the sender says is for the log
	c = s.client()
	c.login("gal2").want(200)
	c.post("/tf-rescue", m{"help_setup": "email"}).refused(500, "help_setup", notSent)
	s.Advance(time.Minute)
	c.form("/tf-rescue", "help_setup", "email").shows(notSent).hides(errProvider.Error())
	c.post("/tf-validate", m{"code": a.next()}).want(200)
}

// Row 34, propagate_next.
func TestNextSurvivesTheSecondFactor(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.page("/login?next=/profile").shows(`name="next" value="/profile"`)
	c.form("/login?next=/profile", "email", "gal2@lp.com", "password", plain).to("/tf-validate?next=/profile")
	c.page("/tf-validate?next=/profile").shows(`name="next" value="/profile"`)
	c.form("/tf-validate?next=/profile", "code", a.next()).to("/profile")
	c.logout()
	c.loginForm("gal2", "next", "/profile?a=b&c=d").to("/tf-validate?next=/profile%3Fa%3Db%26c%3Dd")
	c.form("/tf-validate", "code", "000000", "next", "/profile?a=b&c=d").shows(`name="next" value="/profile?a=b&c=d"`)
	c.form("/tf-validate", "code", a.next(), "next", "/profile?a=b&c=d").to("/profile?a=b&c=d")
	c.logout()
	c.loginForm("joe", "next", "/profile").to("/profile") // the same without a second factor
	c.logout()

	const outside = "Redirections outside the domain are forbidden"
	for _, next := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, s.Origin + "/profile",
		"profile"} {
		c.loginForm("gal2", "next", next).shows(outside)
		c.login("gal2", "next", next).refused(400, "next", outside)
	}
	c.loginForm("gal2").to("/tf-validate")
	c.form("/tf-validate", "code", a.next(), "next", "//evil.example").to("/")
}
