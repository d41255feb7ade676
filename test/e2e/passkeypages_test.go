package e2e

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestEveryPageOfPasskeys runs TestEveryPage for the pages of passkeys.
func TestEveryPageOfPasskeys(t *testing.T) {
	needBrowser(t)
	for _, g := range guides("passkeys", "Work laptop") {
		t.Run(g.language, func(t *testing.T) {
			t.Parallel()
			g.library = newKeyed(t, func(c *twofold.Config) {
				c.Pages.Site, c.Accounts.Usernames = g.site, g.username != ""
				c.TwoFactor.Require = func(i twofold.User) bool { return i.Email == "must@example.org" }
			})
			g.library.createUser(t, g.email, g.username)
			g.library.createUser(t, "must@example.org", "")
			g.enter(t, true)
			g.passkeys()
		})
	}
}

func (g *guide) passkeys() {
	d := g.plugHere()
	g.open("/login")
	g.page("login")
	g.open("/wan-signin")
	g.page("signin")
	g.login("must@example.org", secret)
	g.page("setup-demanded")
	g.open("/wan-register")
	g.page("register-demanded")
	g.submit(primary)
	g.page("register-demanded-done")
	d.touch(false)
	g.logout()
	g.login(g.email, secret)
	g.open("/me")
	d.touch(true)
	g.page("account-none")
	g.open("/wan-register")
	g.page("register")
	g.put("name", "no/name")
	g.click(primary)
	g.shown("#name-error")
	g.page("register-refused")
	for i, use := range []string{"secondary", "first"} {
		g.open("/wan-register")
		g.put("name", g.name+" "+string(rune('A'+i)))
		g.click("#usage-" + use)
		if i == 0 {
			g.submit(primary)
			g.page("register-added")
		}
	}
	g.open("/me")
	g.page("account-some")
	d.touch(false)
	g.logout()
	g.login(g.email, secret)
	g.page("second")
	g.click("details summary")
	g.page("second-rescue")
	d.touch(true)
	g.submit(primary)
	g.library.pass(20 * time.Minute)
	g.open("/wan-register")
	g.page("verify")
	g.open("/wan-verify")
	g.page("verify-passkey")
}

// plugHere adds an authenticator to the browser, which must have opened a page.
func (g *guide) plugHere() device {
	g.t.Helper()
	g.open("/login")
	return g.plug()
}

// shown waits for an element that a script shows.
func (g *guide) shown(selector string) {
	g.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if eval[bool](g.tab, `!!document.querySelector('`+selector+`')`) {
			return
		}
	}
	g.t.Fatalf("no %s:\n%s", selector, g.text())
}
