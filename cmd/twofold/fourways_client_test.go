package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// The three kinds of clients: a program that uses JSON, a browser with forms, and a browser whose
// forms have no origin, so that only their csrf_token authenticates them.
const (
	byJSON    = "json"
	byBrowser = "browser"
	byToken   = "token"
)

var allWays = []string{byJSON, byBrowser, byToken}

// visitor is one browser or program with its own cookies.
type visitor struct {
	t     *testing.T
	s     *site
	way   string
	jar   *http.Client
	last  map[string]*http.Cookie // as they were last set
	at    string                  // the address of the page that is shown
	page  string                  // its HTML
	state string                  // the state token of a set-up that was started with JSON
}

func (s *site) visitor(t *testing.T, way string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, s: s, way: way, last: map[string]*http.Cookie{}, jar: &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is a response with its body.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	data   map[string]any // "response" of the envelope
}

// send makes one request. The header lines come in pairs.
func (v *visitor) send(method, path, body string, header ...string) *reply {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.s.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := v.jar.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		v.last[c.Name] = c
	}
	return &reply{t: v.t, status: answer.StatusCode, header: answer.Header, body: string(raw)}
}

// want ends the test unless the response has this status.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d (to %q)\n%s", r.status, status, r.header.Get("Location"), r.body)
	}
	return r
}

// is ends the test unless the keys of a JSON answer have these values. Nil means that a key is null
// or missing.
func (r *reply) is(pairs ...any) *reply {
	r.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, _ := pairs[i].(string); !reflect.DeepEqual(r.data[name], pairs[i+1]) {
			r.t.Fatalf("%s is %#v, want %#v\n%s", name, r.data[name], pairs[i+1], r.body)
		}
	}
	return r
}

// text returns a string in a JSON answer.
func (r *reply) text(name string) string {
	r.t.Helper()
	s, ok := r.data[name].(string)
	if !ok {
		r.t.Fatalf("%s is not a string: %s", name, r.body)
	}
	return s
}

// call sends JSON as a program does and reads the envelope.
func (v *visitor) call(method, path string, body any) *reply {
	v.t.Helper()
	raw, header := "", []string{"Accept", "application/json"}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			v.t.Fatal(err)
		}
		raw, header = string(b), append(header, "Content-Type", "application/json")
	}
	r := v.send(method, path, raw, header...)
	var envelope struct {
		Meta     struct{ Code int }
		Response map[string]any
	}
	if err := json.Unmarshal([]byte(r.body), &envelope); err != nil || envelope.Meta.Code != r.status ||
		r.header.Get("Content-Type") != "application/json" {
		v.t.Fatalf("%s %s: no envelope (%v): %d %s\n%s", method, path, err, r.status, r.header.Get("Content-Type"),
			r.body)
	}
	r.data = envelope.Response
	return r
}

const html5 = "text/html,application/xhtml+xml,*/*;q=0.8"

// open opens a page as a bookmark does.
func (v *visitor) open(path string) {
	v.t.Helper()
	v.at = path
	v.follow(v.send("GET", path, "", "Accept", html5))
}

// follow follows all redirects of an answer.
func (v *visitor) follow(r *reply) {
	v.t.Helper()
	for range 5 {
		if r.status != http.StatusSeeOther && r.status != http.StatusFound {
			break
		}
		to := r.header.Get("Location")
		if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
			v.t.Fatalf("%s leads to %q, which is not a path of this origin", v.at, to)
		}
		v.at = to
		r = v.send("GET", to, "", "Accept", html5)
	}
	v.page = r.want(http.StatusOK).body
	if !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		v.t.Fatalf("%s is not a page: %s", v.at, r.header.Get("Content-Type"))
	}
}

// where returns the path of the current page.
func (v *visitor) where() string {
	path, _, _ := strings.Cut(v.at, "?")
	return path
}

// says reports whether the page contains a text.
func (v *visitor) says(text string) bool { return strings.Contains(html.UnescapeString(v.page), text) }

func (v *visitor) must(path string, texts ...string) {
	v.t.Helper()
	for _, text := range append(texts, "") {
		if v.where() != path || !v.says(text) {
			v.t.Fatalf("at %s, want %s and %q:\n%s", v.at, path, text, v.page)
		}
	}
}

var (
	aForm      = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)"[^>]*>(.*?)</form>`)
	anInput    = regexp.MustCompile(`<input [^>]*>`)
	attributes = regexp.MustCompile(` ([a-z-]+)(?:="([^"]*)")?`)
)

// submit fills in the first form of the page that contains a mark, and sends all its fields as a
// browser would: hidden, checked and empty ones.
func (v *visitor) submit(mark string, pairs ...string) {
	v.t.Helper()
	for _, f := range aForm.FindAllStringSubmatch(v.page, -1) {
		if !strings.Contains(f[0], mark) {
			continue
		}
		values, offered := url.Values{}, map[string]bool{}
		for _, input := range anInput.FindAllString(f[2], -1) {
			a := map[string]string{}
			for _, m := range attributes.FindAllStringSubmatch(input, -1) {
				a[m[1]] = html.UnescapeString(m[2])
			}
			offered[a["name"]] = true
			if _, on := a["checked"]; on || a["type"] != "radio" && a["type"] != "checkbox" {
				values.Set(a["name"], a["value"])
			}
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			if !offered[pairs[i]] {
				v.t.Fatalf("the form at %s has no field %s:\n%s", v.at, pairs[i], f[0])
			}
			values.Set(pairs[i], pairs[i+1])
		}
		if values.Get("csrf_token") == "" {
			v.t.Fatalf("the form at %s has no csrf_token:\n%s", v.at, f[0])
		}
		v.post(html.UnescapeString(f[1]), values)
		return
	}
	v.t.Fatalf("no form with %s at %s:\n%s", mark, v.at, v.page)
}

func (v *visitor) post(path string, values url.Values) {
	v.t.Helper()
	header := []string{"Accept", html5, "Content-Type", "application/x-www-form-urlencoded"}
	if v.way == byBrowser {
		header = append(header, "Origin", v.s.url)
	}
	v.at = path
	v.follow(v.send("POST", path, values.Encode(), header...))
}

// second is a user's second factor.
type second struct {
	method, to string
	app        *app
}

// code returns the correct code: the app's current one, or the one sent last.
func (v *visitor) code(f *second) string {
	v.t.Helper()
	code := ""
	switch f.method {
	case "authenticator":
		code = f.app.next()
	case "sms":
		for _, text := range v.s.sms.Texts() {
			if text.To == f.to && text.From == smsSender {
				code = testkit.Code(text.Body)
			}
		}
	default:
		for _, m := range v.s.mails(f.to, " code") {
			code = testkit.Code(m.Text)
		}
	}
	if code == "" {
		v.t.Fatalf("no code by %s to %s", f.method, f.to)
	}
	v.s.secret(code)
	return code
}

// wrong returns a code that is not valid now.
func (v *visitor) wrong(f *second) string {
	v.t.Helper()
	var right []string
	if f.app == nil {
		right = []string{v.code(f)}
	} else {
		for step := f.app.step(0) - 2; step <= f.app.step(0)+2; step++ {
			right = append(right, f.app.At(step))
		}
	}
	for n := range len(right) + 1 {
		if code := fmt.Sprintf("%06d", n); !slices.Contains(right, code) {
			return code
		}
	}
	panic("every code is valid")
}

// app is an authenticator app.
type app struct {
	testkit.App
	last int64 // the newest step that was shown
}

func newApp(t *testing.T, key string) *app {
	t.Helper()
	a := &app{App: testkit.ReadApp(t, strings.ReplaceAll(key, "-", ""))}
	if len(a.App) < 20 {
		t.Fatalf("%q is too short for a secret", key)
	}
	return a
}

// step returns the RFC 6238 step at a time relative to now.
func (*app) step(in time.Duration) int64 { return time.Now().Add(in).Unix() / 30 }

// next returns the code of an unused step: the one before, this one or the next one. If all are
// used, it waits. A step that ends within two seconds counts as ended, so that the code is still
// valid when it arrives.
func (a *app) next() string {
	want := max(a.last+1, a.step(2*time.Second)-1)
	for a.step(0)+1 < want {
		time.Sleep(50 * time.Millisecond)
	}
	a.last = want
	return a.At(want)
}

// cookieNames returns the names of the cookies that this visitor sends.
func (v *visitor) cookieNames() []string {
	u, err := url.Parse(v.s.url)
	if err != nil {
		v.t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range v.jar.Jar.Cookies(u) {
		names[c.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}
