package web

import (
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/i18n"
)

// langLife is the lifetime of the cookie with the chosen language.
const langLife = 365 * 24 * time.Hour

// LanguagePart is on the account page if there are several languages.
type LanguagePart struct {
	Action    string
	Languages []i18n.Language
}

func (s profileSteps) languageSection(c *call) (part, error) {
	return part{
		json: func(body *accountBody) { body.Languages = s.c.Words.Tags() },
		page: func(p *AccountPage) {
			if list := s.c.Words.Languages(or(c.who.User.Language, c.words.Tag)); len(list) > 1 {
				p.Language = LanguagePart{Action: s.paths.Language, Languages: list}
			}
		},
	}, nil
}

// languageBody is the answer to a choice of a language.
type languageBody struct {
	common
	Language string `json:"language"`
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
	return &answer{json: func() response { return &languageBody{Language: tag} },
		to: s.session.listed(s.paths.Sessions), note: "LANGUAGE_CHANGED"}, nil
}
