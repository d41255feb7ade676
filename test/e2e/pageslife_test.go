package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestEveryPageOfTheAccountsLife runs TestEveryPage for the life of an account: registration,
// confirmation, reset, changes, and recovery after the loss of the second factor.
func TestEveryPageOfTheAccountsLife(t *testing.T) {
	needBrowser(t)
	for _, g := range hardest("life", "Work phone") {
		t.Run(g.language, func(t *testing.T) {
			t.Parallel()
			g.library = newLibrary(t, func(c *twofold.Config) {
				c.Pages.Site, c.Accounts.Usernames = g.site, true
				a := &c.Accounts
				a.Confirmable, a.Recoverable, a.Changeable = true, true, true
				a.ChangeEmail, a.ChangeUsername, a.UsernameRecovery = true, true, true
				c.TwoFactor.Recovery = true
			})
			if g.username == "" {
				g.username = "anna"
			}
			g.library.createUser(t, g.email, g.username)
			g.library.createUser(t, "lost."+g.email, "")
			g.enter(t, true)
			g.registers(t)
			g.forgets()
			g.changes()
			g.recovers(t)
			g.fails()
		})
	}
}

// register registers an account that waits for its confirmation.
func (g *guide) register(email, username string) {
	g.t.Helper()
	g.open("/register")
	g.put("email", email)
	g.put("username", username)
	g.put("password", newSecret)
	g.put("password_confirm", newSecret)
	g.submit(primary)
}

const newSecret = "correct horse battery"

func (g *guide) registers(t *testing.T) {
	g.open("/login")
	g.page("login")
	g.open("/register")
	g.page("register")
	g.put("username", "..")
	g.submit(primary)
	g.page("register-refused")
	long := "new." + g.email
	g.register(long, "new"+g.username)
	g.page("register-sent")
	g.login(long, newSecret)
	g.page("login-unconfirmed")
	g.open("/confirm")
	g.page("ask-confirm")
	g.submit(primary)
	g.page("ask-confirm-refused")
	g.put("email", long)
	g.submit(primary)
	g.page("ask-confirm-sent")
	path := mailed(t, g.library, long, "confirm")
	g.open(path)
	g.page("link-confirm")
	here := g.tab
	g.enter(t, true)
	g.open(path)
	g.page("choose-confirm")
	g.tab = here
	g.submit(primary)
	g.page("link-confirmed")
	g.open(path)
	g.page("link-used")
}

func (g *guide) forgets() {
	g.open("/recover-username")
	g.page("ask-username")
	g.put("email", g.email)
	g.submit(primary)
	g.page("ask-username-sent")
	g.open("/reset")
	g.page("ask-reset")
	g.put("email", g.email)
	g.submit(primary)
	g.page("ask-reset-sent")
	path := mailed(g.t, g.library, g.email, "reset")
	g.open(path)
	g.page("choose-reset")
	g.put("password", "password")
	g.put("password_confirm", "passwort")
	g.submit(primary)
	g.page("choose-reset-refused")
	g.put("password", newSecret)
	g.put("password_confirm", newSecret)
	g.submit(primary)
	g.page("choose-reset-done")
}

func (g *guide) changes() {
	g.login(g.email, newSecret)
	g.page("account")
	g.open("/change")
	g.page("change")
	g.put("password", "not the password")
	g.put("new_password", "short")
	g.put("new_password_confirm", "other")
	g.submit(primary)
	g.page("change-refused")
	g.put("password", newSecret)
	g.put("new_password", secret+" "+newSecret)
	g.put("new_password_confirm", secret+" "+newSecret)
	g.submit(primary)
	g.page("change-done")
	g.open("/change-username")
	g.page("change-username")
	g.put("username", strings.Repeat("x", 70))
	g.submit(primary)
	g.page("change-username-refused")
	g.put("username", g.username+"2")
	g.submit(primary)
	g.page("change-username-done")
	g.open("/change-email")
	g.page("change-email")
	g.put("email", g.email+"@")
	g.submit(primary)
	g.page("change-email-refused")
	next := "next." + g.email
	g.put("email", next)
	g.submit(primary)
	g.page("change-email-sent")
	g.open(mailed(g.t, g.library, next, "change-email"))
	g.page("change-email-link")
	g.submit(primary)
	g.page("change-email-done")
}

// recovers covers a user who lost the phone.
func (g *guide) recovers(t *testing.T) {
	g.logout()
	email := "lost." + g.email
	g.login(email, secret)
	g.setup("authenticator")
	g.submit(primary)
	phone := scan(g.tab, g.library)
	g.put("code", phone.code())
	g.submit(primary)
	signedIn := g.tab
	g.enter(t, true)
	g.login(email, secret)
	g.click("details summary")
	g.page("validate-rescue")
	g.click("#help-recovery_request")
	g.submit("details form button")
	g.page("recovery-asked")
	stranger := g.tab
	g.tab = signedIn
	g.open("/me")
	g.page("account-recovery")
	g.tab = stranger
	path := mailed(t, g.library, email, "tf-recovery")
	g.open(path)
	g.page("recovery-waits")
	g.library.pass(25 * time.Hour)
	g.open(path)
	g.page("recovery")
	g.submit(primary)
	g.page("recovery-refused")
	g.put("password", secret)
	g.submit(primary)
	g.page("recovery-setup")
}

// fails opens the pages of errors that the user cannot resolve.
func (g *guide) fails() {
	for range 11 {
		g.login(g.email, "not the password")
	}
	g.page("login-paused")
	g.library.pass(2 * time.Hour)
	g.login("next."+g.email, secret+" "+newSecret)
	g.open("/tf-recovery/none")
	g.page("message-link-invalid")
	if err := g.library.db.Close(); err != nil {
		g.t.Fatal(err)
	}
	g.open("/me")
	g.page("message-unavailable")
}
