package twofold_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

func TestContractC05_expired(t *testing.T) {
	s := newSite(t, confirming, func(c *twofold.Config) { c.Accounts.ConfirmWithin = time.Minute })
	c, link := s.confirmLink("mary")
	s.advance(time.Minute)
	const late = "You did not confirm your email within 1 minute. "
	c.get(link).refused(400, "", late)
	c.post(link, m{}).refused(400, "", late)
	c.page(link).to("/confirm")
	c.page("/confirm").shows("You did not confirm your email within 1 minute.")
}

func TestContractC06_email_changed(t *testing.T) {
	s := newSite(t, confirming)
	c, link := s.confirmLink("mary")
	if err := s.auth.SetIdentity(t.Context(), s.id("mary"), "mary2@lp.com", ""); err != nil {
		t.Fatal(err)
	}
	c.post(link, m{}).refused(400, "", "Invalid confirmation token.")
	c.stranger()
}

func unconfirmedToo(c *twofold.Config) { confirming(c); c.Accounts.LoginUnconfirmed = true }

func TestContractC07_login_without_confirmation(t *testing.T) {
	s := newSite(t, unconfirmedToo)
	c := s.client()
	c.registerForm("mary@lp.com").to("/")
	c.signedIn("mary", 1)
	c.logout()
	c.post("/login", m{"email": "mary@lp.com", "password": newPlain}).want(200).has("tf_required", false)
	c.post("/tf-setup", m{"setup": "authenticator"}).want(400).has("email_proof_required", true) // nothing is planted on someone's address
	c.form(s.linkIn("confirm", "mary@lp.com")).to("/")
	c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
}

func TestContractC08_no_auth_token(t *testing.T) {
	s := newSite(t, confirming)
	c := s.client()
	r := c.post("/register?include_auth_token", m{"email": "mary@lp.com", "password": newPlain, "password_confirm": newPlain}).exactly("csrf_token", "user")
	if user := r.json["user"].(m); len(user) != 2 || strings.Contains(r.body, "token\":\"tf") {
		t.Errorf("user %v", user)
	}
	open := anotherSite(t, unconfirmedToo)
	r = open.client().post("/register?include_auth_token", m{"email": "mary@lp.com", "password": newPlain, "password_confirm": newPlain}).want(200)
	token := open.client()
	token.token, _ = r.json["user"].(m)["authentication_token"].(string)
	token.signedIn("mary", 1)
}

func TestContractC09_another_user_is_signed_in(t *testing.T) {
	s := newSite(t, confirming)
	c, link := s.confirmLink("mary")
	c.login("joe").want(200)
	c.signedIn("joe", 1)
	c.form(link).want(303)
	c.stranger()
	c.post("/login", m{"email": "mary@lp.com", "password": newPlain}).want(200)
	c.signedIn("mary", 1)
}

func TestContractC10_reset_while_unconfirmed(t *testing.T) {
	s := newSite(t, confirming)
	s.confirmLink("mary")
	c := s.client()
	c.post("/reset", m{"email": "mary@lp.com"}).refused(400, "email", unconfirmed)
	c.form("/reset", "email", "mary@lp.com").shows(unconfirmed)
	for _, l := range s.mail.To("mary@lp.com") {
		if l.Kind == "reset" {
			t.Error("a reset link went to an address that nobody has proven")
		}
	}
}

func TestContractC11_redirects(t *testing.T) {
	s := newSite(t, confirming, func(c *twofold.Config) {
		c.Pages.Views.Life.PostConfirm, c.Pages.Views.Life.ConfirmError = "/profile", "/admin"
	})
	c, link := s.confirmLink("mary")
	c.page("/confirm/bogus").to("/admin")
	c.form(link).to("/profile")
}

func autoConfirm(c *twofold.Config) { confirming(c); c.Accounts.AutoLoginAfterConfirm = true }

func TestContractC13_auto_login(t *testing.T) {
	s := newSite(t, autoConfirm)
	c, link := s.confirmLink("mary")
	c.form(link).to("/")
	c.signedIn("mary", 1)
	if got := s.via(); len(got) != 1 || !slices.Equal(got[0], []string{"confirm"}) {
		t.Errorf("via %v", got)
	}
	_, link = s.confirmLink("dude")
	other := s.client() // another browser than the one that registered: it chooses a password
	other.form(link, "password", "another staple", "password_confirm", "another staple").to("/login")
	other.stranger()
}

func TestContractC14_two_factor(t *testing.T) {
	s := newSite(t, autoConfirm, required)
	c, link := s.confirmLink("mary")
	c.form(link).to("/tf-setup")
	c.stranger()
	c, link = s.confirmLink("dude")
	c.post(link, m{}).want(200).has("tf_required", true, "tf_state", "setup_from_login", "user", absent)
	c.stranger()
}

func TestContractC16_generic_response(t *testing.T) {
	s := newSite(t, confirming, generics)
	s.confirmLink("mary")
	for _, email := range []string{"mary@lp.com", "matt@lp.com", "tiya@lp.com", "nobody@lp.com"} {
		c := s.client()
		c.post("/confirm", m{"email": email}).exactly("csrf_token")
		c.form("/confirm", "email", email).shows("Confirmation instructions have been sent to " + email + ".")
	}
	s.client().post("/confirm", m{"email": "mary"}).refused(400, "email", "Invalid email address")
}

func TestContractC17_extra_field(t *testing.T) {
	s := newSite(t, confirming, generics)
	s.client().post("/confirm", m{"email": "matt@lp.com", "myextra": "x"}).exactly("csrf_token")
}
