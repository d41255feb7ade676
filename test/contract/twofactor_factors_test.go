package contract_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

func TestACodeOfAnAppWorksOnce(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	s.Advance(-30 * time.Second) // back into the step of the enrollment
	c := s.client()
	c.login("gal2").want(200)
	c.post("/tf-validate", m{"code": a.Code(s.Now())}).refused(400, "code", "Invalid code")
	code := a.next()
	c.post("/tf-validate", m{"code": code}).want(200)
	b := s.client()
	b.login("gal2").want(200)
	b.post("/tf-validate", m{"code": code}).refused(400, "code", "Invalid code")
	b.post("/tf-validate", m{"code": a.next()}).want(200)
}

func TestACodeOfAnAppMayBeOffByTheWindow(t *testing.T) {
	for seconds, name := range map[int]string{30: "default", 120: "widest"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(c *twofold.Config) {
				if seconds != 30 {
					c.TwoFactor.AuthenticatorValidity = time.Duration(seconds) * time.Second
				}
			})
			_, a := s.enroll("gal2", storage.Authenticator)
			s.Advance(time.Hour)
			off := time.Duration(seconds) * time.Second
			c := s.client()
			c.login("gal2").want(200)
			for _, d := range []time.Duration{off + 30*time.Second, -off - 30*time.Second} {
				c.post("/tf-validate", m{"code": a.Code(s.Now().Add(d))}).refused(400, "code", "Invalid code")
			}
			c.post("/tf-validate", m{"code": a.Code(s.Now().Add(-off))}).want(200)
			c.logout()
			c.login("gal2").want(200)
			c.post("/tf-validate", m{"code": a.Code(s.Now().Add(off))}).want(200)
		})
	}
}

func TestASentCodeIsForOneSignInAndFiveMinutes(t *testing.T) {
	s := newSite(t)
	s.enroll("gal", storage.SMS)
	c, other := s.client(), s.client()
	c.login("gal").want(200)
	first := s.code(phone)
	other.login("gal").want(200)
	second := s.code(phone)
	if text, want := s.letter(phone).Text, second+" is your tests code. Never share it.\n\n@127.0.0.1 #"+
		second; text != want {
		t.Errorf("text %q, want %q", text, want)
	}
	if first == second {
		t.Skip("two equal random codes") // once in a million
	}
	c.post("/tf-validate", m{"code": second}).refused(400, "code", "Invalid code") // of another sign-in
	s.Advance(5*time.Minute - time.Second)
	c.post("/tf-validate", m{"code": first}).want(200)
	c.logout()
	s.Advance(time.Second)
	other.post("/tf-validate", m{"code": second}).refused(400, "code", "Invalid code") // five minutes old
	other.post("/tf-resend", m{}).want(200)
	third := s.code(phone)
	other.post("/tf-validate", m{"code": second}).refused(400, "code", "Invalid code")
	other.post("/tf-validate", m{"code": third}).want(200)

	limited := anotherSite(t, func(c *twofold.Config) { c.Advanced.Limits.SecondFailures = 10 })
	limited.enroll("gal", storage.SMS)
	c = limited.client()
	c.login("gal").want(200)
	code := limited.code(phone)
	for _, guess := range guesses(code) {
		c.post("/tf-validate", m{"code": guess}).refused(400, "code", "Invalid code")
	}
	c.post("/tf-validate", m{"code": code}).refused(400, "code", "Invalid code") // five wrong tries void it
}

func TestAnotherCodeCanBeSentAfterThirtySeconds(t *testing.T) {
	s := newSite(t)
	s.client().post("/tf-resend", m{}).refused(400, "", denied)
	s.enroll("gal", storage.SMS)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal").want(200)
	old := s.code(phone)
	r := c.post("/tf-resend", m{}).want(http.StatusTooManyRequests)
	if after, _ := strconv.Atoi(r.Header.Get("Retry-After")); after != 30 {
		t.Errorf("Retry-After %q, want 30", r.Header.Get("Retry-After"))
	}
	s.Advance(30 * time.Second)
	c.post("/tf-resend", m{}).want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "sms", "user",
		absent)
	if code := s.code(phone); code != old {
		c.post("/tf-validate", m{"code": old}).refused(400, "code", "Invalid code")
	}
	s.Advance(30 * time.Second)
	c.form("/tf-resend").to("/tf-validate")
	c.page("/tf-validate").shows("Code has been sent.")
	c.form("/tf-validate", "code", s.code(phone)).to("/")

	c = s.client()
	c.login("gal2").want(200)
	c.post("/tf-resend", m{}).want(400) // an app is sent nothing
	c.post("/tf-validate", m{"code": a.next()}).want(200)
}

func TestWrongCodesAndPasswordsAreLimited(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal2").want(200)
	for range 9 { // what is not a code is no guess
		c.post("/tf-validate", m{"code": "12345"}).refused(400, "code", "Invalid code")
	}
	for _, guess := range guesses(a.Code(s.Now())) {
		c.post("/tf-validate", m{"code": guess}).refused(400, "code", "Invalid code")
	}
	paused := c.post("/tf-validate", m{"code": a.Code(s.Now())}).want(429)
	if got := paused.Header.Get("Retry-After"); got != "900" {
		t.Errorf("Retry-After %q, want 900", got)
	}
	paused.has("errors", list("Too many attempts. Please wait 15 minutes and try again."),
		"field_errors", m{"code": list("Too many attempts. Please wait 15 minutes and try again.")})
	c.form("/tf-validate", "code", a.next()).shows("Too many wrong codes", "You can try again at")
	fresh := s.client() // another sign-in has no other budget
	fresh.login("gal2").want(200)
	fresh.post("/tf-validate", m{"code": a.Code(s.Now())}).want(429)
	s.Advance(15 * time.Minute)
	fresh.login("gal2").want(200)
	fresh.post("/tf-validate", m{"code": a.next()}).want(200)

	for range 10 {
		s.client().post("/login", m{"email": "joe@lp.com", "password": "x"}).want(400)
	}
	r := s.client().login("joe").want(429)
	if got := r.Header.Get("Retry-After"); got != "30" {
		t.Errorf("Retry-After %q, want 30", got)
	}
	s.Advance(30 * time.Second)
	s.client().login("joe").want(200)
}

func TestAPendingSignInOnlyProvesTheSecondFactor(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal2").want(200)
	c.page("/login").shows("Sign in") // in another tab
	c.get("/login").want(200)
	c.get("/tf-validate").want(200).has("user", absent)
	s.Advance(10*time.Minute - time.Second)
	c.get("/tf-validate").want(200)
	s.Advance(time.Second)
	c.post("/tf-validate", m{"code": a.next()}).refused(400, "", denied)

	c.login("gal2").want(200) // it can do nothing but prove the second factor
	c.stranger()
	c.get("/verify").want(401)
	c.get("/tf-setup").refused(400, "", denied)
	c.get("/tf-validate").want(200) // a step out of turn does not end it
	c.post("/logout", m{}).want(200)
	c.post("/tf-validate", m{"code": a.next()}).refused(400, "", denied)

	c.login("gal2").want(200)
	if err := s.Auth.SetActive(t.Context(), s.id("gal2"), false); err != nil {
		t.Fatal(err)
	}
	c.post("/tf-validate", m{"code": a.next()}).refused(400, "", denied) // looked at again at the end
}

func TestAUserWithSeveralFactorsChoosesOne(t *testing.T) {
	s := newSite(t)
	c, a := s.enroll("gal2", storage.Authenticator)
	begun := c.post("/tf-setup", m{"setup": "sms", "phone": phone, "add": true, "name": "work"}).want(200)
	c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": s.code(phone)}).want(200).
		has("tf_method", "authenticator", "tf_primary_method", "authenticator", "tf_phone", nil)
	c.get("/tf-setup").want(200).has("tf_method", "authenticator", "tf_phone_number", phone)
	c.page("/tf-setup").shows("Authenticator app", "Text message (SMS): work")
	s.Advance(time.Minute)

	c = s.client()
	c.loginForm("gal2", "next", "/profile").to("/tf-select?next=/profile")
	c.page("/tf-select").shows("Select a second factor", "Text message (SMS): work")
	c = s.client()
	c.login("gal2").want(200).has("tf_required", true, "tf_select", true, "tf_state", absent, "user", absent,
		"tf_setup_methods", list("authenticator", "sms"))
	c.get("/tf-select").want(200).has("tf_select", true, "tf_setup_methods", list("authenticator", "sms"))
	c.post("/tf-select", m{"which": "email"}).refused(400, "which", "Not a valid choice.")
	c.post("/tf-select", m{}).refused(400, "which", "Not a valid choice.")
	c.post("/tf-select", m{"which": "sms"}).want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "sms")
	sent := s.code(phone)
	// another way after all
	c.post("/tf-select", m{"which": "authenticator"}).want(200).has("tf_method", "authenticator")
	c.post("/tf-validate", m{"code": sent}).refused(400, "code", "Invalid code") // of the other factor
	c.post("/tf-validate", m{"code": a.next()}).want(200)
	c.signedIn("gal2", 2)

	begun = c.post("/tf-setup", m{"setup": "email"}).want(200) // without add: in place of the primary one
	c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": s.code("gal2@lp.com")}).want(200).has("tf_method",
		"email")
	if methods := s.methods("gal2"); methods != "email sms" {
		t.Errorf("methods %v", methods)
	}
	s.client().get("/tf-select").refused(400, "", denied)
}

// JSON names methods and not factors, so of two apps it selects the older.
func TestEachOfTwoAppsCanBeChosen(t *testing.T) {
	s := newSite(t)
	c, old := s.enroll("gal2", storage.Authenticator)
	begun := c.post("/tf-setup", m{"setup": "authenticator", "add": true, "name": "tablet"}).want(200)
	young := s.app(begun.Text("tf_authr_b32key"))
	c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": young.next()}).want(200)

	c = s.client()
	choice := c.login("gal2").want(200).has("tf_select", true, "tf_setup_methods", list("authenticator"))
	factors, _ := choice.JSON["tf_factors"].([]any)
	if len(factors) != 2 {
		t.Fatalf("%d factors to choose from, want 2", len(factors))
	}
	c.post("/tf-select", m{"which": "authenticator"}).want(200) // the primary one
	c.post("/tf-validate", m{"code": young.next()}).refused(400, "code", "Invalid code")
	c.post("/tf-validate", m{"code": old.Code(s.Now())}).want(200)
	c.logout()
	c.login("gal2").want(200)
	c.post("/tf-select", m{"which": factors[1].(map[string]any)["id"]}).want(200)
	c.post("/tf-validate", m{"code": young.next()}).want(200)
	c.logout()

	c.loginForm("gal2").to("/tf-select")
	ids := regexp.MustCompile(`name="which"[^>]*value="([^"]+)"`).FindAllStringSubmatch(c.page("/tf-select").text(), -1)
	if len(ids) != 2 {
		t.Fatalf("%d factors to choose from, want 2", len(ids))
	}
	c.form("/tf-select", "which", ids[0][1]).to("/tf-validate") // the one used last comes first
	c.page("/tf-validate").shows("tablet")
	c.form("/tf-validate", "code", young.next()).to("/")
}

func TestARescueDoesNotTrustTheBrowser(t *testing.T) {
	s := newSite(t, trusting)
	s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal2", "remember", true).want(200)
	c.post("/tf-rescue", m{"help_setup": "recovery_code"}).refused(400, "help_setup", "Not a valid choice.")
	c.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	c.post("/tf-validate", m{"code": s.code("gal2@lp.com")}).want(200)
	c.signedIn("gal2", 2)
	if _, ok := c.Jar["tf_validity"]; ok {
		t.Error("a rescued browser is trusted")
	}
}

func TestAChangeOfFactorsEndsOtherSessions(t *testing.T) {
	s := newSite(t)
	c, _ := s.enroll("gal", storage.SMS)
	b := s.client()
	b.login("gal").want(200)
	b.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	b.signedIn("gal", 2)
	c.post("/tf-setup", m{"setup": "disable"}).want(200)
	c.signedIn("gal", 1)
	b.stranger()
	s.eventually("the owner is told of both changes", func() bool { return s.Mail.Count("gal@lp.com") == 2 })
	if n := len(s.mails("gal@lp.com")); n != 0 {
		t.Errorf("%d of the mails are codes", n)
	}
}

func TestATrustedBrowserIsNotFresh(t *testing.T) {
	s := newSite(t, trusting)
	s.enroll("gal", storage.SMS)
	c := s.client()
	c.login("gal", "remember", true).want(200)
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	old := c.Jar["tf_validity"]
	c.get("/tf-setup").want(200)
	c.logout()
	c.login("gal").want(200).has("tf_required", false)
	c.page("/both").shows("level 1 trusted true")
	c.get("/tf-setup").want(401).has("reauth_required", true)
	c.logout()
	if c.Jar["tf_validity"] == old {
		t.Error("the cookie is not renewed when it is used")
	}
	s.Advance(time.Minute)
	c.login("gal").want(200).has("tf_required", false)
	copied := s.client() // the value that was replaced is not a device
	copied.Jar["tf_validity"] = old
	copied.login("gal").want(200).has("tf_required", true)
}

// For a number that cannot receive SMS, the error is at its field and does not blame the provider.
func TestANumberThatCannotReceiveCodesIsAnErrorOfItsField(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.login("joe").want(200)
	s.SMS.FailWith(fmt.Errorf("provider: %w: code 21614", send.ErrRefused))
	const never = "This number or address can't receive codes. Check it, or choose another way."
	c.post("/tf-setup", m{"setup": "sms", "phone": phone}).refused(400, "phone", never)
	s.Advance(time.Minute)
	c.form("/tf-setup", "setup", "sms", "phone", phone).shows(never, `name="phone"`, phone)
}
