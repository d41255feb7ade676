package betterauth

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

const dump = "testdata/better-auth.sql"

// known contains the secrets of the users in the database.
type known struct {
	First, Second           string
	App, Encrypted, Rotated struct {
		Secret string
		Codes  []string
	}
}

func entries(t *testing.T, more ...string) (known, map[string]transfer.Entry) {
	t.Helper()
	var k known
	transfertest.JSON(t, "testdata/known.json", &k)
	o := Options{
		Address: transfertest.SQLite(t, dump, more...), RPID: "site.example",
		Secrets: Secrets{Plain: k.First, Versions: map[int]string{2: k.Second}},
	}
	h, list := transfertest.All(t, New(o))
	if h.Source != "better-auth" || h.RPID != "site.example" {
		t.Errorf("header %+v", h)
	}
	by := map[string]transfer.Entry{}
	for _, e := range list {
		by[e.Account.Fields["name"].(string)] = e
	}
	return k, by
}

// TestAccountsOfBetterAuthAreImportedWithEveryFactor checks that everything that Better
// Auth keeps of an account is imported, encrypted with any of its secrets.
func TestAccountsOfBetterAuthAreImportedWithEveryFactor(t *testing.T) {
	k, by := entries(t)
	for name, e := range by {
		if e.Refused != "" || e.Account.Password == nil || e.Account.Password.Scheme != "better-auth" {
			t.Errorf("%s: refused with %q, password %v", name, e.Refused, e.Account.Password)
		}
	}
	for name, want := range map[string]struct {
		Secret string
		Codes  []string
	}{"app": k.App, "encrypted": k.Encrypted, "rotated": k.Rotated} {
		a := by[name].Account
		var codes []string
		for _, c := range a.RecoveryCodes {
			codes = append(codes, c.Plain)
		}
		if len(a.Authenticators) != 1 || string(a.Authenticators[0].Secret) != want.Secret ||
			!slices.Equal(codes, want.Codes) {
			t.Errorf("%s: %v, %v", name, a.Authenticators, codes)
		}
	}
	if e := by["started"]; len(e.Account.Authenticators) != 0 || len(e.Left) != 1 {
		t.Errorf("started: %+v", e)
	}
	named := by["named"].Account
	if named.Username != "Named1" || !named.Addresses[0].Proven || !slices.Equal(named.Roles,
		[]string{"admin", "editor"}) ||
		len(named.Phones) != 1 || named.Phones[0].Number != "+41791234567" ||
		named.Phones[0].Use != transfer.UseFirst {
		t.Errorf("named: %+v", named)
	}
	if by["plain"].Account.Addresses[0].Proven || by["banned"].Account.Active || !by["plain"].Account.Active ||
		by["plain"].Account.Created.IsZero() {
		t.Errorf("plain %+v, banned %+v", by["plain"].Account, by["banned"].Account)
	}
	social := by["social"]
	if c := social.Account.Connections; len(c) != 1 || c[0].Issuer != "https://accounts.google.com" ||
		c[0].Subject != "1050" ||
		len(social.Left) != 1 {
		t.Errorf("social: %+v", social)
	}
	var key softkey.Key
	transfertest.JSON(t, "testdata/passkey.json", &key)
	p := by["passkey"].Account.Passkeys
	if len(p) != 1 || string(p[0].CredentialID) != string(key.ID) || string(p[0].PublicKey) != string(key.COSE()) ||
		len(p[0].UserHandle) != 0 || !p[0].BackupEligible || !p[0].BackedUp || p[0].FlagsUnknown ||
		len(p[0].AAGUID) != 16 ||
		p[0].Use != transfer.UseFirst || p[0].Name != "my key" || !slices.Equal(p[0].Transports,
		[]string{"internal", "hybrid"}) {
		t.Errorf("passkeys %+v", p)
	}
}

func TestR371_AnAccountOfBetterAuthWithoutItsSecondFactorIsRefused(t *testing.T) {
	_, by := entries(t, `UPDATE twoFactor SET secret = '00' || substr(secret, 3) WHERE backupCodes LIKE '["QZ%'
			OR userId = (SELECT id FROM user WHERE name = 'app')`,
		`UPDATE twoFactor SET secret = replace(secret, '$ba$2$', '$ba$9$')`,
		`DELETE FROM twoFactor WHERE userId = (SELECT id FROM user WHERE name = 'encrypted')`,
		`UPDATE passkey SET publicKey = '%'`)
	for name, reason := range map[string]string{
		"app": "does not decrypt", "rotated": "version 9", "encrypted": "no row in twoFactor", "passkey": "base64",
	} {
		if r := by[name].Refused; !strings.Contains(r, reason) {
			t.Errorf("%s: refused with %q", name, r)
		}
	}
	if r := by["plain"].Refused; r != "" {
		t.Error(r)
	}
}

func TestTheSecretIsAskedForBeforeTheImport(t *testing.T) {
	_, err := New(Options{Address: transfertest.SQLite(t, dump)}).Header(context.Background())
	if err == nil || !strings.Contains(err.Error(), "BETTER_AUTH_SECRET") {
		t.Error(err)
	}
}

func TestSecretsAreReadAsBetterAuthDoes(t *testing.T) {
	s, err := ParseSecrets("old", "2:a:b, 1:c")
	if err != nil || s.Plain != "old" || s.Versions[2] != "a:b" || s.Versions[1] != "c" {
		t.Error(s.Versions, err)
	}
	for _, bad := range []string{"secret", "x:secret", "1:", "1:a,,", "-1:a"} {
		if _, err := ParseSecrets("", bad); err == nil || strings.Contains(err.Error(), "x:secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add("$ba$2$00")
	f.Add("b9a48bd9dadcf91c472170899e0c2641923493444e51a768a0f29e475cf67ea953a71af1f36fddbfd565")
	f.Add(`["a","b"]`)
	s := Secrets{Plain: "x", Versions: map[int]string{2: "y"}}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.decrypt(text); err == nil {
			t.Errorf("%q opens", text)
		}
		_, _ = s.codes(text)
		_, _ = ParseSecrets("", text)
	})
}
