package breach

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/password"
)

// The SHA-1 of "password" is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
const (
	prefix = "5BAA6"
	rest   = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
	other  = "0018A45C4D1DEF81644B54AB7F969B88D65"
)

func service(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

func checker(t *testing.T, c Config) *Checker {
	t.Helper()
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOnlyFiveDigitsAreSent(t *testing.T) {
	var asked []string
	s := service(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Add-Padding"))
		fmt.Fprintf(w, "%s:3\r\n%s:24230577\r\n%s:0\r\n", other, rest, strings.Repeat("F", 35))
	})
	if err := checker(t, Config{URL: s.URL + "/"}).Check(t.Context(), "password", "alice@good.test"); !errors.Is(err,
		password.ErrBreached) {
		t.Errorf("%v", err)
	}
	if len(asked) != 1 || asked[0] != "GET /range/"+prefix+" true" {
		t.Errorf("asked %q", asked)
	}
	if err := checker(t, Config{URL: s.URL}).Check(t.Context(), "another horse 72 battery"); err != nil {
		t.Errorf("%v", err)
	}
	if err := checker(t, Config{URL: s.URL, Count: 30_000_000}).Check(t.Context(), "password"); err != nil {
		t.Errorf("sighted less often than asked for: %v", err)
	}
}

func TestPaddingIsNoSighting(t *testing.T) {
	s := service(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s:0\n", rest) })
	if err := checker(t, Config{URL: s.URL, Strict: true}).Check(t.Context(), "password"); err != nil {
		t.Errorf("%v", err)
	}
}

func TestAServiceInTrouble(t *testing.T) {
	release := make(chan struct{})
	for name, answer := range map[string]http.HandlerFunc{
		"down":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/else", http.StatusFound) },
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<html>welcome to the hotel</html>")
		},
		"empty": func(http.ResponseWriter, *http.Request) {},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4000")
			fmt.Fprintf(w, "%s:1\n", other)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
	} {
		s := service(t, answer)
		var log bytes.Buffer
		c := Config{URL: s.URL, Timeout: 200 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := checker(t, c).Check(t.Context(), "password"); err != nil {
			t.Errorf("%s, best effort: %v", name, err)
		}
		c.Strict = true
		if err := checker(t, c).Check(t.Context(), "password"); !errors.Is(err, password.ErrNotChecked) {
			t.Errorf("%s, strict: %v", name, err)
		}
		if strings.Contains(log.String(), prefix) || !strings.Contains(log.String(), s.URL) {
			t.Errorf("%s: the log says %s", name, log.String())
		}
	}
	close(release)
}

func TestConfigIsChecked(t *testing.T) {
	for _, bad := range []Config{{URL: "http://good.test"}, {URL: "ftp://good.test"}, {URL: "api"},
		{URL: "https://u:p@good.test"}, {URL: "https://good.test?x=1"}, {Count: -1}, {Timeout: -1}} {
		if _, err := New(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// FuzzFind checks that no answer reports a password as breached unless it contains the password's
// hash.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"", rest + ":1", other + ":2\r\n" + rest + ":0", "x:y", strings.Repeat(":", 40),
		rest + ":-1", rest + ":99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		n, err := find(strings.NewReader(body), rest)
		if n < 0 || err != nil && n != 0 || n > 0 && !strings.Contains(strings.ToUpper(body), rest+":") {
			t.Fatalf("%q: %d %v", body, n, err)
		}
	})
}
