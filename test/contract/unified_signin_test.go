package contract_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/send"
)

const (
	badPasscode = "Password or code submitted is not valid"
	noMethod    = "Requested method is not valid"
	noIdentity  = "You must specify a valid identity to sign in"
	apiError    = "Input not appropriate for requested API"
	onlyForAnon = "You can only access this endpoint when not logged in."
	signInFirst = "You must sign in to view this resource."
	codeSent    = "Code has been sent."
)

// withUnified enables unified sign-in with all its methods, like the original's tests.
func withUnified(c *twofold.Config) { c.Passwordless = &twofold.Passwordless{} }

// begins enrolls a first factor as its user would, in a browser that stays signed in. The app is
// nil for other methods.
func (s *site) begins(user string, methods ...string) (*client, *app) {
	s.T.Helper()
	c := s.client()
	c.login(user).want(200)
	var a *app
	for _, method := range methods {
		begun := c.post("/us-setup", m{"chosen_method": method, "phone": phone}).want(200)
		var code string
		switch method {
		case storage.Authenticator:
			a = s.app(begun.Text("authr_b32key"))
			code = a.next()
		case storage.SMS:
			code = s.code(phone)
		default:
			code = s.code(user + "@lp.com")
		}
		c.post("/us-setup/"+begun.Text("state"), m{"passcode": code}).want(200)
	}
	s.Advance(time.Minute) // another code may be sent now
	s.Events.Reset()
	return c, a
}

// passcodes returns the messages with a code that replaces the password.
func (s *site) passcodes(to string) []send.Message {
	if strings.HasPrefix(to, "+") {
		return s.mails(to)
	}
	return slices.DeleteFunc(s.Mail.To(to), func(l send.Message) bool { return l.Kind != "us_code" })
}

// awaits runs a function that sends a code and returns the message, which may be sent after the
// answer.
func (s *site) awaits(to string, sends func()) send.Message {
	s.T.Helper()
	before := len(s.passcodes(to))
	sends()
	s.eventually("a code for "+to, func() bool { return len(s.passcodes(to)) > before })
	list := s.passcodes(to)
	return list[len(list)-1]
}

// ask requests a code with JSON.
func (c *client) ask(user, method string) (code string) {
	c.T.Helper()
	to := user + "@lp.com"
	if method == storage.SMS {
		to = phone
	}
	return testkit.Code(c.s.awaits(to, func() {
		c.post("/us-signin/send-code", m{"identity": user + "@lp.com", "chosen_method": method}).want(200)
	}).Text)
}

func (c *client) passcode(user, code string) *reply {
	c.T.Helper()
	return c.post("/us-signin", m{"identity": user + "@lp.com", "passcode": code})
}

func (c *client) passcodeForm(user, code string, more ...string) *reply {
	c.T.Helper()
	return c.form("/us-signin", append([]string{"identity", user + "@lp.com", "passcode", code}, more...)...)
}

// via returns the proofs of the sessions that were issued.
func (s *site) via() (list [][]string) {
	for _, e := range testkit.EventsOf[event.UserAuthenticated](s.Events) {
		list = append(list, e.Via)
	}
	return list
}

// Row U1, simple_signin.
func TestACodeSignsInByForm(t *testing.T) {
	s := newSite(t, withUnified, remembers)
	s.begins("joe", storage.Email, storage.SMS)
	c := s.client()
	c.page("/us-signin").shows(`name="identity"`, `name="passcode"`, `value="email"`, `value="sms"`)
	c.form("/us-signin/send-code", "identity", "joe@lp.com").shows(noMethod)
	c.form("/us-signin/send-code", "identity", "matt2@lp.com", "chosen_method", "email").shows(noIdentity)
	s.client().form("/us-signin/send-code", "identity", "tiya@lp.com", "chosen_method",
		"email").shows("Account is disabled.")
	c = s.client()
	mail := s.awaits("joe@lp.com", func() {
		c.form("/us-signin/send-code", "identity", "joe@lp.com", "chosen_method", "email").shows(codeSent)
	})
	code := testkit.Code(mail.Text)
	c.passcodeForm("joe", wrong(code)).shows(badPasscode)
	if e := testkit.EventsOf[event.UserFailedAuthn](s.Events); len(e) != 1 || e[0].User.Email != "joe@lp.com" ||
		e[0].AuthType != "passcode" || e[0].SecondFactor {
		t.Errorf("failed: %+v", e)
	}
	c.passcodeForm("joe", code).to("/")
	c.signedIn("joe", 1)
	if _, ok := c.Jar["remember_token"]; ok {
		t.Error("remembered without being asked")
	}
	c.logout()
	s.Advance(time.Minute)
	text := c.ask("joe", "sms")
	c.passcodeForm("joe", text, "remember", "y").to("/")
	c.remembered().signedIn("joe", 1)
	want := [][]string{{"email"}, {"sms"}, {"remember"}}
	if got := s.via(); !reflect.DeepEqual(got, want) {
		t.Errorf("authenticated via %v", got)
	}
	c.logout()
	if _, ok := c.Jar["remember_token"]; ok {
		t.Error("signing out leaves the cookie")
	}
	c.stranger()
}

// Row U2, simple_signin_json.
func TestACodeSignsInByJSON(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", storage.Email, storage.SMS)
	c := s.client()
	c.get("/us-signin").want(200).has("available_methods", list("password", "email", "authenticator", "sms"),
		"code_methods", list("email", "sms"), "identity_attributes", list("email", "username"), "user", absent)
	for _, body := range []m{{"identity": "joe@lp.com"}, {"identity": "joe@lp.com", "chosen_method": ""}} {
		c.post("/us-signin/send-code", body).refused(400, "chosen_method", noMethod)
	}
	c.post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "carrier pigeon"}).refused(400,
		"chosen_method", "Not a valid choice.")
	c.post("/us-signin/send-code", m{"chosen_method": "email"}).refused(400, "identity", noIdentity)
	c.post("/us-signin/send-code", m{"identity": "nobody@lp.com", "chosen_method": "email"}).refused(400, "identity",
		noIdentity)
	s.client().post("/us-signin/send-code", m{"identity": "tiya@lp.com", "chosen_method": "email"}).refused(400,
		"identity", "Account is disabled.")
	c = s.client()
	mail := s.awaits("joe@lp.com", func() {
		r := c.post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "email"}).want(200)
		if len(r.JSON) != 1 {
			t.Errorf("more than csrf_token: %s", r.Body)
		}
	})
	code := testkit.Code(mail.Text)
	c.passcode("joe", wrong(code)).refused(400, "passcode", badPasscode)
	c.post("/us-signin", m{"identity": "nobody@lp.com", "passcode": code}).refused(400, "identity", noIdentity)
	sent, failed := testkit.EventsOf[event.USSecurityTokenSent](s.Events),
		testkit.EventsOf[event.UserFailedAuthn](s.Events)
	if len(sent) != 1 || sent[0].Method != "email" || sent[0].User.Email != "joe@lp.com" || len(failed) != 1 ||
		failed[0].AuthType != "passcode" {
		t.Errorf("sent %+v, failed %+v", sent, failed)
	}
	r := c.post("/us-signin?include_auth_token",
		m{"identity": "joe@lp.com", "passcode": code}).want(200).has("tf_required", false)
	token := s.client()
	token.Header["Authentication-Token"] = r.JSON["user"].(m)["authentication_token"].(string)
	token.signedIn("joe", 1)
	c.page("/profile").hides(codeSent)
	c.post("/logout", m{}).want(200)
	s.Advance(time.Minute)
	c.passcode("joe", c.ask("joe", "sms")).want(200).has("user", m{"id": s.id("joe"), "email": "joe@lp.com"})
	c.signedIn("joe", 1)
}

// Row U3, signin_pwd_json.
func TestAPasswordIsReadInNFKC(t *testing.T) {
	s := newSite(t, withUnified)
	if err := s.Auth.SetPassword(t.Context(), s.id("joe"), "f\u00eate \u2165 battery"); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"f\u00eate \u2165 battery", "fe\u0302te \u2165 battery", "f\u00eate VI battery"} {
		c := s.client()
		c.passcode("joe", typed).want(200).has("tf_required", false)
		c.signedIn("joe", 1)
	}
	s.client().passcode("joe", "fete VI battery").refused(400, "passcode", badPasscode)
}

// Row U7, admin_setup_user_reset.
func TestResetAccessRemovesUnifiedMethods(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", storage.SMS)
	c := s.client()
	c.passcode("joe", c.ask("joe", "sms")).want(200)
	if err := s.Auth.ResetAccess(t.Context(), s.id("joe")); err != nil {
		t.Fatal(err)
	}
	c.stranger()
	s.Advance(time.Minute)
	before := len(s.SMS.All())
	c.post("/us-signin/send-code", m{"identity": "joe@lp.com", "chosen_method": "sms"}).refused(400, "chosen_method",
		noMethod)
	c.login("joe").want(200)
	c.get("/us-setup").want(200).has("active_methods", list("password"))
	if after := len(s.SMS.All()); after != before {
		t.Errorf("%d texts went out", after-before)
	}
}

// Row U9, get_already_authenticated.
func TestASignedInUserSkipsUnifiedSignIn(t *testing.T) {
	s := newSite(t, withUnified, func(c *twofold.Config) { c.Pages.Views.PostLogin = "/profile" })
	c := s.client()
	c.passcodeForm("joe", plain).to("/profile")
	c.page("/us-signin?next=/both").to("/profile")
	r := c.get("/us-signin").want(200).has("available_methods", list("password", "email", "authenticator", "sms"),
		"identity_attributes", list("email", "username"), "user", m{"id": s.id("joe"), "email": "joe@lp.com"})
	if strings.Contains(r.Body, "authentication_token") {
		t.Errorf("a token without being asked: %s", r.Body)
	}
}

// Row U10, post_already_authenticated.
func TestASignedInUserCannotSignInAgain(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.passcodeForm("joe", plain).to("/")
	for _, path := range []string{"/us-signin", "/us-signin/send-code"} {
		c.form(path, "identity", "matt@lp.com", "passcode", plain, "chosen_method", "email").to("/login?switch=1")
		c.page("/login?switch=1").shows("You're signed in as joe@lp.com")
		c.post(path, m{"identity": "matt@lp.com", "passcode": plain}).refusedFlat(400, onlyForAnon)
	}
	c.signedIn("joe", 1)
}

// mailedLink returns the link that was sent with a code.
func (c *client) mailedLink(user string) string {
	c.T.Helper()
	mail := c.s.awaits(user+"@lp.com", func() {
		c.post("/us-signin/send-code", m{"identity": user + "@lp.com", "chosen_method": "email"}).want(200)
	})
	found := testkit.Link(mail.Text, "us-verify-link")
	if found == "" {
		c.T.Fatalf("no link in the mail:\n%s", mail.Text)
	}
	return found
}

// Row U11, verify_link.
func TestAMailedLinkSignsInOnce(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", storage.Email)
	c := s.client()
	link := c.mailedLink("joe")
	mail := s.passcodes("joe@lp.com")[0]
	if !strings.HasSuffix(mail.Subject, " is your tests code") || !strings.Contains(mail.Text, s.Origin+link) ||
		!strings.Contains(mail.HTML, link) {
		t.Errorf("mail %+v", mail)
	}
	c.get("/us-verify-link").refusedFlat(400, apiError)
	c.page("/us-verify-link").to("/us-signin")
	c.page("/us-signin").shows(apiError)
	for _, bad := range []string{link + "x", "/us-verify-link/nonsense"} {
		c.get(bad).want(400).has("field_errors", absent)
		c.form(bad).to("/us-signin")
	}
	c.stranger()
	c.page(link).shows("You are about to sign in", "j***@lp.com")
	c.stranger() // opening it is not using it
	c.form(link).to("/")
	c.signedIn("joe", 1)
	if got := s.via(); len(got) != 1 || !slices.Equal(got[0], []string{"email"}) ||
		len(testkit.EventsOf[event.USSecurityTokenSent](s.Events)) != 1 {
		t.Errorf("via %v", got)
	}
	c.page("/us-signin").to("/")
	c.logout()
	c.form(link).to("/us-signin") // once
	c.stranger()
}

// Row U13, setup.
func TestAFormSetsUpAMethod(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.page("/us-setup").to("/login?next=/us-setup")
	c.loginForm("joe").to("/")
	c.page("/us-setup").shows(`value="email"`, `value="authenticator"`, `value="sms"`,
		`name="phone"`).hides(`value="password"`)
	c.form("/us-setup").shows(apiError)
	c.form("/us-setup", "chosen_method", "sms").shows("This isn't a phone number.")
	c.form("/us-setup", "chosen_method", "sms", "phone", "555-1212").
		shows("This number is too short. Start with the country code, like +49.")
	page := c.form("/us-setup", "chosen_method", "sms", "phone", "650-555-1212").shows("Enter code to complete setup")
	action := regexp.MustCompile(`action="(/us-setup/[^"]+)"`).FindStringSubmatch(page.text())
	if action == nil {
		t.Fatal("the form does not post to the state")
	}
	c.form(action[1], "passcode", wrong(s.code(phone))).
		shows("That code isn't right", "Enter code to complete setup", action[1])
	if e := testkit.EventsOf[event.UserFailedAuthn](s.Events); len(e) != 0 {
		t.Errorf("a wrong code of a set-up is told as a failed sign-in: %+v", e)
	}
	c.form(action[1], "passcode", s.code(phone)).to("/us-setup")
	c.page("/us-setup").shows("Unified sign in setup successful", "•••••••12")
	if e := testkit.EventsOf[event.USProfileChanged](s.Events); len(e) != 1 || !slices.Equal(e[0].Methods,
		[]string{"sms"}) || e[0].Delete {
		t.Errorf("profile changed: %+v", e)
	}
}

// Row U14, setup_email.
func TestTheMailOfASetUpHasNoLinkThatSignsIn(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.login("joe").want(200)
	begun := c.post("/us-setup", m{"chosen_method": "email"}).want(200).has("chosen_method", "email", "phone", nil)
	if mail := s.letter("joe@lp.com"); testkit.Link(mail.Text, "us-verify-link") != "" ||
		strings.Contains(mail.HTML, "us-verify-link") {
		t.Errorf("a set-up's mail has a link that signs in:\n%s", mail.Text)
	}
	c.post("/us-setup/"+begun.Text("state"), m{"passcode": s.code("joe@lp.com")}).want(200).has("chosen_method",
		"email", "phone", nil)
	c.get("/us-setup").want(200).has("active_methods", list("password", "email"))
}
