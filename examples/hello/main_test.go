package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// TestHelloIsBehindTwoFactors builds main.go unchanged except for the port, and uses it as a reader
// would.
func TestHelloIsBehindTwoFactors(t *testing.T) {
	base := start(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, base: base, http: &http.Client{Jar: jar, Timeout: 20 * time.Second}}

	if status, _ := c.call("GET", "/", nil); status != http.StatusUnauthorized {
		t.Fatalf("a stranger gets %d", status)
	}
	c.ok("POST", "/register", map[string]any{
		"email": "ada@example.org", "password": "correct horse battery", "password_confirm": "correct horse battery",
	})
	if status, _ := c.call("GET", "/", nil); status != http.StatusForbidden {
		t.Fatalf("one factor gets %d", status)
	}
	begun := c.ok("POST", "/tf-setup", map[string]any{"setup": "authenticator"})
	secret, token := begun["tf_authr_b32key"].(string), begun["tf_state_token"].(string)
	c.ok("POST", "/tf-setup/"+token, map[string]any{"code": code(t, secret, time.Now())})
	if status, body := c.call("GET", "/", nil); status != http.StatusOK || body != "hello, ada@example.org\n" {
		t.Fatalf("two factors get %d %q", status, body)
	}
	c.ok("POST", "/logout", nil)
	if status, _ := c.call("GET", "/", nil); status != http.StatusUnauthorized {
		t.Fatalf("signed out gets %d", status)
	}
	waiting := c.ok("POST", "/login", map[string]any{"email": "ada@example.org", "password": "correct horse battery"})
	if waiting["tf_state"] != "ready" {
		t.Fatalf("sign-in answers %v", waiting)
	}
	if status, _ := c.call("GET", "/", nil); status != http.StatusUnauthorized {
		t.Fatalf("the first factor alone gets %d", status)
	}
	c.ok("POST", "/tf-validate", map[string]any{"code": code(t, secret, time.Now().Add(30*time.Second))})
	if status, _ := c.call("GET", "/", nil); status != http.StatusOK {
		t.Fatalf("both factors get %d", status)
	}
}

// TestNoSideDoor tries every way to sign in.
func TestNoSideDoor(t *testing.T) {
	twofoldtest.NoSideDoor(t, twofold.Config{Accounts: twofold.Accounts{Registerable: true}},
		func(auth *twofold.Auth) http.Handler { return auth.RequireTwoFactor(http.HandlerFunc(home)) }, "/")
}

// start builds and runs the program in a separate folder, on a free port.
func start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	here, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, changed, bytes.ReplaceAll(source, []byte("localhost:8080"), []byte(address)))
	raw, err := json.Marshal(map[string]any{"Replace": map[string]string{here: changed}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, overlay, raw)
	binary := filepath.Join(dir, "hello")
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 1200 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("it does not listen")
	return ""
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func (c *client) call(method, path string, fields map[string]any) (int, string) {
	c.t.Helper()
	raw, err := json.Marshal(fields)
	if err != nil {
		c.t.Fatal(err)
	}
	var body io.Reader
	if fields != nil {
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (c *client) ok(method, path string, fields map[string]any) map[string]any {
	c.t.Helper()
	status, body := c.call(method, path, fields)
	var envelope struct{ Response map[string]any }
	if err := json.Unmarshal([]byte(body), &envelope); err != nil || status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, status, body)
	}
	return envelope.Response
}

// code implements RFC 6238.
func code(t *testing.T, b32 string, at time.Time) string {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(b32)
	if err != nil {
		t.Fatal(err)
	}
	var msg [8]byte
	binary.BigEndian.PutUint64(msg[:], uint64(at.Unix()/30))
	m := hmac.New(sha1.New, secret)
	m.Write(msg[:])
	sum := m.Sum(nil)
	off := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[off:])&0x7fffffff%1_000_000)
}

// TestTheReadmeShowsThisProgram compares the README with this program.
func TestTheReadmeShowsThisProgram(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, ok := strings.Cut(string(source), "\npackage main\n")
	if !ok || !strings.Contains(string(readme), "package main\n"+program) {
		t.Error("README.md does not show examples/hello/main.go word for word")
	}
	if n := strings.Count(program, "\n"); n > 32 {
		t.Errorf("the first program has %d lines", n)
	}
}
