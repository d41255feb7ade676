package django

import (
	"context"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

const dump = "testdata/django.sql"

func entries(t *testing.T, more ...string) (transfer.Header, map[string]transfer.Entry) {
	t.Helper()
	h, list := transfertest.All(t, New(Options{Address: transfertest.SQLite(t, dump, more...), RPID: "site.example"}))
	return h, transfertest.By(list)
}

// TestAccountsOfDjangoAreImportedWithEveryFactor checks that everything that Django,
// django-otp and allauth keep of an account is imported.
func TestAccountsOfDjangoAreImportedWithEveryFactor(t *testing.T) {
	h, by := entries(t)
	if h.Source != "django" || h.RPID != "site.example" || len(h.Roles) != 3 || h.Roles[2].Name != "news-editors" {
		t.Errorf("header %+v", h)
	}
	for name, e := range by {
		if e.Refused != "" && name != "hooked" && name != "counter" {
			t.Errorf("%s is refused: %s", name, e.Refused)
		}
	}
	plain := by["plain"].Account
	if !slices.Equal(plain.Roles, []string{"news-editors"}) || plain.Fields["first_name"] != "Pia" || !plain.Active ||
		plain.Created.Format("2006-01-02T15:04Z07:00") != "2024-03-01T12:00Z" || plain.SignIns == nil ||
		!reflect.DeepEqual(plain.Addresses, []transfer.Address{{Address: "plain@example.org", Proven: true},
			{Address: "second@example.org"}}) ||
		!strings.HasPrefix(plain.Password.Value, "pbkdf2_sha256$1000$") {
		t.Errorf("plain: %+v", plain)
	}
	if by["off"].Account.Active || by["nopassword"].Account.Password != nil {
		t.Errorf("off %+v, nopassword %+v", by["off"].Account, by["nopassword"].Account)
	}
	if boss := by["boss"].Account; !slices.Equal(boss.Roles, []string{"django-staff", "django-superuser"}) ||
		boss.Addresses[0].Proven {
		t.Errorf("boss: %+v", boss)
	}
	app := by["app"]
	want := []transfer.Authenticator{{Secret: []byte("01234567890123456789"), Digits: 8, Period: 30,
		LastStep: 57000000, Name: "phone"}}
	if !reflect.DeepEqual(app.Account.Authenticators, want) || len(app.Account.RecoveryCodes) != 2 ||
		app.Account.RecoveryCodes[0].Plain != "abcd2345" ||
		len(app.Left) != 2 {
		t.Errorf("app: %+v", app)
	}
	if m := by["mailed"].Account.Mailboxes; len(m) != 1 || m[0].Address != "" || m[0].Name != "mail" {
		t.Errorf("mailed: %+v", m)
	}
}

func TestAccountsOfAllauthAreImportedWithEveryFactor(t *testing.T) {
	_, by := entries(t)
	var codes []string
	transfertest.JSON(t, "testdata/codes.json", &codes)
	e := by["allauth"]
	var got []string
	for _, c := range e.Account.RecoveryCodes {
		got = append(got, c.Plain)
	}
	if want := append([]string{codes[1]}, codes[3:]...); !slices.Equal(got, want) { // used_mask is 5: codes 0 and 2
		t.Errorf("recovery codes %v, not %v", got, want)
	}
	if a := e.Account.Authenticators; len(a) != 1 || string(a[0].Secret) != "12345678901234567890" ||
		a[0].Created.IsZero() {
		t.Errorf("authenticators %+v", a)
	}
	if c := e.Account.Connections; len(c) != 1 || c[0].Issuer != "https://accounts.google.com" ||
		c[0].Subject != "1050" {
		t.Errorf("connections %+v", c)
	}
	if !slices.Equal(e.Left, []string{"the connection to steam: its issuer is not known"}) {
		t.Errorf("left %q", e.Left)
	}
	if m := by["migrated"].Account.RecoveryCodes; len(m) != 2 || m[0].Plain != "11112222" {
		t.Errorf("migrated codes %+v", m)
	}
	var key softkey.Key
	transfertest.JSON(t, "testdata/passkey.json", &key)
	p := by["passkey"].Account.Passkeys
	if len(p) != 1 || string(p[0].CredentialID) != string(key.ID) || string(p[0].PublicKey) != string(key.COSE()) ||
		string(p[0].UserHandle) != "3f" || string(key.Handle) != "3f" || !p[0].BackupEligible || !p[0].BackedUp ||
		!p[0].UserVerified ||
		p[0].Name != "Master key" || p[0].Use != transfer.UseSecond || !slices.Equal(p[0].Transports,
		[]string{"internal", "hybrid"}) || p[0].Used.IsZero() {
		t.Errorf("passkeys %+v", p)
	}
}

// TestAccountsInPostgreSQLAreTheSame checks that PostgreSQL and SQLite yield the
// same accounts.
func TestAccountsInPostgreSQLAreTheSame(t *testing.T) {
	address := transfertest.Postgres(t, servers.Postgres(t), "testdata/django.postgres.sql")
	_, there := transfertest.All(t, New(Options{Address: address, RPID: "site.example"}))
	_, here := entries(t)
	if len(there) != len(here) {
		t.Fatalf("%d accounts in PostgreSQL, %d in SQLite", len(there), len(here))
	}
	for name, e := range transfertest.By(there) {
		want := here[name]
		if (e.Account.Password == nil) != (want.Account.Password == nil) {
			t.Errorf("%s: password %v", name, e.Account.Password)
		}
		e.Account.Password, want.Account.Password = nil, nil // their salts differ
		got, err := json.Marshal(e)
		wanted, err2 := json.Marshal(want)
		if err != nil || err2 != nil || stamped.ReplaceAllString(string(got),
			"") != stamped.ReplaceAllString(string(wanted), "") {
			t.Errorf("%s is\n%s in PostgreSQL and\n%s in SQLite", name, got, wanted)
		}
	}
}

// stamped matches the times at which the rows were made.
var stamped = regexp.MustCompile(`"created":"202[^4][^"]*"`)

// TestR371_AnAccountOfDjangoWithoutItsSecondFactorIsRefused checks that an account
// whose second factor cannot be read is refused.
func TestR371_AnAccountOfDjangoWithoutItsSecondFactorIsRefused(t *testing.T) {
	_, by := entries(t, `UPDATE otp_totp_totpdevice SET "key" = 'xyz' WHERE name = 'phone'`,
		`UPDATE mfa_authenticator SET data = '{"credential":{}}' WHERE type = 'webauthn'`,
		`UPDATE mfa_authenticator SET type = 'future' WHERE data LIKE '%GEZDG%'
			AND user_id = (SELECT id FROM auth_user WHERE username = 'migrated')`)
	for name, reason := range map[string]string{
		"counter": "HOTP", "hooked": "adapter", "app": "hexadecimal", "passkey": "attestation",
		"migrated": "unknown type",
	} {
		if r := by[name].Refused; !strings.Contains(r, reason) {
			t.Errorf("%s: refused with %q", name, r)
		}
	}
	if by["plain"].Refused != "" {
		t.Error("the others are refused too")
	}
}

func TestADatabaseThatIsNotOfDjangoIsNamed(t *testing.T) {
	ctx := context.Background()
	never := func(transfer.Entry) error { t.Error("an entry"); return nil }
	for name, o := range map[string]Options{
		"no table people":      {Address: transfertest.SQLite(t, dump), UserTable: "people"},
		"no column password":   {Address: transfertest.SQLite(t, dump), UserTable: "auth_group"},
		"cannot be opened":     {Address: "sqlite:///nowhere.db"},
		"use sqlite or postgr": {Address: "mysql://u:secret@h/d"},
		"not a database":       {Address: "testdata/codes.json"},
	} {
		err := New(o).Read(ctx, never)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAllauth(f *testing.F) {
	f.Add(`{"seed":"00112233445566778899aabbccddeeff","used_mask":3}`)
	f.Add(`{"credential":{"response":{"attestationObject":"o2NmbXQ"}}}`)
	f.Add(`{"secret":"GEZDGNBVGY3TQOJQ"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var v data
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		if codes, err := v.codes(10, 8); err == nil && v.Migrated == nil {
			for _, c := range codes {
				if len(c) != 8 {
					t.Errorf("a code of %d digits", len(c))
				}
			}
		}
		if p, err := v.passkey([]byte("1")); err == nil && len(p.CredentialID) == 0 && len(p.PublicKey) == 0 {
			t.Error("an empty passkey")
		}
	})
}
