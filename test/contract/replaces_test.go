package contract_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestUnifiedSigninReplacesLogin checks that unified sign-in is at the path of the sign-in page,
// and that all redirects to sign-in lead there.
func TestUnifiedSigninReplacesLogin(t *testing.T) {
	s := newSite(t, withLife, withUnified, func(c *twofold.Config) {
		c.Pages.Prefix,
			c.Passwordless.ReplacesLogin = "/auth", true
	})
	methods := []any{"password", "email", "authenticator", "sms"}
	c := s.client()
	for _, path := range []string{"/auth/login", "/auth/us-signin"} {
		c.page(path+"?next=/profile").shows(`action="/auth/login"`, `formaction="/auth/us-signin/send-code"`,
			`name="next" value="/profile"`,
			`href="/auth/reset"`, `href="/auth/register?next=%2fprofile"`)
		c.get(path).want(200).has("available_methods", methods, "code_methods", []any{"email", "sms"})
		c.post(path, m{"email": "joe@lp.com", "password": plain}).want(400)
		c.post(path, m{"identity": "joe@lp.com", "passcode": "wrong"}).refused(400, "passcode", badPasscode)
		c.stranger()
	}
	c.page("/profile").to("/auth/login?next=/profile")
	c.page("/auth/us-setup").to("/auth/login?next=/auth/us-setup")
	c.page("/auth/us-verify-link").to("/auth/login")
	c.page("/auth/register").shows(`href="/auth/login"`)
	c.form("/auth/login", "identity", "joe@lp.com", "passcode", plain, "next", "/profile").to("/profile")
	c.signedIn("joe", 1)
	c.page("/auth/login?next=/profile").to("/")
	c.get("/auth/login").want(200).has("available_methods", methods)
	c.post("/auth/login", m{"identity": "joe@lp.com", "passcode": plain}).refusedFlat(400, onlyForAnon)

	begun := c.post("/auth/tf-setup", m{"setup": "sms", "phone": phone}).want(200)
	c.post("/auth/tf-setup/"+begun.Text("tf_state_token"), m{"code": s.code(phone)}).want(200)
	s.Advance(time.Minute)
	c = s.client()
	c.form("/auth/login?next=/profile", "identity", "joe@lp.com", "passcode",
		plain).to("/auth/tf-validate?next=/profile")
	c.stranger()
	c.form("/auth/tf-validate", "code", s.code(phone), "next", "/profile").to("/profile")
	c.signedIn("joe", 2)
}

// TestPasswordless covers the original's tests of mailed links and the differences from them.
func TestPasswordless(t *testing.T) {
	s := newSite(t, withLife, func(c *twofold.Config) { c.Accounts.MagicLink = true })
	c := s.client()
	c.page("/login?next=/profile").shows(`name="email"`, `name="next" value="/profile"`,
		"Send me a link").hides(`name="password"`)
	c.page("/register").hides(`name="password"`)
	c.form("/login", "email", "joe@lp.com").shows("Instructions to login have been sent to joe@lp.com.")
	link := s.mailed("login", "joe@lp.com")
	if link.Subject != "Sign in to tests" {
		t.Errorf("subject %q", link.Subject)
	}
	c.form(testkit.Link(link.Text, "login")).to("/")
	c.signedIn("joe", 1)
	c.page("/login").to("/")
	c.logout()
	c.page("/login/bogus").to("/login")
	c.page("/login").shows("Invalid login token.")
	c.form(testkit.Link(link.Text, "login")).to("/login")
	c.page("/login").shows("Invalid login token.")
	s.Advance(10 * time.Minute)
	c.page(testkit.Link(link.Text, "login")).to("/login")
	c.page("/login").shows("This link worked for 10 minutes. Ask for a new one.")
	c.post("/login", m{"email": "nobody@lp.com"}).refused(400, "email", unknownUser)
	s.client().post("/login", m{"email": "tiya@lp.com"}).refused(400, "email", disabled)
	c.post("/login", m{}).refused(400, "email", "Email not provided")
	c.post("/login", m{"email": "joe"}).refused(400, "email", "Invalid email address")
	// a password does nothing
	s.client().post("/login", m{"email": "matt@lp.com", "password": plain}).want(200).has("user", absent)
}
