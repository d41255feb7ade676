package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestAPersonComesThroughTheGate goes from a page of another host to the sign-in and back. The
// content security policies of the pages must allow it.
func TestAPersonComesThroughTheGate(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	application := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(application.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	host := "app.localhost:" + port
	rules := filepath.Join(t.TempDir(), "rules.toml")
	text := "[[rule]]\nhosts = [\"" + host + "\"]\nrequire = \"one\"\n"
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "TWOFOLD_GATE_RULES="+rules, "TWOFOLD_TRUSTED_PROXIES=127.0.0.1")
	application.Config.Handler = asking(t, s.origin())
	application.Start()
	t.Cleanup(application.Close)

	b := newTab(t, s.origin(), look{scripts: true})
	b.goes("open the page", chromedp.Navigate("http://"+host+"/report?year=2026"))
	b.at("/login")
	b.fill("Email address", person)
	b.fill("Password", secret)
	b.leaves("Sign in")
	b.soon("report 2026 for " + person)
	if got := eval[string](b, `location.href`); got != "http://"+host+"/report?year=2026" {
		t.Errorf("the way back ends at %s", got)
	}
	if got := eval[string](b, `document.cookie`); got != "" {
		t.Errorf("scripts of the application read %q", got)
	}
}

// asking is a proxy that queries the gate as Caddy does, and the application behind it.
func asking(t *testing.T, sign string) http.Handler {
	t.Helper()
	to, err := url.Parse(sign)
	if err != nil {
		t.Fatal(err)
	}
	own := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.twofold/") {
			own.ServeHTTP(w, r)
			return
		}
		ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, sign+"/auth/verify", nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		ask.Header = r.Header.Clone()
		for name, value := range map[string]string{"Proto": "http", "Host": r.Host, "Uri": r.RequestURI,
			"Method": r.Method} {
			ask.Header.Set("X-Forwarded-"+name, value)
		}
		resp, err := http.DefaultTransport.RoundTrip(ask)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			fmt.Fprintf(w, "report %s for %s", r.URL.Query().Get("year"), resp.Header.Get("Remote-Email"))
			return
		}
		w.Header().Set("Location", resp.Header.Get("Location"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
}
