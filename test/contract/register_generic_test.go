package contract_test

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// Row A24, email_normalization.
func TestAnAddressIsNormalized(t *testing.T) {
	s := newSite(t, withLife)
	c := s.client()
	c.register("\u00ceMnumber@EXAMPLE.com").refused(400, "email",
		"Please write the part before the @ in plain small letters: "+
			"an address like this one may be read as another person's.")
	c.register("\u00eeMnumber@EXAMPLE.com").want(200) // its local part stays as it was written
	u, err := s.Auth.FindUser(t.Context(), "\u00ceMnumber@example.com")
	if err != nil || u.Email != "\u00eeMnumber@example.com" {
		t.Fatalf("%+v, %v", u, err)
	}
	for _, typed := range []string{"\u00ceMnumber@example.com", "I\u0302Mnumber@Example.COM",
		"\u00eemnumber@example.com"} {
		c.logout()
		c.post("/login", m{"email": typed, "password": newPlain}).want(200)
	}
	c.logout()
	c.register("i\u0302mnumber@example.com").want(400)
	for _, bad := range []string{"dude", "dude@", "@lp.com", "dude@lp", "a@b@lp.com", "dude@lp.com, matt@lp.com",
		"Dude <dude@lp.com>", strings.Repeat("a", 70) + "@lp.com"} {
		c.register(bad).refused(400, "email", "Invalid email address")
	}
}

// Row A25, generic_response.
func TestATakenAddressLooksFree(t *testing.T) {
	s := newSite(t, confirming, generics)
	free, taken := s.client(), s.client()
	a, b := free.register("dude@lp.com").exactly("csrf_token"), taken.register("matt@lp.com").exactly("csrf_token")
	if a.Status != b.Status || len(free.Jar) != len(taken.Jar) {
		t.Errorf("a free address: %s %v\na taken one: %s %v", a.Body, free.Jar, b.Body, taken.Jar)
	}
	free.registerForm("dude4@lp.com").to("/login")
	taken.registerForm("matt@lp.com").to("/login")
	taken.stranger()
	// The owner of the address is notified. If it is not confirmed yet, the link is mailed again.
	mail := s.mailed("taken", "matt@lp.com")
	if mail.Subject != "You already have an account at tests" || !strings.Contains(mail.Text,
		"You already have an account with it") {
		t.Errorf("mail %+v", mail)
	}
	s.linkIn("confirm", "dude@lp.com")
	before := len(s.Mail.To("dude@lp.com"))
	s.client().register("dude@lp.com").want(200)
	s.eventually("the link once more", func() bool { return len(s.Mail.To("dude@lp.com")) > before })
	if e := testkit.EventsOf[event.UserNotRegistered](s.Events); len(e) == 0 || !e[0].ExistingEmail ||
		e[0].ExistingUsername || e[0].User.Email != "matt@lp.com" || e[0].Name() != "user-not-registered" {
		t.Errorf("events %+v", e)
	}
	// Errors of the form itself are still shown.
	c := s.client()
	c.register("matt@lp.com", "password", "short", "password_confirm", "short").refused(400, "password", tooShort)
	c.register("matt@lp.com", "username", "m").want(400)
	c.register("not an address").refused(400, "email", "Invalid email address")
}

// Row A26, gr_existing_username.
func TestATakenUsernameLooksFree(t *testing.T) {
	s := newSite(t, confirming, generics)
	c := s.client()
	c.register("dude@lp.com", "username", "matt").exactly("csrf_token")
	mail := s.mailed("username_taken", "dude@lp.com")
	if !strings.Contains(mail.Text, `The username "matt" is taken.`) {
		t.Errorf("mail %s", mail.Text)
	}
	if e := testkit.EventsOf[event.UserNotRegistered](s.Events); len(e) != 1 || !e[0].ExistingUsername ||
		e[0].ExistingEmail {
		t.Errorf("events %+v", e)
	}
	if _, err := s.Auth.FindUser(t.Context(), "dude@lp.com"); err == nil {
		t.Error("the account was made all the same")
	}
}

// Row A27, gr_extras.
func TestARegistrationIgnoresOtherFields(t *testing.T) {
	s := newSite(t, confirming, generics)
	c := s.client()
	c.register("dude@lp.com", "coolname", "dude").exactly("csrf_token")
	if _, err := s.Auth.FindUser(t.Context(), "dude@lp.com"); err != nil {
		t.Error("a field that is not known kept an account from being made")
	}
}

// Row A28, gr_real_html_template.
func TestTheMailAboutATakenAddressHasHTML(t *testing.T) {
	s := newSite(t, confirming, generics)
	s.client().register("matt@lp.com").want(200)
	mail := s.mailed("taken", "matt@lp.com")
	if !strings.Contains(mail.HTML, "<html") || !strings.Contains(mail.HTML, "matt@lp.com") {
		t.Errorf("the HTML part: %s", mail.HTML)
	}
}

// confirmLink registers an address and returns the confirmation link and the browser that
// registered.
func (s *site) confirmLink(user string) (*client, string) {
	s.T.Helper()
	c := s.client()
	c.register(user + "@lp.com").want(200)
	return c, s.linkIn("confirm", user+"@lp.com")
}
