package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// application has no sign-in and shows the headers that it receives.
func application(t *testing.T) *url.URL {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			_ = rw.Flush()
			_, _ = io.Copy(conn, rw)
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(map[string]any{"uploaded": n, "headers": r.Header})
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// serve serves the example in front of an application.
func serve(t *testing.T) *twofoldtest.Kit {
	t.Helper()
	k := twofoldtest.New(t, twofold.Config{
		Accounts: twofold.Accounts{Registerable: true}, Pages: twofold.Pages{AccountPage: true},
	})
	h, err := handler(k.Auth, strings.TrimPrefix(k.URL, "http://"), application(t))
	if err != nil {
		t.Fatal(err)
	}
	k.ServeAll(h)
	return k
}

// TestNoSideDoor tries every way to sign in on a page behind the gate.
func TestNoSideDoor(t *testing.T) { serve(t).NoSideDoor("/secret") }

// TestPagesAreForThoseOfTheRules covers public pages, two factors, and strong factors with a role.
func TestPagesAreForThoseOfTheRules(t *testing.T) {
	k := serve(t)
	stranger, one, two, admin := k.NewBrowser(), k.LoginAs("one@example.org", 1), k.LoginAs("two@example.org",
		2), k.LoginAs("root@example.org", 2, "admin")
	for path, want := range map[string][4]int{"/": {200, 200, 200, 200}, "/page": {401, 403, 200, 200},
		"/admin/x": {401, 403, 403, 200}} {
		for i, b := range []*twofoldtest.Browser{stranger, one, two, admin} {
			if a := b.Get(path); a.Status != want[i] {
				t.Errorf("%s, browser %d: %d, want %d", path, i, a.Status, want[i])
			}
		}
	}
	if a := two.Get("/page"); strings.Contains(string(a.Body), "twofold=") || !strings.Contains(string(a.Body),
		"two@example.org") {
		t.Errorf("the application is told %s", a.Body)
	}
}

// TestChannelsAndUploadsPass checks that WebSockets have no time limit, and request bodies no size
// limit.
func TestChannelsAndUploadsPass(t *testing.T) {
	k := serve(t)
	two := k.LoginAs("two@example.org", 2)
	var cookies []string
	for name, value := range two.Cookies() {
		cookies = append(cookies, name+"="+value)
	}
	cookie, host := strings.Join(cookies, "; "), strings.TrimPrefix(k.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /chat HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nCookie: %s\r\nConnection: "+
		"Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n", host, k.URL, cookie)
	from := bufio.NewReader(conn)
	resp, err := http.ReadResponse(from, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	fmt.Fprint(conn, "hello, channel")
	said := make([]byte, len("hello, channel"))
	if _, err := io.ReadFull(from, said); err != nil || string(said) != "hello, channel" {
		t.Errorf("%q, %v", said, err)
	}
	r, err := http.NewRequest(http.MethodPost, k.URL+"/files", strings.NewReader(strings.Repeat("x", 5<<20)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err = http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), `"uploaded":5242880`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
