package howto_test

import (
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

type entry struct{ Path, Text string }

func ownPages(templates fs.FS) twofold.Pages {
	return twofold.Pages{
		Templates: templates, // such as os.DirFS("templates")
		Data: func(_ *http.Request, who twofold.User) any {
			if who.ID == "" {
				return []entry{{"/prices", "Prices"}}
			}
			return []entry{{"/invoices", "Invoices of " + who.Email}}
		},
	}
}

const ownHeader = `
{{define "header"}}
<header class="top">
<a class="brand" href="/">{{.Site}}</a>
{{- with .App}}
<nav>{{range .}}<a href="{{.Path}}">{{.Text}}</a> {{end}}</nav>
{{- end}}
</header>
{{end}}
`

const ownLogin = `
{{define "title"}}{{.T "login_title"}}{{end}}
{{define "content"}}
<h1>{{template "title" .}}</h1>
<form method="post" action="{{.URL.Login}}">
{{template "hidden" .}}
<label>{{.T "login_email"}}
	<input name="email" type="email" value="{{index .Values "email"}}" autocomplete="username" required></label>
{{range .Field "email"}}<p class="error">{{.}}</p>{{end}}
<label>{{.T "login_password"}}
	<input name="password" type="password" autocomplete="current-password" required></label>
{{range .Field "password"}}<p class="error">{{.}}</p>{{end}}
{{template "captcha" .}}
{{range .Field ""}}<p class="error" role="alert">{{.}}</p>{{end}}
<button class="primary">{{.T "login_submit"}}</button>
</form>
{{template "ways" .}}
{{end}}
`

func TestTemplates(t *testing.T) {
	p := ownPages(fstest.MapFS{"header.html": {Data: []byte(ownHeader)}, "login.html": {Data: []byte(ownLogin)}})
	p.AccountPage = true
	k := twofoldtest.New(t, twofold.Config{Pages: p})
	k.Serve(nil)
	b := k.NewBrowser()
	shows := func(page string, want ...string) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("the page lacks %s: %s", text, page)
			}
		}
	}
	shows(b.Page("/login").Body, `<a href="/prices">Prices</a>`, `<button class="primary">`)
	k.User("ada@example.org")
	enter := func(password string) twofoldtest.Answer {
		t.Helper()
		hidden := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(b.Page("/login").Body)
		if len(hidden) == 0 {
			t.Fatal("the form has no hidden fields")
		}
		return b.Form("/login", url.Values{
			"email": {"ada@example.org"}, "password": {password}, "csrf_token": hidden[1:],
		})
	}
	enter("wrong wrong")
	shows(b.Page("/login").Body, `<p class="error" role="alert">`, `value="ada@example.org"`)
	if a := enter(twofoldtest.Password); a.Status != http.StatusSeeOther || a.Header.Get("Location") == "/login" {
		t.Errorf("signing in by the form: %d %s", a.Status, a.Header.Get("Location"))
	}
	shows(k.LoginAs("ada@example.org", 2).Page("/me").Body, `<a href="/invoices">Invoices of ada@example.org</a>`)
}
