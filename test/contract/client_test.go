package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/send"
)

// client is a browser or program with its own cookies, which end by the clock of the site.
type client struct {
	*testkit.Browser
	s *site
}

func (s *site) client() *client {
	b := s.NewBrowser()
	b.Origin, b.Bare, b.Clock = s.Origin, true, s.Clock
	return &client{b, s}
}

// reply is a response with its body.
type reply struct{ *testkit.Answer }

// do sends a request. The header lines come in pairs.
func (c *client) do(method, path, body string, pairs ...string) *reply {
	c.T.Helper()
	r := &reply{c.Do(method, path, "", body, pairs...)}
	if r.Status == 0 {
		c.T.FailNow()
	}
	r.envelope(path)
	return r
}

// envelope checks the fields that every JSON answer has.
func (r *reply) envelope(path string) {
	r.T.Helper()
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return
	}
	var e struct {
		Meta     struct{ Code int }
		Response m
	}
	dec := json.NewDecoder(strings.NewReader(r.Body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		r.T.Fatalf("%s: no envelope: %v\n%s", path, err, r.Body)
	}
	r.JSON = e.Response
	for what, ok := range map[string]bool{
		"type is exactly application/json": r.Header.Get("Content-Type") == "application/json",
		"meta.code is the status":          e.Meta.Code == r.Status,
		"ends with one line feed":          strings.Count(r.Body, "\n") == 1 && strings.HasSuffix(r.Body, "\n"),
		"ASCII only":                       strings.IndexFunc(r.Body, func(c rune) bool { return c > 126 }) < 0,
		"not cached":                       r.Header.Get("Cache-Control") == "private, no-store",
	} {
		if !ok {
			r.T.Errorf("%s: not so: %s\n%s", path, what, r.Body)
		}
	}
	_, token := e.Response["csrf_token"]
	_, errs := e.Response["errors"].([]any)
	success := r.Status == http.StatusOK && !strings.HasPrefix(path, "/refresh-token") // which is for programs alone
	if success != token && len(e.Response) > 0 {
		r.T.Errorf("%s: csrf_token stands on every success and on no error: %s", path, r.Body)
	}
	if r.Status >= 400 && !errs {
		r.T.Errorf("%s: an error without errors: %s", path, r.Body)
	}
}

// get requests JSON, and page requests a page.
func (c *client) get(path string) *reply {
	c.T.Helper()
	return c.do(http.MethodGet, path, "", "Accept", "application/json")
}

func (c *client) page(path string) *reply {
	c.T.Helper()
	return c.do(http.MethodGet, path, "", "Accept", "text/html,*/*;q=0.8")
}

// post sends JSON as a program does, without an origin.
func (c *client) post(path string, body any) *reply {
	c.T.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.T.Fatal(err)
	}
	return c.do(http.MethodPost, path, string(raw), "Content-Type", testkit.TypeJSON, "Accept", testkit.TypeJSON)
}

// form posts as a browser does. bareForm posts without an origin.
func (c *client) form(path string, pairs ...string) *reply {
	c.T.Helper()
	return c.shown(path, c.do(http.MethodPost, path, testkit.Fields(pairs), "Content-Type", testkit.TypeForm, "Accept",
		"text/html", "Origin", c.s.Origin))
}

func (c *client) bareForm(path string, pairs ...string) *reply {
	c.T.Helper()
	return c.shown(path, c.do(http.MethodPost, path, testkit.Fields(pairs), "Content-Type", testkit.TypeForm, "Accept",
		"text/html"))
}

// shown follows the redirect of a refused form to the page with the error, and that of an
// enrollment to the page that asks for its code.
func (c *client) shown(path string, r *reply) *reply {
	c.T.Helper()
	to := r.Header.Get("Location")
	_, refused := c.Jar["twofold-refused"]
	begun := path == "/tf-setup" && strings.HasPrefix(to, "/tf-validate") ||
		path == "/us-setup" && strings.HasPrefix(to, "/us-setup/")
	if r.Status != http.StatusSeeOther || !refused && !begun {
		return r
	}
	return c.page(to)
}

// texts holds English texts of the contract and the texts that pages show instead.
var texts = sync.OnceValues(func() (map[string]string, error) {
	files, _ := filepath.Glob("../../*/locales/en.json")
	more, _ := filepath.Glob("../../internal/*/locales/en.json")
	out, all := map[string]string{}, map[string]any{}
	for _, file := range append(files, more...) {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(raw, &all)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no texts found")
	}
	for key, said := range all {
		contract, ok := all[strings.TrimPrefix(key, "page_")].(string)
		if text, isText := said.(string); ok && isText && strings.HasPrefix(key, "page_") {
			out[contract] = text
		}
	}
	return out, nil
})

// says reports whether a page contains a text of the contract, or the text that pages show instead.
func (r *reply) says(text string) bool {
	r.T.Helper()
	if strings.Contains(r.text(), text) {
		return true
	}
	all, err := texts()
	if err != nil {
		r.T.Fatal(err)
	}
	for contract, page := range all {
		pattern := "^" + placeholders.ReplaceAllString(regexp.QuoteMeta(strings.TrimSpace(contract)), ".*") + "$"
		if ok, _ := regexp.MatchString(pattern, text); !ok && !strings.Contains(contract, text) {
			continue
		}
		pattern = placeholders.ReplaceAllString(regexp.QuoteMeta(page), ".*")
		if ok, _ := regexp.MatchString(pattern, r.text()); ok {
			return true
		}
	}
	return false
}

var placeholders = regexp.MustCompile(`\\\{\\\{\\\.[a-zA-Z]+\\\}\\\}`)

// text returns the text of a page as a person reads it.
func (r *reply) text() string { return html.UnescapeString(isolation.Replace(r.Body)) }

// isolation matches markup that isolates the text direction of user input.
var isolation = strings.NewReplacer("<bdi>", "", "</bdi>", "")

// want ends the test unless the response has this status.
func (r *reply) want(status int) *reply {
	r.T.Helper()
	if r.Status != status {
		r.T.Fatalf("status %d, want %d (to %q)\n%s", r.Status, status, r.Header.Get("Location"), r.Body)
	}
	return r
}

// has checks keys of a JSON answer, given as name, value, name, value. Absent means that the key
// must be missing.
func (r *reply) has(pairs ...any) *reply {
	r.T.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i].(string)
		got, there := r.JSON[name]
		switch want := pairs[i+1]; {
		case want == absent && there:
			r.T.Errorf("%s is there: %v\n%s", name, got, r.Body)
		case want != absent && (!there || !reflect.DeepEqual(got, want)):
			r.T.Errorf("%s is %#v, want %#v\n%s", name, got, want, r.Body)
		}
	}
	return r
}

type nothing struct{}

var absent any = nothing{}

// list returns the decoded form of a JSON array of strings.
func list(s ...string) any {
	out := make([]any, len(s))
	for i, v := range s {
		out[i] = v
	}
	return out
}

// refused checks that a JSON answer has the error in both of its places.
func (r *reply) refused(status int, field, text string) *reply {
	r.T.Helper()
	r.want(status).has("errors", list(text), "field_errors", m{field: list(text)}, "user", absent)
	return r
}

// refusedFlat checks a JSON error that does not belong to a form.
func (r *reply) refusedFlat(status int, text string) *reply {
	r.T.Helper()
	return r.want(status).has("errors", list(text), "field_errors", absent, "user", absent)
}

// to ends the test unless the answer redirects there.
func (r *reply) to(path string) *reply {
	r.T.Helper()
	if got := r.want(http.StatusSeeOther).Header.Get("Location"); got != path {
		r.T.Fatalf("leads to %q, want %q", got, path)
	}
	return r
}

// shows ends the test unless a page (status 200) contains all texts.
func (r *reply) shows(texts ...string) *reply {
	r.T.Helper()
	r.want(http.StatusOK)
	for _, s := range texts {
		if !r.says(s) {
			r.T.Fatalf("page lacks %q:\n%s", s, r.text())
		}
	}
	return r
}

// hides checks that a page contains none of the texts.
func (r *reply) hides(texts ...string) *reply {
	r.T.Helper()
	for _, s := range texts {
		if strings.Contains(r.text(), s) {
			r.T.Errorf("page shows %q:\n%s", s, r.text())
		}
	}
	return r
}

// login signs in with JSON, loginForm as a browser does.
func (c *client) login(user string, pairs ...any) *reply {
	c.T.Helper()
	body := m{"email": user + "@lp.com", "password": plain}
	for i := 0; i+1 < len(pairs); i += 2 {
		body[pairs[i].(string)] = pairs[i+1]
	}
	return c.post("/login", body)
}

func (c *client) loginForm(user string, pairs ...string) *reply {
	c.T.Helper()
	return c.form("/login", append([]string{"email", user + "@lp.com", "password", plain}, pairs...)...)
}

func (c *client) logout() {
	c.T.Helper()
	c.form("/logout").to("/")
}

// signedIn checks which user the application behind the guards sees.
func (c *client) signedIn(user string, level int) {
	c.T.Helper()
	c.page("/profile").shows(fmt.Sprintf("signed in as %s@lp.com level %d", user, level))
}

func (c *client) stranger() {
	c.T.Helper()
	c.get("/profile").refusedFlat(401, "You must sign in to view this resource.")
}

// letter returns the newest message with a code to an address or number. It skips notices.
func (s *site) letter(to string) send.Message {
	s.T.Helper()
	list := s.mails(to)
	if len(list) == 0 {
		s.T.Fatalf("no code was sent to %s", to)
	}
	return list[len(list)-1]
}

func (s *site) mails(to string) []send.Message {
	sink := s.Mail
	if strings.HasPrefix(to, "+") {
		sink = s.SMS
	}
	return slices.DeleteFunc(sink.To(to), func(l send.Message) bool { return l.Kind != "two_factor_code" })
}

// code returns the code in the newest message to an address or number.
func (s *site) code(to string) string {
	s.T.Helper()
	return testkit.Code(s.letter(to).Text)
}

// wrong returns a code that differs from the given one.
func wrong(code string) string {
	return fmt.Sprintf("%c", '0'+(code[0]-'0'+1)%10) + code[1:]
}

// shownKey returns the key of an app as its page shows it, in groups.
func shownKey(page string) string {
	var key strings.Builder
	for _, group := range regexp.MustCompile(`<span>([A-Z2-7]{4})</span>`).FindAllStringSubmatch(page, -1) {
		key.WriteString(group[1])
	}
	return key.String()
}

// guesses returns five different codes that differ from the given one.
func guesses(code string) []string {
	var out []string
	for guess := wrong(code); len(out) < 5; guess = wrong(guess) {
		out = append(out, guess)
	}
	return out
}

// enroll adds a second factor as the user would, in a separate browser that stays signed in. The
// app is nil for other methods.
func (s *site) enroll(user, method string) (*client, *app) {
	s.T.Helper()
	c := s.client()
	required := c.login(user).want(200).JSON["tf_required"] == true
	begun := c.post("/tf-setup", m{"setup": method, "phone": phone}).want(200)
	var a *app
	var code string
	switch method {
	case storage.Authenticator:
		a = s.app(begun.Text("tf_authr_b32key"))
		code = a.next()
	case storage.SMS:
		code = s.code(phone)
	default:
		code = s.code(user + "@lp.com")
	}
	if required {
		c.post("/tf-validate", m{"code": code}).want(200)
	} else {
		c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": code}).want(200)
	}
	s.Advance(30 * time.Second) // another code may be sent now
	return c, a
}

// eventually waits for an effect that may come after the answer to a request.
func (s *site) eventually(what string, ok func() bool) {
	s.T.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.T.Fatalf("did not happen: %s", what)
}
