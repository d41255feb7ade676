package contract_test

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
)

// changes returns the body of a password change.
func changes(old, next, again string) m {
	return m{"password": old, "new_password": next, "new_password_confirm": again}
}

func changesForm(old, next, again string) []string {
	return []string{"password", old, "new_password", next, "new_password_confirm", again}
}

// Row H1, changeable_flag.
func TestAUserChangesThePassword(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.page("/change").to("/login?next=/change")
	c.get("/change").refusedFlat(401, signInFirst)
	c.post("/change", changes(plain, newPlain, newPlain)).refusedFlat(401, signInFirst)
	c.login("joe").want(200)
	user := m{"id": s.id("joe"), "email": "joe@lp.com"}
	c.get("/change").want(200).has("user", user, "active_password", true)
	c.page("/change").shows(`name="password"`, `name="new_password"`, `name="new_password_confirm"`)
	const same = "Your new password must be different than your previous password."
	for _, row := range []struct {
		body        m
		field, text string
	}{
		{changes("notpassword", newPlain, newPlain), "password", "Invalid password"},
		{changes(plain, newPlain, "x"), "new_password_confirm", mismatch},
		{changes("", newPlain, newPlain), "password", noPassword},
		{changes(plain, newPlain, ""), "new_password_confirm", noPassword},
		{changes(plain, "a", "a"), "new_password", tooShort},
		{changes(plain, plain, plain), "password", same},
		{changes(plain, "password1", "password1"), "new_password", "Password is on the list of common passwords"},
	} {
		c.post("/change", row.body).refused(400, row.field, row.text)
		c.form("/change", changesForm(row.body["password"].(string), row.body["new_password"].(string),
			row.body["new_password_confirm"].(string))...).shows(row.text)
	}
	c.post("/change", m{}).want(400).has("field_errors",
		m{"password": list(noPassword), "new_password": list(noPassword), "new_password_confirm": list(noPassword)})
	spaced := "  battery staple "
	c.form("/change", changesForm(plain, spaced, spaced)...).to("/")
	c.page("/change").shows("You successfully changed your password.")
	s.mailed("notice_password_changed", "joe@lp.com")
	if e := testkit.EventsOf[event.PasswordChanged](s.Events); len(e) != 1 || e[0].User.Email != "joe@lp.com" ||
		e[0].Name() != "password-changed" {
		t.Errorf("events %+v", e)
	}
	s.client().post("/login", m{"email": "joe@lp.com", "password": strings.TrimSpace(spaced)}).want(400) // blanks count
	s.client().post("/login", m{"email": "joe@lp.com", "password": spaced}).want(200)
	c.post("/change", changes(spaced, newPlain, newPlain)).want(200).has("user", user)
	const blank = "           "
	c.post("/change", changes(newPlain, blank, blank)).want(200)
	s.client().post("/login", m{"email": "joe@lp.com", "password": blank}).want(200)
	c.signedIn("joe", 1)
}

// The original has no test suite for this alone.
func TestAUserChangesTheUsername(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.page("/change-username").to("/login?next=/change-username")
	c.login("matt").want(200)
	user := m{"id": s.id("matt"), "email": "matt@lp.com"}
	c.get("/change-username").want(200).has("current_username", "matt", "user", user)
	c.post("/change-username", m{}).refused(400, "username", "Username not provided")
	c.post("/change-username", m{"username": "ma"}).refused(400, "username",
		"Username must be at least 4 characters and less than 32 characters")
	c.post("/change-username", m{"username": "matt w"}).refused(400, "username",
		"Username can contain only letters and numbers")
	c.post("/change-username", m{"username": "GENE"}).refused(400, "username",
		"GENE is already associated with an account.")
	c.form("/change-username", "username", "gene").shows("gene is already associated with an account.")
	c.post("/change-username", m{"username": "mattress"}).want(200).has("user", user)
	if e := testkit.EventsOf[event.UsernameChanged](s.Events); len(e) != 1 || e[0].OldUsername != "matt" ||
		e[0].Name() != "username-changed" {
		t.Errorf("events %+v", e)
	}
	s.mailed("notice_username_changed", "matt@lp.com")
	c.form("/change-username", "username", "mattock").to("/")
	c.page("/change-username").shows("You successfully changed your username", "mattock")
	s.client().post("/login", m{"username": "mattock", "password": plain}).want(200)
	s.client().post("/login", m{"username": "matt", "password": plain}).refused(400, "username", unknownUser)
	c.post("/change-username", m{"username": "mattock"}).refused(400, "username",
		"mattock is already associated with an account.")
	c.form("/change-username", "username", "").to("/")
	c.get("/change-username").want(200).has("current_username", nil)
	s.client().post("/login", m{"username": "mattock", "password": plain}).refused(400, "username", unknownUser)
	s.client().post("/login", m{"email": "matt@lp.com", "password": plain}).want(200)
	c.post("/change-username", m{"username": ""}).refused(400, "username", "Username not provided") // there is none
	s.Advance(15 * time.Minute)
	c.get("/change-username").refusedFlat(401, reauthenticate).has("reauth_required", true)
	c.post("/change-username", m{"username": "matt"}).refusedFlat(401, reauthenticate)
}

// Row H2, invalidates_sessions.
func TestANewPasswordEndsOtherSessions(t *testing.T) {
	s := newSite(t, withLife)
	c, other := s.client(), s.client()
	c.login("joe").want(200)
	other.login("joe").want(200)
	former := c.Jar["twofold"]
	s.Events.Reset()
	c.post("/change", changes(plain, newPlain, newPlain)).want(200)
	c.signedIn("joe", 1)
	other.stranger()
	thief := s.client()
	thief.Jar["twofold"] = c.Jar["twofold"]
	thief.signedIn("joe", 1)
	if thief.Jar["twofold"] == former {
		t.Error("the session that changed the password has its former cookie")
	}
	if got := s.via(); len(got) != 0 {
		t.Errorf("a session that goes on is told as a sign-in: %v", got)
	}
}

// Row H4, invalidates_auth_token.
func TestANewPasswordEndsHeaderTokens(t *testing.T) {
	s := newSite(t, withLife)
	token, c := s.tokenClient("joe"), s.client()
	token.signedIn("joe", 1)
	c.login("joe").want(200)
	c.post("/change", changes(plain, newPlain, newPlain)).want(200)
	token.stranger()
}

// Row H5, custom.
func TestThePageToChangeThePasswordCanBeReplaced(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) {
		c.Pages.Paths.Life.Change, c.Pages.Views.Life.PostChange = "/custom_change", "/profile"
		c.Pages.Templates = fstest.MapFS{"change.html": {
			Data: []byte(`{{define "title"}}Change{{end}}{{define "content"}}CUSTOM CHANGE{{end}}`)}}
	})
	c := s.client()
	c.login("joe").want(200)
	c.page("/change").want(404)
	c.page("/custom_change").shows("CUSTOM CHANGE")
	c.form("/custom_change", changesForm(plain, newPlain, newPlain)...).to("/profile")
	c.signedIn("joe", 1)
}

// Row H6, by_token.
func TestTheTokenThatChangesThePasswordStaysValid(t *testing.T) {
	s := newSite(t, withLife)
	other, c := s.tokenClient("joe"), s.tokenClient("joe")
	r := c.post("/change", changes(plain, newPlain, newPlain)).want(200)
	if strings.Contains(r.Body, "authentication_token") {
		t.Errorf("a second token: %s", r.Body)
	}
	c.forget().signedIn("joe", 1) // this one goes on
	other.stranger()
}

// Row H7, by_basic.
func TestBasicAuthenticationCannotChangeThePassword(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.Header["Authorization"] = "Basic am9lQGxwLmNvbTpwYXNzd29yZA==" // joe@lp.com:password
	r := c.post("/change", changes(plain, newPlain, newPlain)).refusedFlat(401, signInFirst)
	if r.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("headers %v", r.Header)
	}
	s.client().login("joe").want(200)
}

// Row H8, easy_password.
func TestANewPasswordMustNotBeEasy(t *testing.T) {
	s := newSite(t, withLife, rated)
	c := s.client()
	c.login("joe").want(200)
	c.post("/change", changes(plain, "mattmatt2", "mattmatt2")).refused(400, "new_password", tooSimple)
	c.post("/change", changes(plain, "cornflower trombone gravel", "cornflower trombone gravel")).want(200)
}

// houseRule is an application's own password checker.
type houseRule struct{}

func (houseRule) Check(_ context.Context, plain string, _ ...string) error {
	if strings.Contains(plain, "staple") {
		return password.ErrSimple
	}
	return nil
}

// Row H9, custom_validator.
func TestAnApplicationCanCheckPasswords(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Password.Checkers = []password.Checker{houseRule{}} })
	c := s.client()
	c.login("joe").want(200)
	c.post("/change", changes(plain, newPlain, newPlain)).refused(400, "new_password", tooSimple)
	c.form("/change", changesForm(plain, newPlain, newPlain)...).shows(tooSimple)
	c.post("/change", changes(plain, "battery clamp", "battery clamp")).want(200)
}

// Row H10, minimum.
func TestTheMinimumLengthOfAPasswordCanBeSet(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Password.MinLength = 12 })
	c := s.client()
	c.login("joe").want(200)
	c.post("/change", changes(plain, "batterystap", "batterystap")).refused(400, "new_password",
		"Password must be at least 12 characters")
	c.post("/change", changes(plain, "batterystapl", "batterystapl")).want(200)
}

// Row H11, unicode_length.
func TestThePasswordLengthCountsCodePoints(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("joe").want(200)
	four, nine := strings.Repeat("\U0001f40e", 4),
		"\U0001f40e\U0001f50b\U0001f4ce\U0001f40e\U0001f50b\U0001f4ce\U0001f40e\U0001f50b\U0001f4ce"
	c.post("/change", changes(plain, four, four)).refused(400, "new_password", tooShort) // sixteen bytes
	c.post("/change", changes(plain, nine, nine)).want(200)
	long := strings.Repeat("horse battery ", 10)
	c.post("/change", changes(nine, long, long)).refused(400, "new_password", "Password is too long")
	s.client().post("/login", m{"email": "joe@lp.com", "password": nine}).want(200)
}

// Row H12, unicode_form.
func TestANewPasswordIsKeptInNFKC(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("joe").want(200)
	// typed alike or not at all
	c.post("/change", changes(plain, "ho\u0308rse\u2160 battery", "h\u00f6rseI battery")).refused(400,
		"new_password_confirm", mismatch)
	c.post("/change", changes(plain, "ho\u0308rse\u2160 battery", "ho\u0308rse\u2160 battery")).want(200)
	for _, typed := range []string{"h\u00f6rse\u2160 battery", "h\u00f6rseI battery", "ho\u0308rseI battery"} {
		s.client().post("/login", m{"email": "joe@lp.com", "password": typed}).want(200)
	}
}

// Row H13, csrf.
func TestAChangeOfPasswordByFormNeedsItsCSRFToken(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("joe").want(200)
	c.bareForm("/change", changesForm(plain, newPlain, newPlain)...).shows(noToken)
	token := c.get("/change").want(200).Text("csrf_token")
	c.do("POST", "/change", testkit.Fields(changesForm(plain, newPlain, newPlain)), "Content-Type", testkit.TypeForm,
		"Accept", "text/html", "Origin", "https://evil.example").want(403)
	c.bareForm("/change", append(changesForm(plain, newPlain, newPlain), "csrf_token", token)...).to("/")
}

const (
	changeSent = "Instructions to confirm your new email address have been sent to joe2@lp.com."
	changeDone = "Change of email address confirmed"
)

// Row E1, change_email.
func TestAFormChangesTheAddress(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.ChangeEmailWithin = 67 * time.Second })
	c := s.client()
	c.page("/change-email").to("/login?next=/change-email")
	c.login("joe").want(200)
	c.form("/change-email", "email", "joe").shows("Invalid email address")
	c.form("/change-email").shows("Email not provided")
	c.form("/change-email", "email", "matt@lp.com").shows("matt@lp.com is already associated with an account.")
	c.form("/change-email", "email", "joe2@lp.com").shows(changeSent)
	mail := s.mailed("change_email", "joe2@lp.com")
	link := s.linkIn("change_email", "joe2@lp.com")
	if mail.Subject != "Confirm your new email address at tests" ||
		!strings.Contains(mail.Text, "1 minute and 7 seconds") || !strings.Contains(mail.Text, "joe@lp.com") {
		t.Errorf("mail %+v", mail)
	}
	s.mailed("notice_email_wanted", "joe@lp.com") // the present address is told
	e := testkit.EventsOf[event.ChangeEmailInstructionsSent](s.Events)
	if len(e) != 2 || !e[0].Refused || e[1].Refused || e[1].NewEmail != "joe2@lp.com" ||
		e[1].User.Email != "joe@lp.com" {
		t.Errorf("events %+v", e)
	}
	stranger := s.client() // a click alone gives no one's address to an account
	stranger.page(link).to("/login?next=" + strings.ReplaceAll(url.QueryEscape(link), "%2F", "/"))
	stranger.post(link, m{}).refusedFlat(401,
		"Sign in to the account that this link belongs to, then open the link again.")
	another := s.client()
	another.login("matt").want(200)
	another.post(link, m{}).refusedFlat(400,
		"Sign in to the account that this link belongs to, then open the link again.")
	here := s.client()
	here.login("joe").want(200)
	here.page(link).shows("Confirm your new email address")
	here.form(link).to("/")
	if e := testkit.EventsOf[event.ChangeEmailConfirmed](s.Events); len(e) != 1 || e[0].OldEmail != "joe@lp.com" ||
		e[0].User.Email != "joe2@lp.com" {
		t.Errorf("events %+v", e)
	}
	stranger.page(link).to("/change-email")
	stranger.page("/login").shows(apiError)
	stranger.post(link, m{}).refused(400, "", apiError)
	c.stranger() // it ends what was signed in elsewhere
	stranger.post("/login", m{"email": "joe@lp.com", "password": plain}).want(400)
	stranger.post("/login", m{"email": "joe2@lp.com", "password": plain}).want(200)
}

// Row E2, change_email_json.
func TestJSONChangesTheAddress(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("joe").want(200)
	user := m{"id": s.id("joe"), "email": "joe@lp.com"}
	c.get("/change-email").want(200).has("current_email", "joe@lp.com", "user", user)
	c.post("/change-email", m{"email": "joe2@lp.com"}).want(200).has("current_email", "joe@lp.com", "user", user)
	c.post("/change-email", m{"email": "joe"}).refused(400, "email", "Invalid email address")
	c.post("/change-email", m{}).refused(400, "email", "Email not provided")
	c.post("/change-email", m{"email": "matt@lp.com"}).refused(400, "email",
		"matt@lp.com is already associated with an account.")
	link := s.linkIn("change_email", "joe2@lp.com")
	c.get(link).want(200).has("user", absent)
	c.post(link, m{}).want(200)
	c.signedIn("joe2", 1) // the browser that changed it goes on
	s.Advance(16 * time.Minute)
	c.get("/change-email").refusedFlat(401, reauthenticate).has("reauth_required", true)
}

// Row E3, expired.
func TestALinkToChangeTheAddressExpires(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.ChangeEmailWithin = time.Minute })
	c := s.client()
	c.login("joe").want(200)
	c.post("/change-email", m{"email": "joe2@lp.com"}).want(200)
	link := s.linkIn("change_email", "joe2@lp.com")
	s.Advance(time.Minute)
	const late = "Confirmation must be completed within 1 minute. Please start over."
	c.post(link, m{}).refused(400, "", late)
	c.page(link).to("/change-email")
	c.page("/change-email").shows(late)
	c.signedIn("joe", 1)
}

// Row E4, template.
func TestThePageToChangeTheAddressCanBeReplaced(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) {
		c.Pages.Paths.Life.ChangeEmail, c.Pages.Views.Life.PostChangeEmail = "/custom_change_email", "/profile"
		c.Pages.Templates = fstest.MapFS{"change_email.html": {
			Data: []byte(`{{define "title"}}Email{{end}}{{define "content"}}CUSTOM CHANGE EMAIL{{end}}`)}}
	})
	c := s.client()
	c.login("joe").want(200)
	c.page("/change-email").want(404)
	c.page("/custom_change_email").shows("CUSTOM CHANGE EMAIL")
}

// Row E5, xlation.
func TestTheMailToChangeTheAddressIsTranslated(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.Header["Accept-Language"] = "de"
	c.login("joe").want(200)
	c.form("/change-email", "email", "joe2@lp.com").shows(`lang="de"`)
	if mail := s.mailed("change_email", "joe2@lp.com"); !strings.Contains(mail.Text, "2 Stunden") ||
		strings.Contains(mail.Text, "2 hours") {
		t.Errorf("mail %s", mail.Text)
	}
}

// Row E6, generic.
func TestATakenNewAddressLooksFree(t *testing.T) {
	s := newSite(t, withLife, generics)
	c := s.client()
	c.login("joe").want(200)
	free := c.post("/change-email", m{"email": "joe2@lp.com"}).exactly("csrf_token", "current_email", "user")
	taken := c.post("/change-email", m{"email": "matt@lp.com"}).exactly("csrf_token", "current_email", "user")
	if !reflect.DeepEqual(free.JSON["user"], taken.JSON["user"]) || free.Status != taken.Status {
		t.Errorf("a free address: %s\na taken one: %s", free.Body, taken.Body)
	}
	s.mailed("email_wanted", "matt@lp.com")
}

// Row E8, race.
func TestAnAddressTakenMeanwhileCannotBeConfirmed(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.login("joe").want(200)
	c.post("/change-email", m{"email": "joe2@lp.com"}).want(200)
	link := s.linkIn("change_email", "joe2@lp.com")
	s.client().register("JOE2@lp.com").want(200) // taken meanwhile, in another case
	c.form(link).to("/change-email")
	c.page("/change-email").shows(apiError)
	c.post(link, m{}).refused(400, "", apiError)
	c.signedIn("joe", 1)
}
