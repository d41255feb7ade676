package mail

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/send"
)

//go:embed templates/*.html
var ownTemplates embed.FS

// Templates returns the names of the templates that a site may replace.
func Templates() []string { return []string{"mail_code", "mail_plain"} }

// Renderer renders mail and text messages, with the same catalogue as the pages.
type Renderer struct {
	words       *i18n.Catalogue
	host        string // for the last line of text messages
	site        string
	code, plain *template.Template
}

// NewRenderer reads the mail templates; own may replace them.
func NewRenderer(words *i18n.Catalogue, host, site string, own fs.FS) (*Renderer, error) {
	l := &Renderer{words: words, host: host, site: site}
	for name, t := range map[string]**template.Template{"mail_code": &l.code, "mail_plain": &l.plain} {
		raw, err := readTemplate(own, name+".html")
		if err != nil {
			return nil, err
		}
		if *t, err = template.New(name).Parse(raw); err != nil {
			return nil, fmt.Errorf("template %s.html: %w", name, err)
		}
	}
	return l, nil
}

func readTemplate(own fs.FS, file string) (string, error) {
	if own != nil {
		if raw, err := fs.ReadFile(own, file); err == nil {
			return string(raw), nil
		}
	}
	raw, err := ownTemplates.ReadFile("templates/" + file)
	return string(raw), err
}

// codeData is the data of mail_code.html.
type codeData struct {
	Lang, Title, Greeting, Body, Code, Expires, Ignore, Site string
	Link, LinkHint, Button                                   string // may be empty
	// Preheader is the text that mail programs show after the subject in lists.
	Preheader string
	Dir       string // ltr or rtl
}

// plainData is the data of mail_plain.html. Link and Button may be empty.
type plainData struct {
	Lang, Title, Body, Site string
	Link, Button, After     string
	Paragraphs              []string // paragraphs of Body
	// Preheader is the text that mail programs show after the subject in lists.
	Preheader string
	Dir       string // ltr or rtl
}

// html renders the mail. Outlook for Windows ignores line breaks within a paragraph, so each line
// of the body is a paragraph.
func (d plainData) html(t *template.Template) (string, error) {
	for line := range strings.SplitSeq(d.Body, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			d.Paragraphs = append(d.Paragraphs, line)
		}
	}
	if len(d.Paragraphs) > 0 {
		d.Preheader = d.Paragraphs[0]
	}
	var html bytes.Buffer
	err := t.Execute(&html, d)
	return html.String(), err
}

// html renders the mail.
func (d codeData) html(t *template.Template) (string, error) {
	d.Preheader = d.Expires + " " + d.Ignore
	var html bytes.Buffer
	err := t.Execute(&html, d)
	return html.String(), err
}

// codeLine returns the first line of a mail with a code, because a watch or a lock screen shows
// little more than the first words. If the site has replaced the text, that is used.
func (l *Renderer) codeLine(w *i18n.Words, key, code string) string {
	if w.Replaced(key) || w.Replaced(i18n.PagePrefix+key) {
		return w.Page(key, "code", code, "site", l.site)
	}
	return w.Text("mail_code_line", "code", code, "site", l.site)
}

// CodeMail renders the mail with a code. The subject contains the code, so that it can be read on a
// watch or in a notification.
//
// Trade-off: a lock screen that shows subjects also shows the code, as with a text message.
func (l *Renderer) CodeMail(locale, to, name, code string, life time.Duration) (send.Message, error) {
	return l.codeMail(l.words.For(locale), to, name, code, "mail_code_ignore", life)
}

// SignUpMail is like CodeMail, for a code before an account is created. A recipient who did not
// request it has no password to change.
func (l *Renderer) SignUpMail(locale, to, name, code string, life time.Duration) (send.Message, error) {
	return l.codeMail(l.words.For(locale), to, name, code, "mail_signup_ignore", life)
}

func (l *Renderer) codeMail(w *i18n.Words, to, name, code, ignore string, life time.Duration) (send.Message, error) {
	d := codeData{
		Lang: w.Tag, Dir: w.Text("dir"), Title: w.Page("mail_code_subject", "code", code, "site", l.site),
		Greeting: w.Page("mail_code_greeting", "name", name),
		Body:     w.Page("mail_code_body", "code", "", "site", l.site), Code: code, Site: l.site,
		Expires: w.Page("mail_code_expires", "within", w.Duration(life)), Ignore: w.Page(ignore),
	}
	html, err := d.html(l.code)
	text := l.codeLine(w, "mail_code_body", code) + "\n\n" + d.Greeting + "\n\n" + d.Expires + "\n\n" + d.Ignore + "\n"
	return send.Message{Channel: send.Email, To: to, Subject: d.Title, Text: text, HTML: html,
		Kind: "two_factor_code"}, err
}

// SignInMail renders the mail with a code that replaces a password, and with the equivalent link.
func (l *Renderer) SignInMail(locale, to, name, code, link string, life time.Duration) (send.Message, error) {
	w := l.words.For(locale)
	d := codeData{
		Lang: w.Tag, Dir: w.Text("dir"), Title: w.Page("mail_signin_subject", "code", code, "site", l.site),
		Greeting: w.Page("mail_code_greeting", "name", name),
		Body:     w.Page("mail_signin_body", "code", "", "site", l.site), Code: code, Site: l.site,
		Expires: w.Page("mail_signin_expires", "within", w.Duration(life)), Ignore: w.Page("mail_signin_ignore"),
		Link: link, LinkHint: w.Text("mail_signin_link"), Button: w.Text("mail_signin_button"),
	}
	html, err := d.html(l.code)
	text := l.codeLine(w, "mail_signin_body", code) + "\n\n" + d.Greeting + "\n\n" + d.LinkHint + "\n" + link + "\n\n" +
		d.Expires + "\n\n" + d.Ignore + "\n"
	return send.Message{Channel: send.Email, To: to, Subject: d.Title, Text: text, HTML: html, Kind: "us_code"}, err
}

// CodeText renders the text message with a code. Its last line binds the code to this site, so that
// phones offer to fill it in only here (the format of WebKit and WICG "origin-bound one-time codes
// delivered via SMS").
func (l *Renderer) CodeText(locale, to, code string) send.Message {
	w := l.words.For(locale)
	text := w.Page("USE_CODE", "code", code, "site", l.site) + "\n\n@" + l.host + " #" + code
	return send.Message{Channel: send.SMS, To: to, Text: text, Kind: "two_factor_code"}
}

// Notice is the content of a notice mail.
type Notice struct {
	Locale, To, Kind, Method string
	Left                     int // number of remaining recovery codes
	At                       time.Time
	Browser, Address, Link   string
	By, Why                  string // actor and reason; empty if unknown
}

// NoticeMail informs an account's owner of an event, its time and origin, and how to report that it
// was someone else. It contains no code and gives no access.
func (l *Renderer) NoticeMail(n Notice) (send.Message, error) {
	w := l.words.For(n.Locale)
	method := ""
	if n.Method != "" {
		method = w.Text("method_" + n.Method)
	}
	body := []string{
		w.Text("notice_"+n.Kind, "method", method, "N", n.Left),
		l.when(w, n),
	}
	if n.Link != "" {
		body = append(body, w.Page("mail_notice_stop", "link", n.Link))
	}
	d := plainData{
		Lang: w.Tag, Dir: w.Text("dir"), Title: l.noticeSubject(w, n.Kind), Body: strings.Join(body, "\n\n"),
		Site: l.site,
		Link: n.Link, Button: w.Text("notice_button"),
	}
	html, err := d.html(l.plain)
	return send.Message{
		Channel: send.Email, To: n.To, Subject: d.Title, Text: strings.TrimRight(d.Body+"\n"+n.Link, "\n") + "\n",
		HTML: html, Kind: "notice_" + n.Kind,
	}, err
}

// noticeSubject returns a subject with the event and the site. If the site has replaced the subject
// of the kind or of all notices, that is used.
func (l *Renderer) noticeSubject(w *i18n.Words, kind string) string {
	what := "notice_" + kind + "_subject"
	if w.Replaced(what) {
		return w.Text(what)
	}
	if w.Replaced("mail_notice_subject") || !w.Has(what) {
		return w.Page("mail_notice_subject", "site", l.site)
	}
	return w.Text("notice_subject", "what", w.Text(what), "site", l.site)
}

// NoticeText renders a notice as a text message. It contains no link, because users should not get
// used to following links in text messages.
func (l *Renderer) NoticeText(locale, to, kind string) send.Message {
	text := l.words.For(locale).Text("text_"+kind, "site", l.site)
	return send.Message{Channel: send.SMS, To: to, Text: text, Kind: "notice_" + kind}
}

// when returns the time and origin of an event. The action of an operator has no browser.
func (l *Renderer) when(w *i18n.Words, n Notice) string {
	at := w.Time(n.At)
	switch {
	case n.Address == "" && n.By != "" && n.Why != "":
		return w.Text("mail_notice_when_why", "at", at, "by", n.By, "why", n.Why)
	case n.Address == "" && n.By != "":
		return w.Text("mail_notice_when_by", "at", at, "by", n.By)
	case n.Address == "":
		return w.Text("mail_notice_when_operator", "at", at)
	}
	return w.Text("mail_notice_when", "at", at, "browser", w.Browser(n.Browser), "address", n.Address)
}

// Email is the content of a mail with or without a link.
type Email struct {
	Locale, To, Kind string // the texts are letter_<kind>_subject, _body, _button and _after
	Email, Username  string // address and username of the account
	Link             string // may be empty
	Life             time.Duration
	Opens            time.Time // time from which the link works
}

// Mail renders a mail. The text part contains the link itself.
func (l *Renderer) Mail(n Email) (send.Message, error) {
	w, kind := l.words.For(n.Locale), "letter_"+i18n.Key(n.Kind)
	args := []any{"email", n.Email, "username", n.Username, "site", l.site, "within", w.Duration(n.Life),
		"opens", w.Time(n.Opens)}
	d := plainData{Lang: w.Tag, Dir: w.Text("dir"), Title: w.Page(kind+"_subject", args...),
		Body: w.Page(kind+"_body", args...), Site: l.site}
	text := d.Body + "\n"
	if n.Link != "" {
		d.Link, d.Button, d.After = n.Link, w.Text(kind+"_button", args...), w.Text(kind+"_after", args...)
		text = d.Body + "\n\n" + n.Link + "\n\n" + d.After + "\n"
	}
	html, err := d.html(l.plain)
	return send.Message{Channel: send.Email, To: n.To, Subject: d.Title, Text: text, HTML: html,
		Kind: i18n.Key(n.Kind)}, err
}

// RescueMail renders the mail that tells the administrators which user needs help.
func (l *Renderer) RescueMail(locale, to, email string) (send.Message, error) {
	w := l.words.For(locale)
	d := plainData{Lang: w.Tag, Dir: w.Text("dir"), Title: w.Text("mail_rescue_subject"),
		Body: w.Page("mail_rescue_body", "email", email), Site: l.site}
	html, err := d.html(l.plain)
	return send.Message{Channel: send.Email, To: to, Subject: d.Title, Text: d.Body + "\n", HTML: html,
		Kind: "two_factor_rescue"}, err
}
