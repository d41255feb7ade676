package e2e

import (
	"strings"
	"testing"
	"time"
)

// onBoth runs a test against the program and against the package.
func onBoth(t *testing.T, test func(t *testing.T, s site, scripts bool)) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		t.Run("program", func(t *testing.T) { t.Parallel(); test(t, newServer(t), scripts) })
		t.Run("package", func(t *testing.T) { t.Parallel(); test(t, newLibrary(t), scripts) })
	})
}

// signIn enters the password.
func (b *tab) signIn(email string, remember bool) {
	b.t.Helper()
	b.open("/login")
	b.fill("Email address", email)
	b.fill("Password", secret)
	if remember {
		b.tick("Stay signed in on this device")
	}
	b.press("Sign in")
}

// signOut leaves.
func (b *tab) signOut() {
	b.t.Helper()
	b.open("/me")
	b.press("Sign out")
	b.open("/me")
	b.at("/login")
}

// giveCode submits the page that asks for a code.
func (b *tab) giveCode(code, button string) {
	b.t.Helper()
	b.fill("Code", code)
	b.press(button)
}

// setUpApp enrolls an authenticator app as the second factor.
func (b *tab) setUpApp(s site) *app {
	b.t.Helper()
	b.open("/tf-setup")
	b.tick("Authenticator app")
	b.press("Continue")
	b.see("Set up your authenticator app")
	a := scan(b, s)
	b.giveCode(a.code(), "Finish")
	b.at("/mf-recovery-codes")
	b.see("set up.", "You have no recovery codes yet.")
	b.press("Not now")
	b.at("/me")
	b.see("Authenticator app")
	return a
}

// TestAPersonsWay follows one person through all steps in their usual order.
func TestAPersonsWay(t *testing.T) {
	onBoth(t, func(t *testing.T, s site, scripts bool) {
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.signIn(person, false)
		b.at("/me")
		b.see("Signed in as "+person, "Your password is all that protects this account")

		phone := b.setUpApp(s)
		b.open("/me")
		b.see("Your account is protected by a second step")
		b.signOut()

		b.signIn(person, true)
		b.at("/tf-validate")
		b.giveCode(phone.code(), "Sign in")
		b.at("/me")
		b.see("You signed in with two steps.")
		b.signOut()

		b.signIn(person, false)
		b.at("/me") // the device is remembered: no code
		b.see("You trusted this browser")

		b.changeToMail(s, phone)
		b.signOut()

		other := newTab(t, s.origin(), look{scripts: scripts})
		other.signIn(person, false)
		other.at("/tf-validate")
		other.giveCode(code(t, s, person), "Sign in")
		other.at("/me")
		other.signOut()

		third := newTab(t, s.origin(), look{scripts: scripts})
		third.signIn(person, false)
		s.pass(1200 * time.Millisecond) // the next code is sent a second later at the earliest
		third.rescue()
		third.giveCode(code(t, s, person), "Sign in")
		third.at("/me")
		third.see("Signed in as " + person)
	})
}

// changeToMail re-authenticates, because a trusted device proves only the password, and replaces
// the app by mailed codes.
func (b *tab) changeToMail(s site, phone *app) {
	b.t.Helper()
	b.open("/tf-setup")
	b.at("/verify")
	b.fill("Password", secret)
	b.press("Continue")
	b.at("/tf-validate")
	b.giveCode(phone.code(), "Continue")
	b.at("/tf-setup")
	b.tick("Email")
	b.tick("Replace")
	b.press("Continue")
	b.see("Enter the code")
	b.giveCode(code(b.t, s, person), "Finish")
	b.see("set up.", "Email")
	if eval[bool](b, `document.querySelector('#factors').parentElement.innerText.includes('Authenticator')`) {
		b.t.Fatalf("the app is still there:\n%s", b.text())
	}
}

// rescue requests a code by mail on the page that asks for a code.
func (b *tab) rescue() {
	b.t.Helper()
	b.tick("Can't get a code?")
	b.tick("Email me a code")
	b.press("Get help")
	b.at("/tf-validate")
	b.see("We emailed you a code.")
}

// TestALostPhoneDoesNotLoseTheAccount checks that a user without the app can sign in with a mailed code.
func TestALostPhoneDoesNotLoseTheAccount(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newServer(t)
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.signIn(person, false)
		b.setUpApp(s)

		other := newTab(t, s.origin(), look{scripts: scripts})
		other.signIn(person, false)
		other.see("Enter the 6-digit code from your authenticator app.")
		other.rescue()
		other.giveCode(code(t, s, person), "Sign in")
		other.at("/me")
	})
}

// TestRecoveryCodesBringAPersonBack saves the codes after the enrollment and uses one after the
// phone is lost.
func TestRecoveryCodesBringAPersonBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s site, scripts bool) {
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.signIn(person, false)
		b.setUpApp(s)
		b.open("/me")
		b.see("No recovery codes. There's no way back if you lose your second step.")
		b.press("Make some")
		b.press("Make recovery codes")
		b.see("Save these codes now")
		codes := eval[[]string](b, `[...document.querySelectorAll('#codes code')].map(e => e.textContent)`)
		if len(codes) != 10 {
			t.Fatalf("the page shows %v", codes)
		}
		if shown := eval[bool](b,
			`[...document.querySelectorAll('[data-copy], [data-print]')].every(e => e.checkVisibility())`); shown != scripts {
			t.Errorf("copy and print are shown: %v, scripts: %v", shown, scripts)
		}
		b.tick("I have saved these codes")
		b.press("Continue")
		b.see("Keep your recovery codes in a safe place")
		b.open("/me")
		b.see("10 recovery codes left", "New recovery codes made")
		b.open("/mf-recovery-codes")
		if strings.Contains(b.text(), codes[0]) {
			t.Error("the codes are shown again")
		}

		other := newTab(t, s.origin(), look{scripts: scripts})
		other.signIn(person, false)
		other.tick("Can't get a code?")
		other.tick("Use a recovery code")
		other.press("Get help")
		other.at("/mf-recovery")
		other.fill("Recovery code", "aaaa aaaa aaaa aaaa")
		other.press("Sign in")
		other.see("That recovery code isn't right, or was used already.")
		other.fill("Recovery code", strings.ToUpper(strings.ReplaceAll(codes[1], "-", " ")))
		other.press("Sign in")
		other.at("/me")
		other.see("9 recovery codes left", "Signed in (recovery code)")
	})
}

// TestAnOwnerEndsTheSessionsOfOthers checks that one button behind the link of a notice ends every
// session.
func TestAnOwnerEndsTheSessionsOfOthers(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newServer(t)
		thief := newTab(t, s.origin(), look{scripts: scripts})
		thief.signIn(person, false)
		thief.setUpApp(s)

		owner := newTab(t, s.origin(), look{scripts: scripts})
		owner.open(notice(t, s, person))
		thief.open("/me")
		thief.at("/me") // the link alone does nothing
		owner.press("Sign everything out")
		thief.open("/me")
		thief.at("/login")
	})
}
