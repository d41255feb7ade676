package web

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"testing"
)

// TestLanguagesHaveTheSameTexts: every language has the keys of the English
// file, and each text has the placeholders of the English one.
func TestLanguagesHaveTheSameTexts(t *testing.T) {
	texts := func(name string) map[string]string {
		raw, err := fs.ReadFile(ownLocales, name)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		flat := map[string]string{}
		for key, v := range out {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			flat[key] = string(text)
		}
		return flat
	}
	placeholder := regexp.MustCompile(`\{\{[^}]*\}\}`)
	english := texts("locales/en.json")
	names, err := fs.Glob(ownLocales, "locales/*.json")
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		own := texts(name)
		for key := range own {
			if _, ok := english[key]; !ok {
				t.Errorf("%s: %s is not in en.json", name, key)
			}
		}
		for key, text := range english {
			other, ok := own[key]
			if !ok {
				t.Errorf("%s: %s is missing", name, key)
				continue
			}
			want, got := placeholder.FindAllString(text, -1), placeholder.FindAllString(other, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(want), slices.Compact(got)) {
				t.Errorf("%s: %s has the placeholders %q, English %q", name, key, got, want)
			}
		}
	}
}
