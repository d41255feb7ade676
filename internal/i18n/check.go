package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Problem is an error in a text of a language file.
type Problem struct {
	File, Key string
	Text      string // the error and how to fix it
	// Harmless is set for a probable mistake that does not break a text: an unused key or a missing
	// plural form.
	Harmless bool
}

// Error implements error.
func (p Problem) Error() string {
	if p.Key == "" {
		return p.File + ": " + p.Text
	}
	return p.File + ": " + p.Key + ": " + p.Text
}

// File describes the texts in a language file.
type File struct {
	Name, Tag string
	Have, Of  int
}

// placeholders matches {{.name}} in a text.
var placeholders = regexp.MustCompile(`{{-?\s*\.([A-Za-z]+)`)

// needed contains the placeholders that a text must not omit.
var needed = map[string]string{"code": "731905", "link": "https://example.org/l/731905"}

// Check renders every text of the language files of a folder once with sample data. A text
// that cannot be rendered, uses an unknown placeholder or omits a code or a link is a problem.
func Check(files fs.FS) ([]File, []Problem, error) {
	english, err := englishTexts()
	if err != nil {
		return nil, nil, err
	}
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, nil, err
	}
	var list []File
	var bad []Problem
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, nil, err
		}
		one, problems := checkFile(name, raw, english)
		if bad = append(bad, problems...); one.Name != "" {
			list = append(list, one)
		}
	}
	return list, bad, nil
}

// checkFile checks the texts of one file. A file that cannot be read has no name.
func checkFile(name string, raw []byte, english map[string]*goi18n.Message) (File, []Problem) {
	file, err := goi18n.NewBundle(language.English).ParseMessageFileBytes(raw, name)
	if err != nil {
		return File{}, []Problem{
			{File: name, Text: "cannot be read as JSON of texts (" + err.Error() + ")"}}
	}
	var bad []Problem
	one := File{Name: name, Tag: file.Tag.String(), Of: len(english)}
	if tag := strings.TrimSuffix(path.Base(name), ".json"); file.Tag == language.Und || one.Tag == "und" {
		bad = append(bad, Problem{File: name,
			Text: fmt.Sprintf("%q is not a language tag such as fr or pt-BR", tag)})
	}
	plural := pluralForms(file.Tag)
	for _, m := range file.Messages {
		problem := Problem{File: name, Key: m.ID}
		original, known := english[m.ID]
		if !known {
			problem.Text, problem.Harmless = "there is no such text in this version: remove it", true
			bad = append(bad, problem)
			continue
		}
		one.Have++
		for _, form := range forms(m) {
			if err := checkText(form, original); err != nil {
				problem.Text = err.Error()
				break
			}
		}
		if got := formNames(m); problem.Text == "" && len(formNames(original)) > 1 && !slices.Equal(got, plural) {
			problem.Text, problem.Harmless = fmt.Sprintf("has the plural forms %s: this language has %s",
				strings.Join(got, ", "), strings.Join(plural, ", ")), true
		}
		if problem.Text != "" {
			bad = append(bad, problem)
		}
	}
	return one, bad
}

// englishTexts returns the built-in English texts by key.
func englishTexts() (map[string]*goi18n.Message, error) {
	raw, err := ownLocales.ReadFile("locales/en.json")
	if err != nil {
		return nil, err
	}
	file, err := goi18n.NewBundle(language.English).ParseMessageFileBytes(raw, "en.json")
	if err != nil {
		return nil, err
	}
	out := make(map[string]*goi18n.Message, len(file.Messages))
	for _, m := range file.Messages {
		out[m.ID] = m
	}
	return out, nil
}

// formOf returns the text of one plural form of a message.
func formOf(m *goi18n.Message, name string) string {
	return map[string]string{
		"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other,
	}[name]
}

// allForms lists all plural forms, in the order of CLDR.
var allForms = []string{"zero", "one", "two", "few", "many", "other"}

// formNames returns the plural forms of a message. A text without plural forms is "other".
func formNames(m *goi18n.Message) []string {
	return slices.DeleteFunc(slices.Clone(allForms), func(name string) bool { return formOf(m, name) == "" })
}

// forms returns the texts of a message: one, or one for each plural form.
func forms(m *goi18n.Message) []string {
	names := formNames(m)
	for i, name := range names {
		names[i] = formOf(m, name)
	}
	return names
}

// pluralForms returns the plural forms of a language, as used by the numbers up to 200, a million
// and a half.
func pluralForms(tag language.Tag) []string {
	bundle := goi18n.NewBundle(tag)
	if bundle.AddMessages(tag, &goi18n.Message{
		ID: "n", Zero: "zero", One: "one", Two: "two", Few: "few", Many: "many", Other: "other",
	}) != nil {
		return []string{"other"}
	}
	loc, has := goi18n.NewLocalizer(bundle, tag.String()), map[string]bool{}
	counts := []any{1000000, "0.5"}
	for n := range 201 {
		counts = append(counts, n)
	}
	for _, n := range counts {
		if form, err := loc.Localize(&goi18n.LocalizeConfig{MessageID: "n", PluralCount: n}); err == nil {
			has[form] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(allForms), func(name string) bool { return !has[name] })
}

// checkText renders a text with the data of the English one.
func checkText(text string, original *goi18n.Message) error {
	data := map[string]any{}
	for _, form := range forms(original) {
		for _, m := range placeholders.FindAllStringSubmatch(form, -1) {
			data[m[1]] = "1"
			if sample, ok := needed[m[1]]; ok {
				data[m[1]] = sample
			}
		}
	}
	t, err := template.New("text").Option("missingkey=error").Parse(text)
	if err != nil {
		return errors.New("is not a template: write placeholders as {{.name}}")
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return fmt.Errorf("has a placeholder without a value in this text: it may have %s", listed(data))
	}
	for name, sample := range needed {
		if data[name] == sample && !strings.Contains(b.String(), sample) {
			return fmt.Errorf("lacks {{.%s}}, without which it is useless", name)
		}
	}
	return nil
}

func listed(data map[string]any) string {
	var names []string
	for name := range data {
		names = append(names, "{{."+name+"}}")
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// badTexts joins the problems of a folder that users would see.
func badTexts(files fs.FS) error {
	_, bad, err := Check(files)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range bad {
		if !p.Harmless {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}
