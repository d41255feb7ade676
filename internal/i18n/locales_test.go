package i18n

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// languageFile is the content of one of our files: each text by key and plural form, in the order
// of the file.
type languageFile struct {
	tag   string
	keys  []string
	texts map[string]map[string]string
}

// ourFiles returns all of our files, English first.
func ourFiles(t *testing.T) []languageFile {
	t.Helper()
	names, err := fs.Glob(ownLocales, "locales/*.json")
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	var out []languageFile
	for _, name := range names {
		f := readLanguage(t, name)
		if f.tag == "en" {
			out = slices.Insert(out, 0, f)
		} else {
			out = append(out, f)
		}
	}
	return out
}

func readLanguage(t *testing.T, name string) languageFile {
	t.Helper()
	raw, err := fs.ReadFile(ownLocales, name)
	if err != nil {
		t.Fatal(err)
	}
	f := languageFile{tag: strings.TrimSuffix(path.Base(name), ".json"), texts: map[string]map[string]string{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	for _, err = d.Token(); err == nil && d.More(); {
		key, _ := d.Token()
		var v any
		if err = d.Decode(&v); err != nil {
			break
		}
		id := key.(string)
		if f.texts[id] != nil {
			t.Errorf("%s has %s twice", f.tag, id)
		}
		f.keys, f.texts[id] = append(f.keys, id), map[string]string{}
		switch v := v.(type) {
		case string:
			f.texts[id]["other"] = v
		case map[string]any:
			for form, text := range v {
				f.texts[id][form], _ = text.(string)
			}
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

var inBraces = regexp.MustCompile(`\{\{[^}]*\}\}`)

func placeholdersOf(text string) []string {
	found := inBraces.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// readWithTwin lists the texts that the code reads although there is a variant for pages: with
// Text, or with Replaced, which reports whether the site has its own text.
var readWithTwin = []string{
	"news_half", "codes_keep", "mail_code_body", "mail_signin_body", "mail_notice_subject",
}

// neverShown reports whether only English needs a text, because pages and mails show its variant
// for pages and it is not part of the wire contract, whose keys have capital letters. English has
// it because a site may replace it.
func (f languageFile) neverShown(key string) bool {
	return f.texts[PagePrefix+key] != nil && key != strings.ToUpper(key) && !strings.HasPrefix(key, "lately_") &&
		!slices.Contains(readWithTwin, key)
}

// readers lists the folders whose code reads texts.
var readers = []string{".", "../mail", "../web"}

// TestNoTextThatIsReadCountsAsNeverShown checks the keys that the code reads without the variant
// for pages.
func TestNoTextThatIsReadCountsAsNeverShown(t *testing.T) {
	english := ourFiles(t)[0]
	var names []string
	for _, folder := range readers {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, files...)
	}
	read := regexp.MustCompile(`\b(?:Text|Replaced)\("([a-zA-Z_]+)"( \+)?`)
	part := regexp.MustCompile(`\b(?:Text|Replaced)\(\w+ ?\+ ?"([a-z_]+)"`)
	met := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(what string, reads func(key string) bool) {
			met++
			for _, key := range english.keys {
				if reads(key) && english.neverShown(key) {
					t.Errorf("%s reads %s, of which %s is one", name, what, key)
				}
			}
		}
		for _, m := range read.FindAllStringSubmatch(string(source), -1) {
			refuse(m[1], func(key string) bool { return key == m[1] || m[2] != "" && strings.HasPrefix(key, m[1]) })
		}
		for _, m := range part.FindAllStringSubmatch(string(source), -1) {
			refuse(m[1], func(key string) bool { return strings.HasSuffix(key, m[1]) })
		}
	}
	if met < 20 {
		t.Errorf("found %d places only", met)
	}
}

// TestLanguagesHaveTheSameTexts checks that every language has the keys of the English file in the
// same order, except those that are never shown. The placeholders and line breaks are the same,
// there is no markup, and the plural forms are those of the language.
func TestLanguagesHaveTheSameTexts(t *testing.T) {
	files := ourFiles(t)
	english := files[0]
	shown := slices.DeleteFunc(slices.Clone(english.keys), english.neverShown)
	for _, f := range files[1:] {
		if !slices.Equal(f.keys, shown) {
			for _, key := range f.keys {
				if english.texts[key] == nil {
					t.Errorf("%s: %s is not in en.json", f.tag, key)
				} else if english.neverShown(key) {
					t.Errorf("%s: %s is never shown: %s is", f.tag, key, PagePrefix+key)
				}
			}
			t.Errorf("%s: the keys are not those of en.json that are shown, in their order", f.tag)
		}
		plural := pluralForms(fileTag(f.tag))
		for _, key := range shown {
			forms, want := english.texts[key], []string{"other"}
			if len(forms) > 1 {
				want = plural
			}
			if f.texts[key] == nil {
				t.Errorf("%s: %s is missing", f.tag, key)
				continue
			}
			for _, form := range allForms {
				text, ok := f.texts[key][form]
				if ok != slices.Contains(want, form) {
					t.Errorf("%s: %s has other plural forms than %v", f.tag, key, want)
				} else if ok {
					comparePlaceholders(t, f.tag, key, form, text, forms["other"])
				}
			}
		}
	}
}

// exactly holds the plural forms that represent one number, which a text may spell out.
var exactly = map[string][]string{
	"en": {"one"}, "de": {"one"}, "ar": {"zero", "one", "two"}, "es": {"one"}, "it": {"one"}, "nl": {"one"},
	"pl": {"one"},
	"tr": {"one"},
}

func comparePlaceholders(t *testing.T, tag, key, form, text, english string) {
	t.Helper()
	name := tag + ": " + key + " (" + form + ")"
	want, got := placeholdersOf(english), placeholdersOf(text)
	if slices.Contains(exactly[tag], form) {
		isN := func(p string) bool { return p == "{{.N}}" }
		want, got = slices.DeleteFunc(want, isN), slices.DeleteFunc(got, isN)
	}
	if !slices.Equal(want, got) {
		t.Errorf("%s has the placeholders %q, English %q", name, got, want)
	}
	if strings.Count(text, "\n") != strings.Count(english, "\n") || text == "" || strings.ContainsAny(text, "<>&") {
		t.Errorf("%s: other lines, none, or markup: %q", name, text)
	}
	if strings.HasSuffix(text, " ") != strings.HasSuffix(english, " ") && !joins[key] {
		t.Errorf("%s ends otherwise than in English: %q", name, text)
	}
	for _, r := range text {
		if unicode.IsDigit(r) && r > '9' {
			t.Errorf("%s has other digits than codes: %q", name, text)
		}
	}
}

// joins holds texts that connect other texts. formats holds texts that are not read aloud.
var (
	joins   = map[string]bool{"duration_and": true, "comma": true, "full_stop": true}
	formats = map[string]bool{"dir": true, "time_format": true, "date_format": true, "codes_of": true}
)

// TestTextsAreTranslated checks that only the texts in testdata/same.txt are the same as in
// English.
func TestTextsAreTranslated(t *testing.T) {
	raw, err := os.ReadFile("testdata/same.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed, met := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			listed[line] = true
		}
	}
	files := ourFiles(t)
	for _, f := range files[1:] {
		for key, forms := range f.texts {
			for form, text := range forms {
				line := f.tag + " " + key
				if text != files[0].texts[key][form] || joins[key] || formats[key] {
					continue
				}
				if !listed[line] {
					t.Errorf("%s is the same as in English: %q", line, text)
				}
				met[line] = true
			}
		}
	}
	for line := range listed {
		if !met[line] {
			t.Errorf("testdata/same.txt lists %q, which differs", line)
		}
	}
}

// TestOurLanguagesPassTheCheck runs the check of "twofold texts check".
func TestOurLanguagesPassTheCheck(t *testing.T) {
	own, err := fs.Sub(ownLocales, "locales")
	if err != nil {
		t.Fatal(err)
	}
	list, bad, err := Check(own)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bad {
		t.Error(p)
	}
	c, english, hidden := catalogue(t, nil), ourFiles(t)[0], 0
	for _, key := range english.keys {
		if english.neverShown(key) {
			hidden++
		}
	}
	for _, l := range list {
		if l.Tag != "en" {
			l.Of -= hidden
		}
		if l.Have != l.Of || !c.Has(l.Tag) {
			t.Errorf("%s has %d of %d texts", l.Tag, l.Have, l.Of)
		}
	}
}

// TestLanguagesAreKnownByTheirNames checks that the list of languages, which avoids reading the
// files, matches them.
func TestLanguagesAreKnownByTheirNames(t *testing.T) {
	c := catalogue(t, nil)
	for _, w := range c.words {
		if name := w.Text("language_name"); name != w.name || ownNames[w.Tag] != name {
			t.Errorf("%s is listed as %q and calls itself %q", w.Tag, ownNames[w.Tag], name)
		}
	}
	if len(ownNames) != len(c.words) {
		t.Errorf("%d names of %d languages", len(ownNames), len(c.words))
	}
}

// strange holds words that address the reader in a way that the convention of the language excludes
// (docs/translations.md).
var strange = map[string]string{
	"de": "[Dd]u|[Dd]ich|[Dd]ir|[Dd]ein|[Dd]eine[mnrs]?", "fr": "tu|toi|ton|tes|t",
	"es": "tú|tu|tus|te|ti|contigo|tuyo|tuya",
	"it": "Lei|voi|vostr[aeio]", "pt-BR": "tu|teu|tua|teus|tuas|contigo|senhor|senhora", "nl": "u|uw|uzelf",
	"pl": "Pan|Pani|Pana|Państwo|Państwa", "tr": "sen|senin|sana|seni|senden", "zh-Hans": "你", "ja": "お前|君|である。",
}

// TestReadersAreAddressedInOneWay checks the form of address in each language.
func TestReadersAreAddressedInOneWay(t *testing.T) {
	for _, f := range ourFiles(t) {
		words := strange[f.tag]
		if words == "" {
			continue // English has one way; Arabic texts are worded without
		}
		around := `(?:^|[^\p{L}])`
		if f.tag == "zh-Hans" || f.tag == "ja" {
			around = ""
		}
		address := regexp.MustCompile(around + "(" + words + ")" + strings.Replace(around, "^", "$", 1))
		for key, forms := range f.texts {
			for _, text := range forms {
				if found := address.FindString(text); found != "" {
					t.Errorf("%s: %s says %q: %s", f.tag, key, found, text)
				}
			}
		}
	}
}

// TestThePageForTranslatorsListsTheLanguages also checks their plural forms.
func TestThePageForTranslatorsListsTheLanguages(t *testing.T) {
	raw, err := os.ReadFile("../../docs/translations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ourFiles(t) {
		plural := strings.Join(pluralForms(fileTag(f.tag)), ", ")
		row := regexp.MustCompile("(?m)^\\| `" + f.tag + "` \\|.*\\| " + plural + " \\|$")
		if !row.Match(raw) {
			t.Errorf("docs/translations.md lacks %s, or has other plural forms than it", f.tag)
		}
		if f.tag != "en" && f.tag != "de" && !strings.Contains(string(raw), "(`"+f.tag+"`)\n") {
			t.Errorf("docs/translations.md has no review of %s", f.tag)
		}
	}
}

// unclear holds words that texts for people must not use, with the words to use instead.
var unclear = map[string]*regexp.Regexp{
	"en": regexp.MustCompile(`(?i)\b(identity|resource|endpoint|passcode|authentication|somebody|nobody|anew|` +
		`mails?|mailed|in your name|recognise|second factors?|two-factor|` +
		`do not|does not|did not|cannot|can not|is not|are not|was not)\b`),
	"de": regexp.MustCompile(`(?i)(identität|ressource|endpunkt|passcode|authentifizierung|authentisierung|\bfaktor|` +
		`zugangsschlüssel|rettung|zwei-faktor|zweite[nmrs]? faktor)`),
}

// TestTextsForPeopleArePlain checks that pages, mails and text messages use everyday words,
// contractions, and one name for each thing. It skips texts of the wire contract for which pages
// have a variant.
func TestTextsForPeopleArePlain(t *testing.T) {
	forPrograms := []string{"REFRESH_TOKEN_INVALID", "mail_rescue_subject"}
	for locale, words := range unclear {
		raw, err := fs.ReadFile(ownLocales, "locales/"+locale+".json")
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		for key, text := range all {
			if all[PagePrefix+key] != nil || slices.Contains(forPrograms, key) {
				continue
			}
			said, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			if found := words.FindAllString(string(said), -1); found != nil {
				t.Errorf("%s: %s says %q: %s", locale, key, found, said)
			}
		}
	}
}
