package web

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/i18n"
)

// maxPage is the maximum size of a page with all its parts.
const maxPage = 40 << 10

// drawnPages renders every page with all its samples.
func drawnPages(t *testing.T, look func(name, html string)) {
	t.Helper()
	words, err := i18n.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, empty := range sampleData() {
		for _, data := range samples(empty) {
			var urls URLs
			fill(reflect.ValueOf(&urls).Elem(), 0)
			var b bytes.Buffer
			p := &Page{
				Name: name, words: words.For("de"), Lang: "de", Site: "Acme", Data: data, URL: urls,
				Values: map[string]string{}, User: &UserView{Email: "ann@example.org", Username: "ann"},
			}
			if err := all[name].ExecuteTemplate(&b, "layout", p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			look(name, b.String())
		}
	}
}

var (
	formTag  = regexp.MustCompile(`(?s)<form.*?</form>`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
)

// TestFormsTellPasswordManagersWhose checks that each form that sets or asks for an account's
// password has a field with the account's name. The only exception is the page of a link that was
// opened in another browser, which must not name the account.
func TestFormsTellPasswordManagersWhose(t *testing.T) {
	seen := map[string]bool{}
	drawnPages(t, func(name, html string) {
		for _, form := range formTag.FindAllString(html, -1) {
			asks := strings.Contains(form, `autocomplete="current-password"`)
			if !asks && !strings.Contains(form, `autocomplete="new-password"`) {
				continue
			}
			seen[name] = true
			switch {
			case strings.Contains(form, `autocomplete="username`):
			case name == "choose" && !strings.Contains(form, `value="authenticator"`): // the address is not known
			case name == "tf_recovery": // nor may this one
			default:
				t.Errorf("%s: no field says whose password it is:\n%s", name, form)
			}
		}
	})
	for _, name := range []string{"login", "register", "verify", "change", "choose", "us_verify", "tf_recovery"} {
		if !seen[name] {
			t.Errorf("%s has no form with a password: this test looks in the wrong place", name)
		}
	}
}

// TestPasswordsCanBeShown checks that each password field has a button that shows the password.
func TestPasswordsCanBeShown(t *testing.T) {
	id := regexp.MustCompile(`id="([^"]+)"`)
	drawnPages(t, func(name, html string) {
		for _, input := range inputTag.FindAllString(html, -1) {
			if !strings.Contains(input, `type="password"`) {
				continue
			}
			if field := id.FindStringSubmatch(input)[1]; !strings.Contains(html, `data-shows="`+field+`"`) {
				t.Errorf("%s: nothing shows the password of %s", name, field)
			}
		}
	})
}

// TestPagesAreLight checks that a page with all its parts is at most 40 KB.
func TestPagesAreLight(t *testing.T) {
	drawnPages(t, func(name, html string) {
		if len(html) > maxPage {
			t.Errorf("%s has %d bytes, and at most %d", name, len(html), maxPage)
		}
	})
	a, err := ownAssets()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, f := range a.files {
		if a.names[name] != "" { // once, under its plain name
			total += len(f.packed)
		}
	}
	if total > maxPage {
		t.Errorf("style sheet, scripts and logo are %d bytes compressed, and at most %d", total, maxPage)
	}
}
