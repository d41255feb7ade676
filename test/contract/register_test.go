package contract_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/password/strength"
	"github.com/twofold-auth/twofold/send"
)

const (
	newPlain    = "battery staple"
	noPassword  = "Password not provided"
	mismatch    = "Passwords do not match"
	tooShort    = "Password must be at least 8 characters"
	tooSimple   = "Password not complex enough"
	unknownUser = "Specified user does not exist"
	disabled    = "Account is disabled."
	unconfirmed = "Email requires confirmation."
)

// withLife enables all account features for owners except the confirmation of addresses, which
// confirming adds.
func withLife(c *twofold.Config) {
	c.Accounts.Registerable = true
	c.Advanced.Limits.LinkHour, c.Advanced.Limits.LinkAddress, c.Advanced.Limits.LinkDay = 1000, 1_000_000, 1000
	c.Accounts.Recoverable, c.Accounts.Changeable, c.Accounts.ChangeEmail = true, true, true
	c.Accounts.ChangeUsername, c.Accounts.UsernameRecovery = true, true
}

func confirming(c *twofold.Config) { withLife(c); c.Accounts.Confirmable = true }
func generics(c *twofold.Config)   { c.Accounts.RevealAccounts = false }
func rated(c *twofold.Config) {
	checker, err := strength.New(0)
	if err == nil {
		c.Password.Checkers = []password.Checker{checker}
	}
}

// mailed returns the newest mail of a kind to an address. It may be sent after the answer to the
// request.
func (s *site) mailed(kind, to string) (newest send.Message) {
	s.T.Helper()
	s.eventually("a mail "+kind+" to "+to, func() bool {
		for _, l := range s.Mail.To(to) {
			if l.Kind == kind {
				newest = l
			}
		}
		return newest.Kind == kind
	})
	return newest
}

// linkIn returns the path of the link in the newest mail of a kind.
func (s *site) linkIn(kind, to string) string {
	s.T.Helper()
	found := testkit.Link(s.mailed(kind, to).Text, "confirm", "reset", "change-email")
	if found == "" {
		s.T.Fatalf("no link in the mail %s to %s", kind, to)
	}
	return found
}

// register sends a complete registration with JSON.
func (c *client) register(email string, more ...any) *reply {
	c.T.Helper()
	body := m{"email": email, "password": newPlain, "password_confirm": newPlain}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return c.post("/register", body)
}

func (c *client) registerForm(email string, more ...string) *reply {
	c.T.Helper()
	return c.form("/register",
		append([]string{"email", email, "password", newPlain, "password_confirm", newPlain}, more...)...)
}

// exactly checks that a JSON answer has exactly these keys.
func (r *reply) exactly(keys ...string) *reply {
	r.T.Helper()
	ok := len(r.want(200).JSON) == len(keys)
	for _, k := range keys {
		_, there := r.JSON[k]
		ok = ok && there
	}
	if !ok {
		r.T.Errorf("want exactly %v: %s", keys, r.Body)
	}
	return r
}

// Row A1, registerable_flag.
func TestAVisitorRegisters(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.page("/register").shows(`name="email"`, `name="username"`, `name="password"`, `name="password_confirm"`)
	c.registerForm("dude@lp.com", "next", "/profile").to("/profile")
	c.signedIn("dude", 1)
	if mail := s.mailed("welcome", "dude@lp.com"); mail.Subject != "Welcome to tests" ||
		!strings.Contains(mail.Text, "Welcome dude@lp.com!") || !strings.Contains(mail.HTML, "dude@lp.com") {
		t.Errorf("mail %+v", mail)
	}
	if e := testkit.EventsOf[event.UserRegistered](s.Events); len(e) != 1 || e[0].User.Email != "dude@lp.com" ||
		e[0].Name() != "user-registered" {
		t.Errorf("events %+v", e)
	}
	c.page("/register").to("/") // only for callers who are not signed in
	c.register("other@lp.com").refusedFlat(400, onlyForAnon)
	c = s.client()
	c.registerForm("DUDE@lp.com").shows("DUDE@lp.com is already associated with an account.")
	c.register("Dude@LP.com").refused(400, "email", "Dude@lp.com is already associated with an account.")
	c.register("dude2@lp.com").exactly("csrf_token", "user", "tf_required").has("tf_required", false, "user",
		m{"id": s.id("dude2"), "email": "dude2@lp.com"})
	c.signedIn("dude2", 1)
	c = s.client()
	c.raw("/register", "application/json", `{"email": "dude3@lp.com", "password"`).want(400)
	c.post("/register", m{}).want(400).has("field_errors",
		m{"email": list("Email not provided"), "password": list(noPassword), "password_confirm": list(noPassword)})
	c.register("not an address").refused(400, "email", "Invalid email address")
	c.registerForm("dude3@lp.com", "next", "//evil.example").shows("Redirections outside the domain are forbidden")
	closed := anotherSite(t)
	closed.client().page("/register").want(404)
	closed.client().register("dude@lp.com").want(404)
}

// Row A2, form_csrf.
func TestARegistrationFormNeedsItsCSRFToken(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	fill := []string{"email", "dude@lp.com", "password", newPlain, "password_confirm", newPlain}
	c.bareForm("/register", fill...).shows(noToken)
	token := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(c.page("/register").Body)
	if token == nil {
		t.Fatal("no token on the page")
	}
	c.bareForm("/register", append(fill, "csrf_token", token[1])...).to("/")
	c.signedIn("dude", 1)
}

// Row A3, xlation.
func TestARegistrationIsTranslated(t *testing.T) {
	s := newSite(t, confirming)
	c := s.client()
	c.Header["Accept-Language"] = "de"
	c.page("/register").shows(`lang="de"`, "Konto").hides("Create an account")
	c.registerForm("dude@lp.com").to("/login")
	if mail := s.mailed("confirm", "dude@lp.com"); strings.Contains(mail.Text, "Please confirm") ||
		!strings.Contains(mail.Text, "2 Tage") {
		t.Errorf("mail %s", mail.Text)
	}
}

// Row A4, required_password.
func TestARegistrationNeedsAPassword(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.form("/register", "email", "dude@lp.com").shows(noPassword)
	c.register("dude@lp.com", "password", "", "password_confirm", "").want(400).
		has("field_errors", m{"password": list(noPassword), "password_confirm": list(noPassword)})
	c.register("dude@lp.com", "password", "short", "password_confirm", "short").refused(400, "password", tooShort)
	c.stranger()
}

// Row A5, register_non_string_password.
func TestAPasswordInJSONIsText(t *testing.T) {
	s := newSite(t, withLife)
	for _, bad := range []any{12345678, []string{newPlain}, m{"a": newPlain}, true} {
		r := s.client().register("dude@lp.com", "password", bad, "password_confirm", bad).want(400)
		if errs, _ := r.JSON["field_errors"].(m); errs["password"] == nil {
			t.Errorf("%v: %s", bad, r.Body)
		}
	}
	s.client().register("dude@lp.com").want(200) // none of these made an account
}

// Row A6, required_password_confirm.
func TestARegistrationNeedsThePasswordTwice(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.register("dude@lp.com", "password_confirm", "battery stable").refused(400, "password_confirm", mismatch)
	c.form("/register", "email", "dude@lp.com", "password", newPlain, "password_confirm", "x").shows(mismatch)
	c.form("/register", "email", "dude@lp.com", "password", newPlain).shows(noPassword)
	c.stranger()
}

// Row A9, regv2.
func TestARegistrationChecksEachField(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.register("mary@lp.com", "password", "mary", "password_confirm", "mar").want(400).has("field_errors",
		m{"password_confirm": list(mismatch)})
	c.register("mary@lp.com", "username", "m", "password", "mary", "password_confirm", "mary").want(400)
	c.register("mary2@lp.com", "username", "mary2").want(200)
	c.signedIn("mary2", 1)
}

// Row A10, regv2_no_confirm.
func TestThePasswordMayBeTypedOnce(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.PasswordTypedOnce = true })
	c := s.client()
	c.page("/register").shows(`name="password"`).hides(`name="password_confirm"`)
	c.form("/register", "email", "mary@lp.com", "password", newPlain).to("/")
	c.logout()
	c.post("/register", m{"email": "mary2@lp.com", "password": newPlain}).want(200)
	c.logout()
	c.post("/register", m{"email": "mary3@lp.com", "password": newPlain, "password_confirm": "x"}).want(200)
}

// Row A11, regv2_no_confirm_username.
func TestAUsernameCanBeRequired(t *testing.T) {
	s := newSite(t, withLife,
		func(c *twofold.Config) { c.Accounts.PasswordTypedOnce, c.Accounts.UsernameRequired = true, true })
	c := s.client()
	c.post("/register", m{"email": "mary@lp.com", "password": newPlain}).refused(400, "username",
		"Username not provided")
	c.post("/register", m{"email": "mary@lp.com", "password": newPlain, "username": "mary"}).want(200)
	c.logout()
	c.post("/login", m{"username": "mary", "password": newPlain}).want(200)
	c.signedIn("mary", 1)
}

// Row A12, custom.
func TestThePageOfRegistrationCanBeReplaced(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) {
		c.Pages.Paths.Register, c.Accounts.NoWelcome, c.Pages.Views.PostRegister = "/custom_register", true, "/profile"
		c.Pages.Templates = fstest.MapFS{"register.html": {
			Data: []byte(`{{define "title"}}Join{{end}}{{define "content"}}CUSTOM REGISTER{{end}}`)}}
	})
	c := s.client()
	c.page("/register").want(404)
	c.page("/custom_register").shows("CUSTOM REGISTER")
	c.form("/custom_register", "email", "dude@lp.com", "password", newPlain, "password_confirm",
		newPlain).to("/profile")
	c.signedIn("dude", 1)
	if n := len(s.Mail.To("dude@lp.com")); n != 0 {
		t.Errorf("%d mails, want none", n)
	}
}

// Row A13, two_factor.
func TestARegistrationProvesTheAddressBeforeASetUp(t *testing.T) {
	s := newSite(t, withLife, required)
	c := s.client()
	c.registerForm("dude@lp.com").to("/tf-validate") // the address first
	c.page("/profile").to("/login?next=/profile")
	c.form("/tf-validate", "code", s.code("dude@lp.com")).to("/tf-setup")
	c.form("/tf-setup", "setup", "email").shows("Enter code to complete setup")
	c.form("/tf-validate", "code", s.code("dude@lp.com")).to("/")
	c.signedIn("dude", 2)
}

// Row A14, two_factor_json.
func TestARegistrationInJSONProvesTheAddressBeforeASetUp(t *testing.T) {
	s := newSite(t, withLife, required)
	c := s.client()
	c.register("dude@lp.com").want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "email", "user",
		absent)
	c.stranger()
	c.post("/tf-validate", m{"code": s.code("dude@lp.com")}).want(200).has("tf_required", true, "tf_state",
		"setup_from_login", "user", absent)
	c.stranger()
}

// Row A16, easy_password.
func TestARegistrationRefusesEasyPasswords(t *testing.T) {
	s := newSite(t, withLife, rated)
	c := s.client()
	c.register("dude@lp.com", "password", "mattmatt2", "password_confirm", "mattmatt2").refused(400, "password",
		tooSimple)
	c.register("dude@lp.com", "username", "dudelebowski", "password", "dudelebowski9", "password_confirm",
		"dudelebowski9").refused(400, "password", tooSimple)
	c.form("/register", "email", "dude@lp.com", "password", "mattmatt2", "password_confirm",
		"mattmatt2").shows(tooSimple)
	c.register("dude@lp.com", "password", "password1", "password_confirm", "password1").refused(400, "password",
		"Password is on the list of common passwords")
	const context = "Password must not be your email address, your username or the name of this site"
	c.register("dude@lp.com", "username", "lebowski", "password", "Lebowski", "password_confirm",
		"Lebowski").refused(400, "password", context)
	c.register("dude@lp.com", "password", "cornflower trombone gravel", "password_confirm",
		"cornflower trombone gravel").want(200)
}

// Row A17, nullable_username.
func TestAUsernameIsOptional(t *testing.T) {
	s := newSite(t, withLife)
	for _, email := range []string{"u1@lp.com", "u2@lp.com"} { // two without one
		s.client().register(email, "username", "").want(200)
	}
	s.client().register("u3@lp.com", "username", nil).want(200)
	s.client().registerForm("u4@lp.com", "username", "").to("/")
}

// Row A18, username.
func TestAUsernameSignsInAndIsUnique(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.register("dude@lp.com", "username", "dude").want(200)
	c.logout()
	c.post("/login", m{"username": "dude", "password": newPlain}).want(200)
	c.signedIn("dude", 1)
	c.logout()
	c.form("/login", "username", "Dude", "password", newPlain).to("/")
	c.logout()
	c.post("/login", m{"username": "nobody", "password": newPlain}).refused(400, "username", unknownUser)
	s.client().register("dude2@lp.com", "username", "dude").refused(400, "username",
		"dude is already associated with an account.")
	s.client().registerForm("dude2@lp.com", "username", "DUDE").shows("DUDE is already associated with an account.")
}

// Row A19, username_not_set.
func TestAnEmptyUsernameDoesNotSignIn(t *testing.T) {
	s := newSite(t, withLife)
	s.client().register("dude@lp.com").want(200)
	c := s.client()
	for _, name := range []any{"", nil, " "} {
		c.post("/login", m{"username": name, "password": newPlain}).want(400)
	}
	c.form("/login", "username", "", "password", newPlain).want(200)
	c.stranger()
}

// Row A20, username_errors.
func TestAUsernameHasAllowedLettersAndLength(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.UsernameRequired = true })
	const length = "Username must be at least 4 characters and less than 32 characters"
	const letters = "Username can contain only letters and numbers"
	for name, want := range map[string]string{
		"":                      "Username not provided",
		"dud":                   length,
		strings.Repeat("a", 33): length,
		"hi <script>":           letters,
		"wall-e":                letters,
		"dude@lp.com":           letters,
		"dude dude":             letters,
	} {
		s.client().register("dude@lp.com", "username", name).refused(400, "username", want)
	}
	s.client().registerForm("dude@lp.com", "username", "dud").shows(length)
	s.client().register("dude@lp.com", "username", "dudé42").want(200)
}

// Row A21, username_normalize.
func TestAUsernameIsNormalized(t *testing.T) {
	s := newSite(t, withLife)
	s.client().register("dude@lp.com", "username", "Imnumber\u2160").want(200) // the Roman numeral one
	for _, typed := range []string{"Imnumber\u2160", "ImnumberI", "imnumberi"} {
		c := s.client()
		c.post("/login", m{"username": typed, "password": newPlain}).want(200)
		c.signedIn("dude", 1)
	}
	s.client().register("dude2@lp.com", "username", "imnumberI").want(400)
}

// Row A22, username_not_enabled.
func TestUsernamesCanBeSwitchedOff(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) {
		c.Accounts.Usernames, c.Accounts.ChangeUsername, c.Accounts.UsernameRecovery = false, false, false
	})
	c := s.client()
	c.page("/register").hides(`name="username"`)
	c.page("/login").hides(`name="username"`)
	c.get("/login").want(200).has("identity_attributes", list("email"))
	c.register("dude@lp.com", "username", "dudeling").want(200)
	c.logout()
	c.post("/login", m{"username": "dudeling", "password": newPlain}).refused(400, "email", "Email not provided")
	u, err := s.Auth.FindUser(t.Context(), "dude@lp.com")
	if err != nil || u.Username != "" {
		t.Errorf("%+v, %v", u, err)
	}
}

// Row A23, legacy_style_login.
func TestTheFieldOfTheAddressTakesAUsername(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.post("/login", m{"email": "matt", "password": plain}).want(200) // a username, in the field of addresses
	c.signedIn("matt", 1)
	c.logout()
	c.post("/login", m{"email": "matty", "password": plain}).refused(400, "email", unknownUser)
}
