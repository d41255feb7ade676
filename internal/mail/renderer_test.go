package mail

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/send"
)

func catalogue(t testing.TB, files fs.FS) *i18n.Catalogue {
	t.Helper()
	c, err := i18n.NewCatalogue(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sentMails returns all mails and text messages in a language, by kind.
func sentMails(t *testing.T, locale string) map[string]send.Message {
	t.Helper()
	l, err := NewRenderer(catalogue(t, nil), "login.example.org", "Acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	const to, link = "ann@example.org", "https://login.example.org/x/abc.def"
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	out := map[string]send.Message{}
	add := func(name string, m send.Message, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = m
	}
	m, err := l.CodeMail(locale, to, to, "701995", 5*time.Minute)
	add("code", m, err)
	m, err = l.SignInMail(locale, to, to, "701995", link, 5*time.Minute)
	add("sign-in", m, err)
	m, err = l.RescueMail(locale, to, to)
	add("rescue", m, err)
	add("text", l.CodeText(locale, "+16505551212", "701995"), nil)
	raw, err := os.ReadFile("../i18n/locales/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	for key := range keys {
		if kind, ok := strings.CutPrefix(key, "notice_"); ok && strings.HasSuffix(kind, "_subject") {
			kind = strings.TrimSuffix(kind, "_subject")
			m, err := l.NoticeMail(Notice{
				Locale: locale, To: to, Kind: kind, Method: "authenticator", Left: 3, At: at,
				Browser: "Firefox on Linux", Address: "192.0.2.7", Link: link,
			})
			add(key, m, err)
		}
		if kind, ok := strings.CutPrefix(key, "letter_"); ok && strings.HasSuffix(kind, "_subject") {
			kind = strings.TrimSuffix(kind, "_subject")
			n := Email{Locale: locale, To: to, Kind: kind, Email: to, Username: "ann", Life: time.Hour, Opens: at}
			if keys["letter_"+kind+"_button"] != nil {
				n.Link = link
			}
			m, err := l.Mail(n)
			add(key, m, err)
		}
	}
	if len(out) < 40 {
		t.Fatalf("only %d mails: this test looks in the wrong place", len(out))
	}
	return out
}

// TestMailsCanBeReadEverywhere checks that every mail names its sender and topic in the subject,
// has a complete plain-text part, starts with the text for a locked screen or a watch, and has a
// layout of tables for old mail programs. It loads nothing and has at most one button.
// TWOFOLD_MAILS=folder writes the mails to a folder.
func TestMailsCanBeReadEverywhere(t *testing.T) {
	leftOver := regexp.MustCompile(`<no value>|\{\{|%!|\b(notice|letter|mail|text|page|method)_[a-z]`)
	for _, locale := range catalogue(t, nil).Tags() {
		subjects := map[string]string{}
		for kind, m := range sentMails(t, locale) {
			name := locale + " " + kind
			if leftOver.MatchString(m.Subject + m.Text + m.HTML) {
				t.Errorf("%s: a text is missing:\n%s\n%s", name, m.Subject, m.Text)
			}
			coded := kind == "code" || kind == "sign-in" || kind == "text"
			if coded && !strings.Contains(firstRunes(m.Text, 40), "701995") {
				t.Errorf("%s: the code is not among the first 40 characters: %q", name, m.Text)
			}
			if m.Channel == send.SMS {
				if !strings.Contains(m.Text, "Acme") || !strings.HasSuffix(m.Text, "\n\n@login.example.org #701995") {
					t.Errorf("%s: %q", name, m.Text)
				}
				continue
			}
			if n := utf8.RuneCountInString(m.Subject); n == 0 || n > 78 || strings.ContainsAny(m.Subject, "\r\n") {
				t.Errorf("%s: the subject has %d characters: %q", name, n, m.Subject)
			}
			if !strings.Contains(m.Subject, "Acme") && kind != "rescue" {
				t.Errorf("%s: the subject does not name the site: %q", name, m.Subject)
			}
			if other, twice := subjects[m.Subject]; twice && !coded {
				t.Errorf("%s has the subject of %s: %q", name, other, m.Subject)
			}
			subjects[m.Subject] = name
			checkHTML(t, name, m)
			if dir := os.Getenv("TWOFOLD_MAILS"); dir != "" {
				file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".html")
				if err := os.WriteFile(file, []byte(m.HTML), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func firstRunes(s string, n int) string {
	r := []rune(s)
	return string(r[:min(len(r), n)])
}

// checkHTML checks that mail programs support the HTML of a mail.
func checkHTML(t *testing.T, name string, m send.Message) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(m.HTML))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.HTML) > 100<<10 {
		t.Errorf("%s: Gmail cuts mails of %d bytes", name, len(m.HTML))
	}
	links, words := 0, []string{}
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			words = append(words, n.Data)
			continue
		}
		if n.Type != html.ElementNode {
			continue
		}
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		style := attr["style"]
		switch n.Data {
		case "img", "link", "script", "style", "iframe", "form", "object", "video":
			t.Errorf("%s: has a <%s>", name, n.Data)
		case "table":
			if attr["role"] != "presentation" || attr["border"] != "0" {
				t.Errorf("%s: a table is not marked as layout", name)
			}
		case "p", "div", "a":
			// Word, which renders mails in Outlook for Windows, ignores these properties here.
			for _, ignored := range []string{"padding", "border", "pre-line"} {
				if strings.Contains(style, ignored) {
					t.Errorf("%s: <%s style=%q> falls apart in Outlook", name, n.Data, style)
				}
			}
			if n.Data == "a" {
				links++
				if attr["href"] == "" || !strings.HasPrefix(attr["href"], "https://login.example.org/") {
					t.Errorf("%s: a button leads to %q", name, attr["href"])
				}
				if !strings.Contains(m.Text, attr["href"]) {
					t.Errorf("%s: the plain text lacks the link", name)
				}
			}
		}
		for _, unknown := range []string{"url(", "flex", "grid", "position"} {
			if strings.Contains(style, unknown) {
				t.Errorf("%s: <%s style=%q>", name, n.Data, style)
			}
		}
	}
	if links > 1 {
		t.Errorf("%s: %d buttons", name, links)
	}
	shown := strings.Join(words, "\n")
	if !strings.Contains(m.HTML, "mso-hide:all") {
		t.Errorf("%s: nothing is said after the subject in a list of mails", name)
	}
	for line := range strings.SplitSeq(m.Text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.Contains(line, "701995") && !strings.Contains(shown, line) {
			t.Errorf("%s: the page of the mail lacks %q", name, line)
		}
	}
}

// TestBrowsersAreNamedInTheLanguageOfTheReader checks the language of a notice.
func TestBrowsersAreNamedInTheLanguageOfTheReader(t *testing.T) {
	if m := sentMails(t, "de")["notice_new_browser_subject"]; !strings.Contains(m.Text, "Firefox unter Linux") {
		t.Errorf("a German notice names the browser so: %s", m.Text)
	}
}

// TestDatesAreWrittenAsTheReaderDoes covers mails.
func TestDatesAreWrittenAsTheReaderDoes(t *testing.T) {
	for locale, want := range map[string]string{"en": "1 Mar 2026, 12:00 UTC", "de": "01.03.2026, 12:00 UTC"} {
		for _, name := range []string{"notice_new_browser_subject", "letter_recovery_subject"} {
			if m := sentMails(t, locale)[name]; !strings.Contains(m.Text, want) {
				t.Errorf("%s in %s says the time so: %s", name, locale, m.Text)
			}
		}
	}
}

// TestMailsRunFromRightToLeft checks that the mail declares its direction, and that codes and links
// have no direction marks.
func TestMailsRunFromRightToLeft(t *testing.T) {
	c := catalogue(t, fstest.MapFS{"he.json": {Data: []byte(`{"dir": "rtl",
		"page_mail_code_body": "קוד {{.site}}: {{.code}}"}`)}})
	l, err := NewRenderer(c, "login.example.org", "Acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.SignInMail("he", "ann@example.org", "ann", "701995", "https://login.example.org/x", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<html lang="he" dir="rtl">`, `<td dir="rtl" align="right"`, `<td dir="ltr" align="center"`,
		`<span dir="ltr">https://login.example.org/x</span>`} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("the mail lacks %s", want)
		}
	}
	if strings.Contains(m.Text, "\u2068701995") || strings.Contains(m.Text, "\u2068https") {
		t.Errorf("a code or a link has marks: %q", m.Text)
	}
}
