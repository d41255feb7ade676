package contract_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
)

// TestPagesAreTheSites checks that pages have the logo, colors, links and files of a site, and that
// custom templates get the application's data.
func TestPagesAreTheSites(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) {
		c.Pages = twofold.Pages{
			Site: "Acme", AccountPage: true,
			Static: fstest.MapFS{
				"logo.svg": {Data: []byte("<svg/>")}, "brand.css": {Data: []byte("h1 { margin: 0 }")},
			},
			Logo: "logo.svg", Style: "brand.css", Accent: "#c2255c",
			Home: "https://acme.example/", Help: "/help", Terms: "/terms", Privacy: "/privacy",
			Data: func(r *http.Request, who twofold.User) any {
				return map[string]any{"Path": r.URL.Path, "Who": who.Email}
			},
		}
		c.Pages.Templates = fstest.MapFS{"head.html": {Data: []byte(
			`{{define "head"}}{{with .App}}<meta name="app" content="{{.Path}} {{.Who}}">{{end}}{{end}}`,
		)}}
	})
	c := s.client()
	page := c.page("/login")
	page.shows(`alt="Acme"`, `href="https://acme.example/"`, `content="/login "`)
	page.shows(`href="/help"`, `href="/terms"`, `href="/privacy"`)
	page.hides("twofold.svg")
	files := map[string]string{"own/logo": "<svg/>", "own/brand": "margin: 0", "accent": "--accent: #c2255c"}
	for file, want := range files {
		path := regexp.MustCompile(`/tf-static/` + file + `\.[0-9a-f]+\.[a-z]+`).FindString(page.Body)
		if r := c.page(path); path == "" || !strings.Contains(r.Body, want) {
			t.Errorf("%s: %q is %s", file, path, r.Body)
		}
	}
	c.login("joe").want(200)
	c.page("/me").shows("Back to Acme", `content="/me joe@lp.com"`)
}

// TestMistakesOfPagesAreNamed checks that one error names all wrong fields.
func TestMistakesOfPagesAreNamed(t *testing.T) {
	_, err := twofold.New(twofold.Config{Pages: twofold.Pages{
		Logo: "logo.svg", Accent: "teal", Home: "javascript:alert(1)",
	}})
	for _, field := range []string{"Pages.Logo: ", "Pages.Accent: ", "Pages.Home: "} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("no word of %s: %v", field, err)
		}
	}
}
