package contract_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const (
	notUnderstood = "The request could not be understood."
	notForAPI     = "Input not appropriate for requested API"
	generic       = "Authentication failed - identity or password/passcode invalid"
)

// raw posts a body unchanged.
func (c *client) raw(path, contentType, body string) *reply {
	c.T.Helper()
	return c.do(http.MethodPost, path, body, "Content-Type", contentType, "Accept", "application/json")
}

func TestBodiesAreReadStrictly(t *testing.T) {
	s := newSite(t)
	c := s.client()
	for _, body := range []string{
		`["email"]`, `[]`, `"x"`, `null`, `7`, `{"email":`, `{"email":"a"}{}`, `{"email":"a","email":"b"}`, `{} x`,
		"{\"email\":\"\xff\"}",
	} {
		c.raw("/login", "application/json", body).refusedFlat(400, notUnderstood)
	}
	for body, field := range map[string]string{
		`{"email":7}`: "email", `{"email":["a"]}`: "email", `{"email":{}}`: "email", `{"email":true}`: "email",
		`{"password":1}`: "password",
		`{"remember":1}`: "remember", `{"remember":{}}`: "remember", `{"color":["red"]}`: "color",
		`{"color":{}}`: "color", `{"Email":"a"}`: "Email",
		`{"color":"\u0000"}`: "color", `{"email":"a\u0000"}`: "email", `{"email":"\ud800"}`: "email",
	} {
		c.raw("/login", "application/json", body).refused(400, field, notForAPI)
	}
	c.raw("/login", testkit.TypeForm, "email=a&email=b").refused(400, "email", notForAPI)
	c.raw("/login", testkit.TypeForm, "color=red&color=blue").refused(400, "color", notForAPI)
	c.raw("/login", "application/json", `{"color":"red","auth_token":"x","n":1.5}`).want(400).has("errors",
		list("Password not provided", "Email not provided"))
	c.post("/login?email=joe@lp.com&password=password", m{}).want(400).
		has("errors", list("Password not provided", "Email not provided")) // fields are read from bodies only
	c.do("POST", "/login", "", "Accept", "application/json").want(400).
		has("field_errors", m{"password": list("Password not provided"), "email": list("Email not provided")})
	c.post("/login", m{"email": nil, "password": plain}).refused(400, "email", "Email not provided")
	c.post("/login", m{"email": "JOE@LP.com ", "password": plain, "next": "/", "csrf_token": "any"}).want(200)
	c.post("/logout", m{}).want(200)
	c.raw("/login", "application/vnd.app+json; charset=utf-8", `{"identity":"matt","password":"password"}`).want(200)
}

func TestACodeIsSixDigits(t *testing.T) {
	s := newSite(t)
	_, a := s.enroll("gal2", storage.Authenticator)
	c := s.client()
	c.login("gal2").want(200)
	for range 6 { // none of them is a guess
		c.raw("/tf-validate", "application/json", `{"code":123456.0}`).refused(400, "code", notForAPI)
	}
	c.post("/tf-validate", m{"code": ""}).refused(400, "code", "This field is required.")
	code := a.next()
	// blanks and dashes may stand in it
	c.post("/tf-validate", m{"code": " " + code[:3] + "-" + code[3:] + " "}).want(200)
}

func TestLargeBodiesAndOtherTypesAreRefused(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.raw("/login", "application/json", `{"password":"`+strings.Repeat("x", 70_000)+`"}`).refusedFlat(413,
		"The request is too large.")
	c.raw("/login", "application/json", `{"email":"`+strings.Repeat("x", 2_000)+`"}`).refused(400, "email", notForAPI)
	const unsupported = "This content type is not supported."
	for _, kind := range []string{"text/plain", "application/xml", "nonsense/", "application/json; charset=latin1"} {
		c.raw("/login", kind, "email=a").refusedFlat(415, unsupported)
	}
	c.do("POST", "/login", "x", "Content-Type", "application/json", "Content-Encoding", "gzip").refusedFlat(415,
		unsupported)
}

func TestAPathAnswersOnlyItsMethods(t *testing.T) {
	s := newSite(t)
	c := s.client()
	for _, path := range []string{"/login", "/tf-validate", "/tf-setup"} {
		got, head := c.page(path), c.do("HEAD", path, "", "Accept", "text/html")
		if head.Status != got.Status || head.Body != "" || head.Header.Get("Location") != got.Header.Get("Location") {
			t.Errorf("HEAD %s: %d %q", path, head.Status, head.Body)
		}
	}
	for path, allow := range map[string]string{
		"/login": "GET, HEAD, POST", "/logout": "POST", "/tf-resend": "POST", "/tf-setup/x": "POST",
		"/tf-rescue": "GET, HEAD, POST",
	} {
		r := c.do("PUT", path, "", "Accept", "application/json").refusedFlat(405, "This method is not allowed here.")
		if got := r.Header.Get("Allow"); got != allow {
			t.Errorf("%s allows %q, want %q", path, got, allow)
		}
	}
	c.get("/logout").want(405)
	for _, later := range []string{"/register", "/change", "/reset", "/confirm", "/mf-recovery", "/mf-recovery-codes",
		"/us-signin", "/wan-signin"} {
		c.get(later).want(404)
	}
	c.page("/me").want(404)
}

func TestTheBestTypeOfAcceptDecidesOnJSON(t *testing.T) {
	s := newSite(t)
	c := s.client()
	for accept, json := range map[string]bool{
		"application/json": true, "application/json, text/html": true, "text/html;q=0.5, application/json": true,
		"": false, "*/*": false, "text/html, application/json": false, "application/vnd.x+json": false,
		"application/json;q=0": false,
	} {
		r := c.do("GET", "/login", "", "Accept", accept).want(200)
		if got := r.JSON != nil; got != json {
			t.Errorf("Accept %q: JSON %v, want %v", accept, got, json)
		}
	}
}

func TestAUserSignsInAndOut(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.get("/login").want(200).has("identity_attributes", list("email", "username"), "user", absent)
	c.loginForm("joe").to("/")
	c.login("joe").refusedFlat(400, "You can only access this endpoint when not logged in.")
	c.loginForm("joe").to("/")
	c.get("/login").want(200).has("user", m{"id": s.id("joe"), "email": "joe@lp.com"}, "identity_attributes",
		list("email", "username"))
	c.page("/login").to("/")
	for range 2 { // of no one, too
		if r := c.post("/logout", m{}).want(200); len(r.JSON) != 0 {
			t.Errorf("logout says %s", r.Body)
		}
		c.stranger()
	}
	plainSite := anotherSite(t, func(c *twofold.Config) { c.Accounts.Usernames = false })
	plainSite.client().get("/login").want(200).has("identity_attributes", list("email"))
	plainSite.client().post("/login", m{"username": "matt", "password": plain}).refused(400, "email",
		"Email not provided")
}

func TestAWrongIdentityLooksLikeAWrongPassword(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.Accounts.RevealAccounts = false })
	for _, body := range []m{
		{"email": "nobody@lp.com", "password": plain}, {"email": "joe@lp.com", "password": "x"},
		{"email": "not an address", "password": "x"},
		{"email": "jess@lp.com", "password": plain}, {"email": "tiya@lp.com", "password": "x"},
		{"username": "nobody", "password": "x"},
	} {
		s.client().post("/login", body).refused(400, "", generic)
	}
	s.client().form("/login", "email", "nobody@lp.com", "password", "x").shows(generic)
	s.client().login("tiya").refused(400, "email", "Account is disabled.") // told to callers who know the password
}

func TestCookiesAreRandomAndEndOnTheServer(t *testing.T) {
	s := newSite(t, trusting)
	s.enroll("gal", storage.SMS)
	c := s.client()
	c.login("gal", "remember", true).want(200)
	pending := c.Set["twofold-pending"]
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	for _, k := range []*http.Cookie{pending, c.Set["twofold"]} {
		if len(k.Value) != 43 || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.MaxAge != 0 ||
			k.Domain != "" {
			t.Errorf("cookie: %s", k.Raw)
		}
	}
	if _, ok := c.Jar["twofold-pending"]; ok {
		t.Error("the pending cookie is left")
	}
	if _, ok := c.Jar["remember_token"]; ok {
		t.Error("a remember_token was set")
	}
	s.Advance(11 * time.Second)
	back := s.client() // what is over on the server is over, whatever a browser kept
	back.Jar["twofold-pending"] = pending.Value
	back.post("/tf-validate", m{"code": s.code(phone)}).refused(400, "", denied)
	session := c.Jar["twofold"]
	c.logout()
	c.Jar["twofold"] = session
	c.stranger()
}

func TestCookiesAreSecureOverHTTPS(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.Origin = "https://example.org" })
	serve := func(host, cookie string) *http.Response {
		r := httptest.NewRequest("POST", "/login", strings.NewReader(`{"email":"joe@lp.com","password":"password"}`))
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		s.Auth.ServeHTTP(w, r)
		return w.Result()
	}
	r := serve("example.org", "")
	names := map[string]bool{}
	for _, k := range r.Cookies() {
		names[k.Name] = true
		if !k.Secure || !k.HttpOnly || k.Path != "/" || k.Domain != "" {
			t.Errorf("cookie: %s", k.Raw)
		}
	}
	if !names["__Host-twofold"] || !names["__Host-twofold-csrf"] || !names["__Host-twofold-known"] || len(names) != 3 {
		t.Errorf("cookies: %v", names)
	}
	if r.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
	if got := serve("evil.example", "").StatusCode; got != http.StatusMisdirectedRequest {
		t.Errorf("another host's request: %d", got)
	}
}

func TestEveryAnswerHasItsSecurityHeaders(t *testing.T) {
	s := newSite(t)
	c := s.client()
	for _, r := range []*reply{c.page("/login"), c.get("/login"), c.page("/tf-validate"), c.get("/profile"),
		c.login("joe")} {
		for name, want := range map[string]string{
			"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "same-origin",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if !strings.Contains(r.Header.Get("Vary"), "Cookie") || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("Vary %q, policy %q", r.Header.Get("Vary"), r.Header.Get("Content-Security-Policy"))
		}
	}
}
