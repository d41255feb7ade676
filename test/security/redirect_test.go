package security_test

import (
	"fmt"
	"html"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// listL1 are the redirect targets that got other software to send people
// elsewhere. good stands for our own origin without its scheme.
func listL1(good string) []string {
	list := strings.Fields(`https://evil.t http://evil.t //evil.t ///evil.t ////evil.t /////evil.t https:evil.t https:/evil.t
		https:///evil.t http:\\evil.t \\evil.t \\\evil.t /\evil.t \/evil.t /\/evil.t \/\/evil.t /\\evil.t //\evil.t /%5cevil.t /%2fevil.t
		%2f%2fevil.t %5c%5cevil.t /%09/evil.t %00//evil.t //evil.t%00.good.t /./\evil.t /.//evil.t /..//evil.t /a/..//evil.t /a/../\evil.t
		/;//evil.t //evil.t/%2e%2e //evil.t/.. //evil.t:443 //good.t@evil.t https://good.t@evil.t https://good.t:x@evil.t https://good.t.evil.t
		https://evil.t/good.t https://evil.t?good.t https://evil.t#good.t https://evil.t\good.t https://evil.t\.good.t https://evil.t%5C.good.t
		https://evil.t%2F.good.t https://evil.t%23.good.t https://goodXt https://good.t%2eevil.t https://sub.good.t. https://good.t:8443 http://good.t
		@evil.t .evil.t :80@evil.t ?next=//evil.t javascript:alert(1) JaVaScRiPt:alert(1) java%0ascript:alert(1) data:text/html,x vbscript:x
		blob:https://good.t/x file:///etc/passwd about:blank hTTps://evil.t //EVIL.T //evil%E3%80%82t //ⓔⓥⓘⓛ.t ／／evil.t //evil。t /%EF%BC%8Fevil.t
		//[::ffff:1.2.3.4] //0x7f000001 //2130706433 /login?next=//evil.t /x%0d%0aLocation:%20//evil.t /x%0d%0aSet-Cookie:a=b
		%E5%98%8A%E5%98%8DLocation://evil.t %ZZ /%ZZ http:evil.t http:/evil.t http:///evil.t \evil.t /＼evil.t`)
	list = append(list, "/\t/evil.t", "/\n/evil.t", "/\r/evil.t", " //evil.t", "\t//evil.t", "\x00//evil.t",
		"/x\r\nLocation: //evil.t",
		"/x\r\nSet-Cookie: a=b", "/"+strings.Repeat("a", 40_000), "")
	for i, p := range list {
		list[i] = strings.ReplaceAll(p, "good.t", good)
	}
	return list
}

var schemeOf = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*):`)

// browserOrigin returns the origin to which a browser follows a Location by the WHATWG URL
// standard: it strips blanks at the ends and line breaks anywhere, and treats a backslash as a
// slash and any number of slashes as two.
func browserOrigin(base, location string) string {
	s := strings.TrimFunc(location, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	baseScheme, _, _ := strings.Cut(base, ":")
	scheme, rest := baseScheme, s
	if m := schemeOf.FindStringSubmatch(s); m != nil {
		scheme, rest = strings.ToLower(m[1]), s[len(m[0]):]
		if !strings.Contains(" http https ws wss ftp file ", " "+scheme+" ") {
			return scheme + ":"
		}
		rest = strings.ReplaceAll(rest, `\`, "/")
		if scheme == baseScheme && !strings.HasPrefix(rest, "//") {
			return base
		}
	} else {
		rest = strings.ReplaceAll(rest, `\`, "/")
		if !strings.HasPrefix(rest, "//") {
			return base
		}
	}
	host := strings.TrimLeft(rest, "/")
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return scheme + "://" + strings.ToLower(host)
}

// stays checks that neither the headers nor the page of a response lead to another site.
func (w *world) stays(r *answer, what string) {
	w.T.Helper()
	base := w.Nodes[0].Origin
	if r.Status >= 500 || r.Status == 0 {
		w.T.Errorf("%s: status %d", what, r.Status)
	}
	locations := r.Header.Values("Location")
	if len(locations) > 1 || r.Header.Get("Set-Cookie") == "a=b" {
		w.T.Errorf("%s: headers %v", what, r.Header)
	}
	for _, l := range locations {
		if got := browserOrigin(base, l); got != base || strings.ContainsAny(l, "\r\n\\") {
			w.T.Errorf("%s: leads to %q at %s", what, l, got)
		}
		if u, err := url.Parse(l); err == nil {
			if next := u.Query().Get("next"); next != "" && browserOrigin(base, next) != base &&
				strings.HasPrefix(l, "/login?") {
				w.stays(w.browser().Page(l), what+", one page on") // checked again where it is used
			} else if next != "" && browserOrigin(base, next) != base {
				w.T.Errorf("%s: hands on %q", what, next)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:href|action|src)="([^"]*)"`).FindAllStringSubmatch(r.Body, -1) {
		if strings.HasPrefix(m[1], "data:image/") || strings.HasPrefix(m[1], "otpauth:") {
			continue
		}
		if got := browserOrigin(base, m[1]); got != base {
			w.T.Errorf("%s: page links to %q at %s", what, m[1], got)
		}
	}
}

// TestR107_NoOpenRedirect sends the whole list, raw and encoded once and twice, as a field and as a
// query parameter, to every path that redirects.
func TestR107_NoOpenRedirect(t *testing.T) {
	w := newWorld(t, plenty)
	base := w.Nodes[0].Origin
	for location, want := range map[string]string{ // the judge itself
		"/x": base, "//evil.t": "http://evil.t", `/\evil.t`: "http://evil.t", "https:evil.t": "https://evil.t",
		" \t//evil.t":  "http://evil.t",
		"javascript:x": "javascript:", "http:x": base, "/\t/evil.t": "http://evil.t", "//a@evil.t/": "http://evil.t",
		"http:/\\evil.t": "http://evil.t",
	} {
		if got := browserOrigin(base, location); got != want {
			t.Fatalf("the test takes %q for %s, want %s", location, got, want)
		}
	}
	a, two := w.withApp("alice"), w.withApp("carol").enrollMail()
	plain := w.person("paul")
	session, bare := w.plantSession(plain), w.browser()
	var values []string
	for _, p := range listL1(strings.TrimPrefix(base, "http://")) {
		once := url.QueryEscape(p)
		if len(p) > 1000 {
			once = p
		}
		values = append(values, p, once, url.QueryEscape(once))
	}
	for i, v := range values {
		name := fmt.Sprintf("next %.60q", v)
		query := "?next=" + url.QueryEscape(v)
		if len(query) > 20_000 {
			query = query[:20_000]
		}
		w.stays(bare.copy().Form("/login", "email", "x", "password", "", "next", v), "sign-in, "+name)
		w.stays(bare.copy().Form("/logout", "next", v), "logout, "+name)
		w.stays(bare.copy().Form("/logout"+query), "logout query, "+name)
		if i%3 == 0 {
			w.stays(bare.copy().Page("/login"+query), "sign-in page, "+name)
			w.stays(bare.copy().Form("/register", "email", "x", "next", v), "registration, "+name)
			w.stays(session.copy().Page("/login"+query), "sign-in page when signed in, "+name)
			w.stays(session.copy().Page("/verify"+query), "re-authentication page, "+name)
			w.stays(session.copy().Form("/verify", "password", "", "next", v), "re-authentication, "+name)
			w.stays(bare.copy().Page("/app/user"+query), "guard, "+name)
			w.stays(session.copy().Page("/app/two"+query), "guard of level two, "+name)
			w.stays(bare.copy().Page("/tf-validate"+query), "out of turn, "+name)
		}
		if i%3 == 0 {
			w.stays(w.plantPending(two).Form("/tf-select", "which", "authenticator", "next", v), "choice, "+name)
			w.stays(w.plantPending(a).Page("/tf-validate"+query), "code page, "+name)
			w.stays(w.plantPending(a).Form("/tf-rescue", "help_setup", "email", "next", v), "rescue, "+name)
		}
		b := w.plantPending(a)
		if i%2 == 0 {
			r := b.Form("/tf-validate", "code", a.Next(), "next", v)
			w.stays(r, "second factor, "+name)
			if len(v) <= 1<<16 && r.Status != 303 {
				t.Errorf("second factor, %s: status %d", name, r.Status)
			}
		} else {
			w.stays(b.Do("POST", "/tf-validate"+query, testkit.TypeForm, "code="+a.Next()),
				"second factor query, "+name)
		}
	}
	for _, raw := range listL1(strings.TrimPrefix(base, "http://")) {
		if strings.ContainsAny(raw, " \r\n\t\x00") || len(raw) > 1000 {
			continue
		}
		for _, path := range []string{"/app/user", "/logout"} {
			method, length := "GET", ""
			if path == "/logout" {
				method, length = "POST", "Sec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n"
			}
			r := w.raw(w.Nodes[0], method+" "+path+"?next="+raw+" HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+
				"\r\nConnection: close\r\n"+length+"\r\n")
			if r != nil {
				w.stays(r, "raw "+path+raw)
			}
		}
		if strings.HasPrefix(raw, "/") {
			if r := w.raw(w.Nodes[0], "GET "+raw+" HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+
				"\r\nReferer: https://evil.t/\r\nConnection: close\r\n\r\n"); r != nil && r.Status != 301 &&
				r.Status != 307 {
				w.stays(r, "raw path "+raw)
			}
		}
	}
	good := w.plantPending(a)
	if l := good.Form("/tf-validate", "code", a.Next(), "next",
		"/app/two?x=1").Header.Get("Location"); l != "/app/two?x=1" {
		t.Errorf("a good next leads to %q", l)
	}
	first := w.browser()
	r := first.Form("/login", "email", a.Email, "password", secret, "next", "/app/two")
	if l := r.Header.Get("Location"); l != "/tf-validate?next=/app/two" {
		t.Errorf("after the password to %q", l)
	}
	w.stays(first.Form("/tf-validate", "code", a.Next(), "next", "//evil.t"), "good at the password, bad at the code")
}

// TestR108_TheHostIsConfigured checks that no host in a request gets into a message, a redirect or a
// cookie, and that requests for another host are refused.
func TestR108_TheHostIsConfigured(t *testing.T) {
	w := newWorld(t, plenty)
	s := w.person("susan").enrollSMS("+16505551212")
	addr := w.Nodes[0].Addr
	forwarded := "X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https\r\nForwarded: " +
		"host=evil.test;proto=https\r\nX-Original-Host: evil.test\r\n" +
		"X-Host: evil.test\r\nX-Forwarded-Server: evil.test\r\nX-Forwarded-Port: 1337\r\nX-Forwarded-Prefix: " +
		"//evil.test\r\nX-Original-URL: //evil.test\r\n"
	pending := func() string { return "Cookie: twofold-pending=" + w.plantPending(s).Jar["twofold-pending"] + "\r\n" }
	post := func(target, host, more string) *answer {
		return w.raw(w.Nodes[0], "POST "+target+" HTTP/1.1\r\n"+host+
			"Sec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: 0\r\n"+more+"\r\n")
	}
	for _, host := range []string{"evil.test", addr + "@evil.test", addr + ".evil.test", "evil.test:80", "good.test",
		"127.0.0.1.evil.test", "localhost.evil.test"} {
		before := w.texts()
		if r := post("/tf-resend", "Host: "+host+"\r\n", pending()); r == nil || r.Status != 421 && r.Status != 400 {
			t.Errorf("host %q: %+v", host, r)
		}
		if w.texts() != before {
			t.Errorf("host %q: a code was sent", host)
		}
	}
	for what, r := range map[string]*answer{
		"two hosts":       post("/tf-resend", "Host: "+addr+"\r\nHost: evil.test\r\n", pending()),
		"absolute target": post("http://evil.test/tf-resend", "Host: "+addr+"\r\n", pending()),
	} {
		if r == nil || r.Status != 421 && r.Status != 400 {
			t.Errorf("%s: %+v", what, r)
		}
	}
	r := post("/tf-resend", "Host: "+addr+"\r\n", forwarded+pending())
	if r == nil || r.Status != 303 || r.Header.Get("Location") != "/tf-validate" {
		t.Fatalf("forwarding headers: %+v", r)
	}
	text, _ := s.w.SMS.Last(s.Phone)
	if !strings.Contains(text.Text, "@127.0.0.1 #") ||
		strings.Contains(w.replies.String(), "evil.test") && strings.Contains(r.Body, "evil.test") {
		t.Errorf("the message says %q", text.Text)
	}
	for _, line := range w.cookies["twofold-notes"] {
		if strings.Contains(line, "Domain") || strings.Contains(line, "Secure") {
			t.Errorf("a forwarding header changed the cookie: %s", line)
		}
	}
	if r := w.raw(w.Nodes[0], "GET /app/user HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n"+forwarded+
		"\r\n"); r == nil || strings.Contains(strings.Join(r.Header.Values("Location"), ""), "evil") {
		t.Errorf("guard: %+v", r)
	}
}

// TestR109_OnePathOneGuard checks that no spelling of a path avoids a guard or a budget.
func TestR109_OnePathOneGuard(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	for _, p := range []string{
		"//app/user", "/app/user/", "/APP/USER", "/app/user;x=1", "/./app/user", "/x/../app/user", "/app/./user",
		"/app%2fuser", "/%61pp/user",
		"/app/user%00", "/app/user%20", "/app/user?x", "/app//user", "/app/user/..", "/app/two/%2e%2e/user",
		"/app\\user", "/app/user.", "/app/%75ser",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
			r := w.raw(w.Nodes[0], method+" "+p+" HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+
				"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			if r != nil && strings.Contains(r.Body, "signed in") {
				t.Errorf("%s %s shows the page", method, p)
			}
		}
	}
	odd := []string{"/login", "/%6cogin", "/login?x", "/login?email=other%40good.test"}
	for i := range 10 {
		w.browser().Post(odd[i%len(odd)], m{"email": a.Email, "password": "wrong password"}).Want(400)
	}
	for _, p := range odd {
		w.browser().Post(p, m{"email": a.Email, "password": secret}).Want(429)
	}
	w.write(`DELETE FROM twofold_counters`)
	for _, p := range []string{
		"/LOGIN", "/login/", "/login;x=1", "/login%00", "/login%20", "/login%2f", "/tf-setup/a/b", "//login",
		"/./login", "/x/../login", "/login//",
	} {
		r := w.browser().Post(p, m{"email": a.Email, "password": secret})
		if r.Cookie("twofold") != "" || r.JSON["user"] != nil {
			t.Errorf("%s signs in: %d", p, r.Status)
		}
	}
	r := w.raw(w.Nodes[0], "GET /%zz HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+"\r\nConnection: close\r\n\r\n")
	if r == nil || r.Status != 400 {
		t.Errorf("broken escape: %+v", r)
	}
}

// TestR109_ARequestHidesNoOther checks that a request whose length two servers could interpret
// differently ends its connection, so that the rest is not read as another request. A request that
// repeats its length is refused.
func TestR109_ARequestHidesNoOther(t *testing.T) {
	w := newWorld(t)
	host := "Host: " + w.Nodes[0].Addr + "\r\n"
	hidden := "GET /me HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"
	for name, text := range map[string]string{
		"a length and chunks": "POST /login HTTP/1.1\r\n" + host +
			"Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks and a length": "POST /login HTTP/1.1\r\n" + host +
			"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"the same of a GET": "GET /login HTTP/1.1\r\n" + host +
			"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"the same of a file": "GET /tf-static/twofold.css HTTP/1.1\r\n" + host +
			"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":         "POST /login HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"an unknown encoding": "POST /login HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"a blank in its name": "POST /login HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"chunks without end  ": "POST /login HTTP/1.1\r\n" + host +
			"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nZ\r\n\r\n",
	} {
		c, err := net.DialTimeout("tcp", w.Nodes[0].Addr, 5*time.Second)
		w.Must(err)
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = io.WriteString(c, text+hidden)
		w.Must(err)
		seen, _ := io.ReadAll(c) // to the end of the connection, or its reset
		_ = c.Close()
		if n := strings.Count(string(seen), "HTTP/1.1 "); n != 1 {
			t.Errorf("%s: %d answers on one connection:\n%.600s", name, n, seen)
		}
	}
}

// TestR109_AnAnswerRepeatsAPathEncoded covers tokens of links with arbitrary bytes. Every answer
// that leads back to the link, or whose form posts to it, encodes the path as in the request, so
// that no byte ends a header or starts a query.
func TestR109_AnAnswerRepeatsAPathEncoded(t *testing.T) {
	w := newWorld(t, waiting, unified, tokens)
	a := w.withApp("anna")
	action := regexp.MustCompile(`action="([^"]*)"`)
	again := 0
	for _, path := range w.Nodes[0].Auth.Paths() {
		base, ok := strings.CutSuffix(path, "{token}")
		if !ok {
			continue
		}
		for _, token := range []string{"%00", "a%0D%0AX-Odd:%22%3E", "%3Fnext=b", "%23b", "%7F", "%25", "%C3%28"} {
			for _, b := range []*browser{w.browser(), w.plantSession(a)} {
				for _, method := range []string{"GET", "POST"} {
					r := b.Do(method, base+token, testkit.TypeForm, "code=1", "Accept", "text/html")
					if to := r.Header.Get("Location"); strings.HasPrefix(to, base) {
						if again++; to != base+token {
							t.Errorf("%s leads to %q", r.What, to)
						}
					}
					if r.Header.Get("X-Odd") != "" {
						t.Errorf("%s sends a header of the path", r.What)
					}
					for _, m := range action.FindAllStringSubmatch(r.Body, -1) {
						to := html.UnescapeString(m[1])
						if strings.HasPrefix(to, base) && to != base+token {
							t.Errorf("%s shows a form that posts to %q", r.What, to)
						}
					}
				}
			}
		}
	}
	if again == 0 {
		t.Error("nothing led back to a link")
	}
}
