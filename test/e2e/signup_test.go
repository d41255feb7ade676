package e2e

import (
	"os"
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestAPersonMakesAnAccountThroughAnotherSite signs up with a mailed code and a field that the site
// requires, in each language. The address is then proven, and the next visit signs in.
func TestAPersonMakesAnAccountThroughAnotherSite(t *testing.T) {
	words := map[string][]string{
		"en": {"Continue with Corp", "Enter the code", "Code", "Continue", "Please fill in what is missing",
			"Company", "Create account", "Your account"},
		"de": {"Weiter mit Corp", "Geben Sie den Code ein", "Code", "Weiter", "Bitte ergänzen Sie",
			"Company", "Konto anlegen", "Ihr Konto"},
	}
	inBothWays(t, func(t *testing.T, scripts bool) {
		for _, language := range []string{"en", "de"} {
			w := words[language]
			s := newLibrary(t, withCorp(t), func(c *twofold.Config) {
				c.Accounts.Registerable, c.Accounts.OAuthSignUp, c.Accounts.NoWelcome = false, []string{"corp"}, true
				c.Accounts.Fields = []twofold.Field{{Name: "company", Label: "Company", Required: true}}
			})
			b := newTab(t, s.origin(), look{scripts: scripts, language: language})
			g := guide{tab: b, scripts: scripts, shots: os.Getenv("TWOFOLD_SHOTS"), language: language}
			b.open("/login")
			b.leaves(w[0])
			b.soon(w[1])
			b.at("/login/oauth-signup")
			b.see("alice@corp.test")
			if scripts {
				g.page("oauth_signup code")
			}
			b.giveCode(code(t, s, "alice@corp.test"), w[3])
			b.soon(w[4])
			b.at("/login/oauth-signup")
			if scripts {
				g.page("oauth_signup details")
			}
			b.fill(w[5], "Acme")
			b.press(w[6])
			b.soon(w[7])
			b.at("/me")
			b.see("alice@corp.test", "Acme")
			if language == "en" {
				b.signOut()
				b.leaves(w[0])
				b.soon(w[7])
				b.at("/me")
			}
		}
	})
}
