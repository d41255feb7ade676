package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/seal"
)

// askedLife is how long a browser remembers that it asked for links: as long
// as the longest of them lives.
const askedLife = 7 * 24 * time.Hour

// asks is called by every step that has a link mailed: it marks the browser, so
// that the page of the link can tell whether it is the same one. It does so
// whether or not there is an account, so that it tells nothing.
func (s *Site) asks(c *call) {
	if len(c.browser.Asked) != len(seal.Token()) {
		c.browser.Asked = seal.Token()
	}
	s.jar.set(c.w, s.jar.asked(), c.browser.Asked, askedLife)
	c.asked = true
}

// LinkPage is the data of "link": the page that a mailed link opens. It says
// what its button does; opening it does nothing (R51).
type LinkPage struct {
	Kind   string // of the link; its texts are link_<kind>_title, _lead and _submit
	Action string // where the button posts
}

// linkPage is the page of a link that was found to be good.
func (s *Site) linkPage(c *call, kind string) *answer {
	return &answer{page: "link", data: LinkPage{Kind: wordsOf(kind), Action: c.r.URL.EscapedPath()}}
}

// wordsOf is a link's kind as keys of texts spell it.
func wordsOf(kind string) string { return strings.ReplaceAll(kind, "-", "_") }

// sentFlag says on a page that something was mailed.
const sentFlag = "sent"

// askPage is the page that asks for the address that something is mailed to.
func (s *Site) askPage(c *call, kind string) *answer {
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
	return &answer{page: "ask", data: AskPage{
		Kind: kind, Action: c.r.URL.EscapedPath(), Email: email, Sent: c.form.flag(sentFlag),
	}}
}

// ask runs a request for a letter. What is wrong with the account is said on
// sites that tell; on others the answer is the same, down to its cookies.
func (s *Site) ask(c *call, kind, note string, step func(context.Context, string, login.Browser) error) (*answer, error) {
	email := c.form.text("email")
	if email == "" {
		return nil, fail(http.StatusBadRequest, "email", "EMAIL_NOT_PROVIDED")
	}
	s.asks(c)
	err := step(c.r.Context(), email, c.browser)
	if s.c.Specific && errors.Is(err, login.ErrUnconfirmed) {
		return nil, s.confirmFirst(c, err, "email")
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

// canonical is an address as it is stored and written to, for texts that name
// it: the reader sees where the mail goes.
func canonical(email string) string {
	if address, _, err := account.ParseEmail(email); err == nil {
		return address
	}
	return email
}

// tellsOfAccount says that an error tells something of someone's account.
func tellsOfAccount(err error) bool { return errors.Is(err, login.ErrConfirmed) || aboutAccount(err) }

// badLink says what is wrong with a link, and sends people to where they can
// ask for another one.
func (s *Site) badLink(err error, view, invalid, expired string, within []any) error {
	switch {
	case errors.Is(err, login.ErrLink):
		return fail(http.StatusBadRequest, "", invalid).goTo(view)
	case errors.Is(err, login.ErrLinkExpired):
		return fail(http.StatusBadRequest, "", expired, within...).goTo(view)
	case tellsOfAccount(err):
		return s.toFailure(err).at("").goTo(view)
	}
	return err
}

// ChoosePage is the data of "choose": the new password that a mailed link asks
// for. Its texts are choose_<kind>_title, _lead and _submit.
type ChoosePage struct {
	Kind      string // reset, confirm, invite
	Action    string
	Email     string // of the account, for password managers; empty where the page may not tell
	Confirm   bool   // the password is typed twice
	MinLength int
	Passkey   bool // a passkey may take the place of the password
}

func (s *Site) choosePage(c *call, kind, email string) *answer {
	return &answer{page: "choose", data: ChoosePage{
		Kind: kind, Action: c.r.URL.EscapedPath(), Email: email, Confirm: !s.c.Life.TypedOnce, MinLength: s.c.MinPassword,
	}}
}

// afterLink is the answer of a link that may have signed in.
func (s *Site) afterLink(c *call, out login.Outcome, view, note, noteIn string) *answer {
	if out.Session != nil || out.Pending != nil {
		a := s.entered(c, out, or(view, s.views.PostLogin))
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
	return &answer{to: to, note: note, outcome: &login.Outcome{KnownCookie: out.KnownCookie}}
}
