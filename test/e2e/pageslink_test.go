package e2e

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestEveryPageOfMailedLinks runs TestEveryPage with a mailed link instead of the password.
func TestEveryPageOfMailedLinks(t *testing.T) {
	needBrowser(t)
	for _, g := range hardest("link", "Work phone") {
		t.Run(g.language, func(t *testing.T) {
			t.Parallel()
			g.library = newLibrary(t, func(c *twofold.Config) {
				c.Pages.Site = g.site
				c.Accounts.MagicLink = true
			})
			g.library.createUser(t, g.email, "")
			g.enter(t, true)
			g.open("/login")
			g.page("login")
			g.submit(primary)
			g.page("login-refused")
			g.put("email", g.email)
			g.submit(primary)
			g.page("login-sent")
			path := mailed(t, g.library, g.email, "login")
			here := g.tab
			g.enter(t, true)
			g.open(path)
			g.page("link-elsewhere")
			g.open("/register")
			g.page("register")
			g.tab = here
			g.open(path)
			g.page("link")
			g.submit(primary)
			g.page("account")
			if g.language == "en" {
				g.see("Your mailbox is all that protects this account")
			}
			g.logout()
			g.library.pass(time.Hour)
			g.open(path)
			g.page("link-invalid")
		})
	}
}
