package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTheGateGuide follows docs/gate.md, section "Ten minutes on one machine", with its files
// unchanged except for the ports.
func TestTheGateGuide(t *testing.T) {
	caddy, python := program(t, "caddy"), program(t, "python3")
	raw, err := os.ReadFile("../../docs/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```[a-z]*\n(.*?)```").FindAllStringSubmatch(string(raw), -1)
	if len(blocks) < 4 || !strings.Contains(blocks[3][1], "twofold serve --dev") {
		t.Fatal("the guide is not where this test looks")
	}
	dir := t.TempDir()
	front, app := freeAddress(t), freeAddress(t)
	_, frontPort, _ := net.SplitHostPort(front)
	_, appPort, _ := net.SplitHostPort(app)
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		text = strings.NewReplacer("app.localhost:8000", "app.localhost:"+frontPort, "9001", appPort).Replace(text)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("app.py", blocks[0][1])
	node := start(t, []string{"TWOFOLD_GATE_RULES=" + put("rules.toml", blocks[1][1]),
		"TWOFOLD_TRUSTED_PROXIES=127.0.0.1"}, "--dev")
	put("Caddyfile", strings.ReplaceAll(blocks[2][1], "127.0.0.1:8080", strings.TrimPrefix(node.url, "http://")))
	for _, line := range [][]string{{python, "app.py"}, {caddy, "run", "--config", "Caddyfile", "--adapter",
		"caddyfile"}} {
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	g := guided(t)
	page := "http://app.localhost:" + frontPort
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, text := g.visit(page + "/"); strings.Contains(text, "hello, stranger") {
			break
		} else if time.Since(begin) > time.Minute {
			t.Fatalf("the front page says %q", text)
		}
	}
	if at, _ := g.visit(page + "/page"); !strings.HasPrefix(at, node.url+"/login?next=/auth/gate") {
		t.Fatalf("a stranger is led to %s", at)
	}
	g.post(node.url+"/login", `{"email":"`+devEmail+`","password":"`+devPassword+`"}`)
	if at, _ := g.visit(page + "/page"); !strings.HasPrefix(at, node.url+"/tf-setup?next=/auth/gate") {
		t.Fatalf("one factor is led to %s", at)
	}
	set := g.post(node.url+"/tf-setup", `{"setup":"authenticator"}`)
	g.post(node.url+"/tf-setup/"+set["tf_state_token"].(string), `{"code":"`+timeCode(t,
		set["tf_authr_b32key"].(string))+`"}`)
	if at, text := g.visit(page + "/page"); at != page+"/page" || text != "hello, "+devEmail+"\n" {
		t.Errorf("at the end %s says %q", at, text)
	}
}

// guide is a browser that resolves the names of this machine.
type guide struct {
	t *testing.T
	c *http.Client
}

func guided(t *testing.T) *guide {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &guide{t, &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(to)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
		}},
	}}
}

// visit follows every redirect and returns the last URL and the body.
func (g *guide) visit(address string) (string, string) {
	g.t.Helper()
	for range 10 {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			g.t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		resp, err := g.c.Do(r)
		if err != nil {
			return address, err.Error() // it does not listen yet
		}
		raw, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		to := resp.Header.Get("Location")
		if _, refresh, ok := strings.Cut(resp.Header.Get("Refresh"), "url="); ok {
			to = refresh
		}
		if to == "" {
			return address, string(raw)
		}
		base, err := url.Parse(address)
		if err != nil {
			g.t.Fatal(err)
		}
		next, err := base.Parse(to)
		if err != nil {
			g.t.Fatal(err)
		}
		address = next.String()
	}
	g.t.Fatal("the redirects do not end: ", address)
	return "", ""
}

// post sends JSON and returns the answer.
func (g *guide) post(address, body string) map[string]any {
	g.t.Helper()
	resp, err := g.c.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Response map[string]any }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		g.t.Fatalf("%s: %d %v %v", address, resp.StatusCode, answer, err)
	}
	return answer.Response
}
