package attack

import (
	"net/url"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

func TestNamesAreOnceAndTitlesAreThere(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range All() {
		if seen[a.Name] || a.Name == "" || a.Title == "" || a.Group == "" {
			t.Errorf("%+v", a)
		}
		seen[a.Name] = true
	}
}

// TestWhereABrowserGoes checks that a Location is interpreted as browsers do.
func TestWhereABrowserGoes(t *testing.T) {
	site := &url.URL{Scheme: "https", Host: "site.example"}
	for location, want := range map[string]bool{
		"": false, "/": false, "/me?next=//evil": false, "me": false, "https://site.example/x": false,
		"/%2f/evil.example": false,
		"//evil.example":    true, `/\evil.example`: true, `\\evil.example`: true, "https://evil.example": true,
		"/\t/evil.example":                   true,
		"https://site.example@evil.example/": true, "https://site.example.evil.example/": true,
		"javascript:alert(1)":  true,
		"http://site.example/": true,
	} {
		if got := leaves(site, location); got != want {
			t.Errorf("%q: %v", location, got)
		}
	}
}

func TestAnswersOfOneKindHaveOneShape(t *testing.T) {
	answer := func(body string) *door.Answer { return &door.Answer{Status: 400, Body: body} }
	a := shape(answer(`{"csrf_token":"IjE0ZDQ3Y2QyMTg0.aWx3.Zm9v","to":"ann@example.org"}`), "ann@example.org")
	if b := shape(answer(`{"csrf_token":"QmFyYmF6cXV4enl6.aWx4.YmFy","to":"bob@example.org"}`),
		"bob@example.org"); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if b := shape(answer(`{"csrf_token":"QmFyYmF6cXV4enl6","error":"no such user"}`), "bob@example.org"); a == b {
		t.Error("two kinds have one shape")
	}
}

func TestAWrongRecoveryCodeHasTheFormOfACorrectOne(t *testing.T) {
	codes := []string{"ab3-x79", "cd3-ab4"}
	seen := map[string]bool{codes[0]: true, codes[1]: true}
	for i := range guesses {
		got := alike(codes, i)
		if seen[got] || len(got) != 7 || got[3] != '-' || strings.Trim(got, "abcdx3479-") != "" {
			t.Errorf("%d: %s", i, got)
		}
		seen[got] = true
	}
}
