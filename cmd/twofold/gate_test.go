package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// gateFront is a proxy with the gate in front of two applications that have no sign-in, one in
// Python and one in Node.
type gateFront struct {
	*front
	env         []string
	cert, key   string
	applied     map[string]string // address of the application by its host
	application []string          // the same, for replacements
}

const (
	pythonHost, nodeHost = "app.example.org", "wiki.example.org"
	gateWord             = "correct horse 71 battery"
)

func newGateFront(t *testing.T) *gateFront {
	t.Helper()
	f := &gateFront{front: &front{t: t, dir: t.TempDir(), addr: freeAddress(t), plain: freeAddress(t)},
		applied: map[string]string{}}
	rules, err := filepath.Abs("../../examples/gate/rules.toml")
	if err != nil {
		t.Fatal(err)
	}
	f.env = []string{
		"TWOFOLD_ORIGIN=" + publicOrigin, "SECRET_KEY=" + goodKey, "SQLALCHEMY_DATABASE_URI=sqlite:///" +
			filepath.Join(f.dir, "app.db"),
		"TWOFOLD_TRUSTED_PROXIES=127.0.0.1", "TWOFOLD_GATE_RULES=" + rules, "SECURITY_ACCESS_TOKEN_SCOPES=read",
	}
	for _, name := range []string{"one", "two"} {
		f.run(f.env, gateWord, "user", "create", name+"@example.org", "--password-stdin")
	}
	f.nodes = []*server{start(t, f.env)}
	f.cert, f.key = f.certificateFor("*.example.org")
	python := "/usr/bin/python3"
	if exec.Command(python, "-c", "import jwt, cryptography").Run() != nil {
		python = "python3"
		if err := exec.Command(python, "-c", "import jwt, cryptography").Run(); err != nil {
			program(t, "a Python with PyJWT and cryptography")
		}
	}
	f.applies(pythonHost, "127.0.0.1:9001", python, "app.py")
	f.applies(nodeHost, "127.0.0.1:9002", program(t, "node"), "app.mjs")
	return f
}

// applies starts an application of the example.
func (f *gateFront) applies(host, shown, interpreter, file string) {
	f.t.Helper()
	at := freeAddress(f.t)
	_, port, _ := net.SplitHostPort(at)
	cmd := exec.Command(interpreter, file)
	cmd.Dir = "../../examples/gate"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PORT="+port, "APP_HOST="+host,
		"TWOFOLD_ISSUER="+publicOrigin,
		"TWOFOLD_KEYS="+f.nodes[0].url+"/.well-known/jwks.json")
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	f.applied[host] = at
	f.application = append(f.application, shown, at)
	for range 400 {
		if conn, err := net.Dial("tcp", at); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.t.Fatal(file, " does not listen")
}

// gateExample returns a file of examples/gate with the addresses of this test.
func (f *gateFront) gateExample(name string, pairs ...string) string {
	f.t.Helper()
	nodes := f.nodes
	f.nodes = nil // these files name no other nodes
	defer func() { f.nodes = nodes }()
	return f.example("gate/"+name, pairs...)
}

// told contains the headers that an application reports.
type told struct {
	status   int
	location string
	Path     string
	User     *struct {
		Sub, Email, Acr, Scope string
		Amr, Groups            []string
	}
	Uploaded int
	Headers  [][2]string
}

func (a told) header(name string) (values []string) {
	for _, h := range a.Headers {
		if strings.EqualFold(strings.ReplaceAll(h[0], "_", "-"), name) && h[1] != "" {
			values = append(values, h[1])
		}
	}
	return values
}

// at requests a page of an application. The headers come in pairs.
func (f *gateFront) at(c *http.Client, method, address, body string, headers ...string) told {
	f.t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = []string{headers[i+1]}
	}
	resp, err := c.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	a := told{status: resp.StatusCode, location: resp.Header.Get("Location")}
	if a.status == http.StatusForbidden && strings.Contains(string(raw), `"uploaded"`) {
		f.t.Errorf("%s: the application refuses what the gate let through: %s", address, raw)
	}
	if a.status == http.StatusOK && strings.Contains(string(raw), `"uploaded"`) {
		if err := json.Unmarshal(raw, &a); err != nil {
			f.t.Errorf("%s: %v: %s", address, err, raw)
		}
	}
	if _, to, ok := strings.Cut(resp.Header.Get("Refresh"), "url="); ok {
		a.location = to
	}
	return a
}

// visit follows a browser's redirects to a page, through the sign-in if that requires no input.
func (f *gateFront) visit(c *http.Client, address string) (told, string) {
	f.t.Helper()
	for range 8 {
		a := f.at(c, http.MethodGet, address, "")
		if a.location == "" {
			return a, address
		}
		base, _ := url.Parse(address)
		to, err := base.Parse(a.location)
		if err != nil {
			f.t.Fatal(err)
		}
		address = to.String()
		if strings.HasPrefix(to.Path, "/login") || strings.HasPrefix(to.Path, "/tf-setup") ||
			strings.HasPrefix(to.Path, "/verify") {
			return a, address
		}
	}
	f.t.Fatal("the redirects do not end: ", address)
	return told{}, ""
}

// person returns a browser that is signed in at the host of the sign-in.
func (f *gateFront) person(name string, second bool) *http.Client {
	f.t.Helper()
	c := f.from("127.0.0.3", f.pool)
	f.client = c
	own := []string{"Sec-Fetch-Site", "same-origin"}
	f.want(200, "POST", publicOrigin+"/login", `{"email":"`+name+`@example.org","password":"`+gateWord+`"}`, own...)
	if !second {
		return c
	}
	_, raw := f.ask("POST", publicOrigin+"/tf-setup", `{"setup":"authenticator"}`, own...)
	var answer struct {
		Response struct {
			Key   string `json:"tf_authr_b32key"`
			State string `json:"tf_state_token"`
		}
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || answer.Response.Key == "" {
		f.t.Fatalf("set-up: %s", raw)
	}
	code := timeCode(f.t, answer.Response.Key)
	f.want(200, "POST", publicOrigin+"/tf-setup/"+answer.Response.State, `{"code":"`+code+`"}`, own...)
	return c
}

// timeCode returns the current code of an authenticator app.
func timeCode(t *testing.T, key string) string {
	t.Helper()
	return testkit.ReadApp(t, strings.ReplaceAll(strings.ToUpper(key), " ", "")).Code(time.Now())
}

// forgedHeaders are headers that a client sends to impersonate the gate.
func forgedHeaders() (lines []string) {
	for _, name := range []string{"Remote-User", "Remote_User", "Remote-Email", "Remote_Email", "Remote-Groups",
		"Remote_Groups",
		"Twofold-Level", "Twofold_Level", "Twofold-Fresh", "Twofold_Fresh", "Twofold-Assertion", "Twofold_Assertion"} {
		lines = append(lines, name, "forged")
	}
	return append(lines, "Authentication-Token", "forged-token")
}

// gateHolds checks the promises of the gate, for the example of each proxy.
func (f *gateFront) gateHolds() {
	t := f.t
	t.Helper()
	stranger, one, two := f.from("127.0.0.4", f.pool), f.person("one", false), f.person("two", true)
	token := f.mintToken()
	for _, host := range []string{pythonHost, nodeHost} {
		o := "https://" + host
		a := f.at(stranger, "GET", o+"/", "", forgedHeaders()...)
		if a.status != 200 || a.User != nil || strings.Contains(fmt.Sprint(a.Headers), "forged") {
			t.Errorf("%s: a stranger's front page: %+v", host, a)
		}
		_, way := f.visit(stranger, o+"/profile?tab=1&x=a%20b")
		if !strings.HasPrefix(way, publicOrigin+"/login?next=/auth/gate") {
			t.Errorf("%s: a stranger is led to %s", host, way)
		}
		if a := f.at(stranger, "GET", o+"/profile", "", "Accept", "application/json"); a.location != "" &&
			a.status == 302 {
			t.Errorf("%s: a program is led to %s", host, a.location)
		}
		a, way = f.visit(one, o+"/profile?tab=1&x=a%20b")
		if a.status != 200 || way != o+"/profile?tab=1&x=a%20b" || a.Path != "/profile?tab=1&x=a%20b" ||
			a.User == nil || a.User.Email != "one@example.org" || a.User.Acr != "aal1" {
			t.Errorf("%s: one factor: %+v at %s", host, a, way)
		}
		if _, way = f.visit(one, o+"/vault"); !strings.HasPrefix(way, publicOrigin+"/tf-setup?next=/auth/gate") {
			t.Errorf("%s: one factor at a page that requires a strong one is led to %s", host, way)
		}
		f.opens(host, two)
		f.attacks(host, two, one)
		f.programs(host, token)
		f.uploads(host, two)
	}
	f.channel(two, stranger)
	f.named(two)
	f.revokes(two)
}

// opens checks the pages that a session with two factors opens, and the headers that the
// application receives.
func (f *gateFront) opens(host string, two *http.Client) {
	t, o := f.t, "https://"+host
	t.Helper()
	for _, page := range []string{"/any/page", "/vault", "/payments", "/api/x", "/profile"} {
		a, _ := f.visit(two, o+page)
		if a.status != 200 || a.User == nil || a.User.Email != "two@example.org" || a.User.Acr != "aal2" {
			t.Errorf("%s%s: %+v", host, page, a)
		}
	}
	if a := f.at(two, "GET", o+"/admin", ""); a.status != 403 {
		t.Errorf("%s/admin without the role: %d", host, a.status)
	}
	f.run(f.env, "", "user", "roles", "two@example.org", "--add", "admin")
	f.within("the role counts", func() bool { return f.at(two, "GET", o+"/admin", "").status == 200 })
	a := f.at(two, "GET", o+"/admin", "", append(forgedHeaders(), "Cookie", "theme=dark")...)
	if a.status != 401 && a.status != 403 && a.status != 302 { // an invalid token counts as a stranger's
		t.Errorf("%s: a forged token and a cookie: %d", host, a.status)
	}
	lines := forgedHeaders()
	a = f.at(two, "GET", o+"/admin", "", append(lines[:len(lines)-2], "Cookie", "theme=dark")...)
	if a.status != 200 || strings.Contains(fmt.Sprint(a.Headers), "forged") ||
		len(a.header("Remote-User")) != 1 || a.header("Remote-Groups")[0] != "admin" ||
		a.header("Twofold-Level")[0] != "2" {
		t.Errorf("%s: the application is told %+v", host, a)
	}
	if cookies := a.header("Cookie"); len(cookies) != 1 || cookies[0] != "theme=dark" {
		t.Errorf("%s: the application gets the cookies %q", host, cookies)
	}
	f.run(f.env, "", "user", "roles", "two@example.org", "--remove", "admin")
	f.within("the role is gone", func() bool { return f.at(two, "GET", o+"/admin", "").status == 403 })
}

// within polls, since another process changed the database and a node may use its cache for a
// second.
func (f *gateFront) within(what string, holds func() bool) {
	f.t.Helper()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	f.t.Errorf("not within 20 seconds: %s", what)
}

// attacks checks that no spelling of a URL and no header lets a session with one factor open a page
// that requires two, or makes such a page pass for a public one.
func (f *gateFront) attacks(host string, two, one *http.Client) {
	t := f.t
	t.Helper()
	for path := range strings.SplitSeq("/static/../vault|/static/%2e%2e/vault|/static/..%2fvault|"+
		"/static%2f..%2fvault|//vault|/static//../vault|/./vault|/VAULT|/vault/|"+
		"/%76ault|/static/..;/vault|/static\\..\\vault|/static/%00/../../vault|/%2576ault|/vault?/static|"+
		"/vault#/static|/vault%3f/static|/"+strings.Repeat("a", 7000), "|") {
		r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: host, Opaque: "//" + host + path},
			Header: http.Header{"Accept": {"*/*"}}}
		resp, err := one.Do(r)
		if err != nil {
			continue // Go's client does not send it
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Errorf("%s: %s opens", host, path)
		}
	}
	for what, lines := range map[string][]string{
		"nginx's headers": {"X-Original-Url", "https://" + host + "/", "X-Original-Method", "GET"},
		"Caddy's headers": {"X-Forwarded-Uri", "/", "X-Forwarded-Method", "GET", "X-Forwarded-Host", host,
			"X-Forwarded-Proto", "https"},
		"another host":        {"X-Forwarded-Host", nodeHost, "X-Original-Host", nodeHost},
		"a rewritten path":    {"X-Rewrite-Url", "/", "X-Original-Uri", "/"},
		"another method":      {"X-Http-Method-Override", "GET"},
		"an internal network": {"X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1", "Forwarded", "for=127.0.0.1"},
		"the header's name":   {"X_Original_Url", "https://" + host + "/"},
	} {
		if a := f.at(one, "GET", "https://"+host+"/vault", "", lines...); a.status == 200 {
			t.Errorf("%s: %s open a page", host, what)
		}
	}
	for what, lines := range map[string][]string{"another site": {"Sec-Fetch-Site", "cross-site"},
		"a sibling": {"Origin", publicOrigin, "Sec-Fetch-Site", "same-site"}} {
		if a := f.at(two, "POST", "https://"+host+"/any", "x", lines...); a.status == 200 {
			t.Errorf("%s: a form of %s: %d", host, what, a.status)
		}
	}
}

func (f *gateFront) mintToken() string {
	f.t.Helper()
	_, raw := f.ask("POST", publicOrigin+"/access-tokens", `{"name":"backup","scopes":["read"],"days":"30"}`,
		"Sec-Fetch-Site", "same-origin")
	var answer struct{ Response struct{ Token string } }
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || !strings.HasPrefix(answer.Response.Token, "tfp_") {
		f.t.Fatalf("no token: %s", raw)
	}
	return answer.Response.Token
}

// programs checks the pages that a personal access token opens.
func (f *gateFront) programs(host, token string) {
	t, c := f.t, f.from("127.0.0.5", f.pool)
	t.Helper()
	ask := func(page, authorization string) told {
		t.Helper()
		return f.at(c, "GET", "https://"+host+page, "", "Authorization", authorization, "Accept", "*/*")
	}
	for page, want := range map[string]int{"/api/x": 200, "/profile": 403, "/vault": 403, "/": 200} {
		if a := ask(page, "Bearer "+token); a.status != want || strings.Contains(fmt.Sprint(a.Headers), token) {
			t.Errorf("%s%s with a token: %d, want %d, %v", host, page, a.status, want, a.Headers)
		}
	}
	if a := ask("/api/x", "Bearer tfp_AAAA"); a.status != 401 {
		t.Errorf("%s: another token: %d", host, a.status)
	}
	if a := ask("/", "Basic dTpw"); len(a.header("Authorization")) != 1 {
		t.Errorf("%s: the application's own authorization: %+v", host, a)
	}
}

func (f *gateFront) uploads(host string, two *http.Client) {
	f.t.Helper()
	a := f.at(two, "POST", "https://"+host+"/files", strings.Repeat("x", 3<<20), "Sec-Fetch-Site", "same-origin")
	if a.status != 200 || a.Uploaded != 3<<20 {
		f.t.Errorf("%s: an upload: %d, %d bytes", host, a.status, a.Uploaded)
	}
}

// channel opens a WebSocket to the application in Node.
func (f *gateFront) channel(two, stranger *http.Client) {
	t := f.t
	t.Helper()
	dial := func(c *http.Client) (net.Conn, *bufio.Reader, *http.Response) {
		conn, err := tls.Dial("tcp", f.addr, &tls.Config{RootCAs: f.pool, ServerName: nodeHost,
			MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		var cookies []string
		for _, k := range c.Jar.Cookies(&url.URL{Scheme: "https", Host: nodeHost, Path: "/"}) {
			cookies = append(cookies, k.Name+"="+k.Value)
		}
		fmt.Fprintf(conn, "GET /chat HTTP/1.1\r\nHost: %s\r\nOrigin: https://%s\r\nCookie: %s\r\nConnection: "+
			"Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n", nodeHost,
			nodeHost, strings.Join(cookies, "; "))
		from := bufio.NewReader(conn)
		resp, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		return conn, from, resp
	}
	conn, from, resp := dial(two)
	defer conn.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("a web socket: %s", resp.Status)
		return
	}
	fmt.Fprint(conn, "hello, channel")
	said := make([]byte, len("hello, channel"))
	if _, err := io.ReadFull(from, said); err != nil || string(said) != "hello, channel" {
		t.Errorf("the web socket answered %q, %v", said, err)
	}
	refused, _, resp := dial(stranger)
	defer refused.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		t.Error("a stranger opens a web socket")
	}
}

// named sends requests whose Connection header lists the identity headers. No request may reach the
// application without its identity.
func (f *gateFront) named(two *http.Client) {
	t := f.t
	t.Helper()
	for _, host := range []string{pythonHost, nodeHost} {
		conn, err := tls.Dial("tcp", f.addr, &tls.Config{RootCAs: f.pool, ServerName: host,
			MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		var cookies []string
		for _, k := range two.Jar.Cookies(&url.URL{Scheme: "https", Host: host, Path: "/"}) {
			cookies = append(cookies, k.Name+"="+k.Value)
		}
		fmt.Fprintf(conn, "GET /profile HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: close, Remote-User, "+
			"Remote-Email, Twofold-Assertion\r\n\r\n", host, strings.Join(cookies, "; "))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode == http.StatusOK && !strings.Contains(string(said), "two@example.org") {
			t.Errorf("%s: a page without the identity of the user: %v %s", host, err, said)
		}
	}
}

// revokes signs out at the host of the sign-in and checks both applications.
func (f *gateFront) revokes(two *http.Client) {
	t := f.t
	t.Helper()
	for _, host := range []string{pythonHost, nodeHost} {
		if a := f.at(two, "GET", "https://"+host+"/profile", ""); a.status != 200 {
			t.Errorf("%s before the end: %d", host, a.status)
		}
	}
	f.client = two
	f.want(200, "POST", publicOrigin+"/logout", `{}`, "Sec-Fetch-Site", "same-origin")
	for _, host := range []string{pythonHost, nodeHost} {
		if a := f.at(two, "GET", "https://"+host+"/profile", ""); a.status == 200 {
			t.Errorf("%s after the end: %d", host, a.status)
		}
	}
}

func TestExampleGateNginx(t *testing.T) {
	nginx := program(t, "nginx")
	f := newGateFront(t)
	inc := filepath.Join(f.dir, "gate.inc")
	node := strings.TrimPrefix(f.nodes[0].url, "http://")
	f.write(inc, f.gateExample("gate.inc", "127.0.0.1:8080", node))
	site := f.gateExample("nginx.conf", append(f.application, "listen 443 ssl", "listen "+f.addr+" ssl",
		"/etc/ssl/twofold/fullchain.pem", f.cert, "/etc/ssl/twofold/privkey.pem", f.key, "/etc/nginx/gate.inc", inc)...)
	site += "server { listen " + f.addr + " ssl; server_name login.example.org; ssl_certificate " +
		f.cert + "; ssl_certificate_key " + f.key + ";\n" +
		"location / { proxy_pass http://" + node + "; proxy_set_header Host $host; proxy_set_header " +
		"X-Forwarded-For $proxy_add_x_forwarded_for; } }\n"
	f.proxy(nginx, "-p", f.dir, "-c",
		nginxFile(t, f.dir, "user root; error_log stderr warn; worker_processes 1;", site))
	f.gateHolds()
}

func TestExampleGateCaddy(t *testing.T) {
	caddy := program(t, "caddy")
	f := newGateFront(t)
	_, port, _ := net.SplitHostPort(f.addr)
	_, plain, _ := net.SplitHostPort(f.plain)
	node, certificate := strings.TrimPrefix(f.nodes[0].url, "http://"), "\n\ttls "+f.cert+" "+f.key
	text := "{\n\tadmin off\n\thttps_port " + port + "\n\thttp_port " + plain + "\n\tskip_install_trust\n}\n" +
		f.gateExample("Caddyfile", append(f.application, "127.0.0.1:8080", node,
			pythonHost+" {", pythonHost+" {"+certificate, nodeHost+" {", nodeHost+" {"+certificate)...) +
		"login.example.org {" + certificate + "\n\treverse_proxy " + node + "\n}\n"
	conf := filepath.Join(f.dir, "Caddyfile")
	f.write(conf, text)
	f.proxy(caddy, "run", "--config", conf, "--adapter", "caddyfile")
	f.gateHolds()
}

// TestExampleGateTraefik requires an installed traefik, as TestExampleTraefik does.
func TestExampleGateTraefik(t *testing.T) {
	traefik, err := exec.LookPath("traefik")
	if err != nil {
		t.Skip("skipped: ", err)
	}
	f := newGateFront(t)
	node := strings.TrimPrefix(f.nodes[0].url, "http://")
	site := f.gateExample("traefik.yaml", append(f.application, "127.0.0.1:8080", node,
		"http:\n  routers:\n", "http:\n  routers:\n    login:\n      rule: Host(`login.example.org`)\n      "+
			"entryPoints: [websecure]\n"+
			"      service: gate-twofold\n      tls: {}\n")...) +
		"tls:\n  certificates:\n    - certFile: " + f.cert + "\n      keyFile: " + f.key + "\n"
	dynamic, conf := filepath.Join(f.dir, "gate.yaml"), filepath.Join(f.dir, "traefik.yaml")
	f.write(dynamic, site)
	f.write(conf, "entryPoints:\n  websecure:\n    address: \""+f.addr+"\"\nproviders:\n  file:\n    filename: "+
		""+dynamic+"\n")
	f.proxy(traefik, "--configFile="+conf)
	f.gateHolds()
}

func (f *gateFront) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}
