package i18n

import (
	"slices"
	"testing"
)

// FuzzLanguage checks that every Accept-Language header selects one of the supported languages, and
// always the same one.
func FuzzLanguage(f *testing.F) {
	words, err := NewCatalogue(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "de", "de-AT;q=0.9, en;q=0.8", "*", "de;q=x", "xx-YY-zz", "de_DE", "i-klingon",
		"en-x-private", "de,,,", "\x00", "art-lojban", "de;q=0", "zh-Hant-TW", "root"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, cookie, header string) {
		w := words.For(cookie, header)
		if !slices.Contains(words.words, w) || words.For(cookie, header) != w {
			t.Fatalf("%q %q: %v", cookie, header, w)
		}
		if text := w.Text("TWO_FACTOR_INVALID_TOKEN"); text == "" || text == "TWO_FACTOR_INVALID_TOKEN" {
			t.Fatalf("%q %q: speaks %s, which has no words", cookie, header, w.Tag)
		}
	})
}
