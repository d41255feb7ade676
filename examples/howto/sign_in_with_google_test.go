package howto_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/send"
)

func withGoogle(c twofold.Config, id, secret string) (twofold.Config, error) {
	google, err := oidc.Google(id, secret)
	if err != nil {
		return c, err
	}
	c.Accounts.OAuth = []federated.Provider{google}
	c.Accounts.OAuthSignUp = []string{"google"} // leave it out if Google may not make accounts
	return c, nil
}

func withCompany(c twofold.Config, id, secret string) (twofold.Config, error) {
	company, err := oidc.New(oidc.Settings{
		Name: "company", Title: "Example Inc.", Issuer: "https://sso.example.org",
		ClientID: id, ClientSecret: secret,
		Domains: []string{"example.org"}, // the provider runs every mailbox of this domain
	})
	if err != nil {
		return c, err
	}
	c.Accounts.OAuth = append(c.Accounts.OAuth, company)
	c.Accounts.OAuthSignUp = append(c.Accounts.OAuthSignUp, "company")
	return c, nil
}

// TestSignInWithGoogle checks that the sign-in page offers both, and that the registered paths are
// served. Package test/security tests the sign-in with a provider.
func TestSignInWithGoogle(t *testing.T) {
	c, err := withGoogle(twofold.Config{Mail: send.NewBox(1)}, "id", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if c, err = withCompany(c, "id", "secret"); err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, c)
	page := serveOnce(auth, http.MethodGet, "https://login.example.org/login", "Accept", "text/html").Body
	for _, want := range []string{"Google", "Example Inc.", "/login/oauthstart/google", "/login/oauthstart/company"} {
		if !strings.Contains(page, want) {
			t.Errorf("the sign-in page lacks %s", want)
		}
	}
	for _, path := range []string{"/login/oauthresponse/google", "/login/oauth-verify-response/google"} {
		if got := serveOnce(auth, http.MethodGet, "https://login.example.org"+path).Status; got == http.StatusNotFound {
			t.Errorf("%s is not served", path)
		}
	}
	c.Mail, c.Origin, c.Key = nil, "https://login.example.org", twofold.KeyText(twofold.NewKey())
	_, err = twofold.New(c)
	if err == nil || !strings.Contains(err.Error(), "Accounts.OAuthSignUp: needs a sender in Mail") {
		t.Errorf("sign-up without mail: %v", err)
	}
}
