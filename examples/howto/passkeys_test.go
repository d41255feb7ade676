package howto_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// second offers passkeys as second factors.
var second = &twofold.Passkeys{Name: "Example"}

// instead offers them in place of the password, too.
var instead = &twofold.Passkeys{
	Name:        "Example",
	FirstFactor: true,
	MultiFactor: true,
	Verify:      []string{"first", "secondary"},
}

// ceremony asks for a question, has a key answer it, and posts the answer.
func ceremony(t *testing.T, b *twofoldtest.Browser, path string, fields map[string]any,
	key func(options []byte, lies ...softkey.Lie) (string, error)) twofoldtest.Answer {
	t.Helper()
	a := b.Post(path, fields)
	options, err := json.Marshal(a.Response["credential_options"])
	if err != nil || a.Status != http.StatusOK {
		t.Fatal(a.Status, string(a.Body), err)
	}
	credential, err := key(options)
	if err != nil {
		t.Fatal(err)
	}
	state, _ := a.Response["wan_state"].(string)
	return b.Post(path+"/"+state, map[string]any{"credential": credential})
}

func TestPasskeys(t *testing.T) {
	for name, c := range map[string]struct {
		passkeys *twofold.Passkeys
		usage    string
		level    int // after signing in with the passkey alone
	}{
		"second factors only":      {second, "secondary", 0},
		"in place of the password": {instead, "first", 2},
	} {
		t.Run(name, func(t *testing.T) {
			k := twofoldtest.New(t, twofold.Config{Passkeys: c.passkeys})
			k.Serve(k.Auth.RequireTwoFactor(hello))
			key, err := softkey.New(k.URL, softkey.ES256)
			if err != nil {
				t.Fatal(err)
			}
			b := k.LoginAs("ada@example.org", 2)
			a := ceremony(t, b, "/wan-register", map[string]any{"name": "laptop", "usage": c.usage}, key.Create)
			if a.Status != http.StatusOK {
				t.Fatalf("adding one: %d %s", a.Status, a.Body)
			}
			b = k.NewBrowser()
			if c.level == 0 {
				b.Post("/login", map[string]any{"email": "ada@example.org", "password": twofoldtest.Password})
				b.Post("/tf-select", map[string]any{"which": "webauthn"})
			}
			if a := ceremony(t, b, "/wan-signin", map[string]any{}, key.Get); a.Status != http.StatusOK {
				t.Fatalf("signing in: %d %s", a.Status, a.Body)
			}
			if a := b.Get("/"); a.Status != http.StatusOK {
				t.Errorf("the page behind two factors: %d %s", a.Status, a.Body)
			}
		})
	}
}
