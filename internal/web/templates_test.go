package web

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold/internal/i18n"
)

func TestEveryPageIsDrawn(t *testing.T) {
	words, err := i18n.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range words.Tags() {
		w := words.For(tag)
		for _, name := range pages() {
			if _, ok := sampleData()[name]; !ok {
				t.Errorf("%s: sampleData does not say what its data is", name)
			}
			if err := draw(all[name], name, w); err != nil {
				t.Errorf("%s in %s: %v", name, w.Tag, err)
			}
		}
	}
}

// TestPagesRunFromRightToLeft covers languages whose file declares this direction.
func TestPagesRunFromRightToLeft(t *testing.T) {
	words, err := i18n.NewCatalogue(fstest.MapFS{"he.json": {Data: []byte(`{"dir": "rtl"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	page := samplePage("login", words.For("he"), LoginPage{})
	if err := all["login"].ExecuteTemplate(&b, "layout", page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `<html lang="he" dir="rtl">`) {
		t.Error("the page does not run from right to left")
	}
}
