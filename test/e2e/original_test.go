package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/twofold-auth/twofold"
)

// originalScripts is the folder with the original's webauthn.js and base64.js; see scripts/prepare.
func originalScripts(t *testing.T) string {
	t.Helper()
	needBrowser(t)
	from := os.Getenv("TWOFOLD_ORIGINAL")
	if from == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("the original's scripts are not here: let scripts/prepare fetch python3-flask-security from " +
				"Debian's packages, or name a folder with its webauthn.js and base64.js in TWOFOLD_ORIGINAL")
		}
		t.Skip("skipped: the original's scripts are not here; see scripts/prepare")
	}
	return from
}

// originalScript is the inline script of the original's pages, as a file, because the content
// security policy allows no inline scripts.
const originalScript = `
const form = document.querySelector("[data-options]");
const ask = form.dataset.call === "create" ? handleRegister : handleSignin;
ask(form.dataset.options).then((result) => {
	if (result.error_msg) {
		document.getElementById("wan-errors").innerHTML = "<em>" + result.error_msg + "</em>";
	} else {
		document.getElementById("credential").value = result.credential;
		form.submit();
	}
});
`

// originalPages are the original's passkey pages, written as Go templates: the same forms, fields,
// ids and scripts.
func originalPages() fstest.MapFS {
	page := func(call, path, first, response, below string) *fstest.MapFile {
		text := strings.NewReplacer("CALL", call, "PATH", path, "FIRST", first, "RESPONSE", response, "BELOW", below)
		return &fstest.MapFile{Data: []byte(text.Replace(
			`{{define "title"}}Passkeys{{end}}{{define "content"}}<h1>The page for PATH</h1>
			{{- if .Data.Form.Options}}
			<form action="{{.Data.Form.Action}}" method="post" data-call="CALL" data-options="{{.Data.Form.Options}}">
			{{template "hidden" .}}RESPONSE<div id="wan-errors"></div></form>
			<script src="/original/webauthn.js"></script><script src="/original/base64.js"></script>
			<script src="/original/page.js"></script>
			{{- else}}
			<form action="PATH" method="post">{{template "hidden" .}}FIRST
			<input name="submit" type="submit" value="Start"></form>
			{{- end}}BELOW{{end}}`))}
	}
	const (
		hidden = `<input id="credential" name="credential" type="hidden" value="">`
		usages = `<label>Name <input name="name" type="text" autocomplete="off"></label>
			<label><input name="usage" type="radio" value="first">First</label>
			<label><input name="usage" type="radio" value="secondary" checked>Secondary</label>`
		who = `<label>Identity <input name="identity" type="text" autocomplete="off"></label>
			<label><input name="remember" type="checkbox" value="y">Remember me</label>`
		added = `<ul>{{range .Data.Passkeys}}<li>Nickname: {{.Name}}</li>{{end}}</ul>`
	)
	remember := `<input id="remember" name="remember" type="hidden" value="">` + hidden
	return fstest.MapFS{
		"wan_register.html": page("create", "/wan-register", usages, hidden, added),
		"wan_signin.html":   page("get", "/wan-signin", `{{if not .Data.Second}}`+who+`{{end}}`, remember+hidden, ""),
		"wan_verify.html":   page("get", "/wan-verify", "", remember, ""),
	}
}

// newOriginal returns the package with these pages and scripts.
func newOriginal(t *testing.T) *library {
	t.Helper()
	from := originalScripts(t)
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	origin := strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	s := newKeyed(t, func(c *twofold.Config) { c.Origin, c.Pages.Templates = origin, originalPages() })
	s.address = origin
	mux := http.NewServeMux()
	s.auth.Mount(mux)
	mux.Handle("GET /{$}", http.RedirectHandler("/me", http.StatusFound))
	mux.Handle("/", s.auth)
	mux.Handle("GET /original/", http.StripPrefix("/original", http.FileServer(http.Dir(from))))
	mux.HandleFunc("GET /original/page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(originalScript))
	})
	server.Config.Handler = mux
	server.Config.ReadHeaderTimeout = patience
	server.Start()
	return s
}

// TestTheOriginalsScriptOfPasskeys registers a passkey, signs in with and without a name, and
// re-authenticates; then it does the same with a passkey as second factor.
func TestTheOriginalsScriptOfPasskeys(t *testing.T) {
	originalScripts(t)
	t.Parallel()
	s := newOriginal(t)
	b := newTab(t, s.origin(), look{scripts: true})
	d := b.plug()
	d.touch(false) // the sign-in page asks for a passkey by itself
	starts := func(page, fill, to, words string) {
		t.Helper()
		b.open(page)
		if eval[bool](b, `!document.querySelector("[type=submit]")`) {
			t.Fatalf("%s has no button:\n%s", page, b.text())
		}
		d.touch(true)
		eval[chromedp.Void](b, fill+`; document.querySelector("[type=submit]").click(); undefined`)
		b.soon(words)
		b.goesBy(page, to)
		d.touch(false)
		b.unasked()
	}
	register := func(name, usage, to, words string) {
		t.Helper()
		starts("/wan-register", `document.querySelector("[name=name]").value = "`+name+`";
			document.querySelector("[value=`+usage+`]").click()`, to, words)
	}
	b.signIn(person, false)
	register("laptop", "first", "/wan-register", "Nickname: laptop")
	d.holds(1)
	b.signOut()
	for _, fill := range []string{`document.querySelector("[name=identity]").value = "` + person + `"`, `undefined`} {
		starts("/wan-signin", fill, "/me", "You signed in with two steps.")
		s.pass(20 * time.Minute)
		b.open("/wan-register")
		b.at("/verify")
		starts("/wan-verify?next=/me", `undefined`, "/me", "Thanks. It's you.")
		b.open("/wan-register")
		b.at("/wan-register")
		b.signOut()
	}
	s.createUser(t, "second@example.org", "")
	b.signIn("second@example.org", false)
	register("key ring", "secondary", "/mf-recovery-codes", "recovery codes") // it is the first second factor
	b.open("/me")
	b.signOut()
	b.signIn("second@example.org", false)
	b.at("/wan-signin")
	starts("/wan-signin", `undefined`, "/me", "You signed in with two steps.")
}
