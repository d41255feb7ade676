package howto_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
)

func brand(static fs.FS) twofold.Pages {
	return twofold.Pages{
		Site:   "Acme",
		Static: static,
		Logo:   "logo.svg",
		Accent: "#0b7285",
		Style:  "brand.css",
		Home:   "https://acme.example/",
		Help:   "mailto:help@acme.example",
	}
}

const brandSheet = `
:root {
	--radius: 0;
	--font: "Acme Sans", system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
	:root { --page: #10151a; }
}
`

func TestBranding(t *testing.T) {
	auth := newAuth(t, twofold.Config{Pages: brand(fstest.MapFS{
		"logo.svg":  {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"brand.css": {Data: []byte(brandSheet)},
	})})
	page := serveOnce(auth, http.MethodGet, "https://login.example.org/login", "Accept", "text/html").Body
	for _, want := range []string{
		"/tf-static/own/logo", "/tf-static/own/brand", "https://acme.example/", "mailto:help@acme.example", "– Acme",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if a := serveOnce(auth, http.MethodGet, "https://login.example.org/tf-static/own/brand.css"); a.Body != brandSheet {
		t.Errorf("the style sheet: %d %s", a.Status, a.Body)
	}
}
