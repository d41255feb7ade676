package columns

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

func written(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAFileOfASpreadsheet reads a file with a byte order mark, other column names
// and quoted values.
func TestAFileOfASpreadsheet(t *testing.T) {
	h, list := transfertest.All(t, NewCSV(CSV{
		Path: "testdata/people.csv", Source: "crm", Columns: map[string]string{"email": "E-Mail"},
		Ignore: []string{"Notes"},
	}))
	if h.Source != "crm" || len(list) != 2 {
		t.Fatalf("%+v, %d accounts", h, len(list))
	}
	ann := list[0]
	want := transfer.Account{
		ID: "ann@example.org", Username: "ann", Roles: []string{"editor", "lead"}, Active: true,
		Addresses: []transfer.Address{{Address: "ann@example.org", Proven: true}}, Created: ann.Account.Created,
		Fields:         map[string]any{"company": `Ann "&" Co`},
		Password:       &transfer.Password{Value: "$2a$04$abcdefghijklmnopqrstuuW9iAmkrmLSHyu5f/ZfPCnZJiJgkC3P6"},
		Authenticators: []transfer.Authenticator{{Secret: []byte("12345678901234567890")}},
		RecoveryCodes:  []transfer.RecoveryCode{{Plain: "abcd2345"}, {Plain: "k7k7k7k7"}},
	}
	if !reflect.DeepEqual(ann.Account, want) || ann.Refused != "" || ann.Line != 2 || ann.Account.Created.Day() != 1 {
		t.Errorf("ann: %+v", ann)
	}
	bob := list[1].Account
	if bob.Addresses[0].Proven || list[1].Line != 4 || bob.Password.Scheme != "pbkdf2-sha256" ||
		!reflect.DeepEqual(bob.Password.Params, map[string]string{"rounds": "1000", "salt": "c2FsdA=="}) {
		t.Errorf("bob: %+v", list[1])
	}
}

// TestAFileIsRefusedWithItsLine checks that a malformed file is refused with its
// line before any account is read.
func TestAFileIsRefusedWithItsLine(t *testing.T) {
	for text, reason := range map[string]string{
		"":                                       "line 1: the header is missing",
		"email,shoe\n":                           `is not known: name what it is (--column email="shoe")`,
		"email,E-mail\n":                         `line 1: the column "E-mail" is not known`,
		"email,Email\n":                          "line 1: two columns are email",
		"id,password\n":                          "line 1: there is neither a column email nor username",
		"email\nann@x.org\n\"b\"c\n":             "line 3: extraneous or missing",
		"email\n\"" + strings.Repeat("x", 1<<20): "line 2: more than",
		"\xff,email\n":                           "line 1: the name of a column is not valid UTF-8",
		"email,field.\n":                         `"field." is not known`,
	} {
		err := NewCSV(CSV{Path: written(t, text)}).Read(context.Background(),
			func(transfer.Entry) error { return nil })
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	for _, c := range []map[string]string{{"shoe": "email"}, {"phone": "Telephone"}} {
		if _, err := NewCSV(CSV{Path: written(t, "email\n"), Columns: c}).Header(context.Background()); err == nil {
			t.Errorf("%v: taken", c)
		}
	}
}

func TestOneBadRowIsRefusedAlone(t *testing.T) {
	_, list := transfertest.All(t, NewCSV(CSV{Path: written(t,
		"email;active;totp_secret;totp_digits;created;password;password_params\n"+
			"a@x.org;perhaps;;;;;\nb@x.org;;0189;;;;\nc@x.org;;GEZDGNBVGY3TQOJQ;six;;;\n"+
			"d@x.org;;;;yesterday;;\ne@x.org\n\xff@x.org;;;;;;\n"+
			"f@x.org;;;;;x;salt\ng@x.org;;;;;;\n")}))
	if len(list) != 8 {
		t.Fatal(len(list))
	}
	for i, reason := range []string{"active", "totp_secret", "totp_digits", "created", "1 values for 7",
		"UTF-8", "password_params", ""} {
		if r := list[i].Refused; !strings.Contains(r, reason) || (r == "") != (reason == "") ||
			list[i].Line != int64(i+2) {
			t.Errorf("line %d: %q", list[i].Line, r)
		}
	}
}

func TestTheUsersTableOfAnApplicationWithAuthboss(t *testing.T) {
	address := transfertest.SQLite(t, "testdata/authboss.sql")
	_, list := transfertest.All(t, NewAuthboss(Authboss{Address: address,
		Columns: map[string]string{"field.name": "name"}}))
	if len(list) != 4 {
		t.Fatal(len(list))
	}
	for _, e := range list {
		if e.Refused != "" || e.Account.Fields["name"] == nil || e.Account.Created.IsZero() || !e.Account.Active {
			t.Errorf("%+v", e)
		}
	}
	app := list[1].Account
	if string(app.Authenticators[0].Secret) != "12345678901234567890" || len(app.RecoveryCodes) != 2 ||
		app.RecoveryCodes[0].Scheme != "bcrypt" || !strings.HasPrefix(app.RecoveryCodes[0].Value,
		"$2b$04$") || !app.Addresses[0].Proven {
		t.Errorf("app: %+v", app)
	}
	if text := list[2].Account; len(text.Phones) != 1 || text.Phones[0].Number != "+41791234567" ||
		text.Addresses[0].Proven {
		t.Errorf("text: %+v", text)
	}
	if c := list[3].Account.Connections; len(c) != 1 || c[0].Issuer != "https://accounts.google.com" ||
		list[3].Account.Password != nil {
		t.Errorf("social: %+v", list[3].Account)
	}
	for _, bad := range []Authboss{
		{Address: address, Table: "people"}, {Address: address, Columns: map[string]string{"phone": "tel"}},
		{Address: address, Columns: map[string]string{"shoe": "name"}}, {Address: "testdata/people.csv"},
	} {
		if _, err := NewAuthboss(bad).Header(context.Background()); err == nil {
			t.Errorf("%+v: taken", bad)
		}
	}
}

// TestR371_AnAccountOfATableWithoutItsSecondFactorIsRefused checks that no account
// loses its second factor.
func TestR371_AnAccountOfATableWithoutItsSecondFactorIsRefused(t *testing.T) {
	address := transfertest.SQLite(t, "testdata/authboss.sql",
		"UPDATE users SET totp_secret_key = 'gAAAA-encrypted1' WHERE name = 'app'")
	_, list := transfertest.All(t, NewAuthboss(Authboss{Address: address}))
	if !strings.Contains(list[1].Refused, "totp_secret") || list[0].Refused != "" {
		t.Errorf("%+v", list[1])
	}
}

func FuzzCSV(f *testing.F) {
	raw, err := os.ReadFile("testdata/people.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	f.Add("email;roles\na@b;\"x\n")
	f.Add("username\ttotp_secret\nx\tGEZDG\n")
	f.Fuzz(func(t *testing.T, text string) {
		last := int64(1)
		source := NewCSV(CSV{Ignore: []string{"Notes"}}).(csvFile)
		source.from = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		_ = source.Read(context.Background(), func(e transfer.Entry) error {
			if e.Line <= last || e.Refused == "" && len(e.Account.Check()) > 0 {
				t.Errorf("entry %+v after line %d", e, last)
			}
			last = e.Line
			return nil
		})
	})
}

func TestNamesAreKnownAndUnique(t *testing.T) {
	names := Names()
	slices.Sort(names)
	if len(slices.Compact(names)) != len(Names()) || knows("") || knows("field.") || !knows("field.x") ||
		!knows("email") {
		t.Error(names)
	}
}
