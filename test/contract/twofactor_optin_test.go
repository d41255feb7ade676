package contract_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// Row 11, json.
func TestJSONSetsUpAndProvesASecondFactor(t *testing.T) {
	s := newSite(t, required)
	c := s.client()
	c.login("joe").want(200).has("tf_required", true, "tf_state", "setup_from_login", "tf_method", absent, "user",
		absent)
	c.get("/tf-setup").want(200).has("tf_required", true, "tf_phone_number", nil,
		"tf_available_methods", list("email", "sms", "authenticator"))
	c.post("/tf-setup", m{"setup": "sms", "phone": phone}).want(200).has("tf_state", "validating_profile",
		"tf_method", "sms", "tf_primary_method", "sms", "tf_state_token", nil, "user", absent, "tf_authr_key", absent)
	c.post("/tf-validate", m{"code": wrong(s.code(phone))}).refused(400, "code", "Invalid code")
	c.post("/tf-validate", m{}).refused(400, "code", "This field is required.")
	r := c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	if len(r.JSON) != 2 || r.JSON["user"] == nil || r.JSON["csrf_token"] == nil {
		t.Errorf("more or less than csrf_token and user: %s", r.Body)
	}
	c.post("/logout", m{}).want(200)

	for round := range 2 {
		s.Advance(time.Minute)
		c.login("joe").want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "sms", "tf_primary_method",
			"sms")
		c.get("/tf-validate").want(200).has("recovery_options", m{"help": "/tf-rescue", "email": "/tf-rescue"}, "user",
			absent)
		if round == 0 {
			c.post("/tf-validate", m{"code": wrong(s.code(phone))}).refused(400, "code", "Invalid code")
		}
		c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
		c.get("/tf-setup").want(200).has("tf_required", true, "tf_method", "sms", "tf_primary_method", "sms",
			"tf_phone_number", phone, "tf_available_methods", list("email", "sms", "authenticator"))
		c.post("/logout", m{}).want(200)
	}
	failed, confirmed := testkit.EventsOf[event.UserFailedAuthn](s.Events),
		testkit.EventsOf[event.TFCodeConfirmed](s.Events)
	sent := testkit.EventsOf[event.TFSecurityTokenSent](s.Events)
	if len(failed) != 1 || len(sent) != 3 || len(confirmed) != 3 {
		t.Errorf("failed %d, sent %d, confirmed %d; want 1, 3, 3", len(failed), len(sent), len(confirmed))
	}
	for _, e := range sent {
		if e.User.Email != "joe@lp.com" || e.Method != "sms" || testkit.Code(fmt.Sprintf("%+v", e)) != "" {
			t.Errorf("event: %+v", e) // a code is for its receiver alone
		}
	}
}

// Row 12, rescue_json.
func TestARescueMailsACodeOfItsOwn(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.get("/tf-rescue").refused(400, "", denied)
	c.post("/tf-rescue", m{"help_setup": "email"}).refused(400, "", denied)
	c.login("gal2").want(200)
	c.post("/tf-rescue", m{"help_setup": "nothing"}).refused(400, "help_setup", "Not a valid choice.")
	c.post("/tf-rescue", m{}).refused(400, "help_setup", "Not a valid choice.")
	options := m{"help": "/tf-rescue", "email": "/tf-rescue"}
	c.get("/tf-rescue").want(200).has("recovery_options", options, "user", absent)
	c.post("/tf-rescue", m{"help_setup": "email"}).want(200).has("recovery_options", options, "user", absent)
	mail := s.letter("gal2@lp.com")
	if !strings.HasSuffix(mail.Subject, " is your tests code") ||
		!strings.Contains(mail.Text, "It works for 5 minutes.") {
		t.Errorf("rescue mail: %q\n%s", mail.Subject, mail.Text)
	}
	if strings.Contains(mail.Text, a.Code(s.Now())) {
		t.Error("the app's own code was mailed")
	}
	c.post("/tf-rescue", m{"help_setup": "help"}).want(200)
	s.eventually("the administrators are told", func() bool { return s.Mail.Count(helpBox) == 1 })
	mail, _ = s.Mail.Last(helpBox)
	if mail.Subject != "Two-Factor Rescue" || !strings.Contains(mail.Text, "gal2@lp.com") {
		t.Errorf("help mail: %q\n%s", mail.Subject, mail.Text)
	}
	c.post("/tf-validate", m{"code": s.code("gal2@lp.com")}).want(200)
	c.signedIn("gal2", 2)
	c.post("/tf-rescue", m{"help_setup": "help"}).
		refusedFlat(400, "You can only access this endpoint when not logged in.")
}

// Row 13, json_auth_token.
func TestAHeaderTokenIsIssuedAfterBothFactors(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal2").want(200)
	user, _ := c.post("/tf-validate?include_auth_token", m{"code": a.next()}).want(200).JSON["user"].(m)
	token, _ := user["authentication_token"].(string)
	if token == "" {
		t.Fatalf("no token: %v", user)
	}
	bare := s.client()
	bare.stranger()
	bare.get("/profile?auth_token=" + token).want(401) // never in an address
	bare.Header["Authentication-Token"] = token
	bare.signedIn("gal2", 2)
	bare.get("/tf-setup").want(200).has("tf_method", "authenticator")
	s.Advance(15 * time.Minute)
	bare.stranger()
	bare.Header["Authentication-Token"] = c.Jar["twofold"] // what is right in a cookie is nothing here
	bare.stranger()

	first := s.client()
	first.login("gal2").want(200)
	if u, ok := first.post("/login?include_auth_token",
		m{"email": "gal2@lp.com", "password": plain}).want(200).JSON["user"]; ok {
		t.Errorf("a token for one factor: %v", u)
	}
}

// Row 14, no_opt_out.
func TestARequiredSecondFactorCannotBeSwitchedOff(t *testing.T) {
	s := newSite(t, required)
	c, _ := s.enroll("gal", storage.SMS)
	c.page("/tf-setup").shows("This account must keep a second factor.").hides(`value="disable"`)
	c.get("/tf-setup").want(200).has("tf_required", true, "tf_available_methods", list("email", "sms", "authenticator"))
	c.form("/tf-setup", "setup", "disable").shows("Marked method is not valid")
	c.post("/tf-setup", m{"setup": "disable"}).refused(400, "setup", "Marked method is not valid")
	fresh := s.client()
	fresh.login("matt").want(200)
	fresh.post("/tf-setup", m{"setup": "disable"}).refused(400, "setup", "Marked method is not valid")
	if len(s.factors("gal")) != 1 {
		t.Error("switched off all the same")
	}
}

// Row 15, custom_urls.
func TestThePathsOfSetUpAndRescueCanBeRenamed(t *testing.T) {
	s := newSite(t, required, func(c *twofold.Config) {
		c.Pages.Paths.Setup, c.Pages.Paths.Rescue = "/custom-setup",
			"/custom-rescue"
	})
	c := s.client()
	for _, path := range []string{"/tf-setup", "/tf-rescue"} {
		c.page(path).want(404)
		c.get(path).want(404)
		c.form(path, "setup", "sms").want(404)
	}
	c.loginForm("matt").to("/custom-setup")
	c.page("/custom-setup").shows(`action="/custom-setup"`)
	s.enrollAt("/custom-setup", "gal")
	c = s.client()
	c.login("gal").want(200)
	c.get("/custom-rescue").want(200).has("recovery_options", m{"help": "/custom-rescue", "email": "/custom-rescue"})
	c.page("/tf-validate").shows(`action="/custom-rescue"`)
}

// enrollAt enrolls e-mail where the path of the enrollment differs.
func (s *site) enrollAt(path, user string) {
	s.T.Helper()
	c := s.client()
	c.login(user).want(200)
	c.post(path, m{"setup": "email"}).want(200)
	c.post("/tf-validate", m{"code": s.code(user + "@lp.com")}).want(200)
	s.Advance(time.Minute)
}

// Row 16, evil_validate.
func TestAStepOutOfTurnLeavesTheSessionAlone(t *testing.T) {
	s := newSite(t)
	c, _ := s.enroll("gal", storage.SMS)
	c.signedIn("gal", 2)
	c.post("/tf-validate", m{"code": "?"}).refused(400, "", denied)
	c.signedIn("gal", 2) // a form of another tab ends nothing

	c = s.client()
	c.loginForm("joe").to("/")
	c.get("/tf-validate").refused(400, "", denied) // looking does no harm
	c.signedIn("joe", 1)
	c.form("/tf-validate", "code", "123456").to("/")
	c.signedIn("joe", 1)
}

// Row 17, opt_in.
func TestAUserSwitchesTheSecondFactorOnAndOff(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.loginForm("joe").to("/")
	c.signedIn("joe", 1)
	c.page("/tf-setup").shows("Set up two-factor authentication").hides(`value="disable"`)
	c.form("/tf-setup", "setup", "sms", "phone", phone).shows("Enter code to complete setup")
	c.form("/tf-validate", "code", s.code(phone)).to("/tf-setup")
	c.page("/tf-setup").shows("set up.", `value="disable"`, "Text message (SMS)")
	c.signedIn("joe", 2)
	if n := len(testkit.EventsOf[event.UserAuthenticated](s.Events)); n != 1 {
		t.Errorf("%d sign-ins told, want 1", n)
	}
	c.logout()
	if n := len(testkit.EventsOf[event.UserLoggedOut](s.Events)); n != 1 {
		t.Errorf("%d sign-outs told, want 1", n)
	}
	s.Advance(time.Minute)
	s.Events.Reset()
	c.loginForm("joe").to("/tf-validate")
	if n := len(testkit.EventsOf[event.UserAuthenticated](s.Events)); n != 0 {
		t.Error("a sign-in is told before the second factor")
	}
	c.stranger()
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	via := testkit.EventsOf[event.UserAuthenticated](s.Events)
	if len(via) != 1 || fmt.Sprint(via[0].Via) != "[password sms]" {
		t.Errorf("sign-ins told: %+v", via)
	}
	if _, ok := c.Jar["twofold-pending"]; ok {
		t.Error("pending cookie left")
	}
	c.form("/tf-setup", "setup", "disable").to("/tf-setup")
	c.page("/tf-setup").shows("You successfully disabled two-factor authorization.").hides(`value="disable"`)
	if n := len(testkit.EventsOf[event.TFDisabled](s.Events)); n != 1 {
		t.Errorf("%d times told that it is off, want 1", n)
	}
	c.logout()
	c.loginForm("joe").to("/")
	c.signedIn("joe", 1)
}

// tokenClient is a program without cookies that uses a header token.
func (s *site) tokenClient(user string) *client {
	s.T.Helper()
	c := s.client()
	r := c.post("/login?include_auth_token", m{"email": user + "@lp.com", "password": plain}).want(200)
	c.Header["Authentication-Token"], _ = r.JSON["user"].(m)["authentication_token"].(string)
	c.Jar = map[string]string{}
	return c
}

func (c *client) forget() *client { c.Jar = map[string]string{}; return c }

// Row 18, opt_in_nc.
func TestASetUpNeedsNoCookies(t *testing.T) {
	s := newSite(t)
	c := s.tokenClient("joe")
	c.forget().get("/tf-setup").want(200).has("tf_required", false, "tf_method", nil)
	begun := c.forget().post("/tf-setup", m{"setup": "sms", "phone": phone}).want(200).has("tf_state",
		"validating_profile")
	state := begun.Text("tf_state_token")
	c.forget().post("/tf-setup/not-a-token", m{"code": s.code(phone)}).
		refused(400, "", "Input not appropriate for requested API")
	c.forget().post("/tf-setup/"+state, m{"code": wrong(s.code(phone))}).refused(400, "code", "Invalid code")
	c.forget().post("/tf-setup/"+state, m{}).refused(400, "code", "This field is required.")
	if n := len(testkit.EventsOf[event.UserFailedAuthn](s.Events)); n != 0 {
		t.Error("a wrong code in a set-up is told as a failed sign-in")
	}
	c.forget().post("/tf-setup/"+state, m{"code": s.code(phone)}).want(200).
		has("tf_method", "sms", "tf_primary_method", "sms", "tf_phone", phone, "user", absent)
	changed := testkit.EventsOf[event.TFProfileChanged](s.Events)
	if len(changed) != 1 || changed[0].Method != "sms" || changed[0].User.Email != "joe@lp.com" {
		t.Errorf("profile-changed: %+v", changed)
	}
	c.forget().post("/tf-setup/"+state, m{"code": s.code(phone)}).want(400) // once
	c.forget().get("/tf-setup").want(200).has("tf_method", "sms", "tf_phone_number", phone,
		"tf_available_methods", list("disable", "email", "sms", "authenticator"))
	c.forget().signedIn("joe", 2) // the header token proves what was proven
	s.client().post("/tf-setup/"+state, m{"code": "123456"}).refusedFlat(401, "You must sign in to view this resource.")
}

// Row 19, opt_in_nc_non_string_code.
func TestACodeInJSONIsTextOrANumber(t *testing.T) {
	s := newSite(t)
	c := s.tokenClient("joe")
	state := c.post("/tf-setup", m{"setup": "sms", "phone": phone}).want(200).Text("tf_state_token")
	for _, code := range []any{m{"a": "b"}, []any{s.code(phone)}, true, 1.5, 1234567} {
		c.post("/tf-setup/"+state, m{"code": code}).refused(400, "code", "Input not appropriate for requested API")
	}
	c.post("/tf-setup/"+state, m{"code": nil}).refused(400, "code", "This field is required.")
	number := json.Number(strings.TrimLeft(s.code(phone), "0"))
	c.post("/tf-setup/"+state, m{"code": number}).want(200) // none of these was a guess
}

// Row 20, opt_in_nc_expired.
func TestAnExpiredSetUpStoresNothing(t *testing.T) {
	s := newSite(t)
	c := s.tokenClient("joe")
	state := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a := s.app(state.Text("tf_authr_b32key"))
	s.Advance(10 * time.Minute)
	c.post("/tf-setup/"+state.Text("tf_state_token"), m{"code": a.next()}).
		refused(400, "", "Setup must be completed within 10 minutes. Please start over.")
	if len(s.factors("joe")) != 0 {
		t.Error("set up all the same")
	}
	half := anotherSite(t, func(c *twofold.Config) { c.TwoFactor.SetupWithin = 30 * time.Minute })
	b := half.client()
	b.loginForm("joe").to("/")
	begun := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	half.Advance(30 * time.Minute)
	path := "/tf-setup/" + begun.Text("tf_state_token")
	b.post(path, m{"code": "123456"}).refused(400, "", "Setup must be completed within 30 minutes. Please start over.")
	b.form(path, "code", "123456").to("/tf-setup")
	b.page("/tf-validate").to("/") // nothing is under way
}

// Row 21, opt_in_state_token.
func TestAFormCompletesASetUpByItsStateToken(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.loginForm("joe").to("/")
	path := []string{"", "/tf-setup/" + c.post("/tf-setup",
		m{"setup": "sms", "phone": phone}).want(200).Text("tf_state_token")}
	c.page("/tf-validate").shows("Enter code to complete setup")
	c.form("/tf-setup/nonsense", "code", s.code(phone)).to("/tf-setup")
	c.page("/tf-setup").shows("Input not appropriate for requested API")
	c.form(path[1], "code", wrong(s.code(phone))).shows("Invalid code", "Enter code to complete setup")
	c.form(path[1], "code", s.code(phone)).to("/tf-setup")
	c.page("/tf-setup").shows("set up.", "Text message (SMS)", `value="disable"`)
	c.form(path[1], "code", s.code(phone)).to("/tf-setup") // the draft is gone
	if f := s.factors("joe"); len(f) != 1 || f[0].Method != storage.SMS {
		t.Errorf("stored: %+v", f)
	}
}

// Row 22, opt_out_json.
func TestJSONSwitchesTheSecondFactorOff(t *testing.T) {
	s := newSite(t)
	c, _ := s.enroll("gal", storage.SMS)
	c.get("/tf-setup").want(200).has("tf_required", false, "tf_available_methods",
		list("disable", "email", "sms", "authenticator"))
	r := c.post("/tf-setup", m{"setup": "disable"}).want(200).has("user", m{"id": s.id("gal"), "email": "gal@lp.com"})
	if len(r.JSON) != 2 {
		t.Errorf("more than csrf_token and user: %s", r.Body)
	}
	if len(s.factors("gal")) != 0 {
		t.Error("still set up")
	}
	c.signedIn("gal", 1)
	c.post("/logout", m{}).want(200)
	c.login("gal").want(200).has("tf_required", false)
	c.get("/tf-setup").want(200).has("tf_method", nil, "tf_available_methods", list("email", "sms", "authenticator"))
	c.post("/tf-setup", m{"setup": "disable"}).want(200) // nothing to switch off is not an error
}
