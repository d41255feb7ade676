package i18n

import (
	"fmt"
	"strings"
	"time"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"

	"github.com/twofold-auth/twofold/internal/device"
)

// PagePrefix is the prefix of the keys of texts that pages show instead of a text of the wire
// contract.
const PagePrefix = "page_"

// Key returns a kind of mail or link as spelled in the keys of texts.
func Key(kind string) string { return strings.ReplaceAll(kind, "-", "_") }

// has reports whether the language itself has a text with the key.
func (t *texts) has(key string) bool {
	_, plain := t.plain[key]
	return plain || t.shaped[key]
}

// Has reports whether there is a text with the key, for pages or for JSON.
func (w *Words) Has(key string) bool {
	t := w.texts()
	return t.has(key) || t.has(PagePrefix+key) || w.below != nil && w.below.Has(key)
}

// Replaced reports whether the site has replaced the text of a key.
func (w *Words) Replaced(key string) bool {
	t := w.texts()
	return t.replaced[key] || !t.has(key) && w.below != nil && w.below.Replaced(key)
}

// Page returns the text of a key for pages: that of "page_" and the key, unless there is none or
// the site has replaced the text of the key. JSON keeps the texts of the wire contract.
func (w *Words) Page(key string, pairs ...any) string {
	t, own := w.texts(), PagePrefix+key
	switch {
	case t.has(own) && !(t.replaced[key] && !t.replaced[own]):
		return w.Text(own, pairs...)
	case t.has(key) || w.below == nil:
		return w.Text(key, pairs...)
	}
	return w.below.Page(key, pairs...)
}

// Text returns the text of a key. Arguments come in pairs: name, value. For an unknown key it
// returns the key, so that the mistake is visible but the page works.
func (w *Words) Text(key string, pairs ...any) string {
	for ; w != nil; w = w.below {
		if text, ok := w.texts().say(key, pairs); ok {
			return text
		}
	}
	return key
}

// say returns the text of a key in this language only.
func (t *texts) say(key string, pairs []any) (string, bool) {
	if text, ok := t.plain[key]; ok {
		return text, true
	}
	if !t.shaped[key] {
		return "", false
	}
	config := goi18n.LocalizeConfig{MessageID: key}
	if len(pairs) > 0 {
		data := make(map[string]any, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			name := fmt.Sprint(pairs[i])
			data[name] = t.apart(name, pairs[i+1])
			if name == "N" {
				config.PluralCount = pairs[i+1]
			}
		}
		config.TemplateData = data
	}
	text, err := t.loc.Localize(&config)
	return text, text != "" || err == nil
}

// apart isolates a value in a right-to-left text with invisible marks, because an address or a
// phone number would otherwise be shown in the wrong order. Codes and links get no marks, because
// users copy them and their characters keep their order anyway.
func (t *texts) apart(name string, value any) any {
	text, ok := value.(string)
	if !t.rtl || !ok || text == "" || name == "code" || name == "link" {
		return value
	}
	const firstStrongIsolate, popDirectionalIsolate = "\u2068", "\u2069"
	return firstStrongIsolate + text + popDirectionalIsolate
}

// Time returns a time, in UTC.
func (w *Words) Time(t time.Time) string { return w.format(t, "time_format") }

// Date returns the date of a time, in UTC.
func (w *Words) Date(t time.Time) string { return w.format(t, "date_format") }

// format formats a time with a layout of the catalogue. The name of the month is in the language.
func (w *Words) format(t time.Time, layout string) string {
	const month = "\x00"
	t = t.UTC()
	out := t.Format(strings.NewReplacer("January", month, "Jan", month).Replace(w.Text(layout)))
	if !strings.Contains(out, month) {
		return out
	}
	name := t.Month().String()
	if names := strings.Split(w.Text("month_names"), ", "); len(names) == 12 {
		name = names[t.Month()-1]
	}
	return strings.ReplaceAll(out, month, name)
}

// Browser returns the translated name of a browser, as created by device.Name. Names that users
// have chosen do not change.
func (w *Words) Browser(name string) string {
	if name == device.Unknown {
		return w.Text("browser_unknown")
	}
	if browser, system, ok := device.Split(name); ok {
		return w.Text("browser_on", "browser", browser, "system", system)
	}
	return name
}

// Duration returns a duration in words, with its two largest units: "1 hour and 30 minutes".
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
