package twofoldtest

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/totp"
)

// Browser is a client with cookies of its own. It follows no redirect.
type Browser struct {
	k      *Kit
	jar    *cookiejar.Jar
	http   *http.Client
	header http.Header       // sent with every request, e.g. the tokens of a program
	handed map[string]string // everything that it received, by kind
}

// Answer is the response to a request.
type Answer struct {
	Status   int
	Header   http.Header
	Body     string
	Response map[string]any // "response" of the JSON envelope, if there is one
}

// NewBrowser returns a new browser without cookies.
func (k *Kit) NewBrowser() *Browser {
	k.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	return &Browser{k: k, jar: jar, handed: map[string]string{}, http: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Get requests a path as JSON.
func (b *Browser) Get(path string) Answer {
	b.k.t.Helper()
	return b.do(http.MethodGet, path, nil, nil)
}

// Page requests a path as a page.
func (b *Browser) Page(path string) Answer {
	b.k.t.Helper()
	return b.do(http.MethodGet, path, nil, http.Header{"Accept": {"text/html"}})
}

// Post posts fields as JSON. If fields is nil, the body is empty.
func (b *Browser) Post(path string, fields map[string]any) Answer {
	b.k.t.Helper()
	if fields == nil {
		return b.do(http.MethodPost, path, nil, http.Header{"Content-Type": {"application/json"}})
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		b.k.t.Fatal(err)
	}
	return b.do(http.MethodPost, path, raw, http.Header{"Content-Type": {"application/json"}})
}

// Form posts fields like the form of a page.
func (b *Browser) Form(path string, fields url.Values) Answer {
	b.k.t.Helper()
	return b.do(http.MethodPost, path, []byte(fields.Encode()), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"},
	})
}

// do sends a request. Without an Accept header it requests JSON.
func (b *Browser) do(method, path string, body []byte, header http.Header) Answer {
	b.k.t.Helper()
	r, err := http.NewRequest(method, b.k.URL+path, bytes.NewReader(body))
	if err != nil {
		b.k.t.Fatal(err)
	}
	for _, h := range []http.Header{b.header, header} {
		for name, values := range h {
			r.Header[name] = values
		}
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.k.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.k.t.Fatal(err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
	var envelope struct{ Response map[string]any }
	if json.Unmarshal(text, &envelope) == nil {
		a.Response = envelope.Response
	}
	b.keep(r, resp, a)
	return a
}

// keep records everything that the browser received, so that NoSideDoor can present it in wrong
// places.
func (b *Browser) keep(r *http.Request, resp *http.Response, a Answer) {
	for _, c := range resp.Cookies() {
		if c.Value != "" {
			b.handed["cookie "+c.Name] = c.Value
		}
		b.k.seeCookie(r.URL.Path, c.Name)
	}
	var look func(name string, v any)
	look = func(name string, v any) {
		switch v := v.(type) {
		case string:
			if len(v) >= 6 && len(v) <= 2048 && !strings.ContainsAny(v, " \t\n;,\"\\") {
				b.handed["answer "+name] = v
			}
		case map[string]any:
			for field, v := range v {
				look(field, v)
			}
		case []any:
			for i, v := range v {
				look(fmt.Sprint(name, " ", i), v)
			}
		}
	}
	look("", a.Response)
	b.k.sawSuccess(r, a)
}

// Cookies returns the browser's cookies by name.
func (b *Browser) Cookies() map[string]string {
	u, err := url.Parse(b.k.URL)
	if err != nil {
		b.k.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range b.jar.Cookies(u) {
		out[c.Name] = c.Value
	}
	return out
}

// Plant adds a cookie to the browser.
func (b *Browser) Plant(name, value string) {
	u, err := url.Parse(b.k.URL)
	if err != nil {
		b.k.t.Fatal(err)
	}
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// giveBack restores the cookies that were removed. It does not overwrite renewed ones.
func (b *Browser) giveBack(cookies map[string]string) {
	has := b.Cookies()
	for name, value := range cookies {
		if _, ok := has[name]; !ok {
			b.Plant(name, value)
		}
	}
}

// app is a user's authenticator app.
type app struct{ secret []byte }

// code returns the app's code of a new time step. It moves the clock, because each step is accepted
// only once.
func (k *Kit) code(a *app) string {
	k.Clock.Move(totp.Period * time.Second)
	return totp.Code(totp.SHA1, a.secret, totp.Step(k.Clock.Now()), totp.Size)
}

func (k *Kit) appOf(email string) *app {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.apps[email]
}

// Code returns the next code of a user's authenticator app. It moves the clock by one step.
func (k *Kit) Code(email string) string {
	k.t.Helper()
	a := k.appOf(email)
	if a == nil {
		k.t.Fatalf("%s has no app: LoginAs(%q, 2) sets one up", email, email)
	}
	return k.code(a)
}

func (b *Browser) must(what string, a Answer) Answer {
	b.k.t.Helper()
	if a.Status != http.StatusOK {
		b.k.t.Fatalf("%s: %d %s", what, a.Status, a.Body)
	}
	return a
}

// LoginAs returns a browser in which the user is signed in with a level: 1 with the password, 2
// also with an authenticator app. It creates the account and the app if they do not exist, and
// signs in over HTTP like a user.
func (k *Kit) LoginAs(email string, level int, roles ...string) *Browser {
	k.t.Helper()
	k.User(email, roles...)
	b := k.NewBrowser()
	a := b.must("sign in", b.enter(email, Password, "", nil))
	if a.Response["tf_state"] == "ready" && k.appOf(email) != nil {
		return b.must2(email)
	}
	if a.Response["tf_state"] == "ready" { // the mailbox must be proven before a set-up
		b.must("mailbox", b.Post(k.at("/tf-validate"), map[string]any{"code": k.Mail.Code(k.t, email)}))
	}
	if level < 2 && a.Response["tf_required"] == false {
		return b
	}
	b.setUpApp(email, nil)
	return b
}

// typed returns the fields of the sign-in page for an identity and a password.
func (k *Kit) typed(email, password string) map[string]any {
	if u := k.config.Passwordless; u != nil && u.ReplacesLogin {
		return map[string]any{"identity": email, "passcode": password}
	}
	return map[string]any{"email": email, "password": password}
}

// enter proves the first factor at the sign-in page: with the password, or with the mailed link
// that replaces it.
func (b *Browser) enter(email, password, query string, more map[string]any) Answer {
	k := b.k
	k.t.Helper()
	if k.config.Accounts.MagicLink {
		return b.Post(b.loginLink(email)+query, more)
	}
	body := k.typed(email, password)
	maps.Copy(body, more)
	return b.Post(k.at("/login")+query, body)
}

// setUpApp sets up an authenticator app.
func (b *Browser) setUpApp(email string, more map[string]any) {
	k := b.k
	k.t.Helper()
	wish := map[string]any{"setup": "authenticator"}
	maps.Copy(wish, more)
	started := b.Post(k.at("/tf-setup"), wish)
	if started.Response["email_proof_required"] == true { // the application's table does not confirm the address
		b.must("prove the address", b.Post(k.at("/tf-validate"), map[string]any{"code": k.Mail.Code(k.t, email)}))
		started = b.Post(k.at("/tf-setup"), wish)
	}
	b.must("set up", started)
	secret := k.secretOf(started.Response["tf_authr_b32key"])
	k.mu.Lock()
	k.apps[email] = &app{secret}
	k.mu.Unlock()
	path := k.at("/tf-validate")
	if token, ok := started.Response["tf_state_token"].(string); ok {
		path = k.at("/tf-setup") + "/" + token
	}
	b.must("confirm", b.Post(path, map[string]any{"code": k.Code(email)}))
}

func (b *Browser) must2(email string) *Browser {
	b.k.t.Helper()
	b.must("second factor", b.Post(b.k.at("/tf-validate"), map[string]any{"code": b.k.Code(email)}))
	return b
}

// secretOf decodes an app's secret from an answer.
func (k *Kit) secretOf(answer any) []byte {
	k.t.Helper()
	key, _ := answer.(string)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		k.t.Fatal(err)
	}
	return secret
}
