package web

import (
	"net/http"
	"time"
)

// langLife is the lifetime of the cookie with the chosen language.
const langLife = 365 * 24 * time.Hour

// Language is a language to choose.
type Language struct {
	Tag, Name string // BCP 47 tag and native name
	Chosen    bool
}

// LanguagePart is on the account page if there are several languages.
type LanguagePart struct {
	Action    string
	Languages []Language
}

func (s profileSteps) languageSection(c *call, p *AccountPage, body map[string]any) error {
	chosen := c.who.User.Language
	body["languages"] = s.c.Words.Tags()
	if chosen == "" {
		chosen = c.words.Tag
	}
	if list := s.c.Words.languages(chosen); len(list) > 1 {
		p.Language = LanguagePart{Action: s.paths.Language, Languages: list}
	}
	return nil
}

// postLanguage sets the language of messages to the account's owner and of the pages in this
// browser.
func (s profileSteps) postLanguage(c *call) (*answer, error) {
	tag := c.form.text("language")
	if !s.c.Words.Has(tag) {
		return nil, fail(http.StatusBadRequest, "language", "CHOICE_INVALID").goTo(s.session.listed(s.paths.Sessions))
	}
	if err := s.c.Login.Account.SetLanguage(c.r.Context(), *c.who, tag); err != nil {
		return nil, err
	}
	if !c.json {
		s.jar.set(c.w, s.jar.lang(), tag, langLife)
		c.words = s.c.Words.For(tag)
	}
	return &answer{body: map[string]any{"language": tag}, to: s.session.listed(s.paths.Sessions),
		note: "LANGUAGE_CHANGED"}, nil
}
