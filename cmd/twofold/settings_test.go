package main

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	inner "github.com/twofold-auth/twofold/internal/settings"
)

const goodKey = "q8Rk2-vT0xN5sYb7LwHc3UdJ9fZaMgEo4PiKtQ1r_uA"

// with returns valid base settings plus the given ones, from the environment.
func with(t *testing.T, more ...string) (*settings, error) {
	t.Helper()
	return load(where{}, append([]string{"TWOFOLD_ORIGIN=https://login.example.org", "SECRET_KEY=" + goodKey}, more...))
}

func mustLoad(t *testing.T, more ...string) *settings {
	t.Helper()
	s, err := with(t, more...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var mailOn = []string{"MAIL_SERVER=mail.example.org", "MAIL_USE_TLS=1", "SECURITY_EMAIL_SENDER=no-reply@example.org"}

func TestNamesAreUniqueAndDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range table() {
		if seen[row.Name] {
			t.Errorf("%s is listed twice", row.Name)
		}
		seen[row.Name] = true
		if row.Doc == "" || row.Apply == nil {
			t.Errorf("%s has no description or no effect", row.Name)
		}
		if strings.ContainsAny(row.Doc+row.Cost, "|\n") {
			t.Errorf("%s breaks its row of the documentation", row.Name)
		}
	}
}

// Each default value, given explicitly, is accepted and changes nothing.
func TestDefaultsMayBeGivenExplicitly(t *testing.T) {
	base := mustLoad(t)
	for _, row := range table() {
		// which needs mail if it is set
		if row.Default == "" || row.Name == "SECURITY_TWO_FACTOR_RESCUE_EMAIL" {
			continue
		}
		if s, err := with(t, row.Name+"="+row.Default); err != nil {
			t.Errorf("%s=%s: %v", row.Name, row.Default, err)
		} else if !reflect.DeepEqual(s.Config.TwoFactor, base.Config.TwoFactor) ||
			s.Config.Advanced.Limits != base.Config.Advanced.Limits || s.Config.Sessions != base.Config.Sessions {
			t.Errorf("%s=%s differs from leaving it out", row.Name, row.Default)
		}
	}
}

// Every bound in the table also holds in package twofold.
func TestDefaultsBuild(t *testing.T) {
	if err := mustLoad(t, mailOn...).try(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAbsentSettingsMayBeOff(t *testing.T) {
	for _, row := range absentTable() {
		if row.Empty != "" {
			if _, err := with(t, row.Name+"="+row.Empty); err != nil {
				t.Errorf("%s=%s: %v", row.Name, row.Empty, err)
			}
		}
		on := "something"
		if row.Empty == "false" {
			on = "True"
		} else if row.Empty == "true" {
			on = "0"
		}
		if strings.HasPrefix(row.Name, "WTF_") {
			continue // a generic name, read only from the file
		}
		_, err := with(t, row.Name+"="+on)
		if err == nil || !strings.HasPrefix(err.Error(), row.Name+": this version does not have ") {
			t.Errorf("%s=%s: %v", row.Name, on, err)
		}
	}
}

func TestMeaningOfNumbers(t *testing.T) {
	tf := func(more ...string) (validity, freshness time.Duration, verify bool) {
		c := mustLoad(t, more...).Config.TwoFactor
		return c.LoginValidity, c.Freshness, c.FreshOnlyAfterVerify
	}
	for _, c := range []struct {
		env                 []string
		validity, freshness time.Duration
		verify              bool
	}{
		{nil, 0, 15 * time.Minute, false},
		{[]string{"SECURITY_TWO_FACTOR_LOGIN_VALIDITY=1 week"}, 0, 15 * time.Minute, false}, // ALWAYS_VALIDATE is true
		{[]string{"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=False"}, 30 * day, 15 * time.Minute, false},
		{[]string{"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=0", "SECURITY_TWO_FACTOR_LOGIN_VALIDITY=1 week"}, 7 * day,
			15 * time.Minute, false},
		{[]string{"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=0", "SECURITY_TWO_FACTOR_LOGIN_VALIDITY=0"}, 0, 15 * time.Minute,
			false},
		{[]string{"SECURITY_FRESHNESS=0"}, 0, 0, true},
		{[]string{"SECURITY_FRESHNESS=-1"}, 0, -time.Second, false},
		{[]string{"SECURITY_FRESHNESS=1 hour and 30 minutes"}, 0, 90 * time.Minute, false},
	} {
		if v, f, o := tf(c.env...); v != c.validity || f != c.freshness || o != c.verify {
			t.Errorf("%v: validity %v, freshness %v, only after verify %v", c.env, v, f, o)
		}
	}
}

func TestRememberMe(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want time.Duration
	}{
		{nil, 0},
		{[]string{"REMEMBER_COOKIE_DURATION=365 days"}, 0}, // as in many existing configurations
		{[]string{"SECURITY_REMEMBER_ME=true"}, 30 * day},
		{[]string{"SECURITY_REMEMBER_ME=true", "REMEMBER_COOKIE_DURATION=2 weeks"}, 14 * day},
	} {
		if got := mustLoad(t, c.env...).Config.Sessions.Remember; got != c.want {
			t.Errorf("%v: %v, want %v", c.env, got, c.want)
		}
	}
	s := mustLoad(t, "SECURITY_REMEMBER_ME=true", "REMEMBER_COOKIE_DURATION=365 days")
	if s.Config.Sessions.Remember != 30*day ||
		!strings.Contains(strings.Join(s.noteworthy, "\n"),
			"REMEMBER_COOKIE_DURATION is above the upper bound and is taken as 30 days") {
		t.Errorf("a year: %v, %v", s.Config.Sessions.Remember, s.noteworthy)
	}
	if !mustLoad(t, "SECURITY_DEFAULT_REMEMBER_ME=true").Config.Sessions.RememberByDefault {
		t.Error("the box is not ticked")
	}
}

func TestRescueByMailNeedsMail(t *testing.T) {
	if mustLoad(t).Config.TwoFactor.RescueEmail {
		t.Error("rescue by mail without a mail server")
	}
	if !mustLoad(t, mailOn...).Config.TwoFactor.RescueEmail {
		t.Error("no rescue by mail by default")
	}
	if _, err := with(t, "SECURITY_TWO_FACTOR_RESCUE_EMAIL=true"); err == nil {
		t.Error("rescue by mail was requested and silently left off")
	}
}

func TestLists(t *testing.T) {
	want := []string{"email", "authenticator"}
	for _, v := range []string{"email,authenticator", " email , authenticator ", `["email", "authenticator"]`} {
		s := mustLoad(t, append(mailOn, "SECURITY_TWO_FACTOR_ENABLED_METHODS="+v)...)
		if got := s.Config.TwoFactor.EnabledMethods; !slices.Equal(got, want) {
			t.Errorf("%q gives %v", v, got)
		}
	}
	s := mustLoad(t, "TWOFOLD_TRUSTED_PROXIES=10.1.2.3/8, ::1")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if !slices.Equal(s.Config.Advanced.TrustedProxies, proxies) {
		t.Errorf("proxies %v", s.Config.Advanced.TrustedProxies)
	}
}

func TestProfileFields(t *testing.T) {
	good := `[{"NAME": "name", "LABEL": "Your name", "REQUIRED": true, "MIN": 2, "MAX": 40}, ` +
		`{"NAME": "terms", "KIND": "checkbox"}, {"NAME": "plan", "KIND": "select", "OPTIONS": ["free", "pro"]}]`
	want := []twofold.Field{
		{Name: "name", Label: "Your name", Required: true, Min: 2, Max: 40}, {Name: "terms", Kind: "checkbox"},
		{Name: "plan", Kind: "select", Options: []string{"free", "pro"}},
	}
	if got := mustLoad(t, "SECURITY_REGISTER_FIELDS="+good).Config.Accounts.Fields; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{
		"name", "{}", `{"NAME": "name"}`, `["name"]`, `[{"NAME": 7}]`, `[{"NAME": "name", "TYPE": "text"}]`,
		`[{"NAME": "name"}] x`, `[{"NAME": "name"}]]`, `[{"NAME": "name"}`, `[{"NAME": "name", "REQUIRED": "yes"}]`,
	} {
		_, err := with(t, "SECURITY_REGISTER_FIELDS="+bad)
		if err == nil || !strings.Contains(err.Error(), "SECURITY_REGISTER_FIELDS") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	// The error also names a field that cannot exist.
	for _, bad := range []string{
		`[{"NAME": "Name"}]`, `[{"NAME": "plan", "KIND": "select"}]`, `[{"NAME": "a"}, {"NAME": "a"}]`,
	} {
		s, err := with(t, "SECURITY_REGISTER_FIELDS="+bad)
		if err == nil {
			_, err = twofold.New(s.Config)
		}
		if err == nil || !strings.Contains(err.Error(), "Accounts.Fields") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestKeysAreOldestFirst(t *testing.T) {
	a, b := strings.Repeat("0123456789abcdef", 2)+"A", strings.Repeat("fedcba9876543210", 2)+"B"
	s := mustLoad(t, "SECRET_KEY_FALLBACKS="+b+","+a) // the most recent first
	if want := []string{a, b, goodKey}; !slices.Equal(s.keys, want) {
		t.Errorf("keys in the order %v", s.keys)
	}
}

func TestWeakKeys(t *testing.T) {
	for _, k := range []string{"secret", "changeme", "Xq7", strings.Repeat("a", 64), strings.Repeat("ab", 40),
		"My-Super-Secret-key-for-the-application", "pf9Wkove4IKEAXvy-cQkeDPhv9Cb3Ag-wyJILbq_dFw"} {
		for _, name := range []string{"SECRET_KEY", "SECRET_KEY_FALLBACKS"} {
			_, err := with(t, name+"="+k)
			if err == nil || strings.Contains(err.Error(), k) || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s with a weak key: %v", name, err)
			}
		}
	}
	for name, v := range map[string]string{
		"SECRET_KEY_FALLBACKS":   goodKey,
		"SECURITY_PASSWORD_SALT": goodKey,
		"SECURITY_TOTP_SECRETS":  `{"1": "` + goodKey + `"}`,
	} {
		if _, err := with(t, name+"="+v); err == nil || strings.Contains(err.Error(), goodKey) {
			t.Errorf("%s accepts the key of SECRET_KEY: %v", name, err)
		}
	}
}

func TestDatabases(t *testing.T) {
	for uri, want := range map[string]string{
		"sqlite:///a.db": "a.db", "sqlite:////var/lib/a.db": "/var/lib/a.db", "sqlite:///data/a.db": "data/a.db",
	} {
		for _, name := range []string{"SQLALCHEMY_DATABASE_URI", "DATABASE_URL"} {
			if s := mustLoad(t, name+"="+uri); s.Database.String() != want {
				t.Errorf("%s is %q", uri, s.Database)
			}
		}
	}
	for _, uri := range []string{"a.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://a.db",
		"sqlite:///a.db?x=1", "postgresql://u:pw@h", "postgresql://u:p w@h/d", "mysql://u:pw@h/d"} {
		if _, err := with(t, "DATABASE_URL="+uri); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{"postgresql://u:pw@h/d?sslmode=verify-full", "postgres://u:pw@h/d",
		"postgresql+psycopg2://u:pw@h/d"} {
		if s := mustLoad(t, "DATABASE_URL="+uri); s.Database.String() != "h/d" ||
			!strings.HasPrefix(s.Database.postgres, "postgres://u:pw@h/d") {
			t.Errorf("%s is %q", uri, s.Database)
		}
	}
	for _, uri := range []string{"http://u:pw@h", "h:6379", "redis://u:p w@h"} {
		if _, err := with(t, "TWOFOLD_REDIS_URL="+uri); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if _, err := with(t, "DATABASE_URL=sqlite:///a.db", "SQLALCHEMY_DATABASE_URI=sqlite:///b.db"); err == nil {
		t.Error("two databases")
	}
}

// No error may contain a secret, whatever is wrong with it (R137, R140).
func TestErrorsContainNoSecrets(t *testing.T) {
	const canary = "canary-7731"
	for _, row := range table() {
		if !row.Type.hidden() || row.Group == groupInert {
			continue
		}
		for _, v := range []string{canary, `["` + canary, `{"` + canary + `": 1}`, `{"1": "` + canary + `"}`,
			"sqlite://u:" + canary + "@h", canary + "\n"} {
			if _, err := with(t, row.Name+"="+v, "SECURITY_SMS_SERVICE=Webhook"); err != nil &&
				strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", row.Name, err)
			}
		}
	}
}

func TestPastedFlaskDefaultsAreAccepted(t *testing.T) {
	file := map[string]any{
		"SECURITY_US_ENABLED_METHODS": []any{"password"}, "SECURITY_WAN_RP_NAME": "x", "SECURITY_RESET_SALT": "s",
		"SECURITY_LOGOUT_METHODS": []any{"POST"}, "SECURITY_API_ENABLED_METHODS": []any{"session", "token"},
		"DEBUG":                               true,
		"SECURITY_CACHE_CONTROL":              map[string]any{"private": true, "no-store": true},
		"SECURITY_LOGIN_USER_TEMPLATE":        "security/login_user.html",
		"SECURITY_SMS_SERVICE_CONFIG":         map[string]any{"ACCOUNT_SID": "", "AUTH_TOKEN": "", "PHONE_NUMBER": ""},
		"SECURITY_TWO_FACTOR_RESCUE_MAIL":     "no-reply@localhost",
		"SECURITY_TWO_FACTOR_POST_SETUP_VIEW": ".two_factor_setup", "SECURITY_URL_PREFIX": "None",
		"PERMANENT_SESSION_LIFETIME": int64(2678400), "SECRET_KEY": goodKey, "TWOFOLD_ORIGIN": "http://localhost:5000",
	}
	s, err := assemble(file, map[string]any{}, where{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.noteworthy) < 5 {
		t.Errorf("settings without effect are not reported: %q", s.noteworthy)
	}
}

func FuzzSettingsFile(f *testing.F) {
	f.Add("SECRET_KEY = \"" + goodKey + "\"\nTWOFOLD_ORIGIN = \"https://a.example\"\n")
	f.Add("SECURITY_TWO_FACTOR_ENABLED_METHODS = ['email']\nSECURITY_TOTP_SECRETS = { 1 = \"x\" }\n[a]\nb=1979-05-27")
	f.Add("MAIL_DEFAULT_SENDER = [\"a\", \"b\"]\nSECURITY_MSG_USE_CODE=[\"{{\",1]\nSECURITY_CACHE_CONTROL = { a = " +
		"nan }")
	f.Add("SECURITY_FRESHNESS = -9223372036854775808\nMAIL_PORT = 1e3\nSECURITY_POST_LOGIN_VIEW=' '")
	f.Fuzz(func(t *testing.T, raw string) {
		file, bad := parseFile("settings.toml", raw)
		if bad != nil {
			return
		}
		for _, hostile := range []string{"TWOFOLD_TEMPLATES", "TWOFOLD_LOCALES", "TWOFOLD_KEY_FILE"} {
			delete(file, hostile) // only the parser is under test
		}
		s, err := assemble(maps.Clone(file), map[string]any{}, where{})
		if (s == nil) == (err == nil) {
			t.Error("neither settings nor an error, or both")
		}
	})
}

// TestEveryFieldOfTheTableHasOneSetting checks that the settings of the server cover the library's table.
func TestEveryFieldOfTheTableHasOneSetting(t *testing.T) {
	count := map[string]int{"Advanced.Limits.PasskeyFailures": 1, "Advanced.Limits.PasskeyHour": 1} // no setting
	for _, row := range table() {
		count[row.Field]++
		if r, ok := inner.Of(row.Field); ok && r.Kind != inner.Text && row.Bounds != r.ServerBounds() {
			t.Errorf("%s says %q, and its bounds are %q", row.Name, row.Bounds, r.ServerBounds())
		}
	}
	for _, r := range inner.Rows() {
		if count[r.Field] != 1 {
			t.Errorf("%s has %d settings", r.Field, count[r.Field])
		}
	}
}

// TestASettingHasTheNameThatTheOperatorGaveIt checks that problems of the library name settings, not
// fields.
func TestASettingHasTheNameThatTheOperatorGaveIt(t *testing.T) {
	for given, want := range map[string]string{
		"SECURITY_SESSION_IDLE=2 days": "SECURITY_SESSION_LIFETIME: must not be less than SECURITY_SESSION_IDLE",
		"SECURITY_USERNAME_MIN_LENGTH=40": "SECURITY_USERNAME_MAX_LENGTH: must not be less than " +
			"SECURITY_USERNAME_MIN_LENGTH",
		"SECURITY_TWO_FACTOR_LOGIN_VALIDITY=1ms": "SECURITY_TWO_FACTOR_LOGIN_VALIDITY: is out of bounds: write a " +
			"duration between 1 second and 30 days",
	} {
		if _, err := with(t, given); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", given, err, want)
		}
	}
	s := mustLoad(t, "TWOFOLD_AUDIT_DAYS=30", "SECURITY_SESSION_LIFETIME=30 days")
	s.Config.Sessions.Absolute += day
	const want = "TWOFOLD_AUDIT_DAYS: must not be shorter than SECURITY_SESSION_LIFETIME"
	if err := s.try(t.Context()); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
