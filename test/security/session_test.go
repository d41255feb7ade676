package security_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR098_SessionID checks that the id has 256 random bits, is chosen by the server, and is read
// only from its cookie and only as a whole.
func TestR098_SessionID(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.browser()
	chosen := seal.Token()
	b.Jar["twofold"] = chosen
	b.out("a chosen id")
	b.login(a).Want(200)
	b.validate(a.Next()).Want(200)
	id := b.Jar["twofold"]
	if id == chosen || len(id) != 43 {
		t.Errorf("id %q", id)
	}
	for what, v := range map[string]string{
		"cut": id[:42], "longer": id + "A", "upper case": strings.ToUpper(id), "lower case": strings.ToLower(id),
		"half":   id[:21],
		"quoted": `"` + id[:41] + `"`, "percent": "%" + fmt.Sprintf("%02x", id[0]) + id[1:], "hash": seal.HashToken(id),
	} {
		c := w.browser()
		c.Jar["twofold"] = v
		c.out(what)
	}
	c := w.browser()
	c.Header = map[string]string{"Authentication-Token": id, "Authorization": "Bearer " + id, "X-Session": id}
	c.out("the cookie's value in headers")
	for _, q := range []string{"session", "twofold", "auth_token", "token"} {
		w.browser().Get("/app/user?" + q + "=" + id).Want(401)
		if r := w.browser().Form("/verify", q, id, "password", secret); r.Status == 200 && r.Cookie("twofold") != "" {
			t.Errorf("field %s is taken for the cookie", q)
		}
	}
	token := w.browser()
	token.Jar["twofold-pending"] = w.plantPending(a).Jar["twofold-pending"]
	r := token.Post("/tf-validate?include_auth_token", m{"code": a.Next()}).Want(200)
	header := r.JSON["user"].(m)["authentication_token"].(string)
	d := w.browser()
	d.Jar["twofold"] = header
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
	b.Host = "good.test"
	b.login(p).Want(200)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	b.Form("/logout")
	b = w.browser()
	b.Host = "good.test"
	b.login(p, m{"remember": true}).Want(200)
	b.Form("/tf-validate", "code", p.Next()).Want(303)
	b.Page("/tf-setup")
	b.Form("/logout").Want(303)
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
	b.login(a).Want(200)
	b.validate(a.Next()).Want(200)
	begin := w.Now()
	w.Advance(59 * time.Minute)
	b.in(a, 2)
	w.Advance(2 * time.Minute)
	idle.out("61 minutes idle")
	w.Advance(28 * time.Minute)
	for w.Now().Sub(begin) < 24*time.Hour-30*time.Minute {
		b.Get("/app/user").Want(200)
		w.Advance(30 * time.Minute)
	}
	w.Advance(begin.Add(24*time.Hour - time.Second).Sub(w.Now()))
	b.in(a, 2)
	w.Advance(2 * time.Second)
	b.out("after 24 hours of activity")
	c := w.plantSession(a)
	w.Advance(50 * time.Minute)
	c.in(a, 2)
	w.Advance(50 * time.Minute)
	c.in(a, 2)
	w.Advance(61 * time.Minute)
	c.out("idle after activity")
}

// TestR100_NoRenewalExtendsASession checks that a session which replaces another one ends with it: after
// each kind of change of the account, and after a re-authentication.
func TestR100_NoRenewalExtendsASession(t *testing.T) {
	w := newWorld(t, life)
	for name, renew := range map[string]func(b *browser, p *person, n int){
		"recovery codes": func(b *browser, _ *person, _ int) { b.Post("/mf-recovery-codes", m{}).Want(200) },
		"a re-authentication": func(b *browser, p *person, _ int) {
			b.Post("/verify", m{"password": secret}).Want(200)
			b.validate(p.Next()).Want(200)
		},
		"another username": func(b *browser, _ *person, n int) {
			b.Post("/change-username", m{"username": fmt.Sprint("another", n)}).Want(200)
		},
		"another password": func(b *browser, _ *person, n int) {
			now, next := secret, newSecret
			if n%2 == 1 {
				now, next = next, now
			}
			b.Post("/change", m{"password": now, "new_password": next, "new_password_confirm": next}).Want(200)
		},
		"another app": func(b *browser, p *person, _ int) {
			started := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
			p.App = testkit.ReadApp(t, started.Text("tf_authr_b32key"))
			b.Post("/tf-setup/"+started.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
		},
	} {
		p := w.withApp(strings.NewReplacer(" ", "", "-", "").Replace(name))
		b := w.browser()
		b.login(p).Want(200)
		b.validate(p.Next()).Want(200)
		begin := w.Now()
		for n := range 4 {
			w.Advance(time.Minute)
			before := b.Jar["twofold"]
			renew(b, p, n)
			if b.Jar["twofold"] == before {
				t.Fatalf("%s: the session is not replaced", name)
			}
		}
		for w.Now().Sub(begin) < 24*time.Hour-30*time.Minute {
			b.Get("/app/user").Want(200)
			w.Advance(25 * time.Minute)
		}
		w.Advance(begin.Add(24*time.Hour + time.Second).Sub(w.Now()))
		b.out("24 hours after the sign-in, after " + name)
	}
}

// TestR101_LogoutEndsTheSession checks that sign-out ends the session on the server, also during a
// pending sign-in, and only by a POST from this site.
func TestR101_LogoutEndsTheSession(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.plantSession(a)
	saved := b.copy()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		b.copy().Do(method, "/logout", "", "").Want(405)
	}
	b.copy().Do("POST", "/logout", "", "", "Sec-Fetch-Site", "cross-site").Want(403)
	b.copy().Do("POST", "/logout", "", "", "Sec-Fetch-Site", "", "Origin", "https://evil.test").Want(403)
	bare := b.copy()
	bare.Bare = true
	bare.Form("/logout").Want(400)
	saved.in(a, 2)
	r := b.Form("/logout").Want(303)
	if b.Jar["twofold"] != "" || r.Header.Get("Clear-Site-Data") == "" {
		t.Error("the browser is not told to forget")
	}
	saved.out("saved cookies after logout")
	p := w.plantPending(a)
	saved = p.copy()
	p.Post("/logout", m{}).Want(200)
	saved.validate(a.Next()).Want(400).Refused("pending after logout")
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
	host := strings.TrimPrefix(w.Nodes[0].Origin, "http://")
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
		b.Bare = true
		for what, lines := range elsewhere {
			b.Do("POST", path, testkit.TypeForm, body, lines...).Want(403)
			for _, contentType := range []string{"text/plain", testkit.TypeJSON} {
				if r := b.Do("POST", path, contentType, `{"code":"000000"}`, lines...); r.Status != 403 {
					t.Errorf("%s: %s as %s: status %d", path, what, contentType, r.Status)
				}
			}
		}
		if body == "" {
			body = "submit=x"
		}
		theirs := w.browser().Get("/login").Text("csrf_token")
		b.Page("/verify") // this browser has its own by now
		own := b.Jar["twofold-csrf"]
		for _, token := range []string{"", "A", theirs, own, strings.Repeat("A", 43), seal.Token()} {
			r := b.Do("POST", path, testkit.TypeForm, body+"&csrf_token="+token, "Accept", testkit.TypeJSON)
			if r.Status != 400 || !strings.Contains(r.Body, "CSRF") {
				t.Errorf("%s with token %q: status %d: %s", path, token, r.Status, r.Body)
			}
			b.Do("POST", path+"?csrf_token="+theirs, testkit.TypeForm, body, "Accept", testkit.TypeJSON, "Referer",
				w.Nodes[0].Origin+path).Want(400)
		}
		b.in(a, 2)
	}
	if w.rows("users", "factors", "counters", "pendings", "drafts") != before {
		t.Error("a refused request changed something")
	}
	b := w.plantSession(a)
	b.Bare = true
	token := b.Get("/verify").Text("csrf_token")
	b.Form("/logout", "csrf_token", token).Want(303)
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
	draft.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
	jars = append(jars, draft)
	w.settled()
	before := w.everything()
	for _, path := range append(paths(), "/tf-not-me/"+a.stopToken()) {
		for i, jar := range jars {
			for _, query := range []string{"", "?include_auth_token",
				"?code=123456&setup=disable&which=email&help_setup=email"} {
				get := jar.copy().Get(path + query)
				head := jar.copy().Do("HEAD", path+query, "", "", "Accept", testkit.TypeJSON)
				jar.copy().Page(path + query)
				if get.Status != head.Status {
					t.Errorf("%s with jar %d: GET %d, HEAD %d", path, i, get.Status, head.Status)
				}
				if strings.Contains(get.Body, "authentication_token") || strings.Contains(get.Body, "b32key") ||
					head.Body != "" {
					t.Errorf("%s with jar %d: %s", path, i, get.Body)
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
	w.T.Helper()
	return w.rows("users", "identities", "factors", "devices", "device_secrets", "sessions", "pendings", "drafts",
		"challenges", "counters")
}

// TestR105_ContentTypesAreStrict checks that only JSON and the two form types are accepted, in
// UTF-8.
func TestR105_ContentTypesAreStrict(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	body := `{"email":"` + a.Email + `","password":"` + secret + `"}`
	for _, contentType := range []string{
		"text/plain", "application/json; charset=utf-16", "application/jsonp", "text/json", "application/javascript",
		"*/*", "application/xml", "json", "",
		"text/plain; application/json", "application/json, text/plain",
		"application/x-www-form-urlencoded; charset=iso-8859-1",
	} {
		r := w.browser().Do("POST", "/login", contentType, body)
		if r.Status != 415 && r.Status != 400 || r.JSON["tf_required"] != nil {
			t.Errorf("%q: status %d", contentType, r.Status)
		}
	}
	if r := w.browser().Do("POST", "/login", testkit.TypeForm, body); r.JSON["tf_required"] != nil ||
		r.Cookie("twofold-pending") != "" {
		t.Errorf("JSON as a form: status %d", r.Status)
	}
	r := w.raw(w.Nodes[0], "POST /login HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+
		"\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\n"+
		"Connection: close\r\nContent-Length: "+fmt.Sprint(len(body))+"\r\n\r\n"+body)
	if r == nil || r.Status != 415 {
		t.Errorf("two content types: %+v", r)
	}
	ok := w.browser().Do("POST", "/login", "application/json; charset=UTF-8", body).Want(200)
	if ok.Header.Get("Content-Type") != testkit.TypeJSON || ok.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("reply: %v", ok.Header)
	}
	if page := w.browser().Page("/login"); page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("page: %v", page.Header)
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
	b.Host = "good.test"
	for _, lines := range [][]string{{"Origin", "https://evil.test"}, {"Origin", "null"}, {}} {
		for _, r := range []*answer{
			b.Do("GET", "/login", "", "", lines...), b.Do("GET", "/me", "", "", lines...),
			b.Do("PUT", "/login", "", "", lines...),
			b.Do("OPTIONS", "/login", "", "", append(lines, "Access-Control-Request-Method", "POST")...),
			b.Do("POST", "/login", testkit.TypeForm, "email=x&password=y", lines...),
			b.Do("GET", "/tf-validate", "", "", lines...),
			b.Do("GET", "/tf-setup/x", "", "", lines...), b.Do("GET", "/app/user", "", "", lines...),
			b.Do("POST", "/login", testkit.TypeJSON, "{", lines...),
		} {
			for name, pattern := range want {
				if !pattern.MatchString(r.Header.Get(name)) {
					t.Errorf("%s (%d): %s is %q", r.What, r.Status, name, r.Header.Get(name))
				}
			}
			if r.Header.Get("Access-Control-Allow-Origin") != "" ||
				r.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: allows another origin", r.What)
			}
		}
	}
	page := b.Page("/login").Want(200)
	// All scripts are files of this site; none is inline.
	own := regexp.MustCompile(`<script src="/tf-static/[a-z0-9.]+\.js" defer></script>`).ReplaceAllString(page.Body, "")
	if regexp.MustCompile(`(?i)<script|<style| style=| on[a-z]+=|src="https?:|href="https?:`).MatchString(own) {
		t.Errorf("the page breaks its own policy:\n%s", page.Body)
	}
}
