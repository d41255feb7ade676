package web

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestAccentsCanBeRead checks that any accent color is adjusted until text in it and on it is
// readable on light and dark pages, and that a readable one is unchanged.
func TestAccentsCanBeRead(t *testing.T) {
	for _, accent := range []string{
		"#ffd000", "#ffffff", "#000", "#0b7285", "#ff0000", "#00ff00", "#0000ff", "#777777", "#2750c4", "#fa8072",
		"#c0ffee", "#123",
	} {
		c, err := parseColor(accent)
		if err != nil {
			t.Fatal(err)
		}
		light, dark := grounds()
		for name, g := range map[string]ground{"light": light, "dark": dark} {
			p, _ := g.palette(c)
			for _, s := range append([]rgb{p.tint}, g.surfaces...) {
				if r := p.accent.contrast(s); r < 4.5 {
					t.Errorf("%s, %s: %s on %s has a contrast of %.2f", accent, name, p.accent, s, r)
				}
			}
			for _, back := range []rgb{p.accent, p.strong} {
				if r := p.on.contrast(back); r < 4.5 {
					t.Errorf("%s, %s: %s on the button %s has a contrast of %.2f", accent, name, p.on, back, r)
				}
			}
		}
	}
	sheet, note, err := accentSheet("#0b7285")
	if err != nil || note != "" || !strings.Contains(sheet, "--accent: #0b7285;") {
		t.Errorf("a good accent is changed: %s %s %v", sheet, note, err)
	}
	if _, note, err := accentSheet("#ffd000"); err != nil || !strings.Contains(note, "#ffd000 cannot be read") {
		t.Errorf("a changed accent is not reported: %q %v", note, err)
	}
	for _, bad := range []string{"", "blue", "#12", "#1234567", "0b7285", "#ggg", "#0b7285;}", "#+12345"} {
		if _, err := parseColor(bad); err == nil {
			t.Errorf("%q is taken for a color", bad)
		}
	}
}

// TestBrandsAreChecked checks that every mistake is reported with its field.
func TestBrandsAreChecked(t *testing.T) {
	files := fstest.MapFS{
		"logo.svg": {Data: []byte("<svg/>")}, "brand.css": {Data: []byte("a{}")}, "logo.exe": {Data: []byte("MZ")},
	}
	good := Brand{
		Static: files, Logo: "logo.svg", LogoDark: "logo.svg", Style: "brand.css", Accent: "#0b7285",
		Home: "/", Help: "mailto:help@example.org", Terms: "https://example.org/terms", Privacy: "/privacy?lang=en",
	}
	if bad := good.Check(); len(bad) > 0 {
		t.Fatalf("a good brand: %v", bad)
	}
	for name, change := range map[string]func(*Brand){
		"Accent: a word":            func(b *Brand) { b.Accent = "teal" },
		"Logo: not there":           func(b *Brand) { b.Logo = "none.svg" },
		"Logo: no picture":          func(b *Brand) { b.Logo = "logo.exe" },
		"Logo: out of the folder":   func(b *Brand) { b.Logo = "../logo.svg" },
		"Style: no style sheet":     func(b *Brand) { b.Style = "logo.svg" },
		"Logo: no folder":           func(b *Brand) { b.Static, b.LogoDark, b.Style = nil, "", "" },
		"LogoDark: alone":           func(b *Brand) { b.Logo = "" },
		"Home: a script":            func(b *Brand) { b.Home = "javascript:alert(1)" },
		"Help: another host":        func(b *Brand) { b.Help = "//evil.test/" },
		"Terms: without encryption": func(b *Brand) { b.Terms = "http://example.org/terms" },
		"Privacy: a relative path":  func(b *Brand) { b.Privacy = "privacy" },
		"Static: a large file":      func(b *Brand) { b.Static = with(files, "big.png", make([]byte, maxOwnFile+1)) },
	} {
		b := good
		change(&b)
		field, _, _ := strings.Cut(name, ":")
		if bad := b.Check(); !slices.ContainsFunc(bad, func(p BrandProblem) bool { return p.Field == field }) {
			t.Errorf("%s: %v", name, bad)
		}
	}
}

func with(files fstest.MapFS, name string, raw []byte) fstest.MapFS {
	out := fstest.MapFS{name: {Data: raw}}
	for n, f := range files {
		out[n] = f
	}
	return out
}

// TestOwnFilesAreServed checks that files are served under a permanent name, and that other files
// of the folder are not.
func TestOwnFilesAreServed(t *testing.T) {
	b := Brand{Accent: "#c2255c", Static: fstest.MapFS{
		"brand.css": {Data: []byte("h1 { color: red }")}, "pics/logo.svg": {Data: []byte("<svg/>")},
		".env": {Data: []byte("KEY=1")}, "notes.php": {Data: []byte("<?php")},
		".git/config.txt": {Data: []byte("secret")},
	}}
	a, err := b.assets("Acme <Ltd>", "example.org")
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{assets: a}
	get := func(name string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.serveStatic(w, httptest.NewRequest(http.MethodGet, "/tf-static/"+name, nil), name)
		return w
	}
	for name, want := range map[string]string{
		"own/brand.css": "color: red", a.named("own/brand.css"): "color: red", "own/pics/logo.svg": "<svg/>",
		"accent.css": "--accent: #c2255c", "mark.svg": ">A</text>", "twofold.css": "--accent",
	} {
		if w := get(name); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if kept := get(a.named("own/brand.css")).Header().Get("Cache-Control"); !strings.Contains(kept, "immutable") {
		t.Errorf("a file under its marked name is kept for %q", kept)
	}
	hidden := []string{"own/.env", "own/notes.php", "own/.git/config.txt", "brand.css", "own/../twofold.css"}
	for _, name := range hidden {
		if w := get(name); w.Code != http.StatusNotFound {
			t.Errorf("%s is served: %d", name, w.Code)
		}
	}
}

// TestOurLogoLeavesASiteWithAName checks that pages of a site with a name do not show the default
// logo.
func TestOurLogoLeavesASiteWithAName(t *testing.T) {
	sites := map[string]bool{"Twofold": true, "login.example.org": true, "Acme": false, "Ödland": false}
	for site, ours := range sites {
		a, err := Brand{}.assets(site, "login.example.org")
		if err != nil {
			t.Fatal(err)
		}
		mark := string(a.files[markFile].plain)
		if got := mark == string(a.files["twofold.svg"].plain); got != ours {
			t.Errorf("%s: our logo is shown: %v", site, got)
		}
		if first := strings.ToUpper(string([]rune(site)[0])); !ours && !strings.Contains(mark, ">"+first+"</text>") {
			t.Errorf("%s: the mark is %s", site, mark)
		}
	}
}

// TestTheGuideNamesBlocksAndProperties checks that the tables of docs/how-to/branding.md and
// templates.md list exactly the properties of the style sheet, and only existing files with their
// blocks.
func TestTheGuideNamesBlocksAndProperties(t *testing.T) {
	var guide string
	for _, page := range []string{"branding.md", "templates.md"} {
		raw, err := os.ReadFile("../../docs/how-to/" + page)
		if err != nil {
			t.Fatal(err)
		}
		guide += string(raw)
	}
	sheet, err := ownStatic.ReadFile("static/twofold.css")
	if err != nil {
		t.Fatal(err)
	}
	told, there := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile("`(--[a-z-]+)`").FindAllStringSubmatch(guide, -1) {
		told[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)[\s{;](--[a-z-]+):`).FindAllStringSubmatch(string(sheet), -1) {
		there[m[1]] = true
	}
	if len(there) == 0 || !maps.Equal(told, there) {
		t.Errorf("the guide has the properties %v, the style sheet %v",
			slices.Sorted(maps.Keys(told)), slices.Sorted(maps.Keys(there)))
	}
	file, name := regexp.MustCompile("`([a-z_]+)\\.html`"), regexp.MustCompile("`([a-z_]+)`")
	for line := range strings.Lines(guide) {
		row := strings.Split(line, "|")
		if len(row) < 4 || !file.MatchString(row[1]) {
			continue
		}
		for i, m := range file.FindAllStringSubmatch(row[1], -1) {
			text, err := readTemplate(nil, m[1]+".html")
			if err != nil {
				t.Errorf("the guide names %s.html: %v", m[1], err)
			}
			blocks := name.FindAllStringSubmatch(row[2], -1)
			if strings.Count(row[1], ".html") > 1 {
				blocks = blocks[i : i+1]
			}
			for _, b := range blocks {
				if !strings.Contains(text, `{{define "`+b[1]+`"`) {
					t.Errorf("%s.html defines no block %s", m[1], b[1])
				}
			}
		}
	}
}
