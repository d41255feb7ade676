package keycloak

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

const export = "testdata/site-realm.json"

// changed returns the export after replacements.
func changed(t *testing.T, replace ...string) string {
	t.Helper()
	raw, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(replace...).Replace(string(raw))
	if text == string(raw) {
		t.Fatal("nothing was replaced")
	}
	return written(t, "realm.json", text)
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAccountsOfARealmAreImportedWithEveryFactor checks that everything that a realm's
// export has of its users is imported.
func TestAccountsOfARealmAreImportedWithEveryFactor(t *testing.T) {
	h, list := transfertest.All(t, New(Options{Path: export}))
	by := transfertest.By(list)
	if h.Source != "keycloak.site" || h.RPID != "site.example" || len(h.Roles) != 2 || h.Roles[1].Name != "lead" {
		t.Errorf("header %+v", h)
	}
	for name, e := range by {
		if e.Refused != "" && name != "counter" && name != "service-account-shop" {
			t.Errorf("%s is refused: %s", name, e.Refused)
		}
	}
	ann := by["argon"].Account
	if ann.Language != "de" || ann.Fields["first_name"] != "Ann" ||
		ann.Fields["phone"] != "+41791234567" || !ann.Active ||
		!ann.Addresses[0].Proven || ann.Created.Unix() != 1709294400 || len(ann.Roles) != 0 ||
		ann.Password.Scheme != "argon2id" || ann.Password.Params["m"] != "7168" || ann.Password.Params["t"] != "5" {
		t.Errorf("argon: %+v", ann)
	}
	for name, roles := range map[string][]string{"sha512": {"editor", "lead"}, "sha256": {"lead", "editor",
		"shop.buyer"}} {
		if a := by[name].Account; !slices.Equal(a.Roles, roles) || a.Password.Scheme != "pbkdf2-"+name ||
			a.Password.Params["rounds"] != "1000" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	var know struct{ App string }
	transfertest.JSON(t, "testdata/known.json", &know)
	app := by["app"].Account
	if a := app.Authenticators; len(a) != 1 || string(a[0].Secret) != know.App ||
		a[0].Algorithm != "SHA1" || a[0].Name != "Phone" {
		t.Errorf("app: %+v", a)
	}
	if c := app.RecoveryCodes; len(c) != 3 || c[0].Scheme != "sha512" || len(c[0].Value) != 88 {
		t.Errorf("codes: %+v", c)
	}
	want := transfer.Authenticator{Secret: []byte("12345678901234567890"), Digits: 8, Period: 60,
		Algorithm: "SHA256", Name: "Phone"}
	got := by["base32"].Account.Authenticators
	if want.Created = got[0].Created; !reflect.DeepEqual(got, []transfer.Authenticator{want}) {
		t.Errorf("base32: %+v", got)
	}
	if e := by["unverified"].Account; e.Active || e.Addresses[0].Proven {
		t.Errorf("unverified: %+v", e)
	}
	social := by["social"]
	if c := social.Account.Connections; len(c) != 2 || c[0].Issuer != "https://accounts.google.com" ||
		c[1].Issuer != "https://id.work.example" ||
		c[1].Subject != "u-1" || len(social.Left) != 1 {
		t.Errorf("social: %+v", social)
	}
}

func TestPasskeysOfARealm(t *testing.T) {
	_, list := transfertest.All(t, New(Options{Path: export}))
	p := transfertest.By(list)["passkey"].Account.Passkeys
	if len(p) != 2 {
		t.Fatalf("%+v", p)
	}
	for i, name := range []string{"second", "first"} {
		var key softkey.Key
		transfertest.JSON(t, "testdata/"+name+".json", &key)
		if string(p[i].CredentialID) != string(key.ID) || string(p[i].PublicKey) != string(key.COSE()) ||
			p[i].Use != name ||
			string(p[i].UserHandle) != string(key.Handle) || !p[i].FlagsUnknown || len(p[i].AAGUID) != 16 {
			t.Errorf("%s: %+v", name, p[i])
		}
	}
}

// TestR372_ATemporaryPasswordDoesNotComeAlong checks that a temporary password,
// which an administrator knows, is not imported.
func TestR372_ATemporaryPasswordDoesNotComeAlong(t *testing.T) {
	_, list := transfertest.All(t, New(Options{Path: export}))
	e := transfertest.By(list)["temporary"]
	if e.Account.Password != nil || len(e.Left) != 2 || !strings.Contains(e.Left[0], "temporary") {
		t.Errorf("%+v", e)
	}
	file := written(t, "r.json", `{"realm":"r","users":[{"id":"1","username":"u","credentials":[
		{"type":"password","value":"secret","temporary":true}]},{"id":"2","username":"v","credentials":[
		{"type":"password","value":"secret"}]}]}`)
	_, list = transfertest.All(t, New(Options{Path: file}))
	if list[0].Account.Password != nil || list[1].Account.Password.Scheme != "plain" ||
		list[1].Account.Password.Value != "secret" {
		t.Errorf("%+v", list)
	}
}

func TestR371_AnAccountOfARealmWithoutItsSecondFactorIsRefused(t *testing.T) {
	_, list := transfertest.All(t, New(Options{Path: changed(t,
		`"type": "recovery-authn-codes"`, `"type": "future"`, // another factor is kept
		`\"secretEncoding\":\"BASE32\"`, `\"secretEncoding\":\"BASE36\"`,
		`\"credentialPublicKey\":\"`, `\"credentialPublicKey\":\"%`)}))
	by := transfertest.By(list)
	for name, reason := range map[string]string{
		"counter": "HOTP", "base32": "encoding", "passkey": "cannot be read",
		"service-account-shop": "not a person", "app": "",
	} {
		if r := by[name].Refused; !strings.Contains(r, reason) || (reason == "") != (r == "") {
			t.Errorf("%s: refused with %q", name, r)
		}
	}
	if l := by["app"].Left; !slices.Equal(l, []string{"a credential of type future"}) {
		t.Errorf("app left %q", l)
	}
}

// TestAFolderIsReadInOrder reads a directory in which users have files of their
// own.
func TestAFolderIsReadInOrder(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"r-realm.json": `{"realm":"r","webAuthnPolicyRpId":"h.example"}`}
	for i := range 11 {
		files[fmt.Sprintf("r-users-%d.json",
			i)] = fmt.Sprintf("{\"realm\":\"r\",\n\"users\":[\n{\"id\":\"%d\",\"enabled\":true}\n]}", i)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, list := transfertest.All(t, New(Options{Path: dir}))
	if h.RPID != "h.example" || len(list) != 11 {
		t.Fatalf("%+v, %d accounts", h, len(list))
	}
	for i, e := range list {
		if e.Account.ID != fmt.Sprint(i) || e.Line <= int64(i) {
			t.Errorf("account %d is %+v", i, e)
		}
	}
}

// TestAHostileExportIsRefusedWithItsLine checks that memory is bounded, too.
func TestAHostileExportIsRefusedWithItsLine(t *testing.T) {
	for name, text := range map[string]string{
		"line 3: this is not JSON":      "{\"realm\":\"r\",\n\"users\":[\n{\"id\":]}",
		"line 2: the file is truncated": "{\"realm\":\"r\",\n\"users\":[",
		"line 2: a value has more than": "{\"realm\":\"r\",\n\"users\":[{\"id\":\"" + strings.Repeat("x", 3<<20),
		"line 1: a value has more than": "{\"" + strings.Repeat("x", 3<<20),
		"line 2: nested too deep":       "{\"realm\":\"r\",\n\"x\":" + strings.Repeat("[", 1000),
		"line 2: a text is not valid":   "{\"realm\":\"r\",\n\"users\":[{\"id\":\"\xff\"}]}",
		"line 1: there is data after":   `{"realm":"r"}{}`,
		"not the export of a realm":     `{"users":[]}`,
		`line 1: "{" is missing`:        `[]`,
		`line 1: "[" is missing`:        `{"realm":"r","users":{}}`,
		"not a string":                  `{"realm":3}`,
		"different RP ids":              `{"realm":"r","webAuthnPolicyRpId":"a","webAuthnPolicyPasswordlessRpId":"b"}`,
	} {
		err := New(Options{Path: written(t, "r.json", text)}).Read(context.Background(),
			func(transfer.Entry) error { return nil })
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A damaged user does not end the reading.
	file := written(t, "r.json",
		"{\"realm\":\"r\",\"users\":[\n{\"id\":7},\n{\"id\":\"\\ud800\"},\n{\"id\":\"3\",\"username\":\"ok\"}\n]}")
	_, list := transfertest.All(t, New(Options{Path: file}))
	if len(list) != 3 || list[0].Refused == "" || list[1].Refused == "" || list[2].Refused != "" ||
		list[2].Line != 4 || list[0].Line != 2 {
		t.Errorf("%+v", list)
	}
}

func FuzzExport(f *testing.F) {
	raw, err := os.ReadFile(export)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	f.Add(`{"realm":"r","groups":[{"name":"a","subGroups":[{"name":"b"}]}],"users":[{"id":"1","groups":["/a/b"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := New(Options{}).(*source)
		s.open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		if _, err := s.Header(context.Background()); err != nil {
			return
		}
		_ = s.Read(context.Background(), func(e transfer.Entry) error {
			if e.Refused == "" && len(e.Account.Check()) > 0 {
				t.Errorf("an account that breaks the rules passed: %q", e.Account.Check())
			}
			return nil
		})
	})
}
