package web

import (
	"net/url"
	"strings"
	"testing"
)

// The payloads of published open redirects, and some made for this host.
const openRedirects = "https://evil.t|http://evil.t|//evil.t|///evil.t|////evil.t|/////evil.t|https:evil.t|" +
	"https:/evil.t|" +
	"https:///evil.t|http:\\\\evil.t|\\\\evil.t|\\\\\\evil.t|/\\evil.t|\\/evil.t|/\\/evil.t|\\/\\/evil.t|" +
	"/\\\\evil.t|//\\evil.t|" +
	"/%5cevil.t|/%2fevil.t|%2f%2fevil.t|%5c%5cevil.t|/%09/evil.t|/\t/evil.t|/\n/evil.t|/\r/evil.t| " +
	"//evil.t|\t//evil.t|%00//evil.t|" +
	"//evil.t%00.good.t|/./\\evil.t|/.//evil.t|/..//evil.t|/a/..//evil.t|/a/../\\evil.t|/;//evil.t|//evil.t/%2e%2e|" +
	"//evil.t/..|" +
	"//evil.t:443|//good.t@evil.t|https://good.t@evil.t|https://good.t:x@evil.t|https://good.t.evil.t|" +
	"https://evil.t/good.t|" +
	"https://evil.t?good.t|https://evil.t#good.t|https://evil.t\\good.t|https://evil.t\\.good.t|" +
	"https://evil.t%5C.good.t|" +
	"https://evil.t%2F.good.t|https://evil.t%23.good.t|https://goodXt|https://good.t%2eevil.t|https://sub.good.t.|" +
	"https://good.t:8443|" +
	"http://good.t|@evil.t|.evil.t|:80@evil.t|?next=//evil.t|javascript:alert(1)|JaVaScRiPt:alert(1)|" +
	"java%0ascript:alert(1)|" +
	"data:text/html,x|vbscript:x|blob:https://good.t/x|file:///etc/passwd|about:blank|hTTps://evil.t|//EVIL.T|" +
	"//evil%E3%80%82t|//ⓔⓥⓘⓛ.t|" +
	"／／evil.t|//evil。t|/%EF%BC%8Fevil.t|//[::ffff:1.2.3.4]|//0x7f000001|//2130706433|/x%0d%0aLocation:%20//evil.t|" +
	"/x%0d%0aSet-Cookie:a=b|%E5%98%8A%E5%98%8DLocation://evil.t|/%ZZ|%ZZ"

func TestNextNeverLeavesThisOrigin(t *testing.T) {
	for _, p := range strings.Split(openRedirects, "|") {
		for _, s := range []string{p, url.QueryEscape(p), url.QueryEscape(url.QueryEscape(p)), "/" + p, p + "/"} {
			checkNext(t, s)
		}
	}
	if _, ok := safeNext("/" + strings.Repeat("a", 100<<10)); ok {
		t.Error("a path of 100 KiB is taken")
	}
}

func TestNextKeepsOrdinaryPaths(t *testing.T) {
	for _, s := range []string{"/", "/me", "/a/b?c=d&e=f", "/a%20b", "/ä", "/a#b", "/login?next=%2Fme", "/a;b=c",
		"/a:b"} {
		got, ok := safeNext(s)
		if !ok {
			t.Errorf("%q is refused", s)
			continue
		}
		again, ok := safeNext(got)
		if !ok || again != got {
			t.Errorf("%q became %q and then %q", s, got, again)
		}
	}
}

// checkNext resolves a URL like a browser: it drops tabs and line breaks, treats a backslash as a
// slash, and decodes nothing before the host.
func checkNext(t *testing.T, s string) {
	t.Helper()
	got, ok := safeNext(s)
	if !ok {
		return
	}
	if strings.ContainsAny(got, "\\\t\r\n\x00 ") || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") {
		t.Errorf("%q became %q", s, got)
	}
	base, _ := url.Parse("https://good.t/x")
	ref, err := url.Parse(got)
	if err != nil {
		t.Errorf("%q became %q, which is no URL", s, got)
		return
	}
	if r := base.ResolveReference(ref); r.Host != "good.t" || r.Scheme != "https" || strings.HasPrefix(r.Path, "//") {
		t.Errorf("%q leads to %s", s, r)
	}
}

func FuzzNext(f *testing.F) {
	for _, p := range strings.Split(openRedirects, "|") {
		f.Add(p)
	}
	f.Fuzz(checkNext)
}
