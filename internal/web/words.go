package web

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"github.com/twofold-auth/twofold/internal/device"
)

//go:embed locales/*.json
var ownLocales embed.FS

// Catalogue holds every text in every language. English comes first and fills
// the gaps of the others.
type Catalogue struct {
	words   []*Words
	matcher language.Matcher
}

// Words are the texts of one language.
type Words struct {
	Tag string // BCP 47
	loc *i18n.Localizer
	// has are the keys that the language has, and replaced those of which the
	// site's own files have a text, in this language or in English.
	has, replaced map[string]bool
}

// pagePrefix begins the keys of texts that pages show in place of a text of the
// wire contract.
const pagePrefix = "page_"

// NewCatalogue reads our languages and those of extra (files "fr.json" at its
// root; nil for none). A file of a language we have replaces texts of it.
func NewCatalogue(extra fs.FS) (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	own, err := fs.Sub(ownLocales, "locales")
	if err != nil {
		return nil, err
	}
	has, replaced := keysByTag{}, keysByTag{}
	if err := load(bundle, own, has); err != nil {
		return nil, err
	}
	if extra != nil {
		if err := badTexts(extra); err != nil {
			return nil, err
		}
		if err := load(bundle, extra, replaced); err != nil {
			return nil, err
		}
	}
	c := &Catalogue{matcher: language.NewMatcher(bundle.LanguageTags())}
	for _, tag := range bundle.LanguageTags() {
		w := &Words{Tag: tag.String(), loc: i18n.NewLocalizer(bundle, tag.String()), has: map[string]bool{}, replaced: map[string]bool{}}
		maps.Copy(w.has, has[tag])
		maps.Copy(w.has, replaced[tag])
		maps.Copy(w.replaced, replaced[tag])
		if len(has[tag]) == 0 || tag == language.English {
			maps.Copy(w.replaced, replaced[language.English])
		}
		c.words = append(c.words, w)
	}
	return c, nil
}

// keysByTag are the keys that a language has.
type keysByTag map[language.Tag]map[string]bool

func load(bundle *i18n.Bundle, files fs.FS, keys keysByTag) error {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		file, err := bundle.ParseMessageFileBytes(raw, name)
		if err != nil {
			return fmt.Errorf("language file %s: %w", name, err)
		}
		if keys[file.Tag] == nil {
			keys[file.Tag] = map[string]bool{}
		}
		for _, m := range file.Messages {
			keys[file.Tag][m.ID] = true
		}
	}
	return nil
}

// knows says whether there is a text of a key, for pages or for programs.
func (w *Words) knows(key string) bool {
	return w.has[key] || w.has[pagePrefix+key] || w.Text(key) != key
}

// when says a time, in UTC.
func (w *Words) when(t time.Time) string { return t.UTC().Format(w.Text("time_format")) }

// browser says the name of a browser, as device.Name makes it. What people named
// themselves stays as it is.
func (w *Words) browser(name string) string {
	if name == device.Unknown {
		return w.Text("browser_unknown")
	}
	if browser, system, ok := device.Split(name); ok {
		return w.Text("browser_on", "browser", browser, "system", system)
	}
	return name
}

// Page is the text of a key as pages say it: the one under "page_" and the key,
// unless there is none or the site has replaced the text of the key. JSON keeps
// the texts of the wire contract.
func (w *Words) Page(key string, pairs ...any) string {
	if own := pagePrefix + key; w.has[own] && !(w.replaced[key] && !w.replaced[own]) {
		return w.Text(own, pairs...)
	}
	return w.Text(key, pairs...)
}

// For picks the language for what a person asked for: the most wanted first.
// What cannot be read is passed over. If there is none of those, it is English.
func (c *Catalogue) For(wanted ...string) *Words {
	if w := c.asked(wanted...); w != nil {
		return w
	}
	return c.words[0]
}

// asked is For without English for the rest: nil says that nothing was asked for
// that we have.
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

// speaks is the tag of the language that was asked for; empty: of none that we
// have.
func (c *Catalogue) speaks(wanted ...string) string {
	if w := c.asked(wanted...); w != nil {
		return w.Tag
	}
	return ""
}

// Has reports whether there is a language of exactly this tag.
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

// languages are those to choose from, each by its name in itself.
func (c *Catalogue) languages(chosen string) []Language {
	out := make([]Language, len(c.words))
	for i, w := range c.words {
		out[i] = Language{Tag: w.Tag, Name: w.Tag, Chosen: w.Tag == chosen}
		if w.has["language_name"] {
			out[i].Name = w.Text("language_name")
		}
	}
	return out
}

// Text is the text of a key. Arguments come in pairs: name, value. A key
// without a text gives the key: visible, and no page breaks.
func (w *Words) Text(key string, pairs ...any) string {
	config := i18n.LocalizeConfig{MessageID: key}
	if len(pairs) > 0 {
		data := make(map[string]any, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			name := fmt.Sprint(pairs[i])
			data[name] = pairs[i+1]
			if name == "N" {
				config.PluralCount = pairs[i+1]
			}
		}
		config.TemplateData = data
	}
	text, err := w.loc.Localize(&config)
	// A gap in a language gives the English text and an error with it.
	var gap *i18n.MessageNotFoundErr
	if text == "" && (errors.As(err, &gap) || err != nil) {
		return key
	}
	return text
}

// has reports whether there is a text of that key, in English or in a language of
// the application.
func (c *Catalogue) has(key string) bool {
	for _, w := range c.words {
		if w.Text(key, "N", 1) != key {
			return true
		}
	}
	return false
}

// Duration says a duration in words, its two largest units: "1 hour and 30
// minutes".
func (w *Words) Duration(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	units := []struct {
		key  string
		size int64
	}{{"duration_day", 86400}, {"duration_hour", 3600}, {"duration_minute", 60}, {"duration_second", 1}}
	var parts []string
	for _, u := range units {
		if n := s / u.size; n > 0 && len(parts) < 2 {
			parts = append(parts, w.Text(u.key, "N", n))
			s -= n * u.size
		}
	}
	if len(parts) == 0 {
		return w.Text("duration_second", "N", int64(0))
	}
	return strings.Join(parts, w.Text("duration_and"))
}
