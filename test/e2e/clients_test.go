package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// bundled bundles the clients of clients/ with the packages in TWOFOLD_CLIENTS; see
// scripts/prepare.
var bundled = sync.OnceValues(func() (string, error) {
	from := os.Getenv("TWOFOLD_CLIENTS")
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	pack, err := filepath.Abs(filepath.Join(from, "node_modules/@esbuild", runtime.GOOS+"-"+arch, "bin/esbuild"))
	if err != nil {
		return "", err
	}
	out := filepath.Join(scratch, "clients")
	cmd := exec.Command(pack, "clients/axios.js", "clients/angular.js", "--bundle", "--format=esm", "--log-level=error",
		"--outdir="+out)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(from, "node_modules"))
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return out, nil
})

func needClients(t *testing.T) string {
	t.Helper()
	needBrowser(t)
	if os.Getenv("TWOFOLD_CLIENTS") == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("axios and Angular are not here: install npm, or name a folder with their node_modules in " +
				"TWOFOLD_CLIENTS")
		}
		t.Skip("skipped: axios and Angular are not here; see scripts/prepare")
	}
	out, err := bundled()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// spa is a single-page application on its own host: one page for all paths, with one client.
type spa struct {
	*tab
	server *server
	prefix string
	origin string
}

// newHost serves the application. Its page knows the address of the server.
func newHost(t *testing.T, files, client string, server *string) (origin string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /client.js",
		func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(files, client+".js")) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,"><p>The application</p>
			<script>window.server = %q</script><script type="module" src="/client.js"></script>`, *server)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}

// newClient starts the server with the settings in the original's documentation of single-page
// applications, unchanged.
func newClient(t *testing.T, client string) *spa {
	t.Helper()
	files, at := needClients(t), ""
	s := &spa{prefix: "/api/accounts", origin: newHost(t, files, client, &at)}
	host, err := url.Parse(s.origin)
	if err != nil {
		t.Fatal(err)
	}
	s.server = newServer(t, "SECURITY_FLASH_MESSAGES=False", "SECURITY_URL_PREFIX="+s.prefix,
		"SECURITY_RECOVERABLE=True", "SECURITY_CHANGEABLE=True", "SECURITY_CONFIRMABLE=True",
		"SECURITY_REGISTERABLE=True", "SECURITY_UNIFIED_SIGNIN=True",
		"SECURITY_POST_CONFIRM_VIEW=/confirmed", "SECURITY_CONFIRM_ERROR_VIEW=/confirm-error",
		"SECURITY_RESET_VIEW=/reset-password",
		"SECURITY_RESET_ERROR_VIEW=/reset-password-error", "SECURITY_LOGIN_ERROR_VIEW=/login-error",
		"SECURITY_POST_OAUTH_LOGIN_VIEW=/post-oauth-login",
		"SECURITY_REDIRECT_BEHAVIOR=spa", "SECURITY_REDIRECT_HOST="+host.Host,
		`SECURITY_CSRF_PROTECT_MECHANISMS=["session", "basic"]`, "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=True",
		"SECURITY_CSRF_COOKIE_NAME=XSRF-TOKEN",
		"SECURITY_TRACKABLE=True",
		"WTF_CSRF_CHECK_DEFAULT=False", "WTF_CSRF_TIME_LIMIT=None", "SESSION_COOKIE_SAMESITE=strict")
	s.server.address = strings.TrimSuffix(s.server.address, s.prefix)
	at = s.server.address + s.prefix
	s.tab = newTab(t, s.origin, look{scripts: true})
	s.visit("/")
	return s
}

// visit opens a page of the application, or a link, and waits for the client.
func (s *spa) visit(address string) {
	s.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = s.origin + address
	}
	s.goes("visit "+address, chromedp.Navigate(address))
	s.arrive()
}

func (s *spa) arrive() {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ready, err := ask[bool](s.tab, `window.ready === true`); err == nil && ready {
			return
		}
	}
	s.t.Fatalf("the client does not start at %s:\n%s", s.path(), s.text())
}

// calls sends a request from the client and returns the response in the envelope.
func (s *spa) calls(status int, method, path string, body map[string]any) map[string]any {
	s.t.Helper()
	got := s.send(method, path, body)
	if got.Problem != "" || got.Status != status || got.Meta.Code != status {
		s.t.Fatalf("%s %s answers %d %v %s, want %d", method, path, got.Status, got.Response, got.Problem, status)
	}
	return got.Response
}

type answered struct {
	Status   int
	Meta     struct{ Code int }
	Response map[string]any
	Problem  string
}

func (s *spa) send(method, path string, body map[string]any) answered {
	s.t.Helper()
	data := "undefined"
	if body != nil {
		raw, err := json.Marshal(body)
		s.must(err)
		data = string(raw)
	}
	eval[chromedp.Void](s.tab, fmt.Sprintf(`window.done = null; window.call(%q, %q, %s).then(
		r => { window.done = r; }, e => { window.done = {problem: String(e)}; }); undefined`, method, path, data))
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if eval[bool](s.tab, `window.done !== null`) {
			return eval[answered](s.tab, `window.done`)
		}
	}
	s.t.Fatalf("%s %s is not answered", method, path)
	return answered{}
}

// told fails unless the application's page has this path and these parameters.
func (s *spa) told(path string, pairs ...string) {
	s.t.Helper()
	at, err := url.Parse(eval[string](s.tab, `location.href`))
	s.must(err)
	for i := 0; i+1 < len(pairs); i += 2 {
		if at.Query().Get(pairs[i]) != pairs[i+1] {
			s.t.Errorf("the page %s does not have %s = %q", at, pairs[i], pairs[i+1])
		}
	}
	if at.Scheme+"://"+at.Host != s.origin || at.Path != path || len(at.Query()) != len(pairs)/2 {
		s.t.Errorf("the page is %s, want %s%s with %v", at, s.origin, path, pairs)
	}
}

func (s *spa) link(to, kind string) string {
	s.t.Helper()
	return s.server.address + s.prefix + strings.TrimPrefix(mailed(s.t, s.server, to, s.prefix[1:]+"/"+kind), s.prefix)
}

// TestTheClientsOfTheOriginalsPage uses axios and Angular's client on another host to register,
// confirm, sign in, enroll a second factor, sign in with it, and reset the password.
func TestTheClientsOfTheOriginalsPage(t *testing.T) {
	for _, client := range []string{"axios", "angular"} {
		t.Run(client, func(t *testing.T) {
			needBrowser(t)
			t.Parallel()
			s := newClient(t, client)
			who := map[string]any{"email": "spa@example.org", "password": "correct horse battery"}
			s.calls(200, "POST", "/register",
				map[string]any{"email": who["email"], "password": who["password"], "password_confirm": who["password"]})
			s.calls(400, "POST", "/login", who)
			s.visit(s.server.address + s.prefix + "/confirm/nonsense")
			s.told("/confirm-error", "error", "Invalid confirmation token.")
			s.visit(s.link("spa@example.org", "confirm"))
			s.told("/confirmed", "success", "Thank you. Your email has been confirmed.", "email", "spa@example.org",
				"identity", "spa@example.org")

			r := s.calls(200, "POST", "/login", who)
			token, _ := r["csrf_token"].(string)
			if cookies := eval[string](s.tab, `document.cookie`); cookies != "XSRF-TOKEN="+token || token == "" {
				t.Errorf("the page's scripts read the cookies %q, and the token is %q", cookies, token)
			}
			r = s.calls(200, "POST", "/tf-setup?include_qr", map[string]any{"setup": "authenticator"})
			image, _ := r["tf_authr_qr"].(string)
			eval[chromedp.Void](s.tab, fmt.Sprintf(`window.qr = new Image(); window.qr.src = %q; undefined`, image))
			uri, _ := r["tf_authr_uri"].(string)
			state, _ := r["tf_state_token"].(string)
			phone := install(t, s.server, uri)
			s.calls(400, "POST", "/tf-setup/"+state, map[string]any{"code": phone.wrong()})
			s.calls(200, "POST", "/tf-setup/"+state, map[string]any{"code": phone.code()})
			if wide := eval[int](s.tab, `window.qr.naturalWidth`); wide == 0 {
				t.Error("the browser draws no QR code")
			}
			s.calls(200, "GET", "/tf-setup", nil)
			s.calls(200, "POST", "/logout", nil)
			s.calls(401, "GET", "/tf-sessions", nil)
			if cookies := eval[string](s.tab, `document.cookie`); cookies != "" {
				t.Errorf("after signing out: %q", cookies)
			}
			if r = s.calls(200, "POST", "/login", who); r["tf_required"] != true || r["tf_state"] != "ready" {
				t.Errorf("the first factor is answered by %v", r)
			}
			s.calls(401, "GET", "/tf-sessions", nil)
			s.calls(200, "POST", "/tf-validate", map[string]any{"code": phone.code()})
			s.calls(200, "GET", "/tf-sessions", nil)
			user, _ := s.calls(200, "GET", "/me", nil)["user"].(map[string]any)
			if user["login_count"] != 2.0 || user["last_login_ip"] != "127.0.0.1" {
				t.Errorf("after two sign-ins the user is %v", user)
			}
			s.calls(200, "POST", "/logout", nil)

			s.calls(200, "POST", "/reset", map[string]any{"email": "spa@example.org"})
			link := s.link("spa@example.org", "reset")
			s.visit(link)
			s.told("/reset-password", "token", link[strings.LastIndex(link, "/")+1:])
			who["password"] = "another horse battery"
			s.calls(200, "POST", "/reset/"+link[strings.LastIndex(link, "/")+1:],
				map[string]any{"password": who["password"], "password_confirm": who["password"]})
			s.calls(200, "POST", "/login", who)
		})
	}
}

// TestAnotherHostHasNoShare checks that the same page on a host that is not configured can neither
// read nor change anything, although the browser is signed in.
func TestAnotherHostHasNoShare(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newClient(t, "axios")
	s.calls(200, "POST", "/login", map[string]any{"email": person, "password": secret})
	s.heard.all()
	at := s.server.address + s.prefix
	home := s.origin
	s.visit(newHost(t, needClients(t), "axios", &at) + "/")
	for path, method := range map[string]string{"/tf-sessions": "GET", "/logout": "POST", "/verify": "POST"} {
		if got := s.send(method, path, map[string]any{"password": secret}); got.Problem == "" {
			t.Errorf("%s %s answers %d", method, path, got.Status)
		}
	}
	s.heard.all() // the browser says that it was refused
	s.visit(home + "/")
	s.calls(200, "GET", "/tf-sessions", nil)
}
