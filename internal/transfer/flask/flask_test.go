package flask

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

// site contains what the script that made a database knows about it.
type site struct {
	Salt    string
	Secrets map[string]string
	Keys    []string
	People  []person
}

// person is an account with its owner's secrets.
type person struct {
	ID       int
	Email    string
	Kind     string
	Scheme   *string
	Password *string
	Refused  *string
	App      string
	FirstApp string `json:"first app"`
	Codes    []string
	Passkey  *softkey.Key
}

func known(t testing.TB, file string) (s site) {
	t.Helper()
	transfertest.JSON(t, file, &s)
	return s
}

// now is the time of the reading, after that of the rows.
func now() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

func options(address string, s site) Options {
	return Options{Address: address, TOTPSecrets: s.Secrets, RecoveryKeys: s.Keys, RPID: "login.example.org", Now: now}
}

// TestAccountsOfEachVersion checks that every account of each version of the models
// is read with its owner's app, codes, passkey and password. What cannot be
// imported is refused with a reason.
func TestAccountsOfEachVersion(t *testing.T) {
	for _, version := range []string{"v1", "v2", "v3"} {
		t.Run(version, func(t *testing.T) {
			s := known(t, "testdata/"+version+".json")
			check(t, s, transfertest.SQLite(t, "testdata/"+version+".sql"))
		})
	}
	t.Run("v4", func(t *testing.T) { // also has a table of refresh tokens, which are not imported
		s := known(t, "testdata/v3.json")
		check(t, s, transfertest.SQLite(t, "testdata/v3.sql", `CREATE TABLE fs_refresh (id INTEGER PRIMARY KEY,
			user_id INTEGER, refresh_family VARCHAR(64), gen INTEGER, expires_at DATETIME, revoked_at DATETIME)`))
	})
	t.Run("v3 in PostgreSQL", func(t *testing.T) {
		s := known(t, "testdata/v3.postgres.json")
		check(t, s, transfertest.Postgres(t, servers.Postgres(t), "testdata/v3.postgres.sql"))
	})
}

func check(t *testing.T, s site, address string) {
	h, list := transfertest.All(t, New(options(address, s)))
	if h.Source != "flask-security" || h.RPID != "login.example.org" || len(h.Roles) != 2 {
		t.Errorf("header %+v", h)
	}
	if i := slices.IndexFunc(h.Roles, func(r transfer.Role) bool { return r.Name == "editor" }); i < 0 ||
		!slices.Equal(h.Roles[i].Permissions, []string{"read", "write"}) || h.Roles[i].Description != "may edit" {
		t.Errorf("roles %+v", h.Roles)
	}
	if len(list) != len(s.People) {
		t.Fatalf("%d accounts of %d", len(list), len(s.People))
	}
	for i, p := range s.People {
		e := list[i]
		if e.Line != int64(i+1) || e.Account.Addresses[0].Address != p.Email {
			t.Fatalf("entry %d is %+v, want %s", i, e, p.Email)
		}
		if p.Refused != nil {
			if !strings.Contains(e.Refused, *p.Refused) {
				t.Errorf("%s: refused with %q, want %q", p.Kind, e.Refused, *p.Refused)
			}
			continue
		}
		if e.Refused != "" {
			t.Errorf("%s: %s", p.Kind, e.Refused)
		}
		holds(t, p, e.Account)
	}
	details(t, s, list)
}

// holds compares an account with its owner's secrets.
func holds(t *testing.T, p person, a transfer.Account) {
	t.Helper()
	if (p.Password == nil) != (a.Password == nil) {
		t.Errorf("%s: password %v", p.Kind, a.Password)
	}
	if p.Password != nil {
		plain := *p.Scheme == "plaintext"
		if plain != (a.Password.Scheme == "plain") || plain == (a.Password.Pre == "flask") {
			t.Errorf("%s, %s: password %+v", p.Kind, *p.Scheme, a.Password)
		}
	}
	apps := map[string]string{"": p.App, transfer.UseFirst: p.FirstApp}
	for _, f := range a.Authenticators {
		text, _ := f.Secret.MarshalText()
		if apps[f.Use] != string(text) {
			t.Errorf("%s: app %s %q, want %q", p.Kind, f.Use, text, apps[f.Use])
		}
		delete(apps, f.Use)
	}
	for use, left := range apps {
		if left != "" {
			t.Errorf("%s: no app %q", p.Kind, use)
		}
	}
	var codes []string
	for _, c := range a.RecoveryCodes {
		codes = append(codes, c.Plain)
		if c.Created.IsZero() {
			t.Errorf("%s: a code without its time", p.Kind)
		}
	}
	if !slices.Equal(codes, p.Codes) {
		t.Errorf("%s: codes %v, want %v", p.Kind, codes, p.Codes)
	}
	if (p.Passkey == nil) != (len(a.Passkeys) == 0) {
		t.Fatalf("%s: %d passkeys", p.Kind, len(a.Passkeys))
	}
	if k := p.Passkey; k != nil {
		f := a.Passkeys[0]
		if string(f.CredentialID) != string(k.ID) || string(f.PublicKey) != string(k.COSE()) ||
			string(f.UserHandle) != string(k.Handle) || !f.BackupEligible || !f.BackedUp || f.Name == "" ||
			f.Discoverable == nil || !*f.Discoverable || !slices.Equal(f.Transports, []string{"internal", "hybrid"}) ||
			(f.Use == transfer.UseFirst) != (p.Kind == "passkey first") || f.Created.IsZero() || f.Used.IsZero() {
			t.Errorf("%s: passkey %+v", p.Kind, f)
		}
	}
}

// details checks what only some accounts have.
func details(t *testing.T, s site, list []transfer.Entry) {
	t.Helper()
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for i, p := range s.People {
		a := list[i].Account
		switch p.Kind {
		case "confirmed":
			want := &transfer.SignIns{Count: 3, CurrentAt: at, LastAt: at.AddDate(0, 0, -1),
				CurrentAddress: "192.0.2.1", LastAddress: "192.0.2.2"}
			d := a.Addresses[0]
			if !d.Proven || !d.ProvenAt.Equal(at) || a.Username != "Confirmed" || !a.Created.Equal(at) ||
				!slices.Contains(a.Roles, "reader") || !slices.Contains(a.Roles, "editor") ||
				!reflect.DeepEqual(a.SignIns, want) {
				t.Errorf("%+v", a)
			}
		case "none":
			if a.Addresses[0].Proven || !a.Active || a.SignIns != nil || len(a.Roles) > 0 {
				t.Errorf("%+v", a)
			}
		case "off":
			if a.Active {
				t.Error("an account that is switched off is active")
			}
		case "sms":
			if len(a.Phones) != 1 || !a.Phones[0].Primary || !strings.HasPrefix(a.Phones[0].Number, "+4915112") {
				t.Errorf("%+v", a)
			}
		case "email":
			if len(a.Mailboxes) != 1 || !a.Mailboxes[0].Primary {
				t.Errorf("%+v", a)
			}
		case "unified":
			if len(a.Phones) != 1 || a.Phones[0].Use != transfer.UseFirst || len(a.Mailboxes) != 1 ||
				a.Mailboxes[0].Use != transfer.UseFirst {
				t.Errorf("%+v", a)
			}
		case "not finished":
			if len(a.Authenticators) > 0 {
				t.Error("an app whose set-up was not finished is there")
			}
		case "old codes":
			if len(list[i].Left) != 1 {
				t.Errorf("left %v", list[i].Left)
			}
		}
	}
}

// TestR371_AnAccountOfFlaskSecurityWithoutItsFactorsIsRefused checks that an
// account is refused if something that a factor needs is missing. No account
// becomes weaker than it was.
func TestR371_AnAccountOfFlaskSecurityWithoutItsFactorsIsRefused(t *testing.T) {
	s := known(t, "testdata/v3.json")
	address := transfertest.SQLite(t, "testdata/v3.sql")
	refused := func(change func(*Options)) map[string]string {
		o := options(address, s)
		change(&o)
		_, list := transfertest.All(t, New(o))
		out := map[string]string{}
		for i, p := range s.People {
			if e := list[i]; e.Refused != "" && p.Refused == nil {
				out[p.Kind] = e.Refused
			}
		}
		return out
	}
	if got := refused(func(*Options) {}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	got := refused(func(o *Options) { o.TOTPSecrets = nil })
	for _, kind := range []string{"app", "old tag", "unified", "codes", "everything"} {
		if !strings.Contains(got[kind], "SECURITY_TOTP_SECRETS") {
			t.Errorf("without the wallet's secrets: %s: %q", kind, got[kind])
		}
	}
	got = refused(func(o *Options) { o.RecoveryKeys = nil })
	if !strings.Contains(got["codes"], "RECOVERY_CODES_KEYS") {
		t.Errorf("without the keys of recovery codes: %v", got)
	}
	o := options(address, s)
	o.CodeLife = time.Hour
	_, list := transfertest.All(t, New(o))
	for i, p := range s.People {
		if len(list[i].Account.RecoveryCodes) > 0 {
			t.Errorf("%s: codes that have expired are there", p.Kind)
		}
	}
}

func TestATableOfAnotherName(t *testing.T) {
	s := known(t, "testdata/v3.json")
	address := transfertest.SQLite(t, "testdata/v3.sql", `ALTER TABLE "user" RENAME TO people`,
		`ALTER TABLE web_authn RENAME TO keys`, `ALTER TABLE people ADD COLUMN city TEXT DEFAULT 'Bonn'`)
	o := options(address, s)
	if err := New(o).Read(t.Context(), nil); err == nil {
		t.Error("a database without the table was read")
	}
	o.Tables, o.Fields = Tables{User: "people", WebAuthn: "keys"}, []string{"city"}
	_, list := transfertest.All(t, New(o))
	if len(list) != len(s.People) || list[0].Account.Fields["city"] != "Bonn" {
		t.Errorf("%d accounts, %+v", len(list), list[0].Account)
	}
	o.Tables.WebAuthn = "lost"
	if err := New(o).Read(t.Context(), nil); err == nil {
		t.Error("a table of passkeys that is not there was passed over")
	}
}

// TestRolesInTablesOfOtherNames checks that roles are imported if their tables are
// named, and that otherwise no account is imported without its roles.
func TestRolesInTablesOfOtherNames(t *testing.T) {
	s := known(t, "testdata/v3.json")
	for other, change := range map[Tables]string{
		{Role: "groups"}:         `ALTER TABLE role RENAME TO "groups"`,
		{RolesUsers: "in_group"}: `ALTER TABLE roles_users RENAME TO in_group`,
	} {
		o := options(transfertest.SQLite(t, "testdata/v3.sql", change), s)
		err := New(o).Read(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), "name the table of your roles") {
			t.Errorf("%+v are not named: %v", other, err)
		}
		o.Tables = other
		h, list := transfertest.All(t, New(o))
		both := func(e transfer.Entry) bool { return len(e.Account.Roles) == 2 }
		if len(h.Roles) != 2 || !slices.ContainsFunc(list, both) {
			t.Errorf("%+v: roles %+v", other, h.Roles)
		}
	}
}

// TestTheSaltEntersWhatTheSettingDoesNotName checks which hashes use the salt. By
// default, as in Flask-Security, hashes of Django and plain passwords do not.
func TestTheSaltEntersWhatTheSettingDoesNotName(t *testing.T) {
	stored := map[string]string{
		"bcrypt": "$2b$12$abc", "argon2": "$argon2id$v=19$m=65536,t=3,p=4$a$b", "des_crypt": "abcdefghijklm",
		"pbkdf2_sha256": "$pbkdf2-sha256$1$a$b", "pbkdf2_sha512": "$pbkdf2-sha512$1$a$b", "sha256_crypt": "$5$a$b",
		"sha512_crypt": "$6$a$b", "django_pbkdf2_sha256": "pbkdf2_sha256$1$a$b",
		"django_pbkdf2_sha1": "pbkdf2_sha1$1$a$b",
		"django_argon2":      "argon2$argon2id$v=19$a", "django_bcrypt": "bcrypt$$2b$12$a",
		"django_bcrypt_sha256": "bcrypt_sha256$$2b$12$a", "django_salted_sha1": "sha1$a$b",
		"django_salted_md5": "md5$a$b", "django_des_crypt": "crypt$a$b", "plaintext": "a password",
	}
	for name, c := range map[string]struct {
		setting []string
		without []string // schemes
	}{
		"default": {nil, []string{"django_pbkdf2_sha256", "django_pbkdf2_sha1", "django_argon2", "django_bcrypt",
			"django_bcrypt_sha256", "django_salted_sha1", "django_salted_md5", "django_des_crypt", "plaintext"}},
		"false": {[]string{"plaintext"}, []string{"plaintext"}},
		"named": {[]string{"bcrypt", "sha512_crypt"}, []string{"bcrypt", "sha512_crypt"}},
		"true":  {EverySingle, slices.Collect(maps.Keys(stored))},
	} {
		for scheme, value := range stored {
			r, d := &reading{o: Options{SingleHash: c.setting}}, &transfer.Draft{}
			p := r.password(d, value)
			without := slices.Contains(c.without, scheme)
			switch {
			case scheme == "plaintext" && !without:
				if p != nil || d.Entry(1).Refused == "" {
					t.Errorf("%s: a text that is not the password comes as %+v", name, p)
				}
			case p == nil:
				t.Errorf("%s: %s does not come", name, scheme)
			case scheme == "plaintext":
				if p.Scheme != "plain" || p.Pre != "" {
					t.Errorf("%s: %+v", name, p)
				}
			case without != (p.Pre == "nfkd") || without == (p.Pre == "flask"):
				t.Errorf("%s: %s comes as %+v", name, scheme, p)
			}
		}
	}
}
