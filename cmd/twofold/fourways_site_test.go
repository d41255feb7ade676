package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/send/sendtest"
)

const (
	secretWord = "staple-gun-otter-41"
	totpKey    = "mZ3t-Kq8Vw1yBx6Rn0Gd5Hs9Lc2Fj7Pe4Ua"
	helpDesk   = "helpdesk@example.org"
	smsSender  = "+15005550006"
	issuer     = "Example Shop"
	changed    = "/tf-not-me/" // the page that every notice links to
)

// site is the built program in production mode, with a mail server and a stand-in for Twilio.
type site struct {
	*server
	env   []string
	flags []string
	mail  *sendtest.SMTPServer
	sms   *sendtest.TwilioServer
	phone atomic.Int64

	guard sync.Mutex
	told  map[string]bool // codes and keys that were issued
}

// freeAddress returns a loopback address on which no program listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + strconv.Itoa(servers.FreePort(t))
}

// newSite starts the program with a Flask configuration in its environment.
func newSite(t *testing.T, more ...string) *site {
	t.Helper()
	s := &site{mail: sendtest.SMTP(t), sms: sendtest.Twilio(t), told: map[string]bool{}}
	address := freeAddress(t)
	config, err := json.Marshal(map[string]string{
		"ACCOUNT_SID": s.sms.AccountSID, "AUTH_TOKEN": s.sms.AuthToken, "PHONE_NUMBER": smsSender,
		"BASE_URL": s.sms.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.env = append([]string{
		"SECRET_KEY=" + goodKey,
		"SECURITY_PASSWORD_SALT=146585145368132386173505678016728509634",
		"SQLALCHEMY_DATABASE_URI=sqlite:///" + filepath.Join(t.TempDir(), "app.db"),
		"SECURITY_TWO_FACTOR=true",
		"SECURITY_TWO_FACTOR_ENABLED_METHODS=email,authenticator,sms",
		"SECURITY_TWO_FACTOR_RESCUE_MAIL=" + helpDesk,
		"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=False",
		"SECURITY_TWO_FACTOR_LOGIN_VALIDITY=1 week",
		`SECURITY_TOTP_SECRETS={"1":"` + totpKey + `"}`,
		"SECURITY_TOTP_ISSUER=" + issuer,
		"SECURITY_SMS_SERVICE=Twilio",
		"SECURITY_SMS_SERVICE_CONFIG=" + string(config),
		"MAIL_SERVER=" + s.mail.Host,
		fmt.Sprintf("MAIL_PORT=%d", s.mail.Port),
		"MAIL_DEFAULT_SENDER=Example Shop <no-reply@example.org>",
		"TWOFOLD_NEW_BROWSER_MAIL=false", // the tests count mails
		"TWOFOLD_ORIGIN=http://" + address,
		"TWOFOLD_LISTEN=" + address,
	}, more...)
	s.server = launch(t, s.env)
	return s
}

// create creates an account as an operator does and returns its address.
func (s *site) create(t *testing.T, name string) string {
	t.Helper()
	email := strings.ToLower(name) + "@example.net"
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"user", "create", email, "--password-stdin"}, s.flags...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.cmd.Dir, append([]string{}, s.env...), strings.NewReader(secretWord+"\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(email)) {
		t.Fatalf("user create: %v: %s", err, out)
	}
	return email
}

// mails returns the mails to an address with a subject, oldest first.
func (s *site) mails(to, subject string) []sendtest.Mail {
	return slices.DeleteFunc(s.mail.Mails(), func(m sendtest.Mail) bool {
		return !slices.Equal(m.To, []string{to}) || !strings.Contains(m.Subject+m.Text, subject) ||
			m.From != "no-reply@example.org"
	})
}

// mailed waits for n mails, which may be sent after the answer to a request.
func (s *site) mailed(t *testing.T, n int, to, subject string, texts ...string) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		list := slices.DeleteFunc(s.mails(to, subject), func(m sendtest.Mail) bool {
			return slices.ContainsFunc(texts, func(x string) bool { return !strings.Contains(m.Text, x) })
		})
		if len(list) == n {
			return
		}
	}
	t.Fatalf("%s has not received %d mails %q with %q", to, n, subject, texts)
}

// secret records a value that must not appear in the log.
func (s *site) secret(text string) {
	s.guard.Lock()
	defer s.guard.Unlock()
	s.told[text] = true
}

// end stops the program and searches its log for secrets.
func (s *site) end() {
	s.t.Helper()
	s.stop()
	log := s.text()
	for text := range s.told {
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(text) + `\b`).MatchString(log) {
			s.t.Errorf("the log contains %q", text)
		}
	}
	for _, text := range []string{secretWord, goodKey, totpKey, s.sms.AuthToken, "csrf_token"} {
		if strings.Contains(log, text) {
			s.t.Errorf("the log contains %q", text)
		}
	}
	if strings.Contains(log, `"level":"ERROR"`) {
		s.t.Errorf("the log contains errors:\n%s", log)
	}
}

// factor is a second factor that a user may enroll.
func (s *site) factor(method, email string) *second {
	f := &second{method: method, to: email}
	if method == "sms" {
		f.to = fmt.Sprintf("+1650253%04d", s.phone.Add(1))
	}
	return f
}

// signIn sends the password and returns the next step: none (""), the code of a method, or "setup".
func (v *visitor) signIn(email string, remember bool) string {
	v.t.Helper()
	if v.way == byJSON {
		body := map[string]any{"email": email, "password": secretWord}
		if remember {
			body["remember"] = true
		}
		return v.asked(v.call("POST", "/login", body).want(200), email)
	}
	v.open("/login")
	form := []string{"email", email, "password", secretWord}
	if remember {
		form = append(form, "remember", "true")
	}
	v.submit(`action="/login"`, form...)
	return v.next()
}

// asked returns the next step from JSON, next from the page.
func (v *visitor) asked(r *reply, email string) string {
	v.t.Helper()
	if r.data["tf_required"] == false {
		if user, _ := r.data["user"].(map[string]any); user["email"] != email {
			v.t.Fatalf("signed in as %v", user)
		}
		return ""
	}
	r.is("tf_required", true, "user", nil)
	if r.data["tf_state"] == "setup_from_login" {
		return "setup"
	}
	return r.is("tf_state", "ready", "tf_primary_method", r.text("tf_method")).text("tf_method")
}

func (v *visitor) next() string {
	v.t.Helper()
	switch v.where() {
	case "/me":
		return ""
	case "/tf-setup":
		v.must("/tf-setup", "You need one to finish signing in.")
		return "setup"
	}
	for method, says := range map[string]string{
		"authenticator": "Enter the 6-digit code from your authenticator app.",
		"sms":           "We texted a code to",
		"email":         "We emailed a code to",
	} {
		if v.says(says) {
			v.must("/tf-validate")
			return method
		}
	}
	v.t.Fatalf("at %s:\n%s", v.at, v.page)
	return ""
}

// register registers an account as a stranger does.
func (v *visitor) register(email string) string {
	v.t.Helper()
	if v.way == byJSON {
		return v.asked(v.call("POST", "/register",
			map[string]any{"email": email, "password": secretWord, "password_confirm": secretWord}).want(200), email)
	}
	v.open("/login")
	if !v.says(`href="/register"`) {
		v.t.Fatal("the sign-in page does not lead to the registration")
	}
	v.open("/register")
	v.submit(`action="/register"`, "email", email, "password", secretWord, "password_confirm", secretWord)
	return v.next()
}

// give enters a code and reports whether it was correct.
func (v *visitor) give(code string) bool {
	v.t.Helper()
	if v.way == byJSON {
		path := "/tf-validate"
		if v.state != "" {
			path = "/tf-setup/" + v.state
		}
		r := v.call("POST", path, map[string]any{"code": code})
		if r.status == http.StatusBadRequest {
			r.is("errors", []any{"Invalid code"}, "field_errors", map[string]any{"code": []any{"Invalid code"}})
			return false
		}
		r.want(200)
		v.state = ""
		return true
	}
	v.submit(`name="code"`, "code", code)
	return !v.says("That code isn't right, or has expired.")
}

var (
	shownKey = regexp.MustCompile(`(?:<span>[A-Z2-7]{4}</span>){8}`)
	spans    = strings.NewReplacer("<span>", "", "</span>", "")
)

// begin starts an enrollment, up to the request for its code.
func (v *visitor) begin(f *second) {
	v.t.Helper()
	key := ""
	if v.way == byJSON {
		body := map[string]any{"setup": f.method}
		if f.method == "sms" {
			body["phone"] = f.to
		}
		r := v.call("POST", "/tf-setup", body).want(200).is("tf_state", "validating_profile", "tf_method", f.method)
		v.state, _ = r.data["tf_state_token"].(string)
		if f.method == "authenticator" {
			key = r.is("tf_authr_issuer", issuer).text("tf_authr_b32key")
		}
	} else {
		v.open("/tf-setup")
		form := []string{"setup", f.method}
		if f.method == "sms" {
			form = append(form, "phone", f.to)
		}
		if v.says(`name="add"`) {
			form = append(form, "add", "false") // the page suggests keeping the existing one
		}
		v.submit(`type="radio" name="setup"`, form...)
		v.must("/tf-validate", "Enter the code")
		if f.method == "authenticator" {
			v.must("/tf-validate", issuer, "data:image/svg+xml;base64,")
			key = spans.Replace(shownKey.FindString(v.page))
		}
	}
	if f.method == "authenticator" {
		v.s.secret(key)
		f.app = newApp(v.t, key)
	}
}

// setUp enrolls a second factor.
func (v *visitor) setUp(f *second) {
	v.t.Helper()
	v.begin(f)
	if !v.give(v.code(f)) {
		v.t.Fatalf("%s: the right code is refused", f.method)
	}
}

// enter signs in with both factors.
func (v *visitor) enter(email string, f *second) {
	v.t.Helper()
	v.wants(f.method, v.signIn(email, false))
	v.stranger() // the password alone opens nothing
	if !v.give(v.code(f)) {
		v.t.Fatalf("%s: the right code is refused", f.method)
	}
	v.is(email, 2, false)
}

func (v *visitor) wants(want, asked string) {
	v.t.Helper()
	if asked != want {
		v.t.Fatalf("asked for %q, want %q", asked, want)
	}
}

// signOut signs out.
func (v *visitor) signOut() {
	v.t.Helper()
	if v.way == byJSON {
		if r := v.call("POST", "/logout", map[string]any{}).want(200); len(r.data) != 0 {
			v.t.Fatalf("signing out answers %s", r.body)
		}
	} else {
		v.open("/me")
		v.submit(`action="/logout"`)
		v.must("/login")
	}
	v.stranger()
}

// rescue requests a rescue by mail or from the administrators.
func (v *visitor) rescue(option, says string) {
	v.t.Helper()
	if v.way == byJSON {
		options := map[string]any{"email": "/tf-rescue", "help": "/tf-rescue"}
		v.call("GET", "/tf-validate", nil).want(200).is("recovery_options", options)
		v.call("POST", "/tf-rescue", map[string]any{"help_setup": option}).want(200).is("recovery_options", options)
		return
	}
	v.submit(`name="help_setup"`, "help_setup", option)
	v.must("/tf-validate", says)
}

// is checks which user is signed in, as JSON and on the page.
func (v *visitor) is(email string, level int, trusted bool) {
	v.t.Helper()
	user, _ := v.call("GET", "/me", nil).want(200).data["user"].(map[string]any)
	if user["email"] != email || user["level"] != float64(level) || user["trusted"] != trusted ||
		user["fresh"] == trusted {
		v.t.Fatalf("signed in as %v, want %s at level %d", user, email, level)
	}
	says := map[int]string{1: "You signed in with one step.", 2: "You signed in with two steps."}[level]
	if trusted {
		says = "You trusted this browser"
	}
	v.open("/me")
	v.must("/me", "Signed in as", email, says)
}

// stranger checks that no user is signed in, without changing the current page.
func (v *visitor) stranger() {
	v.t.Helper()
	v.call("GET", "/me", nil).want(401).is("errors", []any{"You must sign in to view this resource."})
	if r := v.send("GET", "/me", "", "Accept", html5).want(303); r.header.Get("Location") != "/login?next=/me" {
		v.t.Fatalf("a stranger is led to %q", r.header.Get("Location"))
	}
}
