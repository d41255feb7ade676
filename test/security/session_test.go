package security_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
)

// TestR098_SessionID checks that the id has 256 random bits, is chosen by the server, and is read
// only from its cookie and only as a whole.
func TestR098_SessionID(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.browser()
	chosen := seal.Token()
	b.jar["twofold"] = chosen
	b.out("a chosen id")
	b.login(a).want(200)
	b.validate(a.next()).want(200)
	id := b.jar["twofold"]
	if id == chosen || len(id) != 43 {
		t.Errorf("id %q", id)
	}
	for what, v := range map[string]string{
		"cut": id[:42], "longer": id + "A", "upper case": strings.ToUpper(id), "lower case": strings.ToLower(id),
		"half":   id[:21],
		"quoted": `"` + id[:41] + `"`, "percent": "%" + fmt.Sprintf("%02x", id[0]) + id[1:], "hash": seal.HashToken(id),
	} {
		c := w.browser()
		c.jar["twofold"] = v
		c.out(what)
	}
	c := w.browser()
	c.header = map[string]string{"Authentication-Token": id, "Authorization": "Bearer " + id, "X-Session": id}
	c.out("the cookie's value in headers")
	for _, q := range []string{"session", "twofold", "auth_token", "token"} {
		w.browser().get("/app/user?" + q + "=" + id).want(401)
		if r := w.browser().form("/verify", q, id, "password", secret); r.status == 200 && r.cookie("twofold") != "" {
			t.Errorf("field %s is taken for the cookie", q)
		}
	}
	token := w.browser()
	token.jar["twofold-pending"] = w.plantPending(a).jar["twofold-pending"]
	r := token.post("/tf-validate?include_auth_token", m{"code": a.next()}).want(200)
	header := r.json["user"].(m)["authentication_token"].(string)
	d := w.browser()
	d.jar["twofold"] = header
	d.out("a header token in the cookie")
	seen := map[string]bool{}
	for range 10_000 {
		seen[seal.Token()] = true
	}
	if len(seen) != 10_000 {
		t.Error("ids repeat")
	}
	b.in(a, 2)
}

// TestR099_CookieAttributes checks cookies over https: the prefix __Host-, no Domain, and no expiry
// for session and pending sign-in. tf_validity and remember_token also have the prefix, and are
// SameSite Strict.
func TestR099_CookieAttributes(t *testing.T) {
	w := newWorld(t, plenty, remembering, func(c *twofold.Config) { c.Origin = "https://good.test" })
	p := w.person("alice")
	b := w.browser()
	b.host = "good.test"
	b.login(p).want(200)
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	p.app = decode(w, r.text("tf_authr_b32key"))
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.code(0)}).want(200)
	b.form("/logout")
	b = w.browser()
	b.host = "good.test"
	b.login(p, m{"remember": true}).want(200)
	b.form("/tf-validate", "code", p.next()).want(303)
	b.page("/tf-setup")
	b.form("/logout").want(303)
	common := []string{"Path=/", "HttpOnly", "Secure"}
	table := map[string]string{
		"__Host-twofold": "SameSite=Lax", "__Host-twofold-pending": "SameSite=Lax",
		"__Host-twofold-csrf":  "SameSite=Lax",
		"__Host-twofold-notes": "SameSite=Lax", "__Host-twofold-known": "SameSite=Lax",
		"__Host-tf_validity": "SameSite=Strict", "__Host-remember_token": "SameSite=Strict",
	}
	for name, lines := range w.cookies {
		same, known := table[name]
		if !known {
			t.Errorf("cookie %s is not in the table", name)
		}
		for _, line := range lines {
			for _, want := range append(common, same) {
				if !strings.Contains(line, "; "+want) {
					t.Errorf("%s lacks %s: %s", name, want, line)
				}
			}
			value, _, _ := strings.Cut(strings.TrimPrefix(line, name+"="), ";")
			lasting := strings.Contains(line, "Max-Age") || strings.Contains(line, "Expires")
			if strings.Contains(line, "Domain") || len(line) > 4096 ||
				strings.HasSuffix(name, "-twofold") && value != "" && lasting {
				t.Errorf("%s: %s", name, line)
			}
			if value == "" && !strings.Contains(line, "Max-Age=0") {
				t.Errorf("%s is cleared without Max-Age=0: %s", name, line)
			}
		}
	}
	for name := range table {
		if len(w.cookies[name]) == 0 {
			t.Errorf("cookie %s was never set: this test looks in the wrong place", name)
		}
	}
}

// TestR100_IdleAndAbsoluteLimits checks for one hour idle and one day in total.
func TestR100_IdleAndAbsoluteLimits(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	b, idle := w.browser(), w.plantSession(a)
	b.login(a).want(200)
	b.validate(a.next()).want(200)
	begin := w.Now()
	w.advance(59 * time.Minute)
	b.in(a, 2)
	w.advance(2 * time.Minute)
	idle.out("61 minutes idle")
	w.advance(28 * time.Minute)
	for w.Now().Sub(begin) < 24*time.Hour-30*time.Minute {
		b.get("/app/user").want(200)
		w.advance(30 * time.Minute)
	}
	w.advance(begin.Add(24*time.Hour - time.Second).Sub(w.Now()))
	b.in(a, 2)
	w.advance(2 * time.Second)
	b.out("after 24 hours of activity")
	c := w.plantSession(a)
	w.advance(50 * time.Minute)
	c.in(a, 2)
	w.advance(50 * time.Minute)
	c.in(a, 2)
	w.advance(61 * time.Minute)
	c.out("idle after activity")
}

// TestR101_LogoutEndsTheSession checks that sign-out ends the session on the server, also during a
// pending sign-in, and only by a POST from this site.
func TestR101_LogoutEndsTheSession(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.plantSession(a)
	saved := b.copy()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		b.copy().do(method, "/logout", "", "").want(405)
	}
	b.copy().do("POST", "/logout", "", "", "Sec-Fetch-Site", "cross-site").want(403)
	b.copy().do("POST", "/logout", "", "", "Sec-Fetch-Site", "", "Origin", "https://evil.test").want(403)
	bare := b.copy()
	bare.bare = true
	bare.form("/logout").want(400)
	saved.in(a, 2)
	r := b.form("/logout").want(303)
	if b.jar["twofold"] != "" || r.header.Get("Clear-Site-Data") == "" {
		t.Error("the browser is not told to forget")
	}
	saved.out("saved cookies after logout")
	p := w.plantPending(a)
	saved = p.copy()
	p.post("/logout", m{}).want(200)
	saved.validate(a.next()).want(400).refused("pending after logout")
	saved.out("pending after logout")
}

// unsafeRequests returns all paths that change something, with a body that they accept.
func unsafeRequests() map[string]string {
	return map[string]string{
		"/login": "email=alice%40good.test&password=x", "/register": "email=new%40good.test&password=x", "/logout": "",
		"/verify":   "password=x",
		"/tf-setup": "setup=disable", "/tf-setup/x": "code=1", "/tf-validate": "code=000000",
		"/tf-select": "which=email",
		"/tf-rescue": "help_setup=email", "/tf-resend": "", "/tf-not-me/x": "",
	}
}

// TestR103_CSRF checks that every unsafe path refuses requests from other sites, as a form and as
// JSON, and that a form without an origin requires the token. The token is bound to a separate
// cookie that survives the sign-in; the check of the origin is what protects a browser.
func TestR103_CSRF(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	host := strings.TrimPrefix(w.nodes[0].origin, "http://")
	elsewhere := map[string][]string{
		"origin null":     {"Origin", "null"},
		"another origin":  {"Origin", "https://evil.test"},
		"another scheme":  {"Origin", "https://" + host},
		"another port":    {"Origin", "http://127.0.0.1:1"},
		"a subdomain":     {"Origin", "http://sub." + host},
		"host as prefix":  {"Origin", "http://" + host + ".evil.test"},
		"host as user":    {"Origin", "http://" + host + "@evil.test"},
		"cross-site":      {"Sec-Fetch-Site", "cross-site"},
		"same-site":       {"Sec-Fetch-Site", "same-site"},
		"unknown":         {"Sec-Fetch-Site", "somewhere"},
		"both, disagreed": {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"},
	}
	before := w.rows("users", "factors", "counters", "pendings", "drafts")
	for path, body := range unsafeRequests() {
		b := w.plantSession(a)
		b.bare = true
		for what, lines := range elsewhere {
			b.do("POST", path, typeForm, body, lines...).want(403)
			for _, contentType := range []string{"text/plain", typeJSON} {
				if r := b.do("POST", path, contentType, `{"code":"000000"}`, lines...); r.status != 403 {
					t.Errorf("%s: %s as %s: status %d", path, what, contentType, r.status)
				}
			}
		}
		if body == "" {
			body = "submit=x"
		}
		theirs := w.browser().get("/login").text("csrf_token")
		b.page("/verify") // this browser has its own by now
		own := b.jar["twofold-csrf"]
		for _, token := range []string{"", "A", theirs, own, strings.Repeat("A", 43), seal.Token()} {
			r := b.do("POST", path, typeForm, body+"&csrf_token="+token, "Accept", typeJSON)
			if r.status != 400 || !strings.Contains(r.body, "CSRF") {
				t.Errorf("%s with token %q: status %d: %s", path, token, r.status, r.body)
			}
			b.do("POST", path+"?csrf_token="+theirs, typeForm, body, "Accept", typeJSON, "Referer",
				w.nodes[0].origin+path).want(400)
		}
		b.in(a, 2)
	}
	if w.rows("users", "factors", "counters", "pendings", "drafts") != before {
		t.Error("a refused request changed something")
	}
	b := w.plantSession(a)
	b.bare = true
	token := b.get("/verify").text("csrf_token")
	b.form("/logout", "csrf_token", token).want(303)
	b.out("a form with its token")
}

// TestR104_ReadingChangesNothing checks that GET and HEAD on every path with every cookie jar leave
// the database unchanged and issue no token except the CSRF token.
func TestR104_ReadingChangesNothing(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice").enrollMail()
	jars := []*browser{w.browser(), w.plantPending(a), w.plantSession(a), w.trusted(w.withApp("trudy")),
		w.plantPending(w.person("newcomer"))}
	draft := w.plantSession(a)
	draft.post("/tf-setup", m{"setup": "authenticator", "add": true}).want(200)
	jars = append(jars, draft)
	w.settled()
	before := w.everything()
	for _, path := range append(paths(), "/tf-not-me/"+a.stopToken()) {
		for i, jar := range jars {
			for _, query := range []string{"", "?include_auth_token",
				"?code=123456&setup=disable&which=email&help_setup=email"} {
				get := jar.copy().get(path + query)
				head := jar.copy().do("HEAD", path+query, "", "", "Accept", typeJSON)
				jar.copy().page(path + query)
				if get.status != head.status {
					t.Errorf("%s with jar %d: GET %d, HEAD %d", path, i, get.status, head.status)
				}
				if strings.Contains(get.body, "authentication_token") || strings.Contains(get.body, "b32key") ||
					head.body != "" {
					t.Errorf("%s with jar %d: %s", path, i, get.body)
				}
			}
		}
	}
	w.settled()
	if w.everything() != before {
		t.Error("reading changed the database")
	}
}

// everything returns the whole database without times of activity.
func (w *world) everything() string {
	w.t.Helper()
	return w.rows("users", "identities", "factors", "devices", "device_secrets", "sessions", "pendings", "drafts",
		"challenges", "counters")
}

// TestR105_ContentTypesAreStrict checks that only JSON and the two form types are accepted, in
// UTF-8.
func TestR105_ContentTypesAreStrict(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	body := `{"email":"` + a.email + `","password":"` + secret + `"}`
	for _, contentType := range []string{
		"text/plain", "application/json; charset=utf-16", "application/jsonp", "text/json", "application/javascript",
		"*/*", "application/xml", "json", "",
		"text/plain; application/json", "application/json, text/plain",
		"application/x-www-form-urlencoded; charset=iso-8859-1",
	} {
		r := w.browser().do("POST", "/login", contentType, body)
		if r.status != 415 && r.status != 400 || r.json["tf_required"] != nil {
			t.Errorf("%q: status %d", contentType, r.status)
		}
	}
	if r := w.browser().do("POST", "/login", typeForm, body); r.json["tf_required"] != nil ||
		r.cookie("twofold-pending") != "" {
		t.Errorf("JSON as a form: status %d", r.status)
	}
	r := w.raw(w.nodes[0], "POST /login HTTP/1.1\r\nHost: "+w.nodes[0].addr+
		"\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\n"+
		"Connection: close\r\nContent-Length: "+fmt.Sprint(len(body))+"\r\n\r\n"+body)
	if r == nil || r.status != 415 {
		t.Errorf("two content types: %+v", r)
	}
	ok := w.browser().do("POST", "/login", "application/json; charset=UTF-8", body).want(200)
	if ok.header.Get("Content-Type") != typeJSON || ok.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("reply: %v", ok.header)
	}
	if page := w.browser().page("/login"); page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("page: %v", page.header)
	}
}

// TestR106_Headers covers every kind of response. HSTS is sent over https only; form and script
// sources are limited to this site.
func TestR106_Headers(t *testing.T) {
	w := newWorld(t, plenty, func(c *twofold.Config) { c.Origin = "https://good.test" })
	want := map[string]*regexp.Regexp{
		"Cache-Control": regexp.MustCompile(`no-store`), "X-Content-Type-Options": regexp.MustCompile(`^nosniff$`),
		"Content-Security-Policy": regexp.MustCompile(
			`default-src 'self';.*object-src 'none';.*base-uri 'none';.*form-action 'self';.*frame-ancestors 'none'`),
		"X-Frame-Options":              regexp.MustCompile(`^DENY$`),
		"Referrer-Policy":              regexp.MustCompile(`^(same-origin|no-referrer)$`),
		"Strict-Transport-Security":    regexp.MustCompile(`max-age=(3153600\d|[4-9]\d{7}|\d{9,})`),
		"Cross-Origin-Opener-Policy":   regexp.MustCompile(`^same-origin$`),
		"Cross-Origin-Resource-Policy": regexp.MustCompile(`^same-origin$`),
	}
	b := w.browser()
	b.host = "good.test"
	for _, lines := range [][]string{{"Origin", "https://evil.test"}, {"Origin", "null"}, {}} {
		for _, r := range []*answer{
			b.do("GET", "/login", "", "", lines...), b.do("GET", "/me", "", "", lines...),
			b.do("PUT", "/login", "", "", lines...),
			b.do("OPTIONS", "/login", "", "", append(lines, "Access-Control-Request-Method", "POST")...),
			b.do("POST", "/login", typeForm, "email=x&password=y", lines...),
			b.do("GET", "/tf-validate", "", "", lines...),
			b.do("GET", "/tf-setup/x", "", "", lines...), b.do("GET", "/app/user", "", "", lines...),
			b.do("POST", "/login", typeJSON, "{", lines...),
		} {
			for name, pattern := range want {
				if !pattern.MatchString(r.header.Get(name)) {
					t.Errorf("%s (%d): %s is %q", r.what, r.status, name, r.header.Get(name))
				}
			}
			if r.header.Get("Access-Control-Allow-Origin") != "" ||
				r.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: allows another origin", r.what)
			}
		}
	}
	page := b.page("/login").want(200)
	// All scripts are files of this site; none is inline.
	own := regexp.MustCompile(`<script src="/tf-static/[a-z0-9.]+\.js" defer></script>`).ReplaceAllString(page.body, "")
	if regexp.MustCompile(`(?i)<script|<style| style=| on[a-z]+=|src="https?:|href="https?:`).MatchString(own) {
		t.Errorf("the page breaks its own policy:\n%s", page.body)
	}
}
