package security_test

import (
	"fmt"
	"html"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const routesFile = "testdata/routes.txt"

// plantToken returns a header token of a session with both factors.
func (w *world) plantToken(p *person) string {
	w.T.Helper()
	n, now, token := w.Nodes[0], w.Now(), seal.Token()
	u, err := n.Store.UserByID(w.T.Context(), p.ID)
	w.Must(err)
	w.Must(n.Store.PutSession(w.T.Context(), storage.Session{
		Hash: seal.HashToken(token), ID: storage.NewID(), UserID: u.ID, CredentialVersion: u.CredentialVersion,
		Level: storage.TwoFactors, Token: true,
		Proofs: []storage.Proof{{Method: "password", At: now}, {Method: storage.Authenticator, At: now}}, FreshAt: now,
		CreatedAt: now, SeenAt: now,
		IdleAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
	}))
	return token
}

// callers holds the kinds of callers, which are created again for each request.
func (w *world) callers(plain, full *person) (names []string, make map[string]func() *browser) {
	with := func(name, value string) func() *browser {
		return func() *browser {
			b := w.browser()
			b.Header[name] = value
			return b
		}
	}
	make = map[string]func() *browser{
		"nobody": w.browser, "pending": func() *browser { return w.plantPending(full) },
		"level-1": func() *browser { return w.plantSession(plain) },
		"level-2": func() *browser { return w.plantSession(full) },
		"basic":   with("Authorization", "Basic "+encode64(full.Email+":"+secret)),
		"bearer":  func() *browser { return with("Authorization", "Bearer "+w.plantToken(full))() },
		"token":   func() *browser { return with("Authentication-Token", w.plantToken(full))() },
	}
	return []string{"nobody", "pending", "level-1", "level-2", "basic", "bearer", "token"}, make
}

// TestR009_EveryWayInIsListed compares all paths and their answers to each kind of caller with
// testdata/routes.txt. A path that is not listed fails the test.
func TestR009_EveryWayInIsListed(t *testing.T) {
	w, _, _ := sites(t, open, unified, tokens, func(c *twofold.Config) { c.Accounts.OAuthSignUp = []string{"corp"} })
	plain, full := w.person("plain"), w.withApp("full")
	names, who := w.callers(plain, full)
	paths := append(w.Nodes[0].Auth.Paths(), "/", "/app/user", "/app/two", "/login/", "/tf-setup/{token}/more",
		"/nowhere", "/ws", "/events", "/debug/vars", "/.env")
	slices.Sort(paths)
	var got strings.Builder
	fmt.Fprintf(&got, "path method %s\n", strings.Join(names, " "))
	for _, path := range slices.Compact(paths) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			fmt.Fprintf(&got, "%s %s", path, method)
			var statuses []int
			for _, name := range names {
				real := strings.ReplaceAll(path, "{token}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
				if path == "/tf-static/" {
					real += "twofold.css"
				}
				body := ""
				if method != "GET" && method != "HEAD" {
					body = "{}"
				}
				r := who[name]().Do(method, real, testkit.TypeJSON, body, "Accept", testkit.TypeJSON)
				statuses = append(statuses, r.Status)
				fmt.Fprintf(&got, " %d", r.Status)
				signedIn := name == "level-1" || name == "level-2" || name == "token"
				if !signedIn && (r.JSON["user"] != nil || r.Cookie("twofold") != "" ||
					strings.Contains(r.Body, full.Email)) {
					t.Errorf("%s %s answers to %s as if signed in: %.200s", method, path, name, r.Body)
				}
				if r.Status >= 500 {
					t.Errorf("%s %s to %s: %d", method, path, name, r.Status)
				}
			}
			if statuses[4] != statuses[0] || statuses[5] != statuses[0] {
				t.Errorf("%s %s: Authorization changes the answer: %v", method, path, statuses)
			}
			got.WriteString("\n")
		}
	}
	w.sameAsFile(routesFile, got.String())
}

// sameAsFile compares text with a file, line by line, or rewrites the file.
func (w *world) sameAsFile(name, got string) {
	w.T.Helper()
	if *update {
		w.Must(os.WriteFile(name, []byte(got), 0o644))
		return
	}
	raw, err := os.ReadFile(name)
	w.Must(err)
	want := strings.Split(string(raw), "\n")
	for _, line := range strings.Split(got, "\n") {
		if i := slices.Index(want, line); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else {
			w.T.Errorf("not in %s: %s", name, line)
		}
	}
	for _, line := range want {
		w.T.Errorf("only in %s: %s", name, line)
	}
}

// TestR053_EveryPathAnswersAStaleSession compares the status of every path for a session that must
// re-authenticate with testdata/stale.txt.
func TestR053_EveryPathAnswersAStaleSession(t *testing.T) {
	w, _, _ := sites(t, open, unified, tokens, func(c *twofold.Config) { c.Accounts.OAuthSignUp = []string{"corp"} })
	full := w.withApp("full")
	paths := w.Nodes[0].Auth.Paths()
	slices.Sort(paths)
	paths = slices.Compact(paths)
	methods := []string{"GET", "POST", "DELETE"}
	var sessions []*browser // one for each request, as some requests end a session
	for range len(paths) * len(methods) {
		sessions = append(sessions, w.plantSession(full))
	}
	w.Advance(16 * time.Minute)
	var got strings.Builder
	for i, path := range paths {
		for j, method := range methods {
			r := sessions[i*len(methods)+j].Do(method, strings.ReplaceAll(path, "{token}", strings.Repeat("A", 43)),
				testkit.TypeJSON, "{}", "Accept", testkit.TypeJSON)
			if r.Status != 405 && r.Status != 404 {
				fmt.Fprintf(&got, "%s %s %d\n", path, method, r.Status)
			}
		}
	}
	w.sameAsFile("testdata/stale.txt", got.String())
}

// TestR032_SecretIsShownOnce checks that only the session that starts the enrollment sees the
// secret, until it is confirmed.
func TestR032_SecretIsShownOnce(t *testing.T) {
	w := newWorld(t, life)
	a := w.person("alice")
	b := w.plantSession(a)
	page := b.Page(b.Form("/tf-setup", "setup", "authenticator").Want(303).Header.Get("Location")).Want(200)
	if !strings.Contains(page.Body, `src="data:image/`) ||
		strings.Contains(page.Header.Get("Content-Security-Policy"), "http") {
		t.Error("the picture of the secret comes from elsewhere")
	}
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	for _, answer := range []*answer{page, r} {
		if !strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: Cache-Control %q", answer.What, answer.Header.Get("Cache-Control"))
		}
	}
	key, uri := r.Text("tf_authr_b32key"), r.Text("tf_authr_uri")
	if !strings.Contains(uri, key) {
		t.Fatal("this test looks for the wrong text")
	}
	a.App = testkit.ReadApp(w.T, key)
	traces := []string{key, r.Text("tf_authr_key"), url.QueryEscape(uri), "otpauth:", string(a.App),
		fmt.Sprintf("%x", a.App), encode64(string(a.App))}
	from := len(w.replies.String())
	look := func(b *browser, when string) {
		t.Helper()
		for _, path := range w.Nodes[0].Auth.Paths() {
			for _, accept := range []string{testkit.TypeJSON, "text/html"} {
				b.Do("GET", strings.ReplaceAll(path, "{token}", seal.Token()), "", "", "Accept", accept)
			}
		}
		ids, err := w.Nodes[0].Auth.Users(t.Context(), twofold.UserFilter{Limit: 10})
		w.Must(err)
		rows, err := w.Nodes[0].Auth.Audit().List(t.Context(), auditOf(a))
		w.Must(err)
		w.settled()
		shown := w.replies.String()[from:] + fmt.Sprintf("%+v %+v %+v", ids, rows, w.Events.All())
		for _, message := range w.Mail.All() {
			shown += message.Subject + message.Text + message.HTML
		}
		for _, trace := range traces {
			if strings.Contains(shown, trace) || strings.Contains(w.Log.String(), trace) {
				t.Errorf("%s: %q is shown again", when, trace)
			}
		}
	}
	look(w.plantSession(a), "in another session")
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": a.Code(0)}).Want(200)
	look(b, "after it is confirmed")
	b = w.browser()
	b.login(a).Want(200)
	look(b, "at a sign-in")
}

// TestR057_NewPhoneIsANewFactor checks that a new phone requires a fresh sign-in with the existing
// factor and a code to the new number, and that the old phone remains until then.
func TestR057_NewPhoneIsANewFactor(t *testing.T) {
	w := newWorld(t, open)
	s := w.person("susan").enrollSMS("+16505551212")
	b := w.plantSession(s)
	w.Advance(16 * time.Minute)
	b.Post("/tf-setup", m{"setup": "sms", "phone": "+16505553434"}).Want(401)
	before := w.rows("users", "factors")
	b = w.plantSession(s)
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", "/me", `{"phone":"+16505559999","phone_verified":true,"email":"x@evil.test"}`},
		{"POST", "/me", `{"tf_phone_number":"+16505559999"}`}, {"PUT", "/tf-setup", `{"phone":"+16505559999"}`},
		{"POST", "/tf-setup", `{"setup":"sms","phone":"+16505559999","phone_verified":true}`},
		{"POST", "/tf-setup", `{"setup":"sms","phone":"+16505559999","confirmed":true}`},
		{"POST", "/verify", `{"password":"` + secret + `","email":"x@evil.test"}`},
	} {
		if r := b.Do(c.method, c.path, testkit.TypeJSON, c.body, "Accept", testkit.TypeJSON); r.Status >= 500 {
			t.Errorf("%s %s: status %d", c.method, c.path, r.Status)
		}
	}
	if w.rows("users", "factors") != before {
		t.Fatal("a field of the request changed the account")
	}
	old := w.plantPending(s)
	old.Post("/tf-resend", m{}).Want(200)
	oldCode := s.Texted()
	r := b.Post("/tf-setup", m{"setup": "sms", "phone": "+16505553434"}).Want(200)
	again := w.browser()
	again.login(s).Want(200)
	again.validate(s.Texted()).Want(200)
	b.validate(s.Texted()).Want(400).Refused("the old phone's code for the new one")
	moved, ok := w.SMS.Last("+16505553434")
	if !ok {
		t.Fatal("no code to the new phone")
	}
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": testkit.Code(moved.Text)}).Want(200)
	old.validate(oldCode).Refused("a code to the old phone")
	n := w.SMS.Count("+16505551212")
	w.browser().login(s).Want(200)
	if w.SMS.Count("+16505551212") != n || w.SMS.Count("+16505553434") < 2 {
		t.Error("after the change a code went to the old phone")
	}
	if f := s.Factors(); len(f) != 1 || f[0].Destination != "+16505553434" {
		t.Errorf("factors %+v", f)
	}
	s.stopToken() // the owner hears of it
}

// TestR102_SwitchedOffAccountsLoseAll checks that a disabled account loses access on every node
// within a second.
func TestR102_SwitchedOffAccountsLoseAll(t *testing.T) {
	w := newWorld(t, open)
	second := w.Start(nil)
	for name, switchOff := range map[string]func(p *person){
		"switched off": func(p *person) { w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, false)) },
		"by the other": func(p *person) { w.Must(second.Auth.SetActive(t.Context(), p.ID, false)) },
	} {
		p := w.withApp(strings.ReplaceAll(name, " ", ""))
		token := w.browser()
		token.Header["Authentication-Token"] = w.plantToken(p)
		mobile, desk, pending, trusted := w.plantSession(p), w.plantSession(p).on(second), w.plantPending(p),
			w.trusted(p)
		all := []*browser{mobile, desk, token, token.copy().on(second), mobile.copy().on(second),
			desk.copy().on(w.Nodes[0])}
		for _, b := range all {
			b.in(p, 2)
		}
		switchOff(p)
		time.Sleep(1010 * time.Millisecond)
		for _, b := range all {
			b.out(name)
		}
		pending.validate(p.Next()).Refused(name + ": pending")
		pending.on(second).validate(p.Next()).Refused(name + ": pending")
		trusted.login(p).Want(400).Refused(name + ": trusted device")
		w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, true))
		time.Sleep(1010 * time.Millisecond)
		for _, b := range append(all, pending) {
			b.out(name + " and on again")
		}
		trusted.asked(p, name+" and on again")
	}
}

// payloads would run in a page that contains them unescaped.
var payloads = []string{`"><svg onload=1>`, `'-alert(1)-'`, `</script><script>alert(1)</script>`,
	`{{print 31337 31337}}`, `javascript:alert(1)`, `<img src=x onerror=alert(1)>`}

// TestR110_ReflectedValuesAreInert covers pages, mails and JSON.
func TestR110_ReflectedValuesAreInert(t *testing.T) {
	w := newWorld(t, open)
	p := w.person("alice").enrollMail()
	for _, payload := range payloads {
		begin, q := len(w.replies.String()), url.QueryEscape(payload)
		for _, mail := range []bool{false, true} {
			b := w.browser()
			b.Header["User-Agent"] = "Firefox/130 " + payload
			send := func(path string, pairs ...string) *answer {
				if mail {
					return b.Form(path, pairs...)
				}
				body := m{}
				for i := 0; i+1 < len(pairs); i += 2 {
					body[pairs[i]] = pairs[i+1]
				}
				return b.Post(path, body)
			}
			for _, field := range []string{"email", "username", "identity", "password", "next", "csrf_token"} {
				// not hashed
				send("/login", "email", "nobody@good.test", "password", strings.Repeat("x", 1100), field, payload)
			}
			send("/register", "email", payload+"@good.test", "username", payload, "password", payload,
				"password_confirm", payload+"x", "next", payload)
			send("/register", "email", `"`+payload+`"@good.test`, "password", secret, "password_confirm", secret)
			b = w.plantPending(p)
			b.Header["User-Agent"] = "Firefox/130 " + payload
			send("/tf-validate", "code", payload, "next", payload)
			send("/tf-select", "which", payload)
			send("/tf-rescue", "help_setup", payload)
			send("/tf-rescue", "help_setup", "email")
			b = w.plantSession(p)
			b.Header["User-Agent"] = "Firefox/130 " + payload
			send("/verify", "password", payload, "next", payload)
			send("/tf-setup", "setup", payload, "phone", payload)
			send("/tf-setup", "setup", "sms", "phone", payload)
			r := b.Post("/tf-setup", m{"setup": "email", "name": payload, "add": true}).Want(200)
			b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Mailed()}).Want(200)
			if page := b.Page("/tf-setup").Want(200); !strings.Contains(page.Body, html.EscapeString(payload)[:5]) {
				t.Errorf("the name %q is not on the page: this test looks in the wrong place", payload)
			}
			b.Page("/me").Want(200)
			b.Form("/tf-setup", "setup", "disable")
		}
		for _, path := range []string{"/login", "/register", "/tf-validate", "/tf-select", "/nowhere",
			"/tf-not-me/" + url.PathEscape(payload), "/tf-static/" + url.PathEscape(payload)} {
			w.browser().Page(path + "?next=" + q + "&error=" + q + "&email=" + q + "&lang=" + q)
		}
		w.settled()
		for reply := range strings.SplitSeq(w.replies.String()[begin:], "\n") {
			inert(t, "a reply", payload, reply)
		}
		for _, mail := range w.Mail.All() {
			inert(t, "a mail", payload, mail.HTML)
			if strings.Contains(mail.Text, "31337 31337") && !strings.Contains(mail.Text, "{{print") {
				t.Errorf("a template was run: %s", mail.Text)
			}
		}
		p.enrollMail()
	}
	for reply := range strings.SplitSeq(w.replies.String(), "\n") {
		if strings.HasPrefix(reply, `{"meta"`) && strings.Contains(reply, "text/html") {
			t.Errorf("JSON beside HTML: %.200s", reply)
		}
	}
	headers, count := strings.Split(w.replies.String(), " -> "), 0
	for _, r := range headers {
		head, body, _ := strings.Cut(r, "\n")
		if strings.HasPrefix(body, "{") {
			count++
			if !strings.Contains(head, "Content-Type:[application/json]") ||
				!strings.Contains(head, "X-Content-Type-Options:[nosniff]") {
				t.Errorf("JSON with these headers: %.300s", head)
			}
		}
	}
	if count < 50 {
		t.Errorf("%d JSON replies seen", count)
	}
}

// inert checks that a text contains no payload in a form that runs. JSON contains it as a string
// with the content type JSON.
func inert(t *testing.T, where, payload, text string) {
	t.Helper()
	if strings.HasPrefix(text, "{") {
		return
	}
	live := []string{`href="` + payload, `src="` + payload, `action="` + payload, "Location:[" + payload}
	if strings.ContainsAny(payload, `<>"`) {
		live = append(live, payload)
	}
	if strings.HasPrefix(payload, "'") {
		live = append(live, `='`+payload, `onclick`, `onload=`)
	}
	for _, l := range live {
		if strings.Contains(text, l) {
			t.Errorf("%s holds %q: %.300s", where, l, text)
		}
	}
}
