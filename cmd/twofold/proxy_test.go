package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
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

	"github.com/twofold-auth/twofold/send/sendtest"
)

const publicOrigin = "https://login.example.org"

// front is a proxy that runs one of the files in examples/, with the ports and paths of this test,
// in front of three nodes with one database.
type front struct {
	t      *testing.T
	nodes  []*server
	addr   string // TLS
	plain  string // no TLS
	client *http.Client
	pool   *x509.CertPool // of the proxy's certificate
	dir    string
}

// program returns the path of a program, or skips the test if it is missing.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("with CI=true nothing may be skipped: ", err)
	}
	t.Skip("skipped: ", err)
	return ""
}

// newFront starts the nodes. The caller starts the proxy.
func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t, dir: t.TempDir(), addr: freeAddress(t), plain: freeAddress(t)}
	env := []string{
		"TWOFOLD_ORIGIN=" + publicOrigin, "SECRET_KEY=" + goodKey,
		"SQLALCHEMY_DATABASE_URI=sqlite:///" + filepath.Join(f.dir, "app.db"),
		"TWOFOLD_TRUSTED_PROXIES=127.0.0.1",
	}
	f.run(env, "correct horse 71 battery", "user", "create", "joan@example.org", "--password-stdin")
	for range 3 {
		f.nodes = append(f.nodes, start(t, env))
	}
	return f
}

// run runs a command of the program.
func (f *front) run(env []string, stdin string, args ...string) string {
	f.t.Helper()
	return runProgram(f.t, env, stdin, args...)
}

// runProgram runs a command of the program and returns what it prints.
func runProgram(t *testing.T, env []string, stdin string, args ...string) string {
	t.Helper()
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Stdin = env, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

// example returns a file of examples/ with replacements, each of which must match.
func (f *front) example(name string, pairs ...string) string {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "examples", name))
	if err != nil {
		f.t.Fatal(err)
	}
	text := string(raw)
	for i, n := range f.nodes {
		pairs = append(pairs, fmt.Sprintf("10.0.0.1%d:8080", i+1), strings.TrimPrefix(n.url, "http://"))
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			f.t.Fatalf("%s has no %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// certificate writes a certificate for the public name and makes the client trust it.
func (f *front) certificate() (cert, key string) { return f.certificateFor("login.example.org") }

func (f *front) certificateFor(name string) (cert, key string) {
	f.t.Helper()
	pair, pool := sendtest.Certificate(f.t, name)
	f.pool = pool
	cert, key = filepath.Join(f.dir, "cert.pem"), filepath.Join(f.dir, "key.pem")
	var chain bytes.Buffer
	for _, c := range pair.Certificate {
		_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: c})
	}
	raw, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		f.t.Fatal(err)
	}
	for name, data := range map[string][]byte{cert: chain.Bytes(),
		key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	f.client = f.from("127.0.0.2", pool)
	return cert, key
}

// from returns a browser at an address of this machine.
func (f *front) from(address string, pool *x509.CertPool) *http.Client {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 5 * time.Second}
	return &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			DisableCompression: true,
			DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				if strings.HasSuffix(to, ":80") {
					return dialer.DialContext(ctx, network, f.plain)
				}
				return dialer.DialContext(ctx, network, f.addr)
			},
		},
	}
}

// proxy runs the proxy until the end of the test.
func (f *front) proxy(name string, args ...string) {
	f.t.Helper()
	cmd := exec.Command(name, args...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Env = append(os.Environ(), "HOME="+f.dir, "XDG_DATA_HOME="+f.dir, "XDG_CONFIG_HOME="+f.dir)
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		f.client.CloseIdleConnections()
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if f.t.Failed() {
			f.t.Log(log.String())
		}
	})
	// A proxy may listen before it has loaded its sites.
	var err error
	for range 200 {
		var resp *http.Response
		if resp, err = f.client.Get(publicOrigin + "/healthz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(resp.Status)
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.t.Fatal("the proxy does not serve: ", err)
}

// ask sends one request as a browser would.
func (f *front) ask(method, url, body string, headers ...string) (*http.Response, string) {
	f.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := f.client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp, string(raw)
}

func (f *front) want(status int, method, url, body string, headers ...string) *http.Response {
	f.t.Helper()
	resp, text := f.ask(method, url, body, headers...)
	if resp.StatusCode != status {
		f.t.Fatalf("%s %s: %d, want %d: %.300s", method, url, resp.StatusCode, status, text)
	}
	return resp
}

// logs returns the logs of all nodes.
func (f *front) logs() string {
	var all strings.Builder
	for _, n := range f.nodes {
		all.WriteString(n.text())
	}
	return all.String()
}

// holds checks the promises of every proxy's example.
func (f *front) holds() {
	t, o := f.t, publicOrigin
	t.Helper()
	credentials := `{"email":"joan@example.org","password":"correct horse 71 battery"}`
	resp := f.want(200, "GET", o+"/login", "")
	if got := resp.Header.Get("Strict-Transport-Security"); got == "" {
		t.Error("no Strict-Transport-Security")
	}
	if resp, _ := f.ask("GET", "http://login.example.org/login?next=/me", ""); resp.StatusCode != 308 &&
		resp.StatusCode != 301 ||
		resp.Header.Get("Location") != o+"/login?next=/me" {
		t.Errorf("plain http: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	f.want(403, "POST", o+"/login", credentials, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	// A client that sends the header itself keeps its own address.
	resp = f.want(200, "POST", o+"/login", credentials, "X-Forwarded-For", "203.0.113.9", "X-Real-Ip", "203.0.113.9",
		"Sec-Fetch-Site", "same-origin")
	if !strings.Contains(strings.Join(resp.Header.Values("Set-Cookie"), "\n"), "__Host-twofold=") {
		t.Errorf("cookies %q", resp.Header.Values("Set-Cookie"))
	}
	if log := f.logs(); strings.Contains(log, "203.0.113.9") || !strings.Contains(log, `"client":"127.0.0.2"`) {
		t.Errorf("the client's address is not that of the connection: %s", log)
	}
	for range 12 { // whichever node answers
		f.want(200, "GET", o+"/me", "")
	}
	f.want(404, "GET", o+"/metrics", "")
	if resp, _ := f.ask("POST", o+"/login", `{"email":"`+strings.Repeat("x", 80<<10)+`"}`); resp.StatusCode != 413 {
		t.Errorf("a body of 80 KiB: %d", resp.StatusCode)
	}
	// One node is killed and another one is stopped; clients notice neither.
	if err := f.nodes[0].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-f.nodes[0].done
	f.nodes[1].stop()
	for range 12 {
		f.want(200, "GET", o+"/me", "")
	}
	f.want(200, "POST", o+"/logout", `{}`, "Sec-Fetch-Site", "same-origin")
	f.want(401, "GET", o+"/me", "")
}

func TestExampleNginx(t *testing.T) {
	nginx := program(t, "nginx")
	f := newFront(t)
	cert, key := f.certificate()
	site := f.example("nginx/twofold.conf", "listen 443 ssl", "listen "+f.addr+" ssl", "listen 80;",
		"listen "+f.plain+";",
		"/etc/ssl/twofold/fullchain.pem", cert, "/etc/ssl/twofold/privkey.pem", key)
	f.proxy(nginx, "-p", f.dir, "-c", nginxFile(t, f.dir, "error_log stderr warn; worker_processes 1;", site))
	f.holds()
}

// nginxFile writes dir/nginx.conf for an nginx that stays in the foreground and keeps all its files
// in dir, with process settings and sites. It returns the path.
func nginxFile(t *testing.T, dir, settings, sites string) string {
	t.Helper()
	text := "daemon off; pid " + dir + "/pid; " + settings + "\nevents { worker_connections 256; }\n" +
		"http { access_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(text+sites+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExampleCaddy(t *testing.T) {
	caddy := program(t, "caddy")
	f := newFront(t)
	cert, key := f.certificate()
	_, port, _ := net.SplitHostPort(f.addr)
	_, plain, _ := net.SplitHostPort(f.plain)
	conf := filepath.Join(f.dir, "Caddyfile")
	text := "{\n\tadmin off\n\thttps_port " + port + "\n\thttp_port " + plain + "\n\tskip_install_trust\n}\n" +
		f.example("caddy/Caddyfile", "login.example.org {", "login.example.org {\n\ttls "+cert+" "+key)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f.proxy(caddy, "run", "--config", conf, "--adapter", "caddyfile")
	f.holds()
}

// TestExampleTraefik requires an installed traefik: Debian has no package, and building it
// (scripts/traefik) takes minutes.
func TestExampleTraefik(t *testing.T) {
	traefik, err := exec.LookPath("traefik")
	if err != nil {
		t.Skip("skipped: ", err)
	}
	f := newFront(t)
	cert, key := f.certificate()
	site := filepath.Join(f.dir, "twofold.yaml")
	text := f.example("traefik/twofold.yaml", "certResolver: letsencrypt", "options: default") +
		"tls:\n  certificates:\n    - certFile: " + cert + "\n      keyFile: " + key + "\n"
	if err := os.WriteFile(site, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := f.nodes
	f.nodes = nil // this file names none of them
	text = f.example("traefik/traefik.yaml", `":80"`, f.plain, `":443"`, f.addr, "to: websecure", `to: ":443"`,
		"/etc/traefik/twofold.yaml", site, "/var/lib/traefik", f.dir)
	f.nodes = nodes
	conf := filepath.Join(f.dir, "traefik.yaml")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f.proxy(traefik, "--configFile="+conf)
	f.holds()
}
