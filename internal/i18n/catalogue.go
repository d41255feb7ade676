package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locales/*.json
var ownLocales embed.FS

// ownNames contains the native names of the built-in languages, so that the list of languages can
// be shown without reading the files.
var ownNames = map[string]string{
	"en":      "English",
	"ar":      "العربية",
	"de":      "Deutsch",
	"es":      "Español",
	"fr":      "Français",
	"it":      "Italiano",
	"ja":      "日本語",
	"nl":      "Nederlands",
	"pl":      "Polski",
	"pt-BR":   "Português (Brasil)",
	"tr":      "Türkçe",
	"zh-Hans": "简体中文",
}

// Catalogue contains all texts in all languages. English comes first and is used for missing texts
// of the others. A language is read when its first text is requested.
type Catalogue struct {
	words   []*Words
	matcher language.Matcher
}

// Words contains the texts of one language.
type Words struct {
	Tag   string // BCP 47
	name  string // its native name
	file  string // our file; empty if the site has added the language
	site  []*goi18n.Message
	below *Words // used for missing texts; nil for English
	once  sync.Once
	read  *texts
}

// texts contains the texts of one language after reading.
type texts struct {
	plain    map[string]string // without placeholders
	shaped   map[string]bool   // texts with placeholders or plurals, which are in loc
	loc      *goi18n.Localizer
	replaced map[string]bool // texts of the site
	rtl      bool
}

// NewCatalogue lists our languages and reads those of extra (files "fr.json" at its root; nil for
// none). A file of a built-in language replaces texts of that language.
func NewCatalogue(extra fs.FS) (*Catalogue, error) {
	site, order, err := readSite(extra)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(ownLocales, "locales/*.json")
	if err != nil {
		return nil, err
	}
	english := &Words{Tag: "en", name: ownNames["en"], file: "locales/en.json"}
	c, tags := &Catalogue{words: []*Words{english}}, []language.Tag{language.English}
	add := func(tag language.Tag, w *Words) {
		tags, c.words = append(tags, tag), append(c.words, w)
	}
	for _, file := range files {
		if tag := fileTag(file); tag != language.English {
			add(tag, &Words{Tag: tag.String(), name: ownNames[tag.String()], file: file, below: english})
		}
	}
	ours, known := language.NewMatcher(tags), slices.Clone(c.words)
	for _, tag := range order {
		if !slices.Contains(tags, tag) {
			w := &Words{Tag: tag.String(), name: tag.String(), below: english}
			if _, i, sure := ours.Match(tag); sure >= language.High {
				w.below = known[i]
			}
			add(tag, w)
		}
	}
	for i, w := range c.words {
		w.site = site[tags[i]]
		for _, m := range w.site {
			if m.ID == "language_name" && m.Other != "" {
				w.name = m.Other
			}
		}
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

// readSite reads the site's own files. It returns the texts of each language, and the languages in
// the order of the files.
func readSite(files fs.FS) (map[language.Tag][]*goi18n.Message, []language.Tag, error) {
	if files == nil {
		return nil, nil, nil
	}
	if err := badTexts(files); err != nil {
		return nil, nil, err
	}
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, nil, err
	}
	texts, order := map[language.Tag][]*goi18n.Message{}, []language.Tag{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, nil, err
		}
		file, err := goi18n.ParseMessageFileBytes(raw, name, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("language file %s: %w", name, err)
		}
		if !slices.Contains(order, file.Tag) {
			order = append(order, file.Tag)
		}
		texts[file.Tag] = append(texts[file.Tag], file.Messages...)
	}
	return texts, order, nil
}

// fileTag returns the language of one of our files.
func fileTag(name string) language.Tag {
	return language.Make(strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], ".json"))
}

// texts reads the language once. If a built-in file cannot be read, which the tests exclude, its
// texts are English.
func (w *Words) texts() *texts {
	w.once.Do(func() {
		var own []*goi18n.Message
		if raw, err := ownLocales.ReadFile(w.file); w.file != "" && err == nil {
			if file, err := goi18n.ParseMessageFileBytes(raw, w.file, nil); err == nil {
				own = file.Messages
			}
		}
		w.read = readTexts(w.Tag, own, w.site)
	})
	return w.read
}

// readTexts stores texts without placeholders as plain strings. Most texts have none, and a plain
// string takes a tenth of the time of a template.
func readTexts(tag string, own, site []*goi18n.Message) *texts {
	t := &texts{plain: make(map[string]string, len(own)), shaped: map[string]bool{}, replaced: map[string]bool{}}
	shaped := map[string]*goi18n.Message{}
	for _, m := range slices.Concat(own, site) {
		delete(t.plain, m.ID)
		delete(shaped, m.ID)
		if all := forms(m); len(all) == 1 && all[0] == m.Other && m.LeftDelim == "" &&
			!strings.Contains(m.Other, "{{") {
			t.plain[m.ID] = m.Other
		} else if len(all) > 0 {
			shaped[m.ID] = m
		}
	}
	for _, m := range site {
		t.replaced[m.ID] = true
	}
	bundle := goi18n.NewBundle(language.Make(tag))
	for key, m := range shaped {
		t.shaped[key] = bundle.AddMessages(language.Make(tag), m) == nil
	}
	t.loc = goi18n.NewLocalizer(bundle, tag)
	t.rtl = t.plain["dir"] == "rtl"
	return t
}

// For returns the best language for the wanted ones, in order of preference. Values that cannot be
// parsed are skipped. The default is English.
func (c *Catalogue) For(wanted ...string) *Words {
	if w := c.asked(wanted...); w != nil {
		return w
	}
	return c.words[0]
}

// asked is like For without the default: it returns nil if the catalogue has none of the languages.
func (c *Catalogue) asked(wanted ...string) *Words {
	for _, w := range wanted {
		if w == "" || len(w) > 256 {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(w)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := c.matcher.Match(tags...); confidence > language.No {
			return c.words[i]
		}
	}
	return nil
}

// Match returns the tag of the requested language, or "" if the catalogue does not have it.
func (c *Catalogue) Match(wanted ...string) string {
	if w := c.asked(wanted...); w != nil {
		return w.Tag
	}
	return ""
}

// Has reports whether there is a language with exactly this tag.
func (c *Catalogue) Has(tag string) bool {
	return slices.ContainsFunc(c.words, func(w *Words) bool { return w.Tag == tag })
}

// Tags lists the languages, English first.
func (c *Catalogue) Tags() []string {
	out := make([]string, len(c.words))
	for i, w := range c.words {
		out[i] = w.Tag
	}
	return out
}

// Language is a language to choose.
type Language struct {
	Tag, Name string // BCP 47 tag and native name
	Chosen    bool
}

// Languages returns the languages to choose from, with their native names.
func (c *Catalogue) Languages(chosen string) []Language {
	out := make([]Language, len(c.words))
	for i, w := range c.words {
		out[i] = Language{Tag: w.Tag, Name: w.name, Chosen: w.Tag == chosen}
	}
	return out
}

// HasText reports whether there is a text with the key, in English or in a language of the application.
func (c *Catalogue) HasText(key string) bool {
	return c.words[0].Has(key) || slices.ContainsFunc(c.words, func(w *Words) bool {
		return slices.ContainsFunc(w.site, func(m *goi18n.Message) bool { return m.ID == key })
	})
}
