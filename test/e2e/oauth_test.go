package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
)

// TestAPersonComesThroughAnotherSite connects an account of a provider and signs in with it. The
// second factor is still required.
func TestAPersonComesThroughAnotherSite(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newLibrary(t, withCorp(t))
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.open("/login")
		pictures := guide{tab: b, scripts: scripts, shots: os.Getenv("TWOFOLD_SHOTS"), language: "oauth"}
		if scripts {
			pictures.page("login")
		}
		b.leaves("Continue with Corp")
		b.soon("That account isn't connected")
		b.at("/login")
		b.signIn(person, false)
		b.see("Connect Corp")
		b.leaves("Connect Corp")
		b.soon("Connected.")
		b.at("/me")
		b.see("alice@corp.test")
		if scripts {
			pictures.page("account")
		}
		phone := b.setUpApp(s)
		b.signOut()
		b.leaves("Continue with Corp")
		b.soon("Code")
		b.at("/tf-validate")
		b.giveCode(phone.code(), "Sign in")
		b.at("/me")
		b.open("/me")
		b.press("Disconnect")
		b.see("Disconnect Corp?")
		b.press("Disconnect")
		b.see("Disconnected.")
		b.signOut()
		b.leaves("Continue with Corp")
		b.soon("That account isn't connected")
	})
}

// withCorp enables a provider, which a server of this test implements.
func withCorp(t *testing.T) func(*twofold.Config) {
	var now func() time.Time
	corp := federatedtest.New(t, func() time.Time { return now() })
	return func(c *twofold.Config) {
		now = c.Advanced.Now
		p, err := oidc.New(oidc.Settings{
			Name: "corp", Title: "Corp", Issuer: corp.URL, ClientID: corp.ClientID, ClientSecret: corp.Secret,
			Scopes: []string{"email"}, Now: c.Advanced.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Accounts.OAuth = []federated.Provider{p}
	}
}

// leaves presses the button that leads to the provider and back, over pages that redirect. soon
// waits for the final page.
func (b *tab) leaves(words string) {
	b.t.Helper()
	from := eval[float64](b, `performance.timeOrigin`)
	for range 3 { // a click between two pages is lost, and people click again
		b.must(b.do(b.find("button, a", words)))
		if b.gone(from, 2*time.Second) {
			return
		}
	}
	b.t.Fatalf("%s leads nowhere", words)
}
