package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/twofold-auth/twofold"
)

// TestEveryPageOfUnifiedSignIn runs TestEveryPage with all features: codes instead of the password,
// passkeys, tokens and providers, and the account page of a user who has all of them.
func TestEveryPageOfUnifiedSignIn(t *testing.T) {
	needBrowser(t)
	for _, g := range hardest("unified", "Work phone") {
		t.Run(g.language, func(t *testing.T) {
			t.Parallel()
			g.library = newKeyed(t, withCorp(t), func(c *twofold.Config) {
				c.Pages.Site, c.Accounts.Usernames = g.site, g.username != ""
				c.Passwordless = &twofold.Passwordless{}
				c.Tokens = twofold.Tokens{Scopes: []string{"read", "write", "reports:export"}}
				a := &c.Accounts
				a.Recoverable, a.Changeable, a.ChangeEmail, a.ChangeUsername = true, true, true, g.username != ""
				c.TwoFactor.Recovery = true
			})
			g.library.createUser(t, g.email, g.username)
			g.enter(t, true)
			g.waysIn()
			g.comesIn(t)
			g.tokens()
			g.everything(t)
		})
	}
}

func (g *guide) asksForCode() {
	g.t.Helper()
	g.open("/us-signin")
	g.put("identity", g.email)
	g.submit("button[name=chosen_method][value=email]")
}

// comesIn signs in with the enrolled methods.
func (g *guide) comesIn(t *testing.T) {
	g.logout()
	g.asksForCode()
	g.page("us-signin-sent")
	path := mailed(t, g.library, g.email, "us-verify-link")
	g.open(path)
	g.page("us-link")
	here := g.tab
	g.enter(t, true)
	g.open(path)
	g.page("us-link-elsewhere")
	g.submit(primary)
	g.page("us-link-refused")
	g.tab = here
	g.open("/us-verify-link")
	g.page("us-link-invalid")
	g.library.pass(time.Minute)
	g.asksForCode()
	g.put("passcode", code(t, g.library, g.email))
	g.submit(primary)
	g.page("us-signed-in")
}

// waysIn enrolls first factors.
func (g *guide) waysIn() {
	g.open("/us-signin")
	g.page("us-signin")
	g.submit(primary)
	g.page("us-signin-refused")
	g.put("identity", g.email)
	g.put("passcode", secret)
	g.submit(primary)
	g.open("/us-setup")
	g.page("us-setup")
	g.click("#method-email")
	g.submit(primary)
	g.page("us-confirm-email")
	g.put("passcode", code(g.t, g.library, g.email))
	g.submit(primary)
	g.open("/us-setup")
	g.click("#method-sms")
	g.put("phone", "12")
	g.submit(primary)
	g.page("us-setup-refused")
	g.put("phone", "+1 650 555 1212")
	g.submit(primary)
	g.page("us-confirm-sms")
	g.put("passcode", code(g.t, g.library, "+16505551212"))
	g.submit(primary)
	g.page("us-setup-done")
	g.click("#method-authenticator")
	g.submit(primary)
	g.page("us-confirm-app")
	g.put("passcode", "000000")
	g.submit(primary)
	g.page("us-confirm-app-refused")
	g.library.pass(16 * time.Minute)
	g.open("/us-setup")
	g.page("us-verify")
	g.put("passcode", "not the password")
	g.submit(primary)
	g.page("us-verify-refused")
	g.submit("button[name=chosen_method][value=email]")
	g.page("us-verify-sent")
	g.open("/us-verify?next=/us-setup")
	g.put("passcode", secret)
	g.submit(primary)
	g.page("us-verified")
}

func (g *guide) tokens() {
	g.open("/access-tokens")
	g.page("tokens-none")
	g.put("name", " ")
	g.put("days", "4000")
	g.submit(primary)
	g.page("tokens-refused")
	g.put("name", g.name)
	g.put("days", "30")
	g.click("#scope-read")
	g.submit(primary)
	g.page("tokens-made")
	g.open("/access-tokens")
	g.page("tokens")
}

// everything returns an account that uses every feature.
func (g *guide) everything(t *testing.T) {
	d := g.plugHere()
	g.setup("authenticator")
	g.submit(primary)
	phone := scan(g.tab, g.library)
	g.put("code", phone.code())
	g.submit(primary)
	g.submit(primary)
	g.click("#field-saved")
	g.submit(primary)
	for i, use := range []string{"secondary", "first"} {
		if i > 0 {
			d.touch(false)
			d = g.plugBy(webauthn.AuthenticatorTransportUsb)
		}
		g.open("/wan-register")
		g.put("name", g.name+" "+string(rune('A'+i)))
		g.click("#usage-" + use)
		g.submit(primary)
	}
	d.touch(false)
	g.setup("sms")
	g.put("phone", "+1 650 555 1212")
	g.click("#add-yes")
	g.put("name", g.name)
	g.submit(primary)
	g.library.pass(time.Minute)
	g.put("code", code(t, g.library, "+16505551212"))
	g.submit(primary)
	g.open("/access-tokens")
	g.put("name", g.name)
	g.click("#scope-read")
	g.submit(primary)
	g.open("/me")
	g.click(`section[aria-labelledby="signin"] form.row button`)
	g.soon("alice@corp.test")
	here := g.tab
	for i := range 4 {
		g.enter(t, true)
		g.open("/login")
		if i > 0 {
			g.click("#field-remember")
		}
		g.identify(g.email, secret)
		g.submit(primary)
		if i == 0 {
			g.open("/tf-select")
			g.page("select")
			continue
		}
		g.open("/tf-select")
		g.library.pass(time.Minute)
		g.put("code", phone.code())
		g.submit(primary)
	}
	g.tab = here
	g.open("/me")
	g.page("account-everything")
	g.open("/tf-factors")
	g.page("factors")
	g.open("/tf-sessions")
	g.page("sessions")
	g.open("/tf-devices")
	g.page("devices")
	g.open("/wan-register")
	g.page("passkeys")
}
