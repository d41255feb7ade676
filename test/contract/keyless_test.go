package contract_test

import (
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// withoutPassword is a site where accounts need no password.
func withoutPassword(c *twofold.Config) {
	withLife(c)
	withUnified(c)
	c.Accounts.PasswordOptional = true
}

func confirmingWithoutPassword(c *twofold.Config) { withoutPassword(c); c.Accounts.Confirmable = true }

// opened registers without a password and signs in with the mailed code.
func (s *site) opened(user string) *client {
	s.T.Helper()
	c := s.client()
	code := testkit.Code(s.awaits(user+"@lp.com",
		func() { c.post("/register", m{"email": user + "@lp.com"}).want(200) }).Text)
	c.passcode(user, code).want(200)
	s.Advance(time.Minute)
	return c
}

// Row U4, us_passwordless.
func TestAnAccountWithoutPasswordBeginsByMail(t *testing.T) {
	s := newSite(t, withoutPassword, func(c *twofold.Config) { c.Pages.AccountPage = true })
	c := s.client()
	mail := s.awaits("new@lp.com",
		func() { c.post("/register", m{"email": "new@lp.com"}).exactly("csrf_token", "user") })
	c.stranger()
	link := testkit.Link(mail.Text, "us-verify-link")
	if link == "" {
		t.Fatalf("no link in the mail:\n%s", mail.Text)
	}
	c.form(link).to("/")
	c.signedIn("new", 1)
	if active := c.get("/us-setup").want(200).JSON["active_methods"]; !slices.Equal(active.([]any), []any{"email"}) {
		t.Errorf("active methods %v", active)
	}
	c.page("/me").shows("Protected by your mailbox only")
	joe := s.client()
	joe.login("joe").want(200)
	joe.page("/me").shows("Protected by your password only")
}

// Row U5, us_passwordless_confirm.
func TestALinkSignsInAConfirmedAccountWithoutPassword(t *testing.T) {
	s := newSite(t, confirmingWithoutPassword)
	c := s.client()
	c.form("/register", "email", "new@lp.com").to("/us-signin")
	c.form("/us-signin/send-code", "identity", "new@lp.com", "chosen_method", "email").shows(unconfirmed)
	c.form(s.linkIn("confirm", "new@lp.com")).to("/login")
	s.Advance(time.Minute)
	c.form(c.mailedLink("new")).to("/")
	c.signedIn("new", 1)
}

// Row U6, us_passwordless_confirm_json.
func TestACodeSignsInAConfirmedAccountWithoutPassword(t *testing.T) {
	s := newSite(t, confirmingWithoutPassword)
	c := s.client()
	c.post("/register", m{"email": "new@lp.com"}).exactly("csrf_token", "user")
	c.post("/us-signin/send-code", m{"identity": "new@lp.com", "chosen_method": "email"}).refused(400, "identity",
		unconfirmed)
	c.post(s.linkIn("confirm", "new@lp.com"), m{}).want(200)
	s.Advance(time.Minute)
	c.passcode("new", c.ask("new", storage.Email)).want(200)
	c.signedIn("new", 1)
}

// Row U31, can_add_password.
func TestAResetAddsAFirstPassword(t *testing.T) {
	s := newSite(t, withoutPassword)
	s.opened("new").logout()
	c := s.client()
	c.post(c.resetLink("new"), m{"password": newPlain, "password_confirm": newPlain}).want(200)
	for path, field := range map[string]string{"/login": "password", "/us-signin": "passcode"} {
		c = s.client()
		c.post(path, m{"identity": "new@lp.com", field: newPlain}).want(200)
		c.signedIn("new", 1)
	}
}

// Row U32, change_empty_password.
func TestAFreshSessionAddsAFirstPassword(t *testing.T) {
	s := newSite(t, withoutPassword)
	c := s.opened("new")
	s.Advance(15 * time.Minute)
	fill := m{"new_password": newPlain, "new_password_confirm": newPlain}
	c.post("/change", fill).want(401).has("reauth_required", true)
	c.page("/change").to("/us-verify?next=/change")
	code := testkit.Code(s.awaits("new@lp.com",
		func() { c.post("/us-verify/send-code", m{"chosen_method": "email"}).want(200) }).Text)
	c.post("/us-verify", m{"passcode": code}).want(200)
	c.get("/change").want(200).has("active_password", false)
	c.post("/change", fill).want(200)
	c.get("/change").want(200).has("active_password", true)
	s.client().post("/login", m{"email": "new@lp.com", "password": newPlain}).want(200)
}

// Row A7, allow_null_password.
func TestARegistrationMayLeaveThePasswordOut(t *testing.T) {
	s := newSite(t, withoutPassword)
	s.client().page("/register").shows(`name="password"`, "You can leave it out").hides("required data-strength")
	s.opened("new").signedIn("new", 1) // differs: nothing but the mailbox lets anybody in
	s.client().post("/register", m{"email": "other@lp.com", "password": plain}).refused(400, "password_confirm",
		noPassword)
}

// Row A8, allow_null_password_nologin.
func TestARegistrationWithoutPasswordDoesNotSignIn(t *testing.T) {
	s := newSite(t, confirmingWithoutPassword)
	c := s.client()
	c.post("/register", m{"email": "new@lp.com"}).exactly("csrf_token", "user")
	c.stranger()
	c.post("/login", m{"email": "new@lp.com", "password": ""}).refused(400, "password", noPassword)
	c.post("/login", m{"email": "new@lp.com", "password": plain}).want(400)
}
