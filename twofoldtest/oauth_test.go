package twofoldtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// TestNoSideDoorThroughOtherSites also signs in with an identity provider.
func TestNoSideDoorThroughOtherSites(t *testing.T) {
	t.Parallel()
	var now func() time.Time
	site := federatedtest.New(t, func() time.Time { return now() })
	p, err := oidc.New(oidc.Settings{Name: "corp", Issuer: site.URL, ClientID: site.ClientID,
		ClientSecret: site.Secret})
	if err != nil {
		t.Fatal(err)
	}
	k := twofoldtest.New(t, twofold.Config{TwoFactor: twofold.TwoFactor{RescueEmail: true}, Mail: &sendtest.Sink{},
		Accounts: twofold.Accounts{
			OAuthSignUp: []string{"corp"}, Fields: []twofold.Field{{Name: "name", Required: true}},
			OAuth: []federated.Provider{p},
		},
	})
	now = k.Clock.Now
	mux := http.NewServeMux()
	mux.Handle("/page", k.Auth.RequireTwoFactor(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	k.Serve(mux)
	k.NoSideDoor("/page")
}
