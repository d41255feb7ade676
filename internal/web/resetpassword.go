package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/login"
)

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

func (s *Site) getAskConfirm(c *call) (*answer, error) { return s.askPage(c, "confirm"), nil }
func (s *Site) getAskReset(c *call) (*answer, error)   { return s.askPage(c, "reset"), nil }

func (s *Site) postAskConfirm(c *call) (*answer, error) {
	return s.ask(c, "confirm", "CONFIRMATION_REQUEST", s.c.Login.AskConfirm)
}

func (s *Site) postAskReset(c *call) (*answer, error) {
	return s.ask(c, "reset", "PASSWORD_RESET_REQUEST", s.c.Login.AskReset)
}

func (s *Site) getRecoverUsername(c *call) (*answer, error) {
	return s.askPage(c, "username"), nil
}

func (s *Site) postRecoverUsername(c *call) (*answer, error) {
	a, err := s.ask(c, "username", "USERNAME_RECOVERY_REQUEST", s.c.Login.RecoverUsername)
	if err == nil {
		a.to = s.paths.Login
	}
	return a, err
}

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

func (s *Site) badConfirm(err error) error {
	return s.badLink(err, s.views.Life.ConfirmError, "INVALID_CONFIRMATION_TOKEN", "CONFIRMATION_EXPIRED", []any{"within", s.c.Life.ConfirmWithin})
}

func (s *Site) badReset(err error) error {
	return s.badLink(err, s.views.Life.ResetError, "INVALID_RESET_PASSWORD_TOKEN", "PASSWORD_RESET_EXPIRED", []any{"within", s.c.Life.ResetWithin})
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

func (s *Site) getConfirm(c *call) (*answer, error) {
	choose, here, err := s.c.Login.LookConfirm(c.r.Context(), c.token, c.who, c.browser)
	if err != nil {
		return nil, s.badConfirm(err)
	}
	if !choose && s.opensItself(c, here) {
		return s.postConfirm(c)
	}
	a := s.linkPage(c, "confirm")
	if choose {
		a = s.choosePage(c, "confirm", "") // another browser learns nothing of the account (R193)
	}
	a.body = map[string]any{"password_required": choose}
	return a, nil
}

func (s *Site) postConfirm(c *call) (*answer, error) {
	plain, n := c.form.text("password"), &needs{}
	if plain != "" {
		s.typed(c, n, "password")
	}
	if f := n.result(); f != nil {
		return nil, f
	}
	out, err := s.c.Login.Confirm(c.r.Context(), c.token, plain, c.who, c.browser)
	if err != nil {
		return nil, s.badConfirm(err)
	}
	if c.who != nil && c.who.User.ID != out.User.ID { // as the contract has it: that was someone else
		if err := s.c.Login.Logout(c.r.Context(), c.who, "", c.browser); err != nil {
			return nil, err
		}
		s.jar.clear(c.w, c.r, s.jar.session())
		c.who = nil
	}
	a := s.afterLink(c, out, s.views.Life.PostConfirm, "EMAIL_CONFIRMED", "EMAIL_CONFIRMED")
	a.about = &out.User
	return a, nil
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

func (s *Site) getReset(c *call) (*answer, error) {
	email, err := s.c.Login.LookReset(c.r.Context(), c.token)
	if err != nil {
		return nil, s.badReset(err)
	}
	a := s.choosePage(c, "reset", email)
	if view := s.views.Life.Reset; view != "" {
		a.to = withQuery(view, "token", c.token)
	}
	return a, nil
}

func (s *Site) postReset(c *call) (*answer, error) {
	n := &needs{}
	s.typed(c, n, "password")
	if f := n.result(); f != nil {
		return nil, f
	}
	out, err := s.c.Login.Reset(c.r.Context(), c.token, c.form.text("password"), c.who, c.browser)
	if err != nil {
		return nil, s.badReset(err)
	}
	if c.who != nil && c.who.User.ID == out.User.ID {
		s.jar.clear(c.w, c.r, s.jar.session()) // that session is over
		c.who = nil
	}
	a := s.afterLink(c, out, s.views.Life.PostReset, "PASSWORD_RESET_NO_LOGIN", "PASSWORD_RESET")
	a.bare = out.Session == nil && out.Pending == nil
	return a, nil
}
