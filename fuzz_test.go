package twofold_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// FuzzHandler checks that every request is answered with the envelope, a page, a file, or a
// redirect to one of them; never with a server error (no message is sent here, so none can fail) or
// a session.
func FuzzHandler(f *testing.F) {
	auth := fuzzed(f)
	for _, path := range auth.Paths() {
		path = strings.ReplaceAll(path, "{token}", "AAAA")
		f.Add("GET", path, "", "", "", "", "")
		f.Add("POST", path, "application/json", `{"email":"a@x.t","password":"wrong","remember":true}`,
			"twofold=x; twofold-pending=y; tf_validity=a.b", "x", "de")
		f.Add("POST", path, "application/x-www-form-urlencoded",
			"code=123456&setup=sms&phone=%2B16505551212&which=sms&help_setup=email&next=//e.t", "", "", "fr;q=0.5, *")
	}
	for _, s := range [][3]string{
		{"application/json", `[]`, "/login"}, {"application/json", `{"email":{},"password":[]}`, "/login"},
		{"application/json", `{"email":"a","email":"b"}`, "/login"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n--b--",
			"/login"},
		{"application/json; charset=utf-16", "{}", "/verify"}, {"text/xml", "<x/>", "/tf-setup"},
		{"application/json", "\xff", "//login"},
		{"application/json", `{"email":"n@x.t","password":"another horse 72","password_confirm":"another horse 72"}`,
			"/register"},
		{"", "", "/login?next=%ZZ&include_auth_token"}, {"", "", "/tf-static/../../app.key"},
		{"", "", "/tf-not-me/%00"}, {"", "", "http://e.t/login"}, {"", "", "*"},
	} {
		f.Add("POST", s[2], s[0], s[1], "", "", "")
		f.Add("GET", s[2], s[0], s[1], strings.Repeat("a=b; ", 500), strings.Repeat("t", 43), "")
	}
	f.Fuzz(func(t *testing.T, method, path, contentType, body, cookie, token, language string) {
		var raw bytes.Buffer
		raw.WriteString(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n")
		for name, value := range map[string]string{"Content-Type": contentType, "Cookie": cookie,
			"Authentication-Token": token, "Accept-Language": language} {
			if value != "" {
				raw.WriteString(name + ": " + value + "\r\n")
			}
		}
		raw.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
		r, err := http.ReadRequest(bufio.NewReader(&raw))
		if err != nil {
			return // the server answers that itself
		}
		r.RemoteAddr = "192.0.2.1:1234"
		w := httptest.NewRecorder()
		auth.ServeHTTP(w, r)
		checkAnswer(t, r, w.Result(), w.Body.Bytes())
	})
}

func fuzzed(f *testing.F) *twofold.Auth {
	f.Helper()
	db, err := sqlite.Open(f.Context(), filepath.Join(f.TempDir(), "app.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	auth, err := twofold.New(twofold.Config{
		Origin: "http://localhost", Key: twofold.KeyText(twofold.NewKey()), Store: db,
		Advanced: twofold.Advanced{Now: func() time.Time { return now }},
		Accounts: twofold.Accounts{Registerable: true, Usernames: true}, Pages: twofold.Pages{AccountPage: true},
		TwoFactor: twofold.TwoFactor{Required: true, LoginValidity: time.Hour},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(background.Start(auth))
	if _, err := auth.CreateUser(context.Background(),
		twofold.NewUser{Email: "a@x.t", Username: "alice", Password: "correct horse 71 battery"}); err != nil {
		f.Fatal(err)
	}
	return auth
}

func checkAnswer(t *testing.T, r *http.Request, a *http.Response, body []byte) {
	t.Helper()
	if a.StatusCode >= 500 || a.StatusCode < 200 {
		t.Fatalf("%s %s: %d %s", r.Method, r.URL, a.StatusCode, body)
	}
	for _, c := range a.Cookies() {
		if c.Name == "twofold" && c.Value != "" || c.Name == "tf_validity" && c.Value != "" {
			t.Fatalf("%s %s: gives away %s", r.Method, r.URL, c.Name)
		}
	}
	if n := len(a.Header.Values("Set-Cookie")); n != len(a.Cookies()) {
		t.Fatalf("%s %s: %d cookies, %d of them legible", r.Method, r.URL, n, len(a.Cookies()))
	}
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	switch {
	case a.StatusCode/100 == 3:
		to, err := url.Parse(a.Header.Get("Location"))
		if err != nil || to.Host != "" || to.Scheme != "" || !strings.HasPrefix(to.Path, "/") ||
			strings.HasPrefix(to.Path, "//") {
			t.Fatalf("%s %s: leads to %q", r.Method, r.URL, a.Header.Get("Location"))
		}
	case media == "application/json":
		var e struct {
			Meta     struct{ Code int }
			Response map[string]any
		}
		if err := json.Unmarshal(body, &e); err != nil || e.Meta.Code != a.StatusCode || e.Response == nil {
			t.Fatalf("%s %s: %d, no envelope: %s", r.Method, r.URL, a.StatusCode, body)
		}
	case media == "text/html":
		if !bytes.HasPrefix(bytes.ToLower(body), []byte("<!doctype html>")) ||
			!bytes.Contains(body, []byte("</html>")) {
			t.Fatalf("%s %s: half a page: %s", r.Method, r.URL, body)
		}
	case !strings.HasPrefix(r.URL.Path, "/tf-static/"):
		t.Fatalf("%s %s: %d %q: %.200s", r.Method, r.URL, a.StatusCode, media, body)
	}
}
