package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// newUnified returns the package with unified sign-in and personal access tokens.
func newUnified(t *testing.T) *library {
	t.Helper()
	return newLibrary(t, func(c *twofold.Config) {
		c.Passwordless = &twofold.Passwordless{}
		c.Tokens = twofold.Tokens{Scopes: []string{"read", "write"}}
	})
}

// comeIn enters a name and a password or code on one page.
func (b *tab) comeIn(proof string) {
	b.t.Helper()
	b.open("/us-signin")
	b.fill("Email address", person)
	b.fill("Password or code", proof)
	b.press("Sign in")
}

// askForCode requests a code by mail, which comes with a link.
func (b *tab) askForCode(s *library) {
	b.t.Helper()
	s.pass(time.Minute)
	b.open("/us-signin")
	b.fill("Email address", person)
	b.press("Email me a code")
	b.see("If that address has an account, a code is on its way.")
}

// codesBegin enrolls mailed codes as a first factor.
func (b *tab) codesBegin(s *library) {
	b.t.Helper()
	b.open("/us-setup")
	b.tick("Email")
	b.press("Continue")
	b.fill("Code", code(b.t, s, person))
	b.press("Finish")
	b.at("/us-setup")
	b.see("You can now sign in that way too.")
}

// TestOnePageForPasswordCodeAndApp signs in and re-authenticates with each method, and removes it.
func TestOnePageForPasswordCodeAndApp(t *testing.T) {
	without(t, func(t *testing.T) {
		s := newUnified(t)
		b := newTab(t, s.origin(), look{})
		b.comeIn("not the password")
		b.at("/us-signin")
		b.see("Wrong email or password.")
		b.comeIn(secret)
		b.at("/me")
		b.codesBegin(s)
		b.tick("Authenticator app")
		b.press("Continue")
		phone := scan(b, s)
		b.fill("Code", phone.code())
		b.press("Finish")
		b.see("You can now sign in that way too.")

		b.signOut()
		b.askForCode(s)
		b.fill("Code", code(t, s, person))
		b.press("Sign in")
		b.at("/me")
		b.see("Signed in as " + person)

		b.signOut()
		b.comeIn(phone.code())
		b.at("/me")
		s.pass(16 * time.Minute)
		b.open("/us-setup")
		b.at("/us-verify")
		b.fill("Password or code", phone.wrong())
		b.press("Continue")
		b.at("/us-verify")
		b.refused("passcode", "That password or code isn't right.")
		b.press("Email me a code")
		b.fill("Code", phone.wrong())
		b.press("Continue")
		b.refused("passcode", "That code isn't right, or has expired. Use the newest one.")
		b.fill("Code", code(t, s, person))
		b.press("Continue")
		b.at("/us-setup")
		b.press("Remove Email")
		b.see("Remove Email?")
		b.press("Remove")
		b.see("Sign-in method removed.")
	})
}

// TestAMailedLinkIsForTheBrowserThatAsked checks that in another browser the user must confirm
// first. Opening the link has no effect, and it works once.
func TestAMailedLinkIsForTheBrowserThatAsked(t *testing.T) {
	without(t, func(t *testing.T) {
		s := newUnified(t)
		b := newTab(t, s.origin(), look{})
		b.comeIn(secret)
		b.codesBegin(s)
		b.signOut()

		b.askForCode(s)
		link := mailed(t, s, person, "us-verify-link")
		b.open(link)
		b.open("/me")
		b.at("/login") // opening it signed no one in
		b.open(link)
		if strings.Contains(b.text(), "another browser") {
			t.Errorf("the browser that asked is taken for another:\n%s", b.text())
		}
		b.press("Sign in")
		b.at("/me")
		b.see("You're signed in.")

		b.signOut()
		b.askForCode(s)
		link = mailed(t, s, person, "us-verify-link")
		other := newTab(t, s.origin(), look{})
		other.open(link)
		other.see("This link was asked for in another browser",
			"Someone may want you to use an account that isn't yours.")
		other.tick("I asked for this link and want to sign in here")
		other.press("Sign in")
		other.at("/me")
		b.open(link)
		b.press("Sign in")
		b.at("/us-signin")
		b.see("This link no longer works.")
	})
}

// TestAProgramGetsATokenOfItsOwn checks that a token is shown once, is valid for its scopes, and
// can be revoked on the page.
func TestAProgramGetsATokenOfItsOwn(t *testing.T) {
	without(t, func(t *testing.T) {
		s := newUnified(t)
		b := newTab(t, s.origin(), look{})
		b.comeIn(secret)
		b.setUpApp(s)
		b.open("/me")
		b.press("Manage Access tokens")
		b.see("No program has access to your account.")
		b.fill("Name", "Backup")
		b.tick("read")
		b.fill("Expires in (days)", "7")
		b.press("Create token")
		b.see("Your new access token: Backup", "shown only this once.")
		token := eval[string](b, `document.querySelector('.key').textContent`)
		check := func(scope string) int {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin()+"/token-check?scope="+scope,
				nil)
			b.must(err)
			r.Header.Set("Authorization", "Bearer "+token)
			response, err := http.DefaultClient.Do(r)
			b.must(err)
			response.Body.Close()
			return response.StatusCode
		}
		if read, write := check("read"), check("write"); read != http.StatusOK || write != http.StatusForbidden {
			t.Errorf("the token is answered with %d for its scope, and with %d for another", read, write)
		}
		b.open("/access-tokens")
		b.see("Backup", "Last used")
		if strings.Contains(b.text(), token) {
			t.Error("the token is shown again")
		}
		b.press("Revoke Backup")
		b.press("Revoke")
		b.see("The access token is revoked.", "No program has access to your account.")
		if after := check("read"); after != http.StatusUnauthorized {
			t.Errorf("a revoked token is answered with %d", after)
		}
	})
}
