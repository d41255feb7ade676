package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/seal"
)

// askedLife is the lifetime of the cookie that marks a browser that requested links. It is the
// longest lifetime of a link.
const askedLife = 7 * 24 * time.Hour

// asks is called by every step that mails a link. It marks the browser, so that the page of the
// link can recognize it. It does so whether or not there is an account, so that it reveals nothing.
func (s linkSteps) asks(c *call) {
	if len(c.browser.Asked) != len(seal.Token()) {
		c.browser.Asked = seal.Token()
	}
	s.jar.set(c.w, s.jar.asked(), c.browser.Asked, askedLife)
	c.asked = true
}

// LinkPage is the data of "link", the page of a mailed link. It explains what its button does.
// Opening the page changes nothing (R51).
type LinkPage struct {
	Kind   string // kind of the link; the texts are link_<kind>_title, _lead and _submit
	Action string // target of the button
}

// linkPage returns the page of a valid link.
func (s linkSteps) linkPage(c *call, kind string) *answer {
	return &answer{page: "link", view: func() any {
		return LinkPage{Kind: i18n.Key(kind), Action: c.r.URL.EscapedPath()}
	}}
}

// sentFlag is the query parameter of a page that confirms that a mail was sent.
const sentFlag = "sent"

// askPage returns the page that asks for an address to send a mail to.
func (s linkSteps) askPage(c *call, kind string) *answer {
	return &answer{page: "ask", view: func() any { return askView(c, kind) }}
}

func askView(c *call, kind string) AskPage {
	email := c.form.text("email")
	if email == "" {
		email = c.r.URL.Query().Get("email")
	}
	if _, _, err := account.ParseEmail(email); err != nil {
		email = ""
	}
	if email == "" && c.who != nil {
		email = c.who.User.Email
	}
	return AskPage{Kind: kind, Action: c.r.URL.EscapedPath(), Email: email, Sent: c.form.flag(sentFlag)}
}

// ask handles a request for a mail. Only sites that reveal accounts show an error of the account.
// On others the answer is always the same, including its cookies.
func (s linkSteps) ask(
	c *call, kind, note string, step func(context.Context, string, auth.Client) error,
) (*answer, error) {
	email := c.form.text("email")
	if email == "" {
		return nil, fail(http.StatusBadRequest, "email", "EMAIL_NOT_PROVIDED")
	}
	s.asks(c)
	err := step(c.r.Context(), email, c.browser)
	if s.c.Specific && errors.Is(err, auth.ErrUnconfirmed) {
		return nil, s.account.addressUnconfirmed(c, err, "email")
	}
	if err != nil && (s.c.Specific || !tellsOfAccount(err)) {
		return nil, err
	}
	c.form.flags[sentFlag] = true
	a := s.askPage(c, kind)
	a.note, a.args = note, []any{"email", canonical(email)}
	if c.back != "" {
		a.keep = &kept{At: c.back, Values: typedAgain(c), Flags: c.form.flags}
	}
	return a, nil
}

// canonical returns an address in the form in which it is stored, for texts that show the recipient
// of a mail.
func canonical(email string) string {
	if address, _, err := account.ParseEmail(email); err == nil {
		return address
	}
	return email
}

// tellsOfAccount reports whether an error would reveal something about an account.
func tellsOfAccount(err error) bool { return errors.Is(err, auth.ErrConfirmed) || aboutAccount(err) }

// badLink returns the failure of an invalid link and redirects to the page that requests another
// one.
func (s linkSteps) badLink(err error, view, invalid, expired string, within []any) error {
	switch {
	case errors.Is(err, auth.ErrLink):
		return fail(http.StatusBadRequest, "", invalid).goTo(view)
	case errors.Is(err, auth.ErrLinkExpired):
		return fail(http.StatusBadRequest, "", expired, within...).goTo(view)
	case tellsOfAccount(err):
		return s.toFailure(err).at("").goTo(view)
	}
	return err
}

// ChoosePage is the data of "choose", which asks for a new password after a mailed link. Its texts
// are choose_<kind>_title, _lead and _submit.
type ChoosePage struct {
	Kind      string // reset, confirm, invite
	Action    string
	Email     string // address of the account, for password managers; empty if it must not be revealed
	Confirm   bool   // the password is typed twice
	MinLength int
	Passkey   bool // a passkey may replace the password
}

func (s linkSteps) choosePage(c *call, kind, email string) *answer {
	return &answer{page: "choose", view: func() any { return s.chooseView(c, kind, email) }}
}

func (s linkSteps) chooseView(c *call, kind, email string) ChoosePage {
	return ChoosePage{
		Kind: kind, Action: c.r.URL.EscapedPath(), Email: email, Confirm: !s.c.Life.TypedOnce,
		MinLength: s.c.MinPassword,
	}
}

// afterLink returns the answer to a link that may have signed the user in.
func (s linkSteps) afterLink(c *call, out auth.Outcome, view, note, noteIn string) *answer {
	if out.Session != nil || out.Pending != nil {
		a := s.account.entered(c, out, or(view, s.views.PostLogin))
		a.note = noteIn
		if out.Pending != nil {
			a.note = note
		}
		return a
	}
	to := or(view, s.paths.Login)
	if c.who != nil {
		to = or(view, s.views.PostLogin)
	}
	return &answer{to: to, note: note, outcome: &auth.Outcome{KnownCookie: out.KnownCookie}}
}
