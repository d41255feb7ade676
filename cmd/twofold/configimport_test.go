package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/transfer/flask"
)

// imported runs the command on a source.
func imported(t *testing.T, source, to string) (report string, err error) {
	t.Helper()
	var out strings.Builder
	err = configImport{Source: source, To: to}.Run(process{out: &out})
	return out.String(), err
}

func TestConfigImportReadsTheSettingsOfAFlaskApplication(t *testing.T) {
	to := filepath.Join(t.TempDir(), "twofold.toml")
	report, err := imported(t, "testdata/flask/app.py", to)
	if err != nil {
		t.Fatal(err)
	}
	for line, name := range map[string]string{
		"22": "MAIL_USERNAME", "23": "SECURITY_REGISTERABLE",
		"25": "SECURITY_TWO_FACTOR_CODE_LENGHT", "27": "SECURITY_FRESHNESS",
	} {
		if !strings.Contains(report, "app.py:"+line+": "+name+" ") {
			t.Errorf("%s cannot be read and is not reported:\n%s", name, report)
		}
	}
	raw, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, public := range []string{"pf9Wkove4IKEAXvy", "TjQ9Qa31VOrf", `"sqlite://"` + "\n"} {
		if strings.Contains(strings.ReplaceAll(text, `used "sqlite://"`, ""), public) {
			t.Errorf("%q was imported:\n%s", public, text)
		}
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the keys: %v, %v", info.Mode(), err)
	}
	s, err := load(where{Config: to}, []string{"TWOFOLD_ORIGIN=https://login.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Config
	if c.Password.Salt != sampleSalt || c.TwoFactor.Issuer != "put_your_app_name" ||
		c.TwoFactor.LoginValidity != 7*day ||
		!slices.Equal(s.methodsGiven, []string{"email", "authenticator"}) || s.Database.file != "twofold.db" {
		t.Errorf("differs from the application: %+v", c.TwoFactor)
	}
	_, err = imported(t, "testdata/flask/app.py", to)
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("an existing file: %v", err)
	}
}

func TestConfigImportWithoutSettingsWritesNoFile(t *testing.T) {
	dir := t.TempDir()
	source, to := filepath.Join(dir, "app.py"), filepath.Join(dir, "twofold.toml")
	if err := os.WriteFile(source, []byte("SECURITY_FRESHNESS = later()\nx = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := imported(t, source, to)
	if _, there := os.Stat(to); there == nil && err == nil {
		t.Errorf("wrote a file: %s", report)
	}
	if !strings.Contains(report, "app.py:1: SECURITY_FRESHNESS") {
		t.Errorf("does not report what it left out: %s", report)
	}
}

func TestTheEnvironmentMayContainPythonLiterals(t *testing.T) {
	s := mustLoad(t,
		"SECURITY_TWO_FACTOR_ENABLED_METHODS=('authenticator', 'email')",
		"SECURITY_TOTP_SECRETS={'1': '"+goodKey[1:]+"x'}",
		"SECURITY_TWO_FACTOR=True", "MAIL_SERVER=localhost", "MAIL_USE_TLS=False",
		"SECURITY_EMAIL_SENDER=a@example.org",
		"SECURITY_USER_IDENTITY_ATTRIBUTES=[{'email': {'case_insensitive': True}}]",
	)
	if !slices.Equal(s.methodsGiven, []string{"authenticator", "email"}) || s.Config.TwoFactor.Secrets["1"] == "" {
		t.Errorf("%v, %v", s.methodsGiven, s.Config.TwoFactor.Secrets)
	}
	for _, bad := range []string{"['a', b]", "['a'", "[open('x')]", "{'a'}"} {
		if _, err := with(t, "SECURITY_TWO_FACTOR_ENABLED_METHODS="+bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// TestTheDocumentedExampleStartsInDevelopment pastes the original's example, which results in a
// working server and a warning that its keys are public.
func TestTheDocumentedExampleStartsInDevelopment(t *testing.T) {
	example := []string{
		"SECRET_KEY=pf9Wkove4IKEAXvy-cQkeDPhv9Cb3Ag-wyJILbq_dFw", "SECURITY_PASSWORD_SALT=" + sampleSalt,
		"SECURITY_TWO_FACTOR_ENABLED_METHODS=['email', 'authenticator']", "SECURITY_TWO_FACTOR=True",
		"SECURITY_TWO_FACTOR_RESCUE_MAIL=put_your_mail@gmail.com", "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=False",
		"SECURITY_TWO_FACTOR_LOGIN_VALIDITY=1 week", "SQLALCHEMY_DATABASE_URI=sqlite://",
		"SECURITY_TOTP_SECRETS={'1': 'TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B'}",
		"SECURITY_TOTP_ISSUER=put_your_app_name",
		"MAIL_SERVER=smtp.gmail.com", "MAIL_PORT=587", "MAIL_USE_TLS=True", "MAIL_USERNAME=x", "MAIL_PASSWORD=x",
		"SECURITY_SMS_SERVICE=Twilio",
		"SECURITY_SMS_SERVICE_CONFIG={'ACCOUNT_SID': 'x', 'AUTH_TOKEN': 'x', 'PHONE_NUMBER': '+15005550006'}",
	}
	s, err := load(where{Dev: true, Dir: t.TempDir()}, example)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SECRET_KEY", "SECURITY_TOTP_SECRETS"} {
		if !slices.ContainsFunc(s.noteworthy, func(n string) bool {
			return strings.HasPrefix(n, name+" is not used") && strings.Contains(n, "public example")
		}) {
			t.Errorf("no note says that %s is public: %q", name, s.noteworthy)
		}
	}
	running := start(t, example, "--dev")
	r, err := running.http.Get(running.url + "/login")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	log := running.text()
	if r.StatusCode != http.StatusOK || !strings.Contains(log, "SECURITY_TOTP_SECRETS is not used") {
		t.Errorf("%s, and the log is\n%s", r.Status, log)
	}
	public := []string{"TWOFOLD_ORIGIN=http://localhost", "SECRET_KEY=pf9Wkove4IKEAXvy-cQkeDPhv9Cb3Ag-wyJILbq_dFw"}
	if _, err := load(where{}, public); err == nil {
		t.Error("a public key is accepted without --dev")
	}
}

// TestConfigImportKeepsWhichHashesHaveNoSalt checks that an imported configuration has the settings that
// the import of accounts needs, and that the server starts with it.
func TestConfigImportKeepsWhichHashesHaveNoSalt(t *testing.T) {
	dir := t.TempDir()
	source, to := filepath.Join(dir, "app.py"), filepath.Join(dir, "twofold.toml")
	err := os.WriteFile(source, []byte("SECURITY_PASSWORD_SALT = 'a salt of this test alone, 32 bytes'\n"+
		"SECURITY_PASSWORD_SINGLE_HASH = ['bcrypt', 'plaintext']\n"+
		"SECURITY_PASSWORD_SCHEMES = ['bcrypt', 'argon2']\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := imported(t, source, to); err != nil || !strings.Contains(report, "1 without effect") {
		t.Fatal(report, err)
	}
	s, err := load(where{Config: to}, []string{"TWOFOLD_ORIGIN=https://login.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := (importFlask{}).singleHash(s); err != nil || !slices.Equal(list, []string{"bcrypt", "plaintext"}) {
		t.Errorf("the import takes %q, %v", list, err)
	}
}

// TestTheImportReadsWhichHashesHaveNoSalt checks that the setting is parsed as the original parses
// it.
func TestTheImportReadsWhichHashesHaveNoSalt(t *testing.T) {
	only := []string{"plaintext"}
	for text, want := range map[string][]string{
		"True": flask.EverySingle, "1": flask.EverySingle, "False": only, "None": only, "[]": only, "{}": only,
		"['bcrypt', 'argon2']": {"bcrypt", "argon2"}, "{'bcrypt'}": {"bcrypt"}, "('bcrypt',)": {"bcrypt"},
		"bcrypt,plaintext": {"bcrypt", "plaintext"}, "{'bcrypt': 1}": nil, "[1": nil,
	} {
		s := &settings{values: map[string]value{"SECURITY_PASSWORD_SINGLE_HASH": {raw: text}}}
		list, err := (importFlask{}).singleHash(s)
		if (err != nil) != (want == nil) || !slices.Equal(list, want) {
			t.Errorf("%s: %q, %v", text, list, err)
		}
		list, err = importFlask{SingleHash: true}.singleHash(s)
		if err != nil || !slices.Equal(list, flask.EverySingle) {
			t.Errorf("%s, --single-hash: %q, %v", text, list, err)
		}
	}
	if list, err := (importFlask{}).singleHash(&settings{}); list != nil || err != nil {
		t.Errorf("not set: %q, %v", list, err)
	}
}
