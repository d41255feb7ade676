package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// sides is nginx in front of a Flask-Security site and Twofold.
type sides struct {
	*move
	origin   string
	nginxDir string
	nginx    *servers.Server
	old, new string // their addresses
}

// newSides starts all three. The proxy sends every path to the old site.
func newSides(t *testing.T) *sides {
	t.Helper()
	nginx := servers.Find(t, "nginx")
	port := servers.FreePort(t)
	s := &sides{origin: "http://localhost:" + strconv.Itoa(port)}
	s.move = newMove(t, s.origin)
	twofold := start(t, append(s.env, "TWOFOLD_TRUSTED_PROXIES=127.0.0.1"))
	application := servers.FreePort(t)
	s.new, s.old = strings.TrimPrefix(twofold.url, "http://"), fmt.Sprintf("127.0.0.1:%d", application)
	site, err := filepath.Abs("testdata/flask/site.py")
	if err != nil {
		t.Fatal(err)
	}
	servers.New(t, t.TempDir(), "TERM", application, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin",
		"PYTHONWARNINGS=ignore", "PYTHONDONTWRITEBYTECODE=1", python, site, "serve", s.move.old,
		strconv.Itoa(application), twofold.url)
	s.nginxDir = t.TempDir()
	s.nginx = servers.New(t, s.nginxDir, "QUIT", port, nginx, "-p", s.nginxDir, "-c", s.write(s.oldOnly()), "-e",
		filepath.Join(s.nginxDir, "error.log"))
	return s
}

// oldOnly returns the location that sends every path to the old site.
func (s *sides) oldOnly() string {
	return "location / { proxy_pass http://" + s.old + "; proxy_set_header Host $http_host; }"
}

// write writes the configuration of nginx and returns its path.
func (s *sides) write(locations string) string {
	s.t.Helper()
	listen := strings.Replace(s.origin, "http://localhost", "127.0.0.1", 1)
	return nginxFile(s.t, s.nginxDir, "master_process off;", "server { listen "+listen+";\n"+locations+"\n}\n")
}

// becomes restarts nginx with other locations.
func (s *sides) becomes(locations string) {
	s.t.Helper()
	s.nginx.Stop(s.t)
	s.write(locations)
	s.nginx.Start(s.t)
}

// documented returns the locations of docs/moving.md with the addresses of this test.
func (s *sides) documented() string {
	s.t.Helper()
	page, err := os.ReadFile("../../docs/moving.md")
	if err != nil {
		s.t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindStringSubmatch(string(page))
	if block == nil {
		s.t.Fatal("docs/moving.md has no configuration of nginx")
	}
	// Here the port is part of the site's name; in production the scheme implies it.
	return strings.NewReplacer("127.0.0.1:8080", s.new, "127.0.0.1:5000", s.old, "Host $host;", "Host $http_host;",
		"http://"+s.old+";", "http://"+s.old+"; proxy_set_header Host $http_host;").Replace(block[1])
}

// caller is a browser at the address of the site.
type caller struct {
	s    *sides
	http *http.Client
}

func (s *sides) caller() *caller {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &caller{s, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// login signs in and returns the status.
func (v *caller) login(email, password string) int {
	v.s.t.Helper()
	body, err := json.Marshal(map[string]any{"email": email, "password": password, "remember": true})
	if err != nil {
		v.s.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", v.s.origin+"/login", strings.NewReader(string(body)))
	if err != nil {
		v.s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	resp, err := v.http.Do(r)
	if err != nil {
		v.s.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// wants checks which user is signed in at the application and at Twofold.
func (v *caller) wants(when, here, there string) {
	v.s.t.Helper()
	for path, want := range map[string]string{"/app": here, "/asks": there} {
		resp, err := v.http.Get(v.s.origin + path)
		if err != nil {
			v.s.t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		var got struct{ User string }
		if err == nil {
			err = json.Unmarshal(raw, &got)
		}
		if err != nil || got.User != want {
			v.s.t.Errorf("%s, %s: %s (%v), want %q", when, path, raw, err, want)
		}
	}
}

// TestSideBySideAndBack follows step 4 of docs/moving.md behind nginx. A user who is signed in and
// remembered at the old site signs in once at Twofold. A second import transfers the changes since
// the first one. After the way back, the application accepts the passwords that were changed here.
func TestSideBySideAndBack(t *testing.T) {
	s := newSides(t)
	const ann = "ann@example.org"
	const first, second, third = "walking boots 71", "walking boots 91", "walking boots 92"
	s.run("", s.from...)
	v := s.caller()
	if got := v.login(ann, first); got != 200 {
		t.Fatalf("the sign-in at the old site: %d", got)
	}
	v.wants("before the switch", ann, "")
	oldSite(t, s.move.old, "password", ann, second)
	if out := s.run("", s.from...); !strings.Contains(out, "1 brought up to date") {
		t.Errorf("the second import: %s", out)
	}

	s.becomes(s.documented())
	v.wants("after the switch, with the session of the old site", ann, "")
	if got := v.login(ann, first); got != 400 {
		t.Errorf("the former password: %d, want 400", got)
	}
	if got := v.login(ann, second); got != 200 {
		t.Fatalf("the password that the second import brought: %d", got)
	}
	v.wants("signed in once", ann, ann)
	for range 3 { // nothing more is asked
		v.wants("later", ann, ann)
	}

	s.run(third, "user", "set-password", ann, "--password-stdin")
	if out := s.back(); !strings.Contains(out, "changed") {
		t.Error(out)
	}
	s.becomes(s.oldOnly())
	back := s.caller()
	if got := back.login(ann, second); got != 400 {
		t.Errorf("at the old site, with the former password: %d, want 400", got)
	}
	if got := back.login(ann, third); got != 200 {
		t.Errorf("at the old site, with the password that was set here: %d", got)
	}
	back.wants("after the way back", ann, "")
}
