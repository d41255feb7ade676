package security_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// speaking returns a browser that asks for a language.
func (w *world) speaking(language string) *browser {
	b := w.browser()
	if language != "" {
		b.Header["Accept-Language"] = language
	}
	return b
}

// lastMail returns the newest mail to a person about a topic.
func (p *person) lastMail(about string) (subject, text string) {
	p.w.T.Helper()
	p.w.wait("a mail about "+about, func() bool {
		for _, mail := range p.w.Mail.To(p.Email) {
			if mail.Kind == about {
				subject, text = mail.Subject, mail.Text
			}
		}
		return text != ""
	})
	return subject, text
}

// TestR290_OwnersAreWrittenToInTheirLanguage checks that mails caused by another browser or an
// operator are in the language of the account. The first browser that sends a language sets it, and
// it changes only when the owner or an operator chooses another one.
func TestR290_OwnersAreWrittenToInTheirLanguage(t *testing.T) {
	w := newWorld(t, life, plenty)
	a := w.withApp("alice")
	language := func() any { return w.plantSession(a).Get("/me").Want(200).JSON["user"].(m)["language"] }
	if got := language(); got != nil {
		t.Fatalf("the language is %v before anyone signed in", got)
	}
	silent := w.speaking("")
	silent.login(a).Want(200)
	silent.validate(a.Next()).Want(200)
	if got := language(); got != nil {
		t.Errorf("a browser that says no language makes it %v", got)
	}
	half := w.speaking("en") // knows the password only
	half.login(a).Want(200)
	if got := language(); got != nil {
		t.Errorf("half a sign-in makes it %v", got)
	}
	home := w.speaking("sw, de-AT;q=0.8")
	home.login(a).Want(200)
	home.validate(a.Next()).Want(200)
	away := w.speaking("en")
	away.login(a).Want(200)
	away.validate(a.Next()).Want(200)
	if got := language(); got != "de" {
		t.Fatalf("the language is %v after a German and an English browser", got)
	}
	stranger := w.speaking("en")
	stranger.Post("/reset", m{"email": a.Email}).Want(200)
	if subject, text := a.lastMail("reset"); !strings.Contains(text, "Passwort") {
		t.Errorf("a mail that a stranger caused: %s\n%s", subject, text)
	}
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), a.ID, newSecret))
	if subject, text := a.lastMail("notice_password_changed"); !strings.Contains(text, "Passwort") {
		t.Errorf("a mail that an operator caused: %s\n%s", subject, text)
	}

	b := w.plantSession(a)
	for _, bad := range []any{"", "xx", "de-AT", "*", "../de", nil, 7} {
		b.Post("/tf-language", m{"language": bad}).Want(400)
	}
	w.browser().Post("/tf-language", m{"language": "en"}).Want(401)
	if got := language(); got != "de" {
		t.Errorf("the language is %v after refusals", got)
	}
	if r := b.Post("/tf-language", m{"language": "en"}).Want(200); r.JSON["language"] != "en" {
		t.Errorf("the answer is %s", r.Body)
	}
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), a.ID, secret))
	w.wait("a notice in English", func() bool {
		texts := w.letters("notice_password_changed", a.Email)
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "password") })
	})

	page := w.plantSession(a)
	if r := page.Page("/me").Want(200); !strings.Contains(r.Body, `<option value="de" lang="de">Deutsch</option>`) {
		t.Error("the account page does not offer the languages")
	}
	page.Form("/tf-language", "language", "de").Want(303)
	if r := page.Page("/me").Want(200); !strings.Contains(r.Body, `<html lang="de"`) {
		t.Error("the pages of the browser do not follow the choice")
	}
	w.Must(w.Nodes[0].Auth.SetLanguage(t.Context(), a.ID, ""))
	if got := language(); got != nil {
		t.Errorf("the language is %v after it was forgotten", got)
	}
	err := w.Nodes[0].Auth.SetLanguage(t.Context(), a.ID, "xx")
	if err == nil || !strings.Contains(err.Error(), "choose one of en, ") {
		t.Errorf("a language that is not there: %v", err)
	}
}

// TestR290_ANewAccountHasTheLanguageOfItsBrowser also covers the welcome mail.
func TestR290_ANewAccountHasTheLanguageOfItsBrowser(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.Confirmable = true })
	b := w.speaking("de")
	b.Post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	p := w.of(testkit.Person{Email: "new@good.test"})
	if _, text := p.lastMail("confirm"); !strings.Contains(text, "Adresse") {
		t.Errorf("the mail says\n%s", text)
	}
	u, err := w.Nodes[0].Auth.FindUser(t.Context(), p.Email)
	w.Must(err)
	if u.Language != "de" {
		t.Errorf("the language is %q", u.Language)
	}
}
