package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// newSPA serves the single-page example in front of the package.
func newSPA(t *testing.T, change ...func(*twofold.Config)) *library {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	s := newLibrary(t, append([]func(*twofold.Config){func(c *twofold.Config) {
		c.Origin = "http://" + server.Listener.Addr().String()
	}}, change...)...)
	s.address = "http://" + server.Listener.Addr().String()
	files := os.DirFS("../../examples/spa")
	mux := http.NewServeMux()
	s.auth.Mount(mux)
	mux.Handle("GET /static/", http.FileServerFS(files))
	mux.Handle("GET /api/secret",
		s.auth.RequireTwoFactor(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"secret": "the secret itself"}`))
		})))
	for _, path := range []string{"/{$}", "/confirm/{token}", "/reset/{token}"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy",
				"default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
			http.ServeFileFS(w, r, files, "static/index.html")
		})
	}
	server.Config.Handler = mux
	server.Config.ReadHeaderTimeout = patience
	server.Start()
	return s
}

// soon waits for a text, because only the text shows that an answer arrived.
func (b *tab) soon(words string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		// Between two pages, there is no text.
		if text, err := ask[string](b, `document.body ? document.body.innerText : ""`); err == nil &&
			strings.Contains(text, words) {
			return
		}
	}
	b.t.Fatalf("the page does not come to say %q:\n%s", words, b.text())
}

// TestTheSinglePageApplication registers, signs in, enrolls and signs out with JSON only.
func TestTheSinglePageApplication(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newSPA(t)
	b := newTab(t, s.origin(), look{scripts: true})
	b.open("/")
	b.soon("Create an account")
	b.click("Create an account")
	b.fill("Email address", "spa@example.org")
	b.fill("Password", "correct horse battery")
	b.fill("Password again", "correct horse batterie")
	b.click("Create account")
	b.soon("Passwords do not match")
	b.fill("Password again", "correct horse battery")
	b.click("Create account")
	b.soon("with one factor")
	b.see("spa@example.org", "The secret needs two factors.")
	b.click("Set up an authenticator app")
	b.soon("it shows that the address is yours")
	b.fill("Code", code(t, s, "spa@example.org"))
	b.click("Verify")
	b.soon("with one factor")
	b.click("Set up an authenticator app")
	b.soon("Type this key")
	phone := install(t, s, eval[string](b, `document.querySelector("#uri").href`))
	b.fill("Code of the app", phone.wrong())
	b.click("Complete setup")
	b.soon("Invalid code")
	b.fill("Code of the app", phone.code())
	b.click("Complete setup")
	b.soon("the secret itself")
	b.see("with two factors")
	b.click("Sign out")
	b.soon("Signed out.")
	if kept := eval[int](b, `localStorage.length + sessionStorage.length`); kept != 0 {
		t.Errorf("%d things are kept where scripts can read them", kept)
	}
	b.enter("spa@example.org", "wrong horse battery")
	b.soon("Authentication failed")
	b.enter("spa@example.org", "correct horse battery")
	b.soon("Second factor")
	b.fill("Code", phone.code())
	b.click("Verify")
	b.soon("the secret itself")
}

// TestTheSinglePageApplicationFollowsLinks confirms an address, resets the password and changes it.
func TestTheSinglePageApplicationFollowsLinks(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newSPA(t, func(c *twofold.Config) {
		c.Accounts.Confirmable, c.Accounts.Recoverable, c.Accounts.Changeable = true, true, true
	})
	b := newTab(t, s.origin(), look{scripts: true})
	b.open("/")
	b.soon("Create an account")
	b.click("Create an account")
	b.fill("Email address", "links@example.org")
	b.fill("Password", "correct horse battery")
	b.fill("Password again", "correct horse battery")
	b.click("Create account")
	b.soon("Look into your mailbox.")
	b.enter("links@example.org", "correct horse battery")
	b.soon("requires confirmation")
	b.open(mailed(t, s, "links@example.org", "confirm"))
	b.soon("Confirm your address")
	b.click("Confirm")
	b.soon("Sign in")
	b.enter("links@example.org", "correct horse battery")
	b.soon("with one factor")
	b.click("Change password")
	b.fill("Password", "correct horse battery")
	b.fill("New password", "another horse battery")
	b.fill("New password again", "another horse battery")
	b.click("Change")
	b.soon("with one factor")
	b.click("Sign out")
	b.soon("Signed out.")
	b.click("Forgot password")
	b.fill("Email address", "links@example.org")
	b.click("Send link")
	b.soon("If there is such an account")
	b.open(mailed(t, s, "links@example.org", "reset"))
	b.soon("Choose a new password")
	b.fill("New password", "a third horse battery")
	b.fill("New password again", "a third horse battery")
	b.click("Set password")
	b.soon("Sign in")
	b.enter("links@example.org", "another horse battery")
	b.soon("Authentication failed")
	b.enter("links@example.org", "a third horse battery")
	b.soon("with one factor")
}

func (b *tab) enter(email, password string) {
	b.t.Helper()
	b.fill("Email address", email)
	b.fill("Password", password)
	b.click("Sign in")
}

// mailed returns the path of a kind in the newest mail to a recipient that has one.
func mailed(t *testing.T, s site, to, kind string) string {
	t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(s.origin()) + `(/` + kind + `/\S+)`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, m := range s.messages(t) {
			if found := link.FindStringSubmatch(m.Text); m.To == to && found != nil {
				return found[1]
			}
		}
	}
	t.Fatalf("no link of %s was sent to %s", kind, to)
	return ""
}
