package contract_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// chosen submits a page that asks for a new password, as JSON and as a form.
var (
	chosen     = m{"password": newPlain, "password_confirm": newPlain}
	chosenForm = []string{"password", newPlain, "password_confirm", newPlain}
)

const badReset = "Invalid reset password token."

// resetLink requests a link and returns its path.
func (c *client) resetLink(user string) string {
	c.T.Helper()
	before := len(c.s.Mail.To(user + "@lp.com"))
	c.post("/reset", m{"email": user + "@lp.com"}).want(200)
	c.s.eventually("a link to reset", func() bool { return len(c.s.Mail.To(user+"@lp.com")) > before })
	return c.s.linkIn("reset", user+"@lp.com")
}

// Row F1, recoverable_flag.
func TestAFormResetsThePassword(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.page("/reset").shows(`name="email"`)
	c.form("/reset", "email", "joe@lp.com").shows("Instructions to reset your password have been sent to joe@lp.com.")
	if e := testkit.EventsOf[event.ResetInstructionsSent](s.Events); len(e) != 1 || e[0].User.Email != "joe@lp.com" ||
		e[0].Name() != "password-reset-instructions-sent" {
		t.Errorf("events %+v", e)
	}
	link := s.linkIn("reset", "joe@lp.com")
	if mail := s.mailed("reset", "joe@lp.com"); mail.Subject != "Choose a new password for tests" ||
		!strings.Contains(mail.HTML, link) {
		t.Errorf("mail %+v", mail)
	}
	c.page(link).shows(`name="password"`, `name="password_confirm"`)
	c.form(link, "password", newPlain).shows(noPassword)
	c.form(link, "password", newPlain, "password_confirm", "x").shows(mismatch)
	c.form(link, "password", "short", "password_confirm", "short").shows(tooShort)
	c.form(link, chosenForm...).to("/login")
	c.page("/login").shows("You successfully reset your password. Please authenticate using your new password.")
	c.stranger()
	c.form("/login", "email", "joe@lp.com", "password", plain).shows("Invalid password")
	c.form("/login", "email", "joe@lp.com", "password", newPlain).to("/")
	if e := testkit.EventsOf[event.PasswordReset](s.Events); len(e) != 1 || e[0].User.Email != "joe@lp.com" ||
		e[0].Name() != "password-reset" {
		t.Errorf("events %+v", e)
	}
	s.mailed("notice_password_reset", "joe@lp.com")
	c = s.client()
	c.form("/reset", "email", "larry@lp.com").shows(unknownUser)
	c.form("/reset").shows("Email not provided")
	for _, bad := range []string{"/reset/bogus", link[:len(link)-1], link + "x",
		strings.ToUpper(link[:20]) + link[20:]} {
		if !strings.HasPrefix(bad, "/reset/") {
			bad = "/reset/" + bad[7:]
		}
		c.page(bad).to("/reset")
		c.form(bad, chosenForm...).to("/reset")
		c.page("/reset").shows(badReset)
	}
}

// Row F2, recoverable_json.
func TestJSONResetsThePassword(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.post("/reset", m{"email": "joe@lp.com"}).exactly("csrf_token")
	c.post("/reset", m{"email": "nobody@lp.com"}).refused(400, "email", unknownUser)
	c.post("/reset", m{}).refused(400, "email", "Email not provided")
	c.post("/reset", m{"email": "joe"}).refused(400, "email", "Invalid email address")
	link := s.linkIn("reset", "joe@lp.com")
	c.get("/reset/bogus").refused(400, "", badReset)
	c.post("/reset/bogus", chosen).refused(400, "", badReset)
	c.get(link).want(200).has("user", absent)
	c.post(link, m{"password": newPlain}).refused(400, "password_confirm", noPassword)
	c.post(link, m{"password": newPlain, "password_confirm": "x"}).refused(400, "password_confirm", mismatch)
	c.post(link, m{"password": "short", "password_confirm": "short"}).refused(400, "password", tooShort)
	c.post(link, chosen).exactly()
	c.stranger()
	c.post("/login", m{"email": "joe@lp.com", "password": newPlain}).want(200)
}

// Row F3, mail.
func TestTheMailToResetNamesItsTimeLimit(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.ResetWithin = 45 * time.Minute })
	link := s.client().resetLink("joe")
	if mail := s.mailed("reset", "joe@lp.com"); !strings.Contains(mail.Text, "45 minutes") ||
		!strings.Contains(mail.Text, s.Origin+link) || !strings.Contains(mail.HTML, "45 minutes") {
		t.Errorf("mail %+v", mail)
	}
}

// Row F4, other_sessions.
func TestAResetEndsSessionsAndTokens(t *testing.T) {
	s := newSite(t, withLife)
	other, token := s.client(), s.tokenClient("joe")
	other.login("joe").want(200)
	c := s.client()
	c.post(c.resetLink("joe"), chosen).want(200)
	other.stranger()
	token.stranger()
}

// Row F5, login_form_link.
func TestTheSignInPageLinksToTheReset(t *testing.T) {
	s := newSite(t, withLife)
	s.client().page("/login").shows("Forgot password?", `href="/reset"`)
	anotherSite(t).client().page("/login").hides("Forgot password?")
}

// Row F6, expired.
func TestALinkToResetExpires(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.ResetWithin = 4 * time.Hour })
	c := s.client()
	link := c.resetLink("joe")
	s.Advance(4 * time.Hour)
	for _, late := range []func() *reply{func() *reply { return c.page(link) },
		func() *reply { return c.form(link, chosenForm...) }} {
		late().to("/reset")
		c.page("/reset").shows("You did not reset your password within 4 hours.")
	}
	c.post(link, chosen).refused(400, "", "You did not reset your password within 4 hours. ")
}

// Row F7, deleted_user.
func TestALinkToResetEndsWithItsAccount(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	link := c.resetLink("joe")
	if err := s.Auth.SetActive(t.Context(), s.id("joe"), false); err != nil {
		t.Fatal(err)
	}
	c.post(link, chosen).refused(400, "", badReset)
	c.page(link).to("/reset")
}

// Row F8, used_token.
func TestTheFirstUsedLinkToResetEndsTheOthers(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	first := c.resetLink("joe")
	link := c.resetLink("joe")
	c.post(link, chosen).want(200)
	c.post(link, chosen).refused(400, "", badReset)
	c.post(first, chosen).refused(400, "", badReset) // all of them end together
	c.page(link).to("/reset")
}

// Row F9, no_password.
func TestAResetGivesAnAccountItsFirstPassword(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.post("/login", m{"email": "jess@lp.com", "password": ""}).want(400)
	c.post(c.resetLink("jess"), chosen).want(200)
	c.post("/login", m{"email": "jess@lp.com", "password": newPlain}).want(200)
	c.signedIn("jess", 1)
}

// Row F10, custom.
func TestThePagesOfAResetCanBeReplaced(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) {
		c.Pages.Paths.Life.Reset, c.Pages.Views.Life.PostReset = "/custom_reset", "/profile"
		c.Pages.Templates = fstest.MapFS{
			"ask.html":    {Data: []byte(`{{define "title"}}Ask{{end}}{{define "content"}}CUSTOM ASK{{end}}`)},
			"choose.html": {Data: []byte(`{{define "title"}}Choose{{end}}{{define "content"}}CUSTOM CHOOSE{{end}}`)},
		}
	})
	c := s.client()
	c.page("/reset").want(404)
	c.page("/custom_reset").shows("CUSTOM ASK")
	c.post("/custom_reset", m{"email": "joe@lp.com"}).want(200)
	mail := s.mailed("reset", "joe@lp.com")
	_, after, ok := strings.Cut(mail.Text, s.Origin+"/custom_reset/")
	if !ok {
		t.Fatalf("the link does not follow the path: %s", mail.Text)
	}
	link := "/custom_reset/" + strings.Fields(after)[0]
	c.page(link).shows("CUSTOM CHOOSE")
	c.form(link, chosenForm...).to("/profile")
}

// Row F12, easy_password.
func TestAResetRefusesEasyPasswords(t *testing.T) {
	s := newSite(t, withLife, rated)
	c := s.client()
	link := c.resetLink("joe")
	c.post(link, m{"password": "mattmatt2", "password_confirm": "mattmatt2"}).refused(400, "password", tooSimple)
	c.form(link, "password", "mattmatt2", "password_confirm", "mattmatt2").shows(tooSimple)
	c.post(link, m{"password": "cornflower trombone gravel",
		"password_confirm": "cornflower trombone gravel"}).want(200)
}

// Row F13, inactive.
func TestADisabledAccountGetsNoLinkToReset(t *testing.T) {
	s := newSite(t, withLife)
	s.client().post("/reset", m{"email": "tiya@lp.com"}).refused(400, "email", disabled)
	s.client().form("/reset", "email", "tiya@lp.com").shows(disabled)
	if n := len(s.Mail.To("tiya@lp.com")); n != 0 {
		t.Errorf("%d mails went out", n)
	}
}

// Row F14, normalization.
func TestAResetTakesAnySpellingOfTheAddress(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.post("/reset", m{"email": "JOE@LP.COM"}).want(200)
	link := s.linkIn("reset", "joe@lp.com") // to the stored address, not to the typed one
	c.post(link, m{"password": "h\u00f6rse\u2160 staple", "password_confirm": "h\u00f6rse\u2160 staple"}).want(200)
	for _, typed := range []string{"h\u00f6rse\u2160 staple", "ho\u0308rseI staple"} {
		s.client().post("/login", m{"email": "joe@lp.com", "password": typed}).want(200)
	}
}

// Row F15, generic_response.
func TestAResetRevealsNoAccounts(t *testing.T) {
	s := newSite(t, withLife, generics)
	for _, email := range []string{"joe@lp.com", "tiya@lp.com", "nobody@lp.com"} {
		s.client().post("/reset", m{"email": email}).exactly("csrf_token")
		s.client().form("/reset", "email", email).shows("Instructions to reset your password have been sent to " +
			email + ".")
	}
	s.client().post("/reset", m{"email": "joe@lp.com", "myextra": "x"}).exactly("csrf_token")
	s.client().post("/reset", m{"email": "joe"}).refused(400, "email", "Invalid email address")
}

// Row F16, locked.
func TestALockedAccountGetsNoLinkToReset(t *testing.T) {
	s := newSite(t, withLife, lockedJoe)
	s.client().post("/reset", m{"email": "joe@lp.com"}).refused(400, "email", "Account is locked.")
	s.client().form("/reset", "email", "joe@lp.com").shows("Account is locked.")
	if n := len(s.Mail.To("joe@lp.com")); n != 0 {
		t.Errorf("%d mails went out", n)
	}
}

// Row F17, auto_login.
func TestAResetCanSignIn(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.AutoLoginAfterReset = true })
	c := s.client()
	c.form(c.resetLink("joe"), chosenForm...).to("/")
	c.page("/reset").shows("You successfully reset your password and you have been logged in automatically.")
	c.signedIn("joe", 1)
	if got := s.via(); len(got) != 1 || !slices.Equal(got[0], []string{"reset"}) {
		t.Errorf("via %v", got)
	}
	c = s.client()
	c.post(c.resetLink("matt"), chosen).want(200).has("tf_required", false, "user",
		m{"id": s.id("matt"), "email": "matt@lp.com"})
	c.signedIn("matt", 1)
	s.client().post(s.client().resetLink("gene"), chosen).exactly() // in another browser than the one that asked
}

// Row F19, csrf.
func TestAResetByFormNeedsItsCSRFToken(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.bareForm("/reset", "email", "joe@lp.com").shows(noToken)
	token := c.get("/login").want(200).Text("csrf_token")
	c.bareForm("/reset", "email", "joe@lp.com", "csrf_token", token).shows("Instructions to reset your password")
	link := s.linkIn("reset", "joe@lp.com")
	c.bareForm(link, chosenForm...).shows(noToken)
	// The field contains the address of the signed-in person, who is signed out afterwards.
	c.login("joe").want(200)
	c.page("/reset").shows(`value="joe@lp.com"`)
	token = c.get("/login").want(200).Text("csrf_token")
	c.bareForm(link, append([]string{"csrf_token", token}, chosenForm...)...).to("/login")
	c.stranger()
}

// Row F20, authenticated_json.
func TestAResetSignsItsUserOut(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("joe").want(200)
	link := c.resetLink("joe")
	c.post(link, chosen).exactly()
	c.stranger()
	c.post("/login", m{"email": "joe@lp.com", "password": newPlain}).want(200)
}

// Row F21, username_recovery.
func TestAForgottenUsernameIsMailed(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.page("/recover-username").shows(`name="email"`)
	c.form("/recover-username", "email", "matt@lp.com").to("/login")
	c.page("/login").shows("If registered, your username will be sent to your email.")
	if mail := s.mailed("username", "matt@lp.com"); mail.Subject != "Your username at tests" ||
		!strings.Contains(mail.Text, "Your username is: matt") || !strings.Contains(mail.HTML, "matt") {
		t.Errorf("mail %+v", mail)
	}
	if e := testkit.EventsOf[event.UsernameRecoverySent](s.Events); len(e) != 1 || e[0].User.Email != "matt@lp.com" ||
		e[0].Name() != "username-recovery-email-sent" {
		t.Errorf("events %+v", e)
	}
	c.post("/recover-username", m{"email": "matt@lp.com"}).exactly("csrf_token")
	c.post("/recover-username", m{"email": "nobody@lp.com"}).refused(400, "email", unknownUser)
	c.post("/recover-username", m{"email": "tiya@lp.com"}).refused(400, "email", disabled)
	c.post("/recover-username", m{}).refused(400, "email", "Email not provided")
	c.login("matt").want(200)
	c.page("/recover-username").to("/") // only for callers who are not signed in
	c.post("/recover-username", m{"email": "matt@lp.com"}).refusedFlat(400, onlyForAnon)

	locked := anotherSite(t, confirming, lockedJoe)
	locked.confirmLink("mary")
	locked.client().post("/recover-username", m{"email": "joe@lp.com"}).refused(400, "email", "Account is locked.")
	locked.client().post("/recover-username", m{"email": "mary@lp.com"}).refused(400, "email", unconfirmed)
}

// Row F22, username_recovery_generic.
func TestUsernameRecoveryRevealsNoAccounts(t *testing.T) {
	s := newSite(t, withLife, generics)
	for _, email := range []string{"matt@lp.com", "joe@lp.com", "tiya@lp.com", "nobody@lp.com"} {
		s.client().post("/recover-username", m{"email": email}).exactly("csrf_token")
		s.client().form("/recover-username", "email", email).to("/login")
	}
}
