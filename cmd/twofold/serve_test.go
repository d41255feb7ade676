package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// server is the real program, running.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	mu   sync.Mutex
	log  bytes.Buffer
	done chan struct{}
	http *http.Client
}

var buildOnce = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(testDir, "twofold")
	build := exec.Command("go", "build", "-o", dir, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped
	out, err := build.CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return dir, nil
})

// start runs serve on a free port and waits until it answers.
func start(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	return launch(t, env, append([]string{"--listen", "127.0.0.1:0"}, args...)...)
}

// launch runs serve with only these settings.
func launch(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"serve"}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), append([]string{"TWOFOLD_LOG_FORMAT=json", "TWOFOLD_LOG_LEVEL=debug"}, env...)
	return follow(t, cmd)
}

// follow starts cmd and waits until it answers.
func follow(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, cmd: cmd, done: make(chan struct{}),
		http: &http.Client{Jar: jar, Timeout: 10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); <-s.done })
	ready := make(chan string, 1)
	go func() {
		defer close(s.done)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			s.mu.Lock()
			s.log.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			var record struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &record) == nil && record.Msg == "serving" {
				ready <- record.Address
			}
		}
	}()
	select {
	case address := <-ready:
		s.url = "http://" + address
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not start: ", s.text())
	}
	return s
}

func (s *server) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// do makes a JSON request and returns status and body.
func (s *server) do(method, path, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func (s *server) want(status int, method, path, body string) string {
	s.t.Helper()
	got, text := s.do(method, path, body)
	if got != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	return text
}

// stop stops the program as an operator would and checks that it exits cleanly.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.done
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("it ended with %v: %s", err, s.text())
	}
	if !strings.Contains(s.text(), `"msg":"stopped"`) {
		s.t.Error("it did not stop cleanly")
	}
}

var stateToken = regexp.MustCompile(`"tf_state_token":"([^"]+)"`)

func TestServeDev(t *testing.T) {
	s := start(t, nil, "--dev")
	s.want(200, "GET", "/healthz", "")
	s.want(200, "GET", "/readyz", "")
	s.want(200, "GET", "/login", "")
	if status, _ := s.do("GET", "/", ""); status != http.StatusFound {
		t.Errorf("/ answers %d", status)
	}
	if got := s.want(200, "GET", "/dev/outbox", ""); strings.TrimSpace(got) != "[]" {
		t.Errorf("the outbox begins with %s", got)
	}
	s.want(200, "POST", "/login", `{"email":"test@me.com","password":"password"}`)
	state := stateToken.FindStringSubmatch(s.want(200, "POST", "/tf-setup", `{"setup":"sms","phone":"+16502530000"}`))
	if state == nil {
		t.Fatal("no state token")
	}
	var kept []map[string]string
	if err := json.Unmarshal([]byte(s.want(200, "GET", "/dev/outbox", "")), &kept); err != nil || len(kept) != 1 {
		t.Fatalf("the outbox contains %v, %v", kept, err)
	}
	if kept[0]["channel"] != "sms" || kept[0]["to"] != "+16502530000" || kept[0]["at"] == "" {
		t.Errorf("captured %v", kept[0])
	}
	code := testkit.Code(kept[0]["text"])
	s.want(200, "POST", "/tf-setup/"+state[1], `{"code":"`+code+`"}`)
	if me := s.want(200, "GET", "/me", ""); !strings.Contains(me, `"level":2`) {
		t.Errorf("not two factors: %s", me)
	}
	if status, _ := s.do("GET", "/login/../dev/outbox", ""); status == 200 {
		t.Error("an unclean path is accepted")
	}
	s.stop()
	for _, secret := range []string{code, state[1], `"password":"password"`, "twofold-pending"} {
		if strings.Contains(s.text(), secret) {
			t.Errorf("the log contains %q", secret)
		}
	}
}

func TestServeDevKeepsTheUser(t *testing.T) {
	dir := t.TempDir()
	id := regexp.MustCompile(`"id":"([A-Z0-9]+)"`)
	var ids []string
	for range 2 {
		s := start(t, nil, "--dev", "--dir", dir)
		ids = append(ids, id.FindString(s.want(200, "POST", "/login", `{"email":"test@me.com","password":"password"}`)))
		s.stop()
	}
	if ids[0] == "" || ids[0] != ids[1] {
		t.Errorf("the user changed: %q", ids)
	}
}

func TestDevOutboxAnswersOnlyToLoopbackNames(t *testing.T) {
	s := start(t, nil, "--dev")
	for host, want := range map[string]int{"localhost:1": 200, "127.0.0.1": 200, "[::1]:80": 200, "evil.example": 421,
		"127.0.0.1.evil.example": 421} {
		r, err := http.NewRequest("GET", s.url+"/dev/outbox", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %s: %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestServeProduction(t *testing.T) {
	s := start(t, []string{"TWOFOLD_ORIGIN=https://login.example.org", "SECRET_KEY=" + goodKey})
	s.want(200, "GET", "/readyz", "")
	r, err := http.NewRequest("GET", s.url+"/dev/outbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "login.example.org"
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("/dev/outbox in production: %d", resp.StatusCode)
	}
	s.want(http.StatusMisdirectedRequest, "GET", "/login", "") // under the name 127.0.0.1
	s.stop()
	if strings.Contains(s.text(), goodKey) {
		t.Error("the log contains the key")
	}
}

// HTTP/2 without TLS, as proxies use it.
func TestServeHTTP2(t *testing.T) {
	s := start(t, nil, "--dev")
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	c := &http.Client{Transport: &http.Transport{Protocols: p}}
	resp, err := c.Get(s.url + "/login")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 {
		t.Errorf("%s, %d", resp.Proto, resp.StatusCode)
	}
}

func TestServerHasLimits(t *testing.T) {
	srv := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if srv.ReadHeaderTimeout == 0 || srv.ReadTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 ||
		srv.MaxHeaderBytes != 16<<10 {
		t.Error("a bound is missing")
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := serveCommand{where: where{Dev: true, Dir: t.TempDir()}, ListenAt: l.Addr().String()}
	err = c.Run(t.Context(), process{out: io.Discard, err: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("%v", err)
	}
}

// down is a store that fails.
type down struct{ storage.Store }

func (down) Ping(context.Context) error { return storage.ErrUnavailable }

func TestReadyNeedsTheStore(t *testing.T) {
	w := httptest.NewRecorder()
	ready(down{}, working(true), slog.New(slog.DiscardHandler))(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

// working is a sign-in whose workers may or may not run.
type working bool

func (w working) Stats(context.Context) (twofold.Stats, error) {
	return twofold.Stats{Running: bool(w)}, nil
}

// up is a store that works.
type up struct{ storage.Store }

func (up) Ping(context.Context) error { return nil }

func TestReadyNeedsTheWorkers(t *testing.T) {
	for runs, want := range map[working]int{true: http.StatusOK, false: http.StatusServiceUnavailable} {
		w := httptest.NewRecorder()
		ready(up{}, runs, slog.New(slog.DiscardHandler))(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != want {
			t.Errorf("workers run: %v: status %d", runs, w.Code)
		}
	}
}

func TestRequestLogHidesPossibleTokens(t *testing.T) {
	for path, want := range map[string]string{
		"/nowhere?code=123456":                        "/nowhere",
		"/x/aVeryLongThingThatCouldBeAToken":          "/x/...",
		"/a/b/c/d/e/f/g":                              "/a/b/c/d/e/...",
		"/tf-setup/aVeryLongThingThatCouldBeAToken/x": "/tf-setup/.../x",
	} {
		if got := logPath(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("%s is logged as %s, want %s", path, got, want)
		}
	}
}
