package e2e

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// enterBy signs in with the app in a separate browser.
func enterBy(t *testing.T, s *library, phone *app, l look, remember bool) *tab {
	t.Helper()
	b := newTab(t, s.origin(), l)
	b.signIn(person, remember)
	b.at("/tf-validate")
	s.pass(time.Minute)
	b.giveCode(phone.code(), "Sign in")
	b.at("/me")
	return b
}

// TestSessionsAndBrowsersAreListedAndEnded ends one session, all others, one trusted browser and all of them.
func TestSessionsAndBrowsersAreListedAndEnded(t *testing.T) {
	without(t, func(t *testing.T) {
		s, l := newLibrary(t), look{}
		b := newTab(t, s.origin(), l)
		b.signIn(person, false)
		phone := b.setUpApp(s)
		library := enterBy(t, s, phone, l, true)
		b.open("/tf-sessions")
		b.see("This browser", "Password, Authenticator app")
		b.press("Sign out there")
		b.press("Sign out there")
		b.see("That session is signed out.")
		library.open("/me")
		library.at("/login")
		library.signIn(person, false)
		library.at("/me") // it is trusted still

		b.open("/tf-devices")
		b.see("Trusted since", "Trusted until")
		b.press("Stop trusting")
		b.see("Stop trusting Chrome on Linux?")
		b.press("Stop trusting")
		b.see("That browser is forgotten.")
		library.open("/me")
		library.at("/login") // its session rested on the trust
		library.see("Your session has ended. Please sign in again.")
		library.signIn(person, false)
		library.at("/tf-validate")

		first, second := enterBy(t, s, phone, l, true), enterBy(t, s, phone, l, true)
		b.open("/tf-devices")
		b.press("End all of them")
		b.press("End all of them")
		b.see("No browser is trusted any more.")
		b.open("/tf-sessions")
		b.press("Sign out everywhere else")
		b.see("Sign out everywhere else?")
		b.press("Sign out everywhere else")
		b.see("You're signed out everywhere else.")
		for _, away := range []*tab{first, second} {
			away.open("/me")
			away.at("/login")
			away.signIn(person, false)
			away.at("/tf-validate")
		}
	})
}

// TestALostFactorIsReplacedAfterAWhile checks that every signed-in browser shows the request and
// can stop it.
func TestALostFactorIsReplacedAfterAWhile(t *testing.T) {
	without(t, func(t *testing.T) {
		s, l := newLibrary(t, func(c *twofold.Config) { c.TwoFactor.Recovery = true }), look{}
		owner := newTab(t, s.origin(), l)
		owner.signIn(person, false)
		phone := owner.setUpApp(s)
		b := newTab(t, s.origin(), l)
		ask := func() string {
			t.Helper()
			b.signIn(person, false)
			b.tick("Can't get a code?")
			b.tick("Set up a new second step")
			b.press("Get help")
			b.at("/tf-validate")
			return mailed(t, s, person, "tf-recovery")
		}
		link := ask()
		b.open(link)
		b.see("This link works from")
		owner.open("/me")
		owner.see("Someone is trying to get in without your second step.")
		owner.press("Not you? Stop it")
		owner.see("It's stopped.")
		s.pass(25 * time.Hour)
		b.open(link)
		b.see("no longer works")

		for again := ask(); ; again = mailed(t, s, person, "tf-recovery") {
			if again != link {
				link = again
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		s.pass(25 * time.Hour)
		b.open(link)
		b.see("Set up a new second step")
		b.fill("Password", secret)
		b.press("Continue")
		b.at("/tf-setup")
		b.tick("Authenticator app")
		b.press("Continue")
		newer := scan(b, s)
		b.giveCode(newer.code(), "Finish")
		third := newTab(t, s.origin(), l)
		third.signIn(person, false)
		third.giveCode(phone.code(), "Sign in")
		third.at("/tf-validate")
		third.see("That code isn't right, or has expired. Use the newest one.")
		third.giveCode(newer.code(), "Sign in")
		third.at("/me")
	})
}
