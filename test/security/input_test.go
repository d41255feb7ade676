package security_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR126_SizeAndDepth checks the limits: bodies of 64 KiB, fields of 1 KiB, flat objects, no
// compression. The application's server sets read timeouts and header sizes.
func TestR126_SizeAndDepth(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, path := range []string{"/login", "/register", "/tf-validate", "/logout", "/tf-setup/x"} {
		for what, r := range map[string]*answer{
			"1 MiB JSON": w.browser().Do("POST", path, testkit.TypeJSON, `{"email":"`+strings.Repeat("a", 1<<20)+`"}`),
			"1 MiB form": w.browser().Do("POST", path, testkit.TypeForm, "email="+strings.Repeat("a", 1<<20)),
			"many keys":  w.browser().Do("POST", path, testkit.TypeForm, strings.Repeat("email=a&", 100_000)),
			"many JSON keys": w.browser().Do("POST", path, testkit.TypeJSON,
				"{"+strings.Repeat(`"email":"a",`, 4000)+`"email":"b"}`),
			"deep": w.browser().Do("POST", path, testkit.TypeJSON,
				`{"email":`+strings.Repeat("[", 30_000)+strings.Repeat("]", 30_000)+`}`),
			"deep objects": w.browser().Do("POST", path, testkit.TypeJSON, strings.Repeat(`{"email":`, 6000)),
			"a field of 2 KiB": w.browser().Do("POST", path, testkit.TypeJSON,
				`{"code":"`+strings.Repeat("1", 2000)+`","email":"`+strings.Repeat("1", 2000)+`"}`),
			"compressed": w.browser().Do("POST", path, testkit.TypeJSON, zipped.String(), "Content-Encoding", "gzip"),
		} {
			if r.Status < 400 || r.Status >= 500 {
				if !(r.Status == 200 && strings.Contains(r.Body, `role="alert"`)) { // the page with its errors
					t.Errorf("%s at %s: status %d", what, path, r.Status)
				}
			}
		}
	}
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+256<<20 {
		t.Errorf("heap grew from %d to %d", before.HeapAlloc, after.HeapAlloc)
	}
	begin := time.Now()
	w.browser().Post("/login", m{"email": a.Email, "password": strings.Repeat("x", 60_000)}).Want(400)
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("a password of 60 KB took %v", took)
	}
	for _, c := range w.dump() {
		if len(c.Text) > 4096 {
			t.Errorf("%s.%s holds %d bytes", c.Table, c.Column, len(c.Text))
		}
	}
}

// typed holds values that are not strings.
func typed() []string {
	return []string{
		"0", "123456", "1.5", "1e5", "true", "false", "[]", `["x"]`, "{}", `{"$ne":null}`, `{"gt":""}`, `[["x"]]`,
		`{"a":{"b":1}}`, "-0",
	}
}

// TestR127_JSONTypesAreExact covers every text field of every path. A field with the value null
// counts as missing.
func TestR127_JSONTypesAreExact(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	session, pending := w.plantSession(a), w.plantPending(a)
	fields := map[string][]string{
		"/login":    {"email", "username", "identity", "password", "next", "csrf_token"},
		"/register": {"email", "username", "password", "password_confirm"},
		"/verify":   {"password"}, "/tf-setup": {"setup", "phone", "name"}, "/tf-setup/x": {"code"},
		"/tf-validate": {"code"}, "/tf-select": {"which"},
		"/tf-rescue": {"help_setup"},
	}
	before := w.rows("users", "factors", "sessions", "counters", "drafts")
	for path, names := range fields {
		for _, name := range names {
			for _, value := range append(typed(), "null") {
				if name == "code" && strings.Trim(value, "0123456789") == "" {
					continue // stands for six digits (R185)
				}
				b := w.browser()
				switch {
				case path == "/verify" || strings.HasPrefix(path, "/tf-setup"):
					b = session.copy()
				case strings.HasPrefix(path, "/tf-"):
					b = pending.copy()
				}
				r := b.Post(path, `{"`+name+`":`+value+`}`)
				if r.Status != 400 && !(path == "/tf-setup/x" && r.Status == 401) ||
					b.Jar["twofold"] != session.Jar["twofold"] && b.Jar["twofold"] != "" {
					t.Errorf("%s with %s %s: status %d: %s", path, name, value, r.Status, r.Body)
				}
			}
		}
	}
	if w.rows("users", "factors", "sessions", "counters", "drafts") != before {
		t.Error("a value of the wrong type changed something or counted")
	}
	for a.Next()[0] != '0' {
	}
	code := a.Code(0)
	pending = w.plantPending(a)
	for _, body := range []string{`{"code":` + code + `}`, `{"code":` + code[1:] + `.0}`, `{"code":["` + code + `"]}`,
		`{"code":{"code":"` + code + `"}}`} {
		pending.Post("/tf-validate", body).Want(400).Refused(body)
	}
	pending.validate(code).Want(200)
	w.browser().Post("/login", `{"email":"`+a.Email+`","password":"`+secret+
		`","remember":"x","remember":true}`).Want(400)
}

// TestR128_AmbiguousJSON checks that ambiguous JSON is refused as a whole.
func TestR128_AmbiguousJSON(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.plantPending(a)
	good, bad, before := a.Next(), a.Wrong(), w.rows("counters")
	for _, body := range []string{
		`{"code":"` + bad + `","code":"` + good + `"}`, `{"code":"` + good + `","code":"` + bad + `"}`,
		`{"code":"` + bad + `","CODE":"` + good + `"}`,
		`{"Code":"` + good + `"}`, `{"CODE":"` + good + `"}`, `{"code":"` + good + `"}{"code":"x"}`,
		`{"code":"` + good + `"}junk`, `{"code":"` + good + `"}]`,
		`{"code":"` + good + `",}`, `{"code":"` + good + `" /* x */}`, "\ufeff" + `{"code":"` + good + `"}`,
		`{"code":NaN}`, `{'code':'` + good + `'}`,
		`{code:"` + good + `"}`, `[{"code":"` + good + `"}]`, `"` + good + `"`, `{"code":"` + good + `"`, `null`,
		`{"code":"` + good + "\n\"}",
		`{"code":"` + good + `","\u0063ode":"` + bad + `"}`,
	} {
		b.Post("/tf-validate", body).Want(400).Refused(body)
	}
	for _, body := range []string{
		`{"email":"` + a.Email + `","email":"victim@good.test","password":"` + secret + `"}`,
		`{"email":"x@good.test","EMAIL":"` + a.Email + `","password":"` + secret + `"}`,
		`{"email":"` + a.Email + `","password":"x","Password":"` + secret + `"}`,
	} {
		w.browser().Post("/login", body).Want(400).Refused(body)
	}
	if w.rows("counters") != before {
		t.Error("a budget was touched by requests that say nothing clear")
	}
	b.validate(good).Want(200)
	b.in(a, 2)
}

// TestR129_ParametersComeFromTheBody checks that parameters are read only from the body, and that
// each may occur once.
func TestR129_ParametersComeFromTheBody(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.plantPending(a)
	good, bad := a.Next(), a.Wrong()
	b.Post("/tf-validate?code="+good, m{}).Want(400).Refused("code in the query")
	b.Post("/tf-validate?code="+good, m{"code": bad}).Want(400).Refused("code in the query and in the body")
	b.Do("POST", "/tf-validate?code="+good, testkit.TypeForm, "submit=x", "Accept",
		testkit.TypeJSON).Want(400).Refused("form with the code in the query")
	for _, body := range []string{
		"code=" + bad + "&code=" + good, "code=" + good + "&code=" + bad, "code%5B%5D=" + good,
		"code=" + bad + "%2C" + good, "code[0]=" + good, "code=" + good + "&Code=" + bad,
		"code=" + good + ";code=" + bad,
	} {
		b.Do("POST", "/tf-validate", testkit.TypeForm, body, "Accept", testkit.TypeJSON).Want(400).Refused(body)
	}
	multipart := "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n" + good +
		"\r\n--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n" + bad + "\r\n--x--\r\n"
	b.Do("POST", "/tf-validate", "multipart/form-data; boundary=x", multipart, "Accept",
		testkit.TypeJSON).Want(400).Refused("twice in parts")
	file := "--x\r\nContent-Disposition: form-data; name=\"code\"; filename=\"f\"\r\n\r\n" + good + "\r\n--x--\r\n"
	b.Do("POST", "/tf-validate", "multipart/form-data; boundary=x", file, "Accept",
		testkit.TypeJSON).Want(400).Refused("as a file")
	w.browser().Post("/login?email="+url.QueryEscape(a.Email)+"&password="+url.QueryEscape(secret),
		m{}).Want(400).Refused("credentials in the query")
	b.validate(good).Want(200)
}

// strange holds texts that cause trouble in parsers and databases.
func strange() []string {
	return []string{
		"\x00", "a\x00b", "\xff", "\xc0\xae", "\xed\xa0\x80", "\u202e", "a\u200db", "ı", "аdmin@good.test", "😀", "\r\n",
		"\x1b[2J", "'", `" OR 1=1--`,
		"%", "_", "*", "?", `\`, "a:b", "\r\nDEL twofold\r\n", "%%%%%%", "______", "{{7*7}}", "</script>", "${x}",
		"../../etc/passwd", "﷽", strings.Repeat("é", 500),
		"x' UNION SELECT id FROM twofold_users--", "1;DROP TABLE twofold_users", "\u2028", "\ufeff", "%ZZ", "%00",
		"alice%", "alice_good.test", "a@b@c", "@", "x@",
	}
}

// TestR130_StrangeTexts checks that unusual texts in any field are refused or stored, never cause a
// 500, and match in lookups as they were stored. It also covers R131: the database treats them as
// text, not as part of a statement or pattern.
func TestR130_StrangeTexts(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	session, pending := w.plantSession(a), w.plantPending(a)
	before := w.rows("users", "factors", "identities")
	for _, s := range strange() {
		enc, err := json.Marshal(s)
		w.Must(err)
		for path, fields := range map[string][]string{
			"/login": {"email", "identity", "username"}, "/tf-setup": {"setup", "phone", "name"},
			"/tf-select": {"which"}, "/tf-rescue": {"help_setup"},
		} {
			for _, f := range fields {
				b := w.browser()
				if path == "/tf-setup" {
					b = session.copy()
				} else if path != "/login" {
					b = pending.copy()
				}
				for _, r := range []*answer{
					b.Post(path, `{"`+f+`":`+string(enc)+`,"password":""}`),
					b.Post(path, `{"`+f+`":"`+strings.NewReplacer(`"`, ``, `\`, ``).Replace(s)+`"}`),
					b.Do("POST", path, testkit.TypeForm, f+"="+url.QueryEscape(s)), b.Do("POST", path, testkit.TypeForm,
						f+"="+s),
				} {
					if r.Status >= 500 || r.Status == 0 || r.JSON["tf_required"] != nil {
						t.Errorf("%s %s=%q: status %d: %s", path, f, s, r.Status, r.Body)
					}
				}
			}
		}
		for _, name := range []string{"twofold", "twofold-pending", "tf_validity", "twofold-csrf", "twofold-notes",
			"lang"} {
			b := w.browser()
			b.Header["Cookie"] = name + "=" + strings.NewReplacer("\r", "", "\n", "", "\x00", "", "\x1b", "").Replace(s)
			for _, r := range []*answer{b.Get("/tf-validate"), b.Page("/login"), b.Get("/app/user")} {
				if r.Status >= 500 || strings.Contains(r.Body, "<script>") {
					t.Errorf("cookie %s=%q: status %d", name, s, r.Status)
				}
			}
		}
	}
	for _, surrogate := range []string{`{"email":"\ud800","password":"x"}`,
		`{"email":"a\udc00b@good.test","password":"x"}`, "{\"email\":\"\xff\",\"password\":\"x\"}"} {
		w.browser().Post("/login", surrogate).Want(400).Refused(surrogate)
	}
	if after := w.rows("users", "factors", "identities"); after != before {
		t.Error("accounts changed")
	}
}

// TestR131_NoInjection checks that codes, ids, cookies and identities are treated as text.
func TestR131_NoInjection(t *testing.T) {
	w := newWorld(t, plenty)
	a, e := w.withApp("alice"), w.person("erika").enrollMail().enrollApp()
	for _, code := range []string{"%%%%%%", "______", "??????", "******", "' OR 1=1", "1' OR '1'='1", "\\\\\\\\\\\\"} {
		b := w.plantPending(a)
		b.validate(code).Want(400).Refused(code)
		b.out(code)
		w.write(`DELETE FROM twofold_counters`)
		c := w.plantPending(e)
		for _, which := range []string{"%", "e%", "_____", "' OR 1=1--", code} {
			c.Post("/tf-select", m{"which": which}).Want(400).Refused(which)
		}
	}
	for _, identity := range []string{"%", "alice%", "a____@good.test", "' OR '1'='1", "alice@good.test' --",
		"*@good.test"} {
		r := w.browser().Post("/login", m{"identity": identity, "password": secret})
		if r.Status != 400 || r.JSON["tf_required"] != nil {
			t.Errorf("identity %q: %d %s", identity, r.Status, r.Body)
		}
	}
	for _, cookie := range []string{"%", "' OR 1=1--", strings.Repeat("%", 43), strings.Repeat("_", 43)} {
		b := w.browser()
		b.Jar["twofold"], b.Jar["twofold-pending"] = cookie, cookie
		b.out("cookie " + cookie)
	}
	if w.count("users") != 2 {
		t.Error("the table of users changed")
	}
}

// TestR132_Methods checks that other HTTP methods and method overrides are refused.
func TestR132_Methods(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.plantSession(a)
	for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		b.copy().Do("GET", "/logout", "", "", header, "POST").Want(405)
		b.copy().Do("GET", "/logout?_method=POST", "", "", header, "POST").Want(405)
		b.copy().Do("POST", "/tf-setup", testkit.TypeForm, "setup=&_method=GET", header, "GET").Want(303)
	}
	b.in(a, 2)
	for path := range unsafeRequests() {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "PROPFIND"} {
			r := b.copy().Do(method, path, "", "")
			if r.Status != 405 || r.Header.Get("Allow") == "" {
				t.Errorf("%s %s: status %d, Allow %q", method, path, r.Status, r.Header.Get("Allow"))
			}
		}
	}
	if r := w.raw(w.Nodes[0], "CONNECT "+w.Nodes[0].Addr+" HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+
		"\r\nConnection: close\r\n\r\n"); r != nil && r.Status < 400 && r.Status != 200 {
		t.Errorf("CONNECT: %d", r.Status)
	}
	b.in(a, 2)
}

// TestR133_NoInputBreaksIt sends random requests built from inputs that break parsers, in every
// state. None may cause a 500 or leak a goroutine.
func TestR133_NoInputBreaksIt(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice").enrollMail()
	r := rand.New(rand.NewPCG(7, 11))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	jars := []*browser{w.browser(), w.plantPending(a), w.plantSession(a)}
	names := []string{"email", "password", "code", "setup", "which", "phone", "help_setup", "next", "csrf_token",
		"remember", "add", "name", "x", ""}
	texts := append(strange(), "", "email", "authenticator", "sms", "disable", "help", "000000", a.Email, "true", "/",
		"//x")
	time.Sleep(50 * time.Millisecond)
	before := runtime.NumGoroutine()
	for i := range 2000 {
		b := jars[r.IntN(len(jars))].copy()
		path := pick(append(paths(), "/tf-static/twofold.css", "/tf-static/../go.mod", "/tf-setup/%00",
			"/tf-setup/"+url.PathEscape(texts[r.IntN(len(texts))]))...)
		contentType := pick(testkit.TypeJSON, testkit.TypeForm, "multipart/form-data; boundary=x",
			"multipart/form-data", "text/plain", "application/json; charset=x", ";;;", "a/b; c")
		body := pick(texts...)
		switch r.IntN(3) {
		case 0:
			enc, _ := json.Marshal(pick(texts...))
			body = `{"` + pick(names...) + `":` + pick(append(typed(), string(enc), string(enc), string(enc))...) + `}`
		case 1:
			body = pick(names...) + "=" + pick(url.QueryEscape(pick(texts...)), pick(texts...)) + "&" + pick(names...) +
				"=" + pick(texts...)
		}
		clean := strings.NewReplacer("\r", "", "\n", "", "\x00", "", "\x1b", "")
		reply := b.Do(pick("POST", "POST", "GET", "PUT"), path, contentType, body, "Authorization",
			clean.Replace(pick("Bearer %ZZ", "Basic %%%", "Basic "+pick(texts...), "")),
			"Authentication-Token", clean.Replace(pick("", "", strings.Repeat("A", 43), strings.Repeat("A", 8000),
				pick(texts...))), "Accept", pick(testkit.TypeJSON, "text/html", "*/*;q=x", ",,,"),
			"Accept-Language", clean.Replace(pick("de", "x-", "*;q=9", pick(texts...))), "User-Agent",
			clean.Replace(pick(texts...)), "X-Forwarded-For", clean.Replace(pick(texts...)))
		if reply.Status >= 500 || reply.Status == 0 || reply.Cookie("twofold") != "" {
			t.Errorf("request %d: %s %q: status %d: %s", i, reply.What, body, reply.Status, reply.Body)
		}
	}
	if strings.Contains(w.Log.String(), "panic") {
		t.Error("the log speaks of a panic")
	}
	w.Client.CloseIdleConnections()
	for range 1200 {
		if runtime.NumGoroutine() <= before+200 { // other tests run alongside this one
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// TestR142_OneRecipientOneHeader checks that an address is a single bare address, and that user
// input appears in a message only as text.
func TestR142_OneRecipientOneHeader(t *testing.T) {
	w := newWorld(t, plenty)
	for _, email := range []string{
		"a@x.test\r\nBcc: e@evil.test", "a@x.test,b@x.test", "N <a@x.test>", "a@x.test (c)",
		"=?utf-8?q?a=40evil.test?=@x.test, b@x.test", "a@x.test\n.\nMAIL FROM",
		`"a b"@x.test`, `"e@evil.test"@x.test`, "a@x.test;b@x.test", "a@x.test b@x.test", "@x.test", "a@", "a@@x.test",
		"a@[127.0.0.1]", "a@x.test%0aBcc:e@evil.test\n",
	} {
		w.write(`DELETE FROM twofold_counters`) // how many may be tried is another matter
		before := w.count("users")
		w.browser().Post("/register",
			m{"email": email, "password": "another long one 72",
				"password_confirm": "another long one 72"}).Want(400).Refused(email)
		w.browser().Form("/register", "email", email, "password", "another long one 72", "password_confirm",
			"another long one 72").Want(200)
		if w.count("users") != before {
			t.Errorf("%q has an account", email)
		}
	}
	w.write(`DELETE FROM twofold_counters`)
	for _, name := range []string{"<b>bold</b>", "a\r\nBcc: e@evil.test", "{{.Code}}"} {
		w.browser().Post("/register",
			m{"email": "n@x.test", "username": name, "password": "another long one 72",
				"password_confirm": "another long one 72"}).Want(400)
	}
	e := w.person("erika").enrollMail()
	b := w.plantSession(e)
	b.Header["User-Agent"] = `"><svg onload=1> {{7*7}} Firefox/1`
	b.Post("/tf-setup", m{"setup": "email", "add": true, "name": "<img src=x>\u202e"}).Want(200)
	w.settled()
	for _, mail := range w.Mail.All() {
		if mail.To != e.Email || strings.ContainsAny(mail.Subject+mail.To, "\r\n") ||
			strings.Contains(mail.HTML, "<svg") || strings.Contains(mail.HTML, "<img") {
			t.Errorf("message: %s", fmt.Sprint(mail.To, mail.Subject, mail.HTML))
		}
	}
}
