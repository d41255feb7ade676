package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/send/sendtest"
)

// inAllWays runs a test for each kind of client in parallel.
func inAllWays(t *testing.T, run func(t *testing.T, way string)) {
	t.Helper()
	t.Run("ways", func(t *testing.T) {
		for _, way := range allWays {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				run(t, way)
			})
		}
	})
}

// TestFourWaysSignInAndChange signs in with a password, enrolls a second factor, signs in with it,
// and changes to another one.
func TestFourWaysSignInAndChange(t *testing.T) {
	s := newSite(t)
	for path, line := range map[string]string{"/healthz": "alive\n", "/readyz": "ready\n"} {
		if got := s.want(200, "GET", path, ""); got != line {
			t.Errorf("%s: %q", path, got)
		}
	}
	inAllWays(t, func(t *testing.T, way string) {
		for method, other := range map[string]string{"authenticator": "email", "email": "sms", "sms": "authenticator"} {
			t.Run(method, func(t *testing.T) {
				t.Parallel()
				email := s.create(t, way+"."+method)
				v, f := s.signsIn(t, way, email, method)
				v.changes(email, f, s.factor(other, email))
			})
		}
	})
	s.end()
}

// signsIn is the first flow: enroll, sign out, sign in with the code.
func (s *site) signsIn(t *testing.T, way, email, method string) (*visitor, *second) {
	t.Helper()
	v, f := s.visitor(t, way), s.factor(method, email)
	v.stranger()
	v.wants("", v.signIn(email, false))
	v.is(email, 1, false)
	v.setUp(f)
	v.is(email, 2, false)
	v.signOut()
	v.wants(method, v.signIn(email, false))
	v.stranger()
	if v.give(v.wrong(f)) {
		t.Fatal("a wrong code signs in")
	}
	v.stranger()
	if !v.give(v.code(f)) {
		t.Fatal("the right code does not sign in")
	}
	v.is(email, 2, false)
	s.mailed(t, 1, email, changed) // the owner is told
	return v, f
}

// changes is the second flow: f stays valid until g is confirmed.
func (v *visitor) changes(email string, f, g *second) {
	v.t.Helper()
	v.begin(g)
	other := v.s.visitor(v.t, v.way)
	other.enter(email, f)
	if v.give(v.wrong(g)) {
		v.t.Fatal("a wrong code changes the method")
	}
	v.wants(f.method, v.s.visitor(v.t, v.way).signIn(email, false))
	if !v.give(v.code(g)) {
		v.t.Fatal("the right code does not change the method")
	}
	v.is(email, 2, false)
	other.stranger() // a change ends every other session
	v.signOut()
	v.enter(email, g)
	v.call("GET", "/tf-setup", nil).want(200).is("tf_method", g.method, "tf_primary_method", g.method)
	v.s.mailed(v.t, 2, email, changed)
}

// TestFourWaysFirstSignIn checks that if a second factor is required, the first sign-in and the
// registration lead to its enrollment and no further.
func TestFourWaysFirstSignIn(t *testing.T) {
	s := newSite(t, "SECURITY_TWO_FACTOR_REQUIRED=True", "SECURITY_REGISTERABLE=True")
	inAllWays(t, func(t *testing.T, way string) {
		for _, method := range []string{"authenticator", "email", "sms"} {
			email := s.create(t, way+"."+method)
			v := s.visitor(t, way)
			v.wants("setup", v.signIn(email, false))
			v.forced(email, s.factor(method, email))

			stranger := way + ".new." + method + "@example.net"
			v = s.visitor(t, way)
			v.wants("email", v.register(stranger)) // the address is proven first
			if !v.give(v.code(s.factor("email", stranger))) {
				t.Fatal("the mailed code does not prove the address")
			}
			v.forced(stranger, s.factor(method, stranger))
		}
	})
	s.end()
}

// forced is the third flow, from the required enrollment on.
func (v *visitor) forced(email string, f *second) {
	v.t.Helper()
	v.stranger()
	v.call("POST", "/tf-setup", map[string]any{"setup": "disable"}).want(400).is("errors",
		[]any{"Marked method is not valid"})
	v.begin(f)
	if v.give(v.wrong(f)) {
		v.t.Fatal("a wrong code completes the set-up")
	}
	v.stranger()
	if !v.give(v.code(f)) {
		v.t.Fatal("the right code does not complete the set-up")
	}
	v.is(email, 2, false)
	v.signOut()
	v.enter(email, f)
}

// TestFourWaysRescue checks that a user who lost the second factor can sign in with a mailed code
// or notify the administrators.
func TestFourWaysRescue(t *testing.T) {
	s := newSite(t)
	inAllWays(t, func(t *testing.T, way string) {
		email := s.create(t, "lost."+way)
		v, f := s.visitor(t, way), s.factor("authenticator", email)
		v.wants("", v.signIn(email, false))
		v.setUp(f)
		v.signOut()

		v.wants("authenticator", v.signIn(email, false))
		v.rescue("email", "We emailed you a code.")
		v.stranger()
		mail := s.factor("email", email)
		if v.give(v.wrong(mail)) {
			t.Fatal("a wrong code rescues")
		}
		if !v.give(v.code(mail)) {
			t.Fatal("the mailed code does not rescue")
		}
		v.is(email, 2, false)
		s.mailed(t, 1, email, changed,
			"Someone signed in to your account with a code sent by email in place of the second step.")
		v.signOut()

		v.wants("authenticator", v.signIn(email, false))
		v.rescue("help", "We've told the people who run this site.")
		s.mailed(t, 1, helpDesk, "Two-Factor Rescue", email)
		v.stranger()
		if !v.give(v.code(f)) {
			t.Fatal("the app does not work after asking for help")
		}
		v.is(email, 2, false)
	})
	s.end()
}

// TestFourWaysRemember checks that a browser is trusted for one account for a week.
func TestFourWaysRemember(t *testing.T) {
	s := newSite(t)
	inAllWays(t, func(t *testing.T, way string) {
		ann, bob := s.create(t, "ann."+way), s.create(t, "bob."+way)
		v, f, g := s.visitor(t, way), s.factor("sms", ann), s.factor("authenticator", bob)
		v.wants("", v.signIn(bob, false))
		v.setUp(g)
		v.signOut()
		v.wants("", v.signIn(ann, false))
		v.setUp(f)
		v.signOut()
		v.wants("sms", v.signIn(ann, true))
		if slices.Contains(v.cookieNames(), "tf_validity") {
			t.Fatal("trusted before the code")
		}
		if !v.give(v.code(f)) {
			t.Fatal("the right code is refused")
		}
		v.is(ann, 2, false)
		if c := v.last["tf_validity"]; c == nil || c.MaxAge != 7*24*3600 || !c.HttpOnly ||
			c.SameSite != http.SameSiteStrictMode {
			t.Fatalf("tf_validity: %+v", c)
		}
		v.signOut()
		v.wants("", v.signIn(ann, false))
		v.is(ann, 1, true)
		v.signOut()
		v.enter(bob, g) // it is trusted with Ann's account only
		v.signOut()
		v.wants("sms", s.visitor(t, way).signIn(ann, false)) // and only this browser is
	})
	s.end()
}

// TestFormsFromElsewhere checks that a form without a token or from another site has no effect.
func TestFormsFromElsewhere(t *testing.T) {
	s := newSite(t)
	email := s.create(t, "forms")
	body := url.Values{"email": {email}, "password": {secretWord}}.Encode()
	header := []string{"Accept", html5, "Content-Type", "application/x-www-form-urlencoded"}
	v := s.visitor(t, byToken)
	v.open("/login")
	v.send("POST", "/login", body, header...).want(303)
	v.open("/login")
	v.must("/login", "This page was open for too long. Please try again.")
	v.stranger()
	v.send("POST", "/login", body, append(header, "Origin", "http://evil.example")...).want(403)
	v.stranger()
	v.send("POST", "/login", body,
		append(header, "Origin", strings.Replace(s.url, "127.0.0.1", "localhost", 1))...).want(403)
	v.stranger()
	s.end()
}

// TestFourWaysFromAFile uses the same settings in a TOML file, with the database in the same folder.
func TestFourWaysFromAFile(t *testing.T) {
	s := &site{mail: sendtest.SMTP(t), sms: sendtest.Twilio(t), told: map[string]bool{}}
	file, address := filepath.Join(t.TempDir(), "twofold.toml"), freeAddress(t)
	err := os.WriteFile(file, fmt.Appendf(nil, `SECRET_KEY = %q
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SQLALCHEMY_DATABASE_URI = "sqlite:///beside.db"
SECURITY_TWO_FACTOR = true
SECURITY_TWO_FACTOR_ENABLED_METHODS = ["email", "authenticator", "sms"]
SECURITY_TWO_FACTOR_RESCUE_MAIL = %q
SECURITY_TWO_FACTOR_ALWAYS_VALIDATE = false
SECURITY_TWO_FACTOR_LOGIN_VALIDITY = "1 week"
SECURITY_TOTP_SECRETS = { 1 = %q }
SECURITY_TOTP_ISSUER = %q
SECURITY_SMS_SERVICE = "Twilio"
SECURITY_SMS_SERVICE_CONFIG = { ACCOUNT_SID = %q, AUTH_TOKEN = %q, PHONE_NUMBER = %q, BASE_URL = %q }
MAIL_SERVER = %q
MAIL_PORT = %d
MAIL_DEFAULT_SENDER = ["Example Shop", "no-reply@example.org"]
TWOFOLD_ORIGIN = "http://%s"
TWOFOLD_LISTEN = "%s"
`, goodKey, helpDesk, totpKey, issuer, s.sms.AccountSID, s.sms.AuthToken, smsSender, s.sms.URL, s.mail.Host, s.mail.Port, address, address), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.flags = []string{"--config", file}
	s.server = launch(t, nil, s.flags...)
	inAllWays(t, func(t *testing.T, way string) {
		for _, method := range []string{"authenticator", "email", "sms"} {
			s.signsIn(t, way, s.create(t, "file."+way+"."+method), method)
		}
	})
	if _, err := os.Stat(filepath.Join(s.cmd.Dir, "beside.db")); err != nil {
		t.Error(err)
	}
	s.end()
}
