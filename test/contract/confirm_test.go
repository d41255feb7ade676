package contract_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// Row C5, expired.
func TestALinkToConfirmExpires(t *testing.T) {
	s := newSite(t, confirming, func(c *twofold.Config) { c.Accounts.ConfirmWithin = time.Minute })
	c, link := s.confirmLink("mary")
	s.Advance(time.Minute)
	const late = "You did not confirm your email within 1 minute. "
	c.get(link).refused(400, "", late)
	c.post(link, m{}).refused(400, "", late)
	c.page(link).to("/confirm")
	c.page("/confirm").shows("You did not confirm your email within 1 minute.")
}

// Row C6, email_changed.
func TestAChangedAddressEndsItsLinkToConfirm(t *testing.T) {
	s := newSite(t, confirming)
	c, link := s.confirmLink("mary")
	if err := s.Auth.SetIdentity(t.Context(), s.id("mary"), "mary2@lp.com", ""); err != nil {
		t.Fatal(err)
	}
	c.post(link, m{}).refused(400, "", "Invalid confirmation token.")
	c.stranger()
}

func unconfirmedToo(c *twofold.Config) { confirming(c); c.Accounts.LoginUnconfirmed = true }

// Row C7, login_without_confirmation.
func TestAnUnconfirmedUserMaySignInButNotSetUp(t *testing.T) {
	s := newSite(t, unconfirmedToo)
	c := s.client()
	c.registerForm("mary@lp.com").to("/")
	c.signedIn("mary", 1)
	c.logout()
	c.post("/login", m{"email": "mary@lp.com", "password": newPlain}).want(200).has("tf_required", false)
	// nothing is planted on someone's address
	c.post("/tf-setup", m{"setup": "authenticator"}).want(400).has("email_proof_required", true)
	c.form(s.linkIn("confirm", "mary@lp.com")).to("/")
	c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
}

// Row C8, no_auth_token.
func TestAnUnconfirmedUserGetsNoHeaderToken(t *testing.T) {
	s := newSite(t, confirming)
	c := s.client()
	r := c.post("/register?include_auth_token",
		m{"email": "mary@lp.com", "password": newPlain, "password_confirm": newPlain}).exactly("csrf_token", "user")
	if user := r.JSON["user"].(m); len(user) != 2 || strings.Contains(r.Body, "token\":\"tf") {
		t.Errorf("user %v", user)
	}
	open := anotherSite(t, unconfirmedToo)
	r = open.client().post("/register?include_auth_token",
		m{"email": "mary@lp.com", "password": newPlain, "password_confirm": newPlain}).want(200)
	token := open.client()
	token.Header["Authentication-Token"], _ = r.JSON["user"].(m)["authentication_token"].(string)
	token.signedIn("mary", 1)
}

// Row C9, another_user_is_signed_in.
func TestAConfirmationSignsAnotherUserOut(t *testing.T) {
	s := newSite(t, confirming)
	c, link := s.confirmLink("mary")
	c.login("joe").want(200)
	c.signedIn("joe", 1)
	c.form(link).want(303)
	c.stranger()
	c.post("/login", m{"email": "mary@lp.com", "password": newPlain}).want(200)
	c.signedIn("mary", 1)
}

// Row C10, reset_while_unconfirmed.
func TestAnUnconfirmedAddressGetsNoLinkToReset(t *testing.T) {
	s := newSite(t, confirming)
	s.confirmLink("mary")
	c := s.client()
	c.post("/reset", m{"email": "mary@lp.com"}).refused(400, "email", unconfirmed)
	c.form("/reset", "email", "mary@lp.com").shows(unconfirmed)
	for _, l := range s.Mail.To("mary@lp.com") {
		if l.Kind == "reset" {
			t.Error("a reset link went to an address that nobody has proven")
		}
	}
}

// Row C11, redirects.
func TestAConfirmationLeadsToTheConfiguredViews(t *testing.T) {
	s := newSite(t, confirming, func(c *twofold.Config) {
		c.Pages.Views.Life.PostConfirm, c.Pages.Views.Life.ConfirmError = "/profile", "/admin"
	})
	c, link := s.confirmLink("mary")
	c.page("/confirm/bogus").to("/admin")
	c.form(link).to("/profile")
}

func autoConfirm(c *twofold.Config) { confirming(c); c.Accounts.AutoLoginAfterConfirm = true }

// Row C13, auto_login.
func TestAConfirmationCanSignIn(t *testing.T) {
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

// Row C14, two_factor.
func TestTheSecondFactorFollowsAConfirmation(t *testing.T) {
	s := newSite(t, autoConfirm, required)
	c, link := s.confirmLink("mary")
	c.form(link).to("/tf-setup")
	c.stranger()
	c, link = s.confirmLink("dude")
	c.post(link, m{}).want(200).has("tf_required", true, "tf_state", "setup_from_login", "user", absent)
	c.stranger()
}

// Row C16, generic_response.
func TestConfirmRevealsNoAccounts(t *testing.T) {
	s := newSite(t, confirming, generics)
	s.confirmLink("mary")
	for _, email := range []string{"mary@lp.com", "matt@lp.com", "tiya@lp.com", "nobody@lp.com"} {
		c := s.client()
		c.post("/confirm", m{"email": email}).exactly("csrf_token")
		c.form("/confirm", "email", email).shows("Confirmation instructions have been sent to " + email + ".")
	}
	s.client().post("/confirm", m{"email": "mary"}).refused(400, "email", "Invalid email address")
}

// Row C17, extra_field.
func TestConfirmIgnoresOtherFields(t *testing.T) {
	s := newSite(t, confirming, generics)
	s.client().post("/confirm", m{"email": "matt@lp.com", "myextra": "x"}).exactly("csrf_token")
}

// Row C1, confirmable_flag.
func TestAUserConfirmsTheAddress(t *testing.T) {
	s := newSite(t, confirming)
	c := s.client()
	c.register("mary@lp.com").exactly("csrf_token", "user").has("user", m{"id": s.id("mary"), "email": "mary@lp.com"})
	c.stranger()
	c.post("/login", m{"email": "mary@lp.com", "password": newPlain}).refused(400, "email", unconfirmed)
	c.form("/login", "email", "mary@lp.com", "password", newPlain).shows(unconfirmed)
	c.post("/login", m{"email": "mary@lp.com", "password": "wrong"}).refused(400, "password", "Invalid password")
	c.get("/confirm/bogus").refused(400, "", "Invalid confirmation token.")
	c.page("/confirm/bogus").to("/confirm")
	c.page("/confirm").shows("Invalid confirmation token.", `name="email"`)
	c.page("/confirm?email=mary%40lp.com").shows(`value="mary@lp.com"`)
	s.Events.Reset()
	c.post("/confirm", m{"email": "mary@lp.com"}).exactly("csrf_token")
	if e := testkit.EventsOf[event.ConfirmInstructionsSent](s.Events); len(e) != 1 ||
		e[0].User.Email != "mary@lp.com" || e[0].Name() != "confirm-instructions-sent" {
		t.Errorf("events %+v", e)
	}
	c.post("/confirm", m{"email": "nobody@lp.com"}).refused(400, "email", unknownUser)
	c.post("/confirm", m{}).refused(400, "email", "Email not provided")
	c.post("/confirm", m{"email": "mary"}).refused(400, "email", "Invalid email address")
	c.form("/confirm", "email", "mary@lp.com").shows("Confirmation instructions have been sent to mary@lp.com.")

	c = s.client()
	c.registerForm("dude@lp.com").to("/login")
	c.page("/login").shows("To confirm your email address")
	link := s.linkIn("confirm", "dude@lp.com")
	c.page(link).shows("Confirm your email address")
	c.form(link).to("/login")
	c.page("/login").shows("Thank you. Your email has been confirmed.")
	if e := testkit.EventsOf[event.UserConfirmed](s.Events); len(e) != 1 || e[0].User.Email != "dude@lp.com" {
		t.Errorf("events %+v", e)
	}
	c.form(link).to("/confirm")
	c.page("/confirm").shows("Your email has already been confirmed.")
	c.post("/confirm", m{"email": "dude@lp.com"}).refused(400, "email", "Your email has already been confirmed.")
	c.post("/login", m{"email": "dude@lp.com", "password": newPlain}).want(200)
	c.signedIn("dude", 1)
}

// Row C2, deleted_user.
func TestADisabledAccountCannotBeConfirmed(t *testing.T) {
	s := newSite(t, confirming)
	c, link := s.confirmLink("mary")
	if err := s.Auth.SetActive(t.Context(), s.id("mary"), false); err != nil {
		t.Fatal(err)
	}
	c.post(link, m{}).refused(400, "", "Invalid confirmation token.")
	c.form(link).to("/confirm")
}

// Row C3, mail.
func TestTheMailToConfirmNamesItsTimeLimit(t *testing.T) {
	s := newSite(t, confirming)
	_, link := s.confirmLink("mary")
	mail := s.mailed("confirm", "mary@lp.com")
	if mail.Subject != "Confirm your email address at tests" || !strings.Contains(mail.Text, "2 days") ||
		!strings.Contains(mail.Text, s.Origin+link) || !strings.Contains(mail.HTML, link) {
		t.Errorf("mail %+v", mail)
	}
}

// Row C4, requires_confirmation_error_redirect.
func TestASignInLeadsToTheConfirmation(t *testing.T) {
	s := newSite(t, confirming, func(c *twofold.Config) { c.Pages.Views.Life.Unconfirmed = "/confirm" })
	c, _ := s.confirmLink("mary")
	c.form("/login", "email", "mary@lp.com", "password", newPlain).to("/confirm?email=mary%40lp.com")
	c.page("/confirm?email=mary%40lp.com").shows(unconfirmed, `value="mary@lp.com"`)
	c.form("/login", "email", "mary@lp.com", "password", "wrong").want(200) // a stranger is told nothing
	c.post("/login", m{"email": "mary@lp.com", "password": newPlain}).refused(400, "email", unconfirmed)
}
