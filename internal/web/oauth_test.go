package web

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/i18n"
)

// TestPagesOfOtherSites renders the pages with all their parts.
func TestPagesOfOtherSites(t *testing.T) {
	words, err := i18n.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	corp := []ProviderView{{Title: "Corp <i>", Action: "/login/oauthstart/corp"}}
	account := AccountPage{Connections: ConnectionsPart{
		Connections: []ConnectionView{{ID: "c1", Title: "Corp", Label: "<me@corp.test>", Added: time.Now()}},
		Providers:   corp,
	}}
	for _, tag := range words.Tags() {
		w := words.For(tag)
		for name, c := range map[string]struct {
			data any
			want []string
		}{
			"login":   {LoginPage{Providers: corp}, []string{`action="/login/oauthstart/corp"`, "Corp &lt;i&gt;"}},
			"verify":  {VerifyPage{Providers: corp}, []string{`action="/login/oauthstart/corp"`}},
			"account": {account, []string{`?remove=c1"`, "&lt;me@corp.test&gt;", `action="/login/oauthstart/corp"`}},
			"oauth_away": {AwayPage{Title: "Corp", Address: `https://corp.test/?a=1&b="x`},
				[]string{`href="https://corp.test/?a=1&amp;b=%22x"`}},
		} {
			var b bytes.Buffer
			p := &Page{Name: name, words: w, Lang: w.Tag, Data: c.data, Values: map[string]string{}}
			if err := all[name].ExecuteTemplate(&b, "layout", p); err != nil {
				t.Errorf("%s in %s: %v", name, w.Tag, err)
			}
			for _, want := range append(c.want, "</html>") {
				if !strings.Contains(b.String(), want) {
					t.Errorf("%s in %s lacks %s", name, w.Tag, want)
				}
			}
		}
	}
}
