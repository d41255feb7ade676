package i18n

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func catalogue(t testing.TB, files fstest.MapFS) *Catalogue {
	t.Helper()
	var c *Catalogue
	var err error
	if files == nil {
		c, err = NewCatalogue(nil)
	} else {
		c, err = NewCatalogue(files)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestALanguageIsReadWhenItIsAskedFor checks that a language file is read when a page needs it, and
// not at the start or when a language is chosen.
func TestALanguageIsReadWhenItIsAskedFor(t *testing.T) {
	c := catalogue(t, fstest.MapFS{"de.json": {Data: []byte(`{"login_title": "Hallo"}`)}})
	read := func() string {
		var tags []string
		for _, w := range c.words {
			if w.read != nil {
				tags = append(tags, w.Tag)
			}
		}
		return strings.Join(tags, " ")
	}
	w := c.For("de")
	if c.Languages("de"); read() != "" {
		t.Errorf("the start and the choice of a language read %q", read())
	}
	if got := w.Text("login_title"); got != "Hallo" || read() != "de" {
		t.Errorf("a German text is %q and reads %q", got, read())
	}
}

// TestLanguagesCostNothingAtTheStart checks that twelve languages take less than 1 MB and 2 ms
// before the first text is requested.
func TestLanguagesCostNothingAtTheStart(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fastest := time.Hour
	var c *Catalogue
	for range 10 {
		start := time.Now()
		c = catalogue(t, nil)
		fastest = min(fastest, time.Since(start))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	runtime.KeepAlive(c)
	t.Logf("%d languages: %v, %d KB", len(c.words), fastest, grown/1024)
	if fastest > 2*time.Millisecond || grown > 1<<20 {
		t.Errorf("%d languages take %v and %d bytes", len(c.words), fastest, grown)
	}
}

// TestASiteAddsItsOwnTexts checks that a site's texts replace the built-in ones, and that a
// language that it adds falls back to the closest built-in one.
func TestASiteAddsItsOwnTexts(t *testing.T) {
	c := catalogue(t, fstest.MapFS{
		"de-AT.json": {Data: []byte(`{"login_title": "Servus"}`)},
		"eo.json":    {Data: []byte(`{"login_title": "Ensaluti", "language_name": "Esperanto"}`)},
		"en.json":    {Data: []byte(`{"INVALID_PASSWORD": "Nope", "profile_field_x": "X"}`)},
	})
	for tag, want := range map[string][3]string{
		"de-AT": {"Servus", "Das Passwort ist falsch.", "Sicherheit"},
		"de":    {"Anmelden", "Das Passwort ist falsch.", "Sicherheit"},
		"eo":    {"Ensaluti", "Nope", "Security"},
		"en":    {"Sign in", "Nope", "Security"},
	} {
		w := c.For(tag)
		got := [3]string{w.Page("login_title"), w.Page("INVALID_PASSWORD"), w.Page("account_security")}
		if w.Tag != tag || got != want {
			t.Errorf("%s (%s): %q, want %q", tag, w.Tag, got, want)
		}
	}
	if !c.For("en").Replaced("INVALID_PASSWORD") || c.For("de").Replaced("INVALID_PASSWORD") {
		t.Error("a replaced text is not known as such")
	}
	names := map[string]string{}
	for _, l := range c.Languages("eo") {
		names[l.Tag] = l.Name
	}
	if names["eo"] != "Esperanto" || names["de"] != "Deutsch" || names["de-AT"] != "de-AT" {
		t.Errorf("languages are named %v", names)
	}
}

// TestValuesAreKeptApartFromRightToLeft checks that in a right-to-left language left-to-right
// values are isolated from the surrounding text.
func TestValuesAreKeptApartFromRightToLeft(t *testing.T) {
	c := catalogue(t, fstest.MapFS{"he.json": {Data: []byte(`{"dir": "rtl",
		"page_us_sent": "קוד {{.to}} {{.within}}"}`)}})
	w := c.For("he")
	if got := w.Page("us_sent", "to", "+49 170", "within", "x"); got != "קוד \u2068+49 170\u2069 \u2068x\u2069" {
		t.Errorf("a phone number mixes with the text: %q", got)
	}
	if got := c.For("en").Page("us_sent", "to", "+49 170", "within", "x"); strings.Contains(got, "\u2068") {
		t.Errorf("an English text has marks: %q", got)
	}
}

// sayings holds the first of March, its day, and durations in each language.
var sayings = map[string]struct {
	time, date string
	durations  []string // of the times below
}{
	"en": {"1 Mar 2026, 15:04 UTC", "1 Mar 2026", []string{
		"0 seconds", "1 second", "2 seconds", "5 minutes", "1 hour and 30 minutes", "1 day", "30 days"}},
	"de": {"01.03.2026, 15:04 UTC", "01.03.2026", []string{
		"0 Sekunden", "1 Sekunde", "2 Sekunden", "5 Minuten", "1 Stunde und 30 Minuten", "1 Tag", "30 Tage"}},
	"fr": {"1 mars 2026, 15:04 UTC", "1 mars 2026", []string{
		"0 seconde", "1 seconde", "2 secondes", "5 minutes", "1 heure et 30 minutes", "1 jour", "30 jours"}},
	"es": {"1 mar 2026, 15:04 UTC", "1 mar 2026", []string{
		"0 segundos", "1 segundo", "2 segundos", "5 minutos", "1 hora y 30 minutos", "1 día", "30 días"}},
	"it": {"1 mar 2026, 15:04 UTC", "1 mar 2026", []string{
		"0 secondi", "1 secondo", "2 secondi", "5 minuti", "1 ora e 30 minuti", "1 giorno", "30 giorni"}},
	"pt-BR": {"1 de mar. de 2026, 15:04 UTC", "1 de mar. de 2026", []string{
		"0 segundo", "1 segundo", "2 segundos", "5 minutos", "1 hora e 30 minutos", "1 dia", "30 dias"}},
	"nl": {"1 mrt 2026, 15:04 UTC", "1 mrt 2026", []string{
		"0 seconden", "1 seconde", "2 seconden", "5 minuten", "1 uur en 30 minuten", "1 dag", "30 dagen"}},
	"pl": {"1 mar 2026, 15:04 UTC", "1 mar 2026", []string{
		"0 sekund", "1 sekundę", "2 sekundy", "5 minut", "1 godzinę i 30 minut", "1 dzień", "30 dni"}},
	"tr": {"1 Mar 2026 15:04 UTC", "1 Mar 2026", []string{
		"0 saniye", "1 saniye", "2 saniye", "5 dakika", "1 saat 30 dakika", "1 gün", "30 gün"}},
	"ja": {"2026年3月1日 15:04 UTC", "2026年3月1日", []string{
		"0秒", "1秒", "2秒", "5分", "1時間 30分", "1日", "30日"}},
	"zh-Hans": {"2026年3月1日 15:04 UTC", "2026年3月1日", []string{
		"0 秒", "1 秒", "2 秒", "5 分钟", "1 小时 30 分钟", "1 天", "30 天"}},
	"ar": {"1 مارس 2026، 15:04 UTC", "1 مارس 2026", []string{
		"0 ثانية", "ثانية واحدة", "ثانيتين", "5 دقائق", "ساعة واحدة و30 دقيقة", "يوم واحد", "30 يومًا"}},
}

// TestDatesAndDurationsAreThoseOfTheLanguage checks the name of the month, the order, the 24-hour
// clock, and the plurals of the units.
func TestDatesAndDurationsAreThoseOfTheLanguage(t *testing.T) {
	c := catalogue(t, nil)
	at := time.Date(2026, 3, 1, 16, 4, 5, 0, time.FixedZone("", 3600))
	for _, w := range c.words {
		want, ok := sayings[w.Tag]
		if !ok {
			t.Errorf("%s: this test does not know its dates", w.Tag)
			continue
		}
		if got := w.Time(at); got != want.time {
			t.Errorf("%s: a time is %q, want %q", w.Tag, got, want.time)
		}
		if got := w.Date(at); got != want.date {
			t.Errorf("%s: a day is %q, want %q", w.Tag, got, want.date)
		}
		for i, d := range []time.Duration{0, time.Second, 1500 * time.Millisecond, 5 * time.Minute, 90 * time.Minute,
			24 * time.Hour, 720 * time.Hour} {
			if got := w.Duration(d); got != want.durations[i] {
				t.Errorf("%s: %v is %q, want %q", w.Tag, d, got, want.durations[i])
			}
		}
		if got := strings.Split(w.Text("month_names"), ", "); len(got) != 12 {
			t.Errorf("%s has the months %q", w.Tag, got)
		}
	}
}

// TestABrowserGetsTheLanguageItAsksFor also covers the closest built-in language.
func TestABrowserGetsTheLanguageItAsksFor(t *testing.T) {
	c := catalogue(t, nil)
	for wanted, want := range map[string]string{
		"pt": "pt-BR", "pt-BR": "pt-BR", "pt-PT,pt;q=0.9,en;q=0.8": "pt-BR",
		"zh": "zh-Hans", "zh-CN,zh;q=0.9": "zh-Hans", "zh-SG": "zh-Hans", "zh-Hans-CN": "zh-Hans",
		"fr-CA,fr;q=0.9,en-CA;q=0.8": "fr", "fr-CH, de;q=0.5": "fr", "de-CH": "de", "es-419": "es",
		"es-MX,es;q=0.9": "es",
		"nl-BE":          "nl", "ar-EG,ar;q=0.9": "ar", "ja-JP": "ja", "tr-TR": "tr", "pl-PL": "pl", "it-CH": "it",
		"en-GB,fr;q=0.5": "en", "sw, pl;q=0.4": "pl", "sw": "en", "": "en", "*": "en", "zz;q=x": "en",
	} {
		if got := c.For(wanted).Tag; got != want {
			t.Errorf("a browser that asks for %q gets %s, want %s", wanted, got, want)
		}
	}
}

// TestPagesSayWhatASiteHasReplaced checks that a site's own text for a key of the contract is also
// shown on pages.
func TestPagesSayWhatASiteHasReplaced(t *testing.T) {
	own := map[string]string{"INVALID_PASSWORD": "Nope"}
	raw, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	words, err := NewCatalogue(fstest.MapFS{"en.json": {Data: raw}})
	if err != nil {
		t.Fatal(err)
	}
	w := words.For("en")
	if got := w.Page("INVALID_PASSWORD"); got != "Nope" {
		t.Errorf("a replaced text: %q", got)
	}
	if got := w.Page("GENERIC_AUTHN_FAILED"); got != "Wrong email or password." {
		t.Errorf("a page's own text: %q", got)
	}
	if got := w.Text("GENERIC_AUTHN_FAILED"); !strings.HasPrefix(got, "Authentication failed") {
		t.Errorf("the contract's text: %q", got)
	}
}

// TestBrowsersAreNamedInTheLanguageOfTheReader; the names that users chose stay as
// they are.
func TestBrowsersAreNamedInTheLanguageOfTheReader(t *testing.T) {
	w := catalogue(t, nil).For("de")
	for name, want := range map[string]string{
		"Safari on iPhone": "Safari unter iPhone", "Unknown browser": "Unbekannter Browser", "curl": "curl",
		"Backup on Linux": "Backup on Linux",
	} {
		if got := w.Browser(name); got != want {
			t.Errorf("%q is %q in German, want %q", name, got, want)
		}
	}
}
