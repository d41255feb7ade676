package gate

import (
	paths "path"
	"strings"
	"testing"
)

// TestAnAddressHasOneSpelling checks that equivalent addresses have one form.
func TestAnAddressHasOneSpelling(t *testing.T) {
	for raw, want := range map[string]string{
		"https://app.example.org/":               "https://app.example.org /",
		"https://APP.Example.ORG/Page":           "https://app.example.org /Page",
		"HTTPS://app.example.org./x":             "https://app.example.org /x",
		"https://app.example.org:443/x?a=1&b=/":  "https://app.example.org /x",
		"http://app.localhost:80/x":              "http://app.localhost /x",
		"https://app.example.org:8443/x":         "https://app.example.org:8443 /x",
		"http://app.localhost:443/x":             "http://app.localhost:443 /x",
		"https://[2001:DB8::1]:443/x":            "https://[2001:db8::1] /x",
		"https://app.example.org/%61dmin":        "https://app.example.org /admin",
		"https://app.example.org/a%20b/%C3%A9":   "https://app.example.org /a b/é",
		"https://app.example.org/x?//../;%2f%00": "https://app.example.org /x",
		"https://app.example.org/...":            "https://app.example.org /...",
		"https://app.example.org/.well-known/x":  "https://app.example.org /.well-known/x",
		"https://app.example.org/100%25":         "https://app.example.org /100%",
		"https://app.example.org/Wait%E2%80%A6":  "https://app.example.org /Wait…",
		"https://app.example.org/%EF%AC%81n":     "https://app.example.org /ﬁn",
	} {
		a, err := ParseAddress(raw)
		if got := a.Scheme + "://" + a.Host + " " + a.Path; err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", raw, got, err, want)
		}
	}
}

// ambiguous are addresses that two servers can understand differently, or that are
// invalid.
const ambiguous = "|https://|https:///x|https://app.example.org|app.example.org/x|//app.example.org/x|" +
	"ftp://app.example.org/x|" +
	"https://app.example.org?x|https://app.example.org#/x|https://app.example.org/x#y|https://u@app.example.org/x|" +
	"https://u:p@app.example.org/x|" +
	"https://app.example.org\\@evil.test/|https://app.example.org/\\admin|https://app.example.org/public\\..\\admin|" +
	"https://app.example.org//admin|https://app.example.org/public//admin|https://app.example.org/./admin|" +
	"https://app.example.org/public/../admin|" +
	"https://app.example.org/public/..|https://app.example.org/public/.|" +
	"https://app.example.org/public/%2e%2e/admin|https://app.example.org/public/%2E./admin|" +
	"https://app.example.org/public%2f..%2fadmin|https://app.example.org/public%2Fadmin|" +
	"https://app.example.org/public%5cadmin|" +
	"https://app.example.org/public/..;/admin|https://app.example.org/public;x/admin|" +
	"https://app.example.org/public%3bx|" +
	"https://app.example.org/public/%252e%252e/admin|https://app.example.org/%2561dmin|" +
	"https://app.example.org/public%00|https://app.example.org/x%0d%0aY|" +
	"https://app.example.org/%c0%ae%c0%ae/admin|https://app.example.org/%c0%afadmin|https://app.example.org/%ff|" +
	"https://app.example.org/%|https://app.example.org/%zz|" +
	"https://app.example.org/%ef%bc%8fadmin|https://app.example.org/public/%ef%bc%8e%ef%bc%8e/admin|" +
	"https://app.example.org/%e2%80%a8|" +
	"https://app.example.org/public/%e2%80%a5/admin|https://app.example.org/public/%e2%80%a4%e2%80%a4/admin|" +
	"https://app.example.org/public%cd%be/admin|https://app.example.org/%e2%84%80dmin|" +
	"https://app.example.org/public%ef%b9%a8admin|https://app.example.org/public%ef%b9%9f|" +
	"https://app.example.org/a b|https://app.example.org/\tadmin|https://app.example.org/é|" +
	"https://app.example.org/\x00|" +
	"https://app..example.org/|https://.example.org/|https://app.example.org../x|https://app_é.example.org/|" +
	"https://app.example.org:/x|https://app.example.org:0443/x|" +
	"https://app.example.org:443:443/x|https://app.example.org:x/|https://app.example.org:123456/|https://[::1/x|" +
	"https://::1/x|https://[app.example.org]/x|https://[fe80::1%25eth0]/x|" +
	"https://app.example.org,evil.test/x|https://app.example.org%2eevil.test/x"

// TestAnAmbiguousAddressIsRefused checks that no rule is applied to an address that
// the application could understand differently.
func TestAnAmbiguousAddressIsRefused(t *testing.T) {
	for raw := range strings.SplitSeq(ambiguous, "|") {
		if a, err := ParseAddress(raw); err == nil {
			t.Errorf("%q is understood as %+v", raw, a)
		}
	}
	if _, err := ParseAddress("https://app.example.org/" + strings.Repeat("a", maxAddress)); err == nil {
		t.Error("a very long address is understood")
	}
}

// FuzzAddress checks that a parsed address is in its canonical form, and that
// parsing it again yields the same.
func FuzzAddress(f *testing.F) {
	for raw := range strings.SplitSeq(ambiguous, "|") {
		f.Add(raw)
	}
	f.Add("https://app.example.org:443/a%20b?x=1")
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := ParseAddress(raw)
		if err != nil {
			return
		}
		if clean := paths.Clean(a.Path); clean != a.Path && clean+"/" != a.Path {
			t.Errorf("%q has the path %q", raw, a.Path)
		}
		if again, err := ParseAddress(a.String()); err != nil || again != a {
			t.Errorf("%q is %+v, and read again %+v, %v", raw, a, again, err)
		}
	})
}
