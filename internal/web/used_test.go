package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/i18n"
)

// TestEveryTextThatIsUsedExists checks the keys in templates, the names of methods, and all notes
// that a step can flash, which must also be shown. A test of package i18n compares the languages
// with English.
func TestEveryTextThatIsUsedExists(t *testing.T) {
	words, err := i18n.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]string{}
	files, err := fs.Glob(ownTemplates, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`\.T "([a-zA-Z_]+)"`)
	for _, name := range files {
		raw, err := fs.ReadFile(ownTemplates, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(raw), -1) {
			used[m[1]] = name
		}
	}
	for _, method := range []string{
		"authenticator", "email", "sms", "password", "passcode", "remember", "webauthn", "recovery_code", "register",
		"rescue",
		"none", "oauth", "confirm", "reset", "login",
	} {
		used["method_"+method], used["label_"+method] = "a method", "a method"
	}
	for reason, key := range phoneTexts() {
		used[key] = "a phone number: " + reason
	}
	flashed := flashedKeys(t)
	for key, where := range flashed {
		used[key] = where
	}
	if len(used) < 250 || len(flashed) < 60 {
		t.Fatalf("found %d texts and %d notes: this test looks in the wrong place", len(used), len(flashed))
	}
	for _, tag := range words.Tags() {
		w := words.For(tag)
		for key, where := range used {
			if !w.Has(key) {
				t.Errorf("%s: no text %s, which is used in %s", w.Tag, key, where)
			}
		}
		for key, where := range flashed {
			if _, ok := noteKind(w, key); !ok {
				t.Errorf("%s: the note %s of %s is never shown", w.Tag, key, where)
			}
		}
	}
}

// flashedKeys returns the keys in the source that can become a note.
func flashedKeys(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(
		`(?:fail\([^"\n]*"[^"\n]*", |note: |note = |says\(|note, noteIn|return )"([A-Z][A-Z_]{2,})"`)
	rows := regexp.MustCompile(`http\.Status[A-Za-z]+, "[a-z_]*", "([A-Z_]+)"`)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, re := range []*regexp.Regexp{literal, rows} {
			for _, m := range re.FindAllStringSubmatch(string(raw), -1) {
				out[m[1]] = name
			}
		}
	}
	return out
}
