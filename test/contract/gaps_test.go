package contract_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// The tests of this file send what the original's own suite, scripts and pages
// send. The comment of each names the original's test.

// The original's test wan_basic_json. The original's webauthn.js writes base64url with its
// padding.
func TestPaddedBase64OfAPasskeyIsAccepted(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.client(), s.key()
	c.login("matt").want(200)
	c.addKey(k, "testr1", "first", softkey.Padded()).want(200)
	c.logout()
	c.useKey("/wan-signin", k, m{"identity": "matt@lp.com"}, softkey.Padded()).want(200).has("tf_required", false)
	c.useKey("/wan-verify", k, m{}, softkey.Padded()).want(200)
	c.signedIn("matt", 2)
}

// The original's test simple_signin. A page posts the name of the button that was pressed, and
// the whole form.
func TestFormsMayPostTheNameOfTheirButton(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", storage.Email)
	c := s.client()
	send := []string{"identity", "joe@lp.com", "chosen_method", "email", "passcode", "", "remember", "y",
		"submit_send_code", "Send Code"}
	code := testkit.Code(s.awaits("joe@lp.com",
		func() { c.form("/us-signin/send-code", send...).want(200).shows(codeSent) }).Text)
	c.passcodeForm("joe", code, "chosen_method", "email", "submit", "Sign In").to("/")
	c.signedIn("joe", 1)
	s.Advance(time.Minute)
	code = testkit.Code(s.awaits("joe@lp.com", func() {
		c.form("/us-verify/send-code", "passcode", "", "submit_send_code", "Send Code", "chosen_method",
			"email").want(200)
	}).Text)
	c.form("/us-verify", "passcode", code, "chosen_method", "email", "submit", "Verify Passcode").to("/")
}

// The original's test verify_json. JSON has a field too many, and a code may be a number.
func TestAPasscodeInJSONMayBeANumber(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", storage.SMS)
	code := testkit.Code(s.awaits(phone, func() {
		c.post("/us-verify/send-code", m{"identity": "joe@lp.com", "chosen_method": "sms"}).want(200)
	}).Text)
	number := json.Number("0")
	if trimmed := strings.TrimLeft(code, "0"); trimmed != "" {
		number = json.Number(trimmed)
	}
	c.post("/us-verify", m{"passcode": number}).want(200)
	c.post("/us-setup", m{"email": "joe@lp.com", "chosen_method": "email"}).want(200)
}

// The original's test rc.
func TestTheButtonOfRecoveryCodesIsAccepted(t *testing.T) {
	s := newSite(t, withCodes)
	c, _ := s.enroll("gal", storage.SMS)
	c.form("/mf-recovery-codes", "generate_new_codes", "Generate New Recovery Codes").want(200)
	c.get("/mf-recovery-codes").want(200).has("recovery_codes_left", 10.0)
}

// The original's test signin_pwd_json.
func TestFieldsOfOtherSignInFormsAreIgnored(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.post("/us-signin", m{"identity": "matt@lp.com", "passcode": plain, "code": "x", "password_confirm": ""}).want(200)
	s.client().post("/login", m{"email": "matt@lp.com", "password": plain, "password_confirm": plain}).want(200)
}

// The original's test bad_data_signin. The original's page keeps its state over several wrong
// answers.
func TestAValidPasskeyAnswerMayFollowInvalidOnes(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	c.logout()
	s.Events.Reset()
	options, state := c.post("/wan-signin", m{}).question()
	path := "/wan-signin/" + state
	c.post(path, m{"credential": "hi there"}).refused(400, "credential", apiError)
	c.post(path, m{"credential": ""}).refused(400, "credential", apiError)
	c.post(path, m{"credential": s.made(k.Get(options,
		softkey.Send(func(out, _ map[string]any) { out["rawId"] = softkey.Text([]byte("none")) })))}).
		refused(400, "credential", "Unregistered passkey.")
	c.post(path, m{"credential": s.made(k.Get(options,
		softkey.Send(func(out, _ map[string]any) { out["id"] = softkey.Text([]byte("none")) })))}).
		refused(400, "credential", "Could not verify passkey: id and raw_id were not equivalent.")
	c.post(path, m{"credential": s.made(k.Get(options, softkey.SendAs("signature", "AAAA")))}).
		refused(400, "credential", "Could not verify passkey: Could not verify authentication signature.")
	if failed := testkit.EventsOf[event.UserFailedAuthn](s.Events); len(failed) != 2 ||
		failed[1].User.Email != "matt@lp.com" {
		t.Errorf("events %+v", failed)
	}
	c.post(path, m{"credential": s.made(k.Get(options))}).want(200)
	c.signedIn("matt", 2)
	c.logout()
	c.post(path, m{"credential": s.made(k.Get(options))}).refused(400, "", apiError) // a right one ended it
}

// The original's test bad_data_register, the same for a new passkey.
func TestAValidRegistrationMayFollowInvalidOnes(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.client(), s.key()
	c.login("matt").want(200)
	options, state := c.post("/wan-register", m{"name": "testr1", "usage": "first"}).question()
	c.post("/wan-register/"+state, m{"credential": "hi there"}).refused(400, "credential", apiError)
	c.post("/wan-register/"+state,
		m{"credential": s.made(k.Create(options,
			softkey.Send(func(out, _ map[string]any) { out["id"] = "unknown" })))}).
		refused(400, "credential", "Could not verify passkey: id and raw_id were not equivalent.")
	c.post("/wan-register/"+state, m{"credential": s.made(k.Create(options))}).want(200)
}

// The original's test basic_json_nohints. The options decide which dialog a browser shows.
func TestWithoutHintsABrowserAsksForASecurityKey(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Hints = false })
	c := s.client()
	c.login("matt").want(200)
	options, _ := c.post("/wan-register", m{"name": "testr1", "usage": "first"}).question()
	for _, want := range []string{`"authenticatorAttachment":"cross-platform"`, `"residentKey":"required"`} {
		if !strings.Contains(string(options), want) {
			t.Errorf("no %s in %s", want, options)
		}
	}
}

// The original's test setup_json. A password is active wherever there is one.
func TestAPasswordIsAlwaysAnActiveMethod(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{storage.Email,
			storage.SMS}
	})
	c := s.client()
	c.login("matt").want(200)
	c.get("/us-setup").want(200).has("active_methods", list("password"), "available_methods", list("email", "sms"))
}

// The original's test generic_response. The text is that of the form as a whole, whichever
// field is missing.
func TestAMissingFieldHasTheGenericText(t *testing.T) {
	s := newSite(t, withUnified, generics)
	for _, body := range []m{{"identity": "matt@lp.com"}, {"passcode": "x"}, {}, {"identity": "", "passcode": ""}} {
		s.client().post("/us-signin", body).refused(400, "", generic)
	}
}

// The original's test requires_confirmation_error_redirect.
func TestResetAndUsernameRecoveryLeadToTheConfirmation(t *testing.T) {
	s := newSite(t, confirming, func(c *twofold.Config) {
		c.Pages.Views.Life.Unconfirmed = "/confirm"
		c.Accounts.Recoverable, c.Accounts.UsernameRecovery = true, true
	})
	s.client().register("mary@lp.com").want(200)
	for _, path := range []string{"/reset", "/recover-username"} {
		c := s.client()
		c.form(path, "email", "mary@lp.com").to("/confirm?email=mary%40lp.com")
		c.page("/confirm").shows("Email requires confirmation.")
		s.client().post(path, m{"email": "mary@lp.com"}).refused(400, "email", "Email requires confirmation.")
	}
}

// The original's test email_normalization. A text names the address as it is written to.
func TestTextsNameTheNormalizedAddress(t *testing.T) {
	s := newSite(t, withLife)
	s.client().form("/reset", "email",
		"joe@LP.COM").shows("Instructions to reset your password have been sent to joe@lp.com.")
	s.client().register("joe@LP.COM").refused(400, "email", "joe@lp.com is already associated with an account.")
}

// The original's test username. A form shows all that is wrong with it.
func TestARegistrationReportsAllItsErrors(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.register("matt@lp.com", "username", "jill").want(400).has("field_errors", m{
		"email":    list("matt@lp.com is already associated with an account."),
		"username": list("jill is already associated with an account."),
	})
	c.post("/register", m{"email": "no address", "username": "a b", "password": "short",
		"password_confirm": "short"}).want(400).has("field_errors", m{
		"email": list("Invalid email address"), "username": list("Username can contain only letters and numbers"),
		"password": list("Password must be at least 8 characters"),
	})
}

// The original's test username_not_set. An empty identity is one that no one has.
func TestAnEmptyIdentityIsUnknown(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"email", "username", "identity"} {
		s.client().post("/login", m{name: "", "password": plain}).refused(400, "", unknownUser)
	}
	s.client().form("/login", "email", "", "password", plain).shows(unknownUser)
	s.client().post("/login", m{"email": "", "password": ""}).refused(400, "password", "Password not provided")
}

// The original's test expired_token. The text of an old link is shown after a re-authentication
// that comes in between.
func TestAnExpiredLinkIsExplainedAfterAVerify(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("matt").want(200)
	c.post("/change-email", m{"email": "matt2@lp.com"}).want(200)
	link := s.linkIn("change_email", "matt2@lp.com")
	s.Advance(3 * time.Hour)
	c = s.client()
	c.login("matt").want(200)
	s.Advance(20 * time.Minute)
	c.page(link).to("/change-email")
	c.page("/change-email").to("/verify?next=/change-email")
	c.page("/verify?next=/change-email").shows("Confirmation must be completed within 2 hours. Please start over.")
}

// The original's test json counts the failed sign-ins and the changes.
func TestOnlySixDigitsCountAsAGuess(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
	c := s.client()
	c.login("gal").want(200).has("tf_state", "setup_from_login")
	c.post("/tf-setup", m{"setup": "sms", "phone": phone}).want(200)
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	if n := len(testkit.EventsOf[event.TFProfileChanged](s.Events)); n != 0 {
		t.Errorf("%d tf-profile-changed at a sign-in", n)
	}
	c.logout()
	s.Advance(time.Minute)
	c.login("gal").want(200)
	c.post("/tf-validate", m{"code": "whatsup"}).refused(400, "code", "Invalid code")
	if failed := testkit.EventsOf[event.UserFailedAuthn](s.Events); len(failed) != 1 || !failed[0].SecondFactor {
		t.Errorf("events %+v", failed)
	}
	for range 20 {
		c.post("/tf-validate", m{"code": "whatsup"}).refused(400, "code", "Invalid code")
	}
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200) // none of it was a guess
}

// usernameFirst has the identities in the order of the original's tests.
func usernameFirst(c *twofold.Config) { c.Accounts.UsernameFirst = true }

// The original's test authr_identity. The app's account is named by the first identity.
func TestTheKeyOfAnAppNamesTheFirstIdentity(t *testing.T) {
	s := newSite(t, usernameFirst)
	c := s.client()
	c.login("jill").want(200)
	uri := c.post("/tf-setup", m{"setup": "authenticator"}).want(200).has("tf_authr_username", "jill",
		"tf_authr_issuer", "tests").Text("tf_authr_uri")
	if !strings.HasPrefix(uri, "otpauth://totp/tests:jill?") {
		t.Error(uri)
	}
	c.get("/login").want(200).has("identity_attributes", list("username", "email"))
	joe := s.client() // has none
	joe.login("joe").want(200)
	joe.post("/tf-setup", m{"setup": "authenticator"}).want(200).has("tf_authr_username", "joe@lp.com")
}

// The original's test setup_timeout. SECURITY_US_SETUP_WITHIN is not the limit of other set-ups.
func TestUnifiedSetUpHasItsOwnTimeLimit(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Passwordless.SetupWithin = 47 * time.Second })
	c := s.client()
	c.login("joe").want(200)
	begun := c.post("/us-setup", m{"chosen_method": "email"}).want(200)
	second := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	s.Advance(47 * time.Second)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code("joe@lp.com")}).
		refused(400, "", "Setup must be completed within 47 seconds. Please start over.")
	c.post("/tf-setup/"+second.Text("tf_state_token"),
		m{"code": s.app(second.Text("tf_authr_b32key")).next()}).want(200)
}

// The original's test mf. Recovery codes may come before the first second factor, and stand in
// for it once there is one.
func TestRecoveryCodesMayComeBeforeTheSecondFactor(t *testing.T) {
	s := newSite(t, withPasskeys, withCodes, func(c *twofold.Config) { c.TwoFactor.RecoveryCodes.BeforeFactor = true })
	c := s.client()
	c.login("matt").want(200)
	codes := c.codes()
	c.get("/mf-recovery-codes").want(200).has("recovery_codes_left", 10.0)
	c.addKey(s.key(plainKey), "first", "first").want(200) // is not a second factor
	c.addKey(s.key(plainKey), "testr1", "secondary").want(200)
	c.get("/mf-recovery-codes").want(200).has("recovery_codes_left", 10.0)
	c.logout()
	c.login("matt").want(200).has("tf_method", "webauthn")
	c.post("/mf-recovery", m{"code": codes[0]}).want(200)
	c.post("/wan-delete", m{"name": "testr1"}).want(200)
	c.get("/mf-recovery-codes").want(200).has("recovery_codes_left", 0.0) // they go with the last second factor
	strict := anotherSite(t, withCodes)
	d := strict.client()
	d.login("matt").want(200)
	d.post("/mf-recovery-codes", m{}).want(400)
}

// The original's test no_verify. The settings of the server are tested in cmd/twofold.
func TestIfNoPasskeyVerifiesTheAnswerSaysSo(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Verify = nil })
	c, _ := s.owner("matt", "first")
	c.post("/wan-verify", m{}).want(404)
	s.Advance(15 * time.Minute)
	c.get("/tf-setup").refusedFlat(401, reauthenticate).has("has_webauthn_verify_credential", false)
}

// The original's test remember_login_form. Every page that signs in has the box.
func TestThePageOfPasskeysHasTheRememberBox(t *testing.T) { theBoxOf(t, "/wan-signin") }

// The original's test opt_in_nc_expired. A header token may be valid for days.
func TestASetUpExpiresBeforeItsHeaderToken(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) {
		c.Sessions.TokenLife, c.TwoFactor.SetupWithin = 4*24*time.Hour, time.Minute
	})
	c := s.tokenClient("matt")
	begun := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	next := s.app(begun.Text("tf_authr_b32key"))
	s.Advance(time.Minute)
	c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": next.next()}).
		refused(400, "", "Setup must be completed within 1 minute. Please start over.")
	s.Advance(4*24*time.Hour - 2*time.Minute)
	c.signedIn("matt", 1)
	s.Advance(time.Minute)
	c.stranger()
}

// The original's test regv2_no_confirm.
func TestAPasswordTypedOnceIgnoresItsConfirmation(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.PasswordTypedOnce = true })
	s.client().post("/register", m{"email": "mary@lp.com", "password": newPlain, "password_confirm": "x"}).want(200)
	again := []string{"email", "mary2@lp.com", "password", newPlain, "password_confirm", "", "submit", "Register"}
	s.client().form("/register", again...).to("/")
}

// The original's test cu. The user's own name is taken.
func TestAnEmptyUsernameRemovesTheUsername(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("matt").want(200)
	c.form("/change-username", "username", "matt", "submit", "Change Username").
		shows("matt is already associated with an account.")
	c.form("/change-username", "username", "", "submit", "Change Username").to("/")
	c.get("/change-username").want(200).has("current_username", nil)
	strict := anotherSite(t, withLife, func(c *twofold.Config) { c.Accounts.UsernameRequired = true })
	d := strict.client()
	d.login("matt").want(200)
	d.post("/change-username", m{"username": ""}).refused(400, "username", "Username not provided")
}

// The original's test trackable_flag. As in the original, the first sign-in is also the one
// before it.
func TestSignInsAreCountedAndShownToTheOwner(t *testing.T) {
	s := newSite(t, withCodes, func(c *twofold.Config) { c.Pages.AccountPage, c.Accounts.Trackable = true, true })
	me := func(c *client) m {
		c.T.Helper()
		user, _ := c.get("/me").want(200).JSON["user"].(map[string]any)
		return user
	}
	first := s.Now()
	c := s.client()
	c.login("joe").want(200)
	is(t, me(c), m{
		"login_count": 1.0, "current_login_at": said(first), "last_login_at": said(first),
		"current_login_ip": "127.0.0.1", "last_login_ip": nil,
	})
	c.page("/me").shows("1 sign-in so far.", "127.0.0.1").hides("The one before it")
	s.Advance(time.Hour)
	c.post("/verify", m{"password": plain}) // proves what was proven, and is not a sign-in
	d, second := s.client(), s.Now()
	d.login("joe").want(200)
	s.client().post("/login", m{"email": "joe@lp.com", "password": "wrong"}).want(400)
	is(t, me(d), m{
		"login_count": 2.0, "current_login_at": said(second), "last_login_at": said(first),
		"current_login_ip": "127.0.0.1", "last_login_ip": "127.0.0.1",
	})
	d.page("/me").shows("2 sign-ins so far.", "The one before it")
	kept, err := s.Store.SignInsOf(t.Context(), s.id("joe"))
	if err != nil || kept.Count != 2 || !kept.LastAt.Equal(first) {
		t.Errorf("an operator sees %+v, %v", kept, err)
	}
	s.enroll("gal", storage.SMS)
	g := s.client()
	g.login("gal").want(200).has("tf_required", true)
	if kept, err := s.Store.SignInsOf(t.Context(), s.id("gal")); err != nil || kept.Count != 1 {
		t.Errorf("counted before the second factor: %+v, %v", kept, err)
	}
	g.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	is(t, me(g), m{"login_count": 2.0})
	off := anotherSite(t, func(c *twofold.Config) { c.Pages.AccountPage = true })
	e := off.client()
	e.login("joe").want(200)
	if user := me(e); user["login_count"] != nil || user["current_login_at"] != nil {
		t.Errorf("counted without being asked: %v", user)
	}
	if kept, err := off.Store.SignInsOf(t.Context(), off.id("joe")); kept.Count != 0 || err != nil {
		t.Errorf("counted without being asked: %+v, %v", kept, err)
	}
}

func said(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// is checks some keys of an object.
func is(t *testing.T, got, want m) {
	t.Helper()
	for key, value := range want {
		if !reflect.DeepEqual(got[key], value) {
			t.Errorf("%s is %v, want %v", key, got[key], value)
		}
	}
}
