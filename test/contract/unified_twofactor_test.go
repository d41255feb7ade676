package contract_test

import (
	"errors"
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

// Row U36, tf.
func TestARequiredSecondFactorFollowsAPasscode(t *testing.T) {
	s := newSite(t, withUnified, required)
	c := s.client()
	c.passcodeForm("joe", plain).to("/tf-setup")
	c.stranger()
	c.form("/tf-setup", "setup", "sms", "phone", phone).shows("Enter code to complete setup")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	c.signedIn("joe", 2)
	c.logout()
	s.Advance(time.Minute)
	c.passcode("joe", plain).want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "sms", "user", absent)
	c.stranger()
}

// Row U37, tf_link.
func TestARequiredSecondFactorFollowsAMailedLink(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.TwoFactor.Require = func(u twofold.User) bool { return u.Email == "joe@lp.com" && len(u.Roles) == 0 }
	})
	s.begins("joe", storage.Email)
	if err := s.Auth.SetRoles(t.Context(), s.id("joe")); err != nil { // from now on it is required of him
		t.Fatal(err)
	}
	c := s.client()
	c.form(c.mailedLink("joe")).to("/tf-setup")
	c.page("/tf-setup").shows("Set up two-factor authentication").hides("You have successfully logged in.")
	c.stranger()
	s.Advance(time.Minute)
	c.post(c.mailedLink("joe"), m{}).want(200).has("tf_required", true, "tf_state", "setup_from_login", "user", absent)
}

// Row U38, tf_link_not_email.
func TestAnUnforcedLinkNeedsNoSecondFactor(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.Passwordless.Unforced = []string{storage.Email}
		c.TwoFactor.Require = func(u twofold.User) bool { return u.Email == "joe@lp.com" && len(u.Roles) == 0 }
	})
	s.begins("joe", storage.Email)
	if err := s.Auth.SetRoles(t.Context(), s.id("joe")); err != nil {
		t.Fatal(err)
	}
	c := s.client()
	c.form(c.mailedLink("joe")).to("/")
	c.page("/us-setup").shows("You have successfully logged in.")
	c.signedIn("joe", 1)
	c.logout()
	c.passcode("joe", plain).want(200).has("tf_state", "setup_from_login")
}

// Row U40, tf_not.
func TestAnUnforcedCodeNeedsNoSecondFactor(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.Passwordless.Unforced = []string{storage.SMS}
		c.TwoFactor.Require = func(u twofold.User) bool { return u.Email == "joe@lp.com" && len(u.Roles) == 0 }
	})
	s.begins("joe", storage.SMS)
	if err := s.Auth.SetRoles(t.Context(), s.id("joe")); err != nil {
		t.Fatal(err)
	}
	c := s.client()
	c.passcode("joe", c.ask("joe", "sms")).want(200).has("tf_required", false)
	c.signedIn("joe", 1)
	c.logout()
	// A user who has a second factor must prove it, whatever the first factor is.
	s.enroll("joe", storage.Authenticator)
	s.Advance(time.Minute)
	c.passcode("joe", c.ask("joe", "sms")).want(200).has("tf_required", true, "tf_method", "authenticator")
	c.stranger()
}

// Row U41, bad_sender.
func TestOnlySignedInUsersLearnThatAMessageFailed(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", storage.SMS)
	s.SMS.FailWith(errors.New("no route to the carrier"))
	s.Mail.FailWith(errors.New("no route to the mail"))
	const failed = "Failed to send code. Please try again later"
	// At a sign-in the answer does not say whether the message was sent, because the queue retries.
	s.client().post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "sms"}).want(200)
	c.post("/us-setup", m{"chosen_method": "email"}).refused(500, "chosen_method", failed)
	c.form("/us-setup", "chosen_method", "email").shows(failed).hides("no route")
	c.post("/us-verify/send-code", m{"chosen_method": "sms"}).refused(500, "chosen_method", failed)
	s.Advance(time.Minute)
	c.form("/us-verify/send-code", "chosen_method", "sms").shows(failed).hides("no route")
}

// Row U43, only_passwd.
func TestThePasswordCanBeTheOnlyMethod(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Passwordless.EnabledMethods = []string{"password"} })
	c := s.client()
	c.passcodeForm("joe", plain).to("/")
	c.page("/us-setup").shows("Password").hides(`name="chosen_method"`)
	c.get("/us-setup").want(200).has("available_methods", list("password"), "active_methods", list("password"),
		"setup_methods", list())
	c.logout()
	c.get("/us-signin").want(200).has("available_methods", list("password"), "code_methods", list())
	c.page("/us-signin").hides("chosen_method")
}

// Row U44, passwd_and_authenticator.
func TestPasswordAndAppSendNoMessages(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) {
		c.Passwordless.EnabledMethods = []string{"password", storage.Authenticator}
	})
	c := s.client()
	c.login("joe").want(200)
	c.get("/us-setup").want(200).has("setup_methods", list("authenticator"))
	c.form("/us-setup", "chosen_method", "authenticator").shows("data:image/svg+xml;base64,").hides("sent a code",
		codeSent)
	c.get("/us-verify").want(200).has("code_methods", list())
	if n := len(s.Mail.All()) + len(s.SMS.All()); n != 0 {
		t.Errorf("%d messages went out", n)
	}
}

// Row U45, totp_generation.
func TestAnAppIsActiveAfterItsFirstCode(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", storage.SMS)
	begun := c.post("/us-setup", m{"chosen_method": "authenticator"}).want(200).
		has("authr_username", "joe@lp.com", "authr_issuer", "tests", "phone", nil)
	key := begun.Text("authr_b32key")
	if !regexp.MustCompile(`^[A-Z2-7]{32}=*$`).MatchString(key) ||
		!regexp.MustCompile(`^([A-Z2-7]{4}[- ]?){8}$`).MatchString(begun.Text("authr_key")) {
		t.Errorf("key %q, shown as %q", key, begun.Text("authr_key"))
	}
	if want := "otpauth://totp/tests:joe@lp.com?secret=" + key + "&issuer=tests"; begun.Text("authr_uri") != want {
		t.Errorf("uri %q, want %q", begun.Text("authr_uri"), want)
	}
	active := func() any { return c.get("/us-setup").want(200).JSON["active_methods"] }
	if got, ok := active().([]any); !ok || len(got) != 2 {
		t.Errorf("active before the code came: %v", got)
	}
	a := s.app(key)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": wrong(a.next())}).want(400)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": a.next()}).want(200).has("chosen_method", "authenticator",
		"phone", nil)
	c.get("/us-setup").want(200).has("active_methods", list("password", "authenticator", "sms"))
	b := s.client()
	b.passcode("joe", a.next()).want(200)
	s.Advance(time.Minute)
	b = s.client()
	b.passcode("joe", b.ask("joe", "sms")).want(200) // the other method is as it was
}

// Row U46, us_tf_validity.
func TestATrustedBrowserNeedsOnlyAPasscode(t *testing.T) {
	s := newSite(t, withUnified, trusting)
	s.enroll("gal", storage.SMS)
	_, gal2 := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.passcodeForm("gal", plain, "remember", "y").to("/tf-validate")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
	if _, ok := c.Jar["tf_validity"]; !ok {
		t.Fatal("not trusted")
	}
	c.logout()
	c.passcodeForm("gal", plain).to("/")
	c.logout()
	c.passcodeForm("gal2", plain).to("/tf-validate") // it is gal's browser
	c.form("/tf-validate", "code", gal2.next()).to("/")
}

// Row U47, us_verify_wan.
func TestUnifiedVerifyOffersPasskeysIfTheyCount(t *testing.T) {
	s := newSite(t, withUnified, withPasskeys)
	c, _ := s.owner("matt", "first")
	c.get("/us-verify").want(200).has("has_webauthn_verify_credential", true)
	c.page("/us-verify").shows("/wan-verify")
	off := anotherSite(t, withUnified, withPasskeys, func(c *twofold.Config) { c.Passkeys.Verify = nil })
	c, _ = off.owner("matt", "first")
	c.get("/us-verify").want(200).has("has_webauthn_verify_credential", false)
	c.page("/us-verify").hides("/wan-verify")
}

// Row U48, setup_delete.
func TestAFormRemovesAMethod(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", storage.Email)
	c.page("/us-setup").shows(`name="delete_method" value="email"`).hides(`name="chosen_method" id="method-email"`)
	c.form("/us-setup", "delete_method", "email").to("/us-setup")
	c.page("/us-setup").shows(`id="method-email"`).hides(`name="delete_method"`)
	c.form("/us-setup", "delete_method", "email").shows(noMethod)
	c.signedIn("joe", 1)
}

// Row U49, setup_delete_json.
func TestJSONRemovesAMethod(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe")
	begun := c.post("/us-setup", m{"chosen_method": "sms", "phone": phone}).want(200)
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code(phone)}).want(200)
	if r := c.post("/us-setup", m{"delete_method": []string{"sms"}}).want(200); len(r.JSON) != 1 {
		t.Errorf("more than csrf_token: %s", r.Body)
	}
	c.get("/us-setup").want(200).has("active_methods", list("password"), "phone", nil)
	c.post("/us-setup", m{"delete_method": []string{"sms"}}).refused(400, "delete_method", noMethod)
	e := testkit.EventsOf[event.USProfileChanged](s.Events)
	if len(e) != 2 || e[0].Delete || !e[1].Delete || !slices.Equal(e[1].Methods, []string{"sms"}) {
		t.Errorf("profile changed: %+v", e)
	}
	s.Advance(time.Minute)
	s.client().post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "sms"}).refused(400,
		"chosen_method", noMethod)
}

// Row U50, setup_delete_multi_json.
func TestSeveralMethodsAreRemovedAtOnce(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", storage.SMS, storage.Email)
	c.post("/us-setup", m{"delete_method": []string{"email", "sms"}}).want(200)
	c.get("/us-setup").want(200).has("active_methods", list("password"))
	if e := testkit.EventsOf[event.USProfileChanged](s.Events); len(e) != 1 || !e[0].Delete || len(e[0].Methods) != 2 {
		t.Errorf("profile changed: %+v", e)
	}
}

// Row U51, generic_response.
func TestUnifiedSignInRevealsNoAccounts(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Accounts.RevealAccounts = false })
	s.begins("joe", storage.Email)
	const maybe = "If that identity is in our system, you were sent a code."
	for _, who := range []string{"joe@lp.com", "matt@lp.com", "tiya@lp.com", "nobody@lp.com"} {
		c := s.client()
		if r := c.post("/us-signin/send-code",
			m{"identity": who, "chosen_method": "email"}).want(200); len(r.JSON) != 1 {
			t.Errorf("%s: %s", who, r.Body)
		}
		c.post("/us-signin", m{"identity": who, "passcode": "000000"}).refused(400, "", generic)
		page := c.form("/us-signin", "identity", who, "passcode", "000000").shows(generic)
		if n := strings.Count(page.text(), "Wrong email or password."); n == 0 {
			t.Errorf("%s: said %d times", who, n)
		}
		c = s.client()
		c.form("/us-signin/send-code", "identity", who, "chosen_method", "email").shows(maybe)
	}
	c := s.client()
	s.Advance(time.Minute)
	link := c.mailedLink("joe")
	if err := s.Auth.SetActive(t.Context(), s.id("joe"), false); err != nil {
		t.Fatal(err)
	}
	gone, never := c.get(link).want(400).Body, c.get("/us-verify-link/nonsense").want(400).Body
	if gone != never {
		t.Errorf("a link of a disabled account: %s\na link of nobody: %s", gone, never)
	}
}

// Row U52, propagate_next.
func TestNextSurvivesUnifiedSignIn(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Pages.Prefix = "/auth" })
	c := s.client()
	c.page("/profile").to("/auth/login?next=/profile")
	c.page("/auth/us-signin?next=/profile").shows(`action="/auth/us-signin"`, `formaction="/auth/us-signin/send-code"`,
		`name="next" value="/profile"`)
	c.form("/auth/us-signin/send-code", "identity", "joe@lp.com", "chosen_method", "email", "next",
		"/profile").shows(noMethod, `name="next" value="/profile"`)
	c.form("/auth/us-signin", "identity", "joe@lp.com", "passcode", plain, "next", "/profile").to("/profile")
}

// Row U53, propagate_next_tf.
func TestNextSurvivesUnifiedSignInWithASecondFactor(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Pages.Prefix = "/auth" })
	c := s.client()
	c.post("/auth/login", m{"email": "gal@lp.com", "password": plain}).want(200)
	begun := c.post("/auth/tf-setup", m{"setup": "sms", "phone": phone}).want(200)
	c.post("/auth/tf-setup/"+begun.Text("tf_state_token"), m{"code": s.code(phone)}).want(200)
	s.Advance(time.Minute)
	c = s.client()
	c.form("/auth/us-signin?next=/profile", "identity", "gal@lp.com", "passcode",
		plain).to("/auth/tf-validate?next=/profile")
	c.page("/auth/tf-validate?next=/profile").shows(`name="next" value="/profile"`)
	c.form("/auth/tf-validate", "code", s.code(phone), "next", "/profile").to("/profile")
	c.form("/auth/logout").to("/")
	s.Advance(time.Minute)
	c.form("/auth/us-signin", "identity", "gal@lp.com", "passcode", plain, "next",
		"/both").to("/auth/tf-validate?next=/both")
}

// Row U54, xlation.
func TestThePageOfMethodsIsTranslated(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", storage.Email)
	c.Header["Accept-Language"] = "de"
	c.page("/us-setup").shows("Passwort", "E-Mail").hides("Password")
}

// Row U56, csrf_2fa_us_cookie.
func TestUnifiedSignInByFormNeedsItsCSRFToken(t *testing.T) {
	s := newSite(t, withUnified)
	s.enroll("gal", storage.SMS)
	c := s.client()
	c.bareForm("/us-signin", "identity", "gal@lp.com", "passcode", plain).shows(noToken)
	c.bareForm("/us-signin", "identity", "gal@lp.com", "passcode", plain, "csrf_token", "made-up").shows(badToken)
	token := c.get("/us-signin").want(200).Text("csrf_token")
	c.bareForm("/us-signin", "identity", "gal@lp.com", "passcode", plain, "csrf_token", token).to("/tf-validate")
	c.bareForm("/tf-validate", "code", s.code(phone)).shows(noToken)
	c.bareForm("/tf-validate", "code", s.code(phone), "csrf_token", token).to("/")
	c.signedIn("gal", 2)
	c.bareForm("/logout", "csrf_token", token).to("/")
	c.stranger()
}

// choices returns the methods that the page of /us-setup offers, in order.
func (c *client) choices() (list []string) {
	for _, found := range regexp.MustCompile(`name="chosen_method" id="method-(\w+)"`).FindAllStringSubmatch(
		c.page("/us-setup").want(200).Body, -1) {
		list = append(list, found[1])
	}
	return list
}

// setupOf returns the methods that a user with a mailbox may enroll where only these are enabled.
func setupOf(t *testing.T, methods, want []string) {
	t.Helper()
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Passwordless.EnabledMethods = methods })
	var present []string
	if slices.Contains(methods, storage.Email) {
		present = []string{storage.Email}
	}
	c, _ := s.begins("joe", present...)
	if got := c.choices(); !slices.Equal(got, want) {
		t.Errorf("choices %v, want %v", got, want)
	}
}

// Row U57, us_setup_email.
func TestNothingElseIsOfferedIfEmailIsTheOnlyMethod(t *testing.T) {
	setupOf(t, []string{"password", storage.Email}, nil)
}

// Row U58, us_setup_authenticator.
func TestTheAppIsOfferedAfterEmail(t *testing.T) {
	setupOf(t, []string{"password", storage.Email, storage.Authenticator}, []string{storage.Authenticator})
}

// Row U59, us_setup_sms.
func TestSMSIsOfferedAfterEmail(t *testing.T) {
	setupOf(t, []string{"password", storage.Email, storage.SMS}, []string{storage.SMS})
}

// Row U60, us_setup_authenticator_sms.
func TestAppAndSMSAreOfferedAfterEmail(t *testing.T) {
	setupOf(t, []string{"password", storage.Email, storage.Authenticator, storage.SMS},
		[]string{storage.Authenticator, storage.SMS})
}

// Row U61, override_tf_required.
func TestRequireDecidesAfterAPasscode(t *testing.T) {
	s := newSite(t, withUnified, required, func(c *twofold.Config) {
		c.TwoFactor.Require = func(u twofold.User) bool { return u.Email != "joe@lp.com" }
	})
	c := s.client()
	c.passcode("joe", plain).want(200).has("tf_required", false)
	c.logout()
	c.passcode("matt", plain).want(200).has("tf_required", true, "tf_state", "setup_from_login")
}

func lockedJoe(c *twofold.Config) {
	c.Accounts.Locked = func(u twofold.User) bool { return u.Email == "joe@lp.com" }
}

// Row U62, override_user_locked.
func TestALockedAccountCannotSignIn(t *testing.T) {
	s := newSite(t, withUnified, lockedJoe)
	c := s.client()
	c.passcode("joe", plain).refused(400, "identity", "Account is locked.")
	c.post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "email"}).refused(400, "identity",
		"Account is locked.")
	c.passcodeForm("joe", plain).shows("Account is locked.")
	c.stranger()
	c.passcode("matt", plain).want(200)
}

// Row U63, override_user_locked_gr.
func TestOnlyTheOwnerLearnsThatAnAccountIsLocked(t *testing.T) {
	s := newSite(t, withUnified, lockedJoe, func(c *twofold.Config) { c.Accounts.RevealAccounts = false })
	c := s.client()
	c.passcode("joe", "wrong").refused(400, "", generic)
	c.post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "email"}).want(200)
	c.passcode("joe", plain).refused(400, "identity", "Account is locked.") // he knows the password
	c.stranger()
}
