package openapitest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/test/openapitest"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// TestNoRequestBreaksTheAPI sends requests generated from the document, valid and invalid ones, as
// a stranger and as users in every state. No answer may be 5xx or undocumented. The test is short;
// TWOFOLD_API_FUZZ=10m makes it longer, and TWOFOLD_API_SEED repeats a run.
func TestNoRequestBreaksTheAPI(t *testing.T) {
	within := 3 * time.Second
	if v := os.Getenv("TWOFOLD_API_FUZZ"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal(err)
		}
		within = d
	}
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("TWOFOLD_API_SEED"); v != "" {
		if _, err := fmt.Sscan(v, &seed); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*twofold.Config){
		"passwords":    func(*twofold.Config) {},
		"mailed links": func(c *twofold.Config) { c.Accounts.MagicLink = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFuzzer(t, rand.New(rand.NewPCG(seed, 0)), change)
			end := time.Now().Add(within / 2)
			for time.Now().Before(end) && f.bad < 10 {
				f.step()
			}
			t.Logf("seed %d: %d requests, answers by status %v", seed, f.sent, f.byStatus)
			if f.sent < 20 || f.byStatus[200] == 0 || f.byStatus[400] == 0 {
				t.Error("hardly anything was tried")
			}
		})
	}
}

type fuzzer struct {
	t        *testing.T
	r        *rand.Rand
	doc      *openapitest.Document
	ops      []openapitest.Operation // those of the paths that there are
	k        *twofoldtest.Kit
	client   *http.Client
	browser  *testkit.Browser
	email    string
	app      bool     // the kit can read this person's authenticator app
	seen     []string // tokens and ids that answers held
	sent     int
	byStatus map[int]int
	bad      int
	people   int
}

func newFuzzer(t *testing.T, r *rand.Rand, change func(*twofold.Config)) *fuzzer {
	f := &fuzzer{t: t, r: r, doc: openapitest.Open(t), byStatus: map[int]int{},
		client: testkit.NewClient(t, http.DefaultTransport)}
	var now func() time.Time
	site := federatedtest.New(t, func() time.Time { return now() })
	p, err := oidc.New(oidc.Settings{Name: "corp", Issuer: site.URL, ClientID: site.ClientID,
		ClientSecret: site.Secret})
	if err != nil {
		t.Fatal(err)
	}
	c := all()
	c.Accounts.OAuth = []federated.Provider{p}
	c.Advanced.Limits = limit.Limits{FirstFailures: 100, SendShort: 1000, SendDay: 1000, SendAddress: 1_000_000,
		SendHour: 1_000_000, AddressFailures: 1_000_000, RegisterHour: 1_000_000}
	change(&c)
	f.k = twofoldtest.New(t, c)
	name := regexp.MustCompile(`\{[^}]*\}`)
	paths := map[string]bool{}
	for _, p := range f.k.Auth.Paths() {
		paths[name.ReplaceAllString(p, "{}")] = true
	}
	for _, op := range f.doc.Operations() {
		if paths[name.ReplaceAllString(op.Path, "{}")] {
			f.ops = append(f.ops, op)
		}
	}
	now = f.k.Clock.Now
	f.k.Serve(nil)
	f.become()
	return f
}

// become returns a browser in one of the possible states.
func (f *fuzzer) become() {
	f.people++
	f.email, f.app = fmt.Sprintf("fuzz%d@example.org", f.people), false // no one's account is as it was
	b := f.k.NewBrowser()
	switch f.r.IntN(5) {
	case 0: // a stranger
	case 1:
		f.k.User(f.email)
		b.Post("/login", map[string]any{"email": f.email, "password": twofoldtest.Password})
	case 2, 3:
		b, f.app = f.k.LoginAs(f.email, 2), true
	case 4:
		b = f.k.LoginAs(f.email, 1)
	}
	f.browser = testkit.NewBrowser(f.t, f.client, f.k.URL)
	f.browser.Bare, f.browser.Jar = true, b.Cookies()
}

func (f *fuzzer) step() {
	if f.sent%40 == 39 {
		f.become()
	}
	if f.sent%100 == 99 {
		f.k.Clock.Move(time.Duration(f.r.IntN(120)) * time.Minute)
	}
	op := f.ops[f.r.IntN(len(f.ops))]
	if strings.HasSuffix(op.Path, "/logout") && f.r.IntN(5) > 0 {
		return // it would end most of what follows
	}
	path := op.Path
	if i := strings.Index(path, "{"); i >= 0 {
		path = path[:i] + url.PathEscape(f.token())
	}
	if f.r.IntN(6) == 0 {
		path += "?" + f.query()
	}
	var body []byte
	contentType := ""
	if op.Method != http.MethodGet {
		body, contentType = f.body(op)
	}
	f.send(op.Method, path, contentType, body)
}

func (f *fuzzer) send(method, path, contentType string, body []byte) {
	lines := []string{"Accept", pick(f.r, "application/json", "application/json", "application/json", "text/html",
		"*/*", "")}
	if f.r.IntN(15) == 0 {
		lines = append(lines, pick(f.r, "Authentication-Token", "Authorization"),
			pick(f.r, "", "Bearer ")+url.QueryEscape(f.token()))
	}
	lines = append(lines, "Sec-Fetch-Site", pick(f.r, "same-origin", "same-origin", "same-origin", "none",
		"cross-site"))
	a := f.browser.Do(method, path, contentType, string(body), lines...)
	if a.Status == 0 {
		f.bad++
		return
	}
	f.sent++
	f.byStatus[a.Status]++
	if a.Status >= 500 {
		f.fail("%s %s %q -> %d %.300s", method, path, body, a.Status, a.Body)
	}
	at, err := url.Parse(path)
	if err == nil {
		err = f.doc.Check(method, at.Path, a.Status, a.Header, []byte(a.Body))
	}
	if err != nil {
		f.fail("%q\n%v", body, err)
	}
	f.remember(a.JSON)
}

func (f *fuzzer) fail(format string, a ...any) {
	f.bad++
	f.t.Errorf(format, a...)
}

// remember records issued values, for use where they are valid and where they are not.
func (f *fuzzer) remember(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			f.remember(inner)
		}
	case []any:
		for _, inner := range v {
			f.remember(inner)
		}
	case string:
		if len(v) >= 8 && len(v) <= 64 && !strings.ContainsAny(v, " /") {
			if f.seen = append(f.seen, v); len(f.seen) > 100 {
				f.seen = f.seen[1:]
			}
		}
	}
}

func (f *fuzzer) token() string {
	if len(f.seen) > 0 && f.r.IntN(2) == 0 {
		return f.seen[f.r.IntN(len(f.seen))]
	}
	return pick(f.r, "corp", "github", strings.Repeat("A", 43), "a b", "...", "%", "\x00", "ü", "{}",
		strings.Repeat("x", 2000))
}

func (f *fuzzer) query() string {
	return url.Values{
		pick(f.r, "next", "state", "code", "include_auth_token", "error", "iss", "token",
			"x"): {f.text(openapitest.Field{})},
	}.Encode()
}

// body returns a request body, mostly a valid one.
func (f *fuzzer) body(op openapitest.Operation) ([]byte, string) {
	fields := map[string]any{}
	for _, field := range op.Fields {
		if f.r.IntN(6) > 0 && !openapitest.Common(field.Name) || f.r.IntN(12) == 0 {
			fields[field.Name] = f.value(field)
		}
	}
	if f.r.IntN(30) == 0 {
		fields[pick(f.r, "is_admin", "id", "", "Code", "user")] = f.value(openapitest.Field{})
	}
	switch f.r.IntN(20) {
	case 0:
		return []byte(pick(f.r, "", "null", "[]", `"x"`, "{", `{"a":1}{}`, `{"code":"1","code":"2"}`, "\xff",
			strings.Repeat("[", 10000))), "application/json"
	case 1:
		return []byte(strings.Repeat("x", f.r.IntN(70<<10))),
			pick(f.r, "text/plain", "application/xml", "", "multipart/form-data", "application/json; charset=latin1")
	case 2, 3:
		values := url.Values{}
		for name, v := range fields {
			values.Add(name, fmt.Sprint(v))
		}
		return []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		f.t.Fatal(err)
	}
	return raw, "application/json"
}

func (f *fuzzer) value(field openapitest.Field) any {
	if f.r.IntN(12) == 0 {
		return []any{nil, true, 7, -1.5, []any{}, map[string]any{"$ne": ""}, 1e300}[f.r.IntN(7)]
	}
	if field.Type == "array" {
		return []string{pick(f.r, "read", "write", "sms", "email", "nothing", "")}
	}
	if field.Type == "boolean" {
		return f.r.IntN(2) == 0
	}
	return f.text(field)
}

func (f *fuzzer) text(field openapitest.Field) string {
	if f.r.IntN(8) == 0 {
		return pick(f.r, "", " ", "\x00", "\u202e", "é", "<b>", "' OR 1=1 --", "{{.}}", "/etc", "//evil.test",
			strings.Repeat("é", 700), "\ufffd", "💥", "%00")
	}
	if len(field.Enum) > 0 {
		return field.Enum[f.r.IntN(len(field.Enum))]
	}
	switch name := field.Name; {
	case strings.Contains(name, "password"):
		return pick(f.r, twofoldtest.Password, twofoldtest.Password, "another horse 72 battery", "short")
	case strings.Contains(name, "email"), name == "identity":
		return pick(f.r, f.email, f.email, strings.ToUpper(f.email), "nobody@example.org",
			fmt.Sprintf("new%d@example.org", f.sent), "no address")
	case strings.Contains(name, "username"):
		return pick(f.r, "somebody", "user1234", "x", "some body")
	case name == "setup", name == "which", name == "chosen_method":
		return pick(f.r, "authenticator", "sms", "email", "disable", "webauthn", "password")
	case name == "phone":
		return pick(f.r, "+16505551212", "650-555-1212", "1")
	case strings.Contains(name, "code") && f.app:
		return pick(f.r, f.k.Code(f.email), "000000", "12345")
	}
	return f.token()
}

func pick(r *rand.Rand, all ...string) string { return all[r.IntN(len(all))] }

// all returns a configuration with all features enabled.
func all() twofold.Config {
	return twofold.Config{Pages: twofold.Pages{AccountPage: true},
		TwoFactor: twofold.TwoFactor{
			LoginValidity: 24 * time.Hour, RescueEmail: true, HelpAddress: "help@example.org",
			RecoveryCodes: &twofold.RecoveryCodes{}, Recovery: true,
		},
		Passkeys: &twofold.Passkeys{FirstFactor: true, MultiFactor: true,
			Verify: []string{"first", "secondary"}, Hints: true},
		Passwordless: &twofold.Passwordless{},
		Tokens:       twofold.Tokens{Refresh: true, RefreshInBody: true, Scopes: []string{"read", "write"}},
		Accounts: twofold.Accounts{Confirmable: true, Recoverable: true, Changeable: true, ChangeEmail: true,
			ChangeUsername: true, UsernameRecovery: true, Registerable: true, Usernames: true},
	}
}
