package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/invite"
)

// inviting implements the steps of invited users.
type inviting struct{ s *Site }

func (v inviting) path() string { return v.s.c.Prefix + v.s.c.Paths.Link(invite.MailKind) + tokenEnd }

func (v inviting) rows() []route {
	if v.s.c.Invitations == nil {
		return nil
	}
	return []route{
		{method: http.MethodGet, path: v.path(), access: forAnonymous, step: v.get, link: true},
		{method: http.MethodPost, path: v.path(), access: forAnonymous, step: v.post, again: v.get, link: true,
			take: fields{
				"password": text, "password_confirm": text, "passkey": flag, "wan_state": text, "credential": long,
			}},
	}
}

// passkeys reports whether a passkey may replace the password.
func (v inviting) passkeys() bool { return v.s.c.InvitedByPasskey && !v.s.c.Life.ByLink }

// get shows the form. Opening the link changes nothing, because mail scanners also open links
// (R51).
func (v inviting) get(c *call) (*answer, error) {
	i, err := v.s.c.Invitations.Look(c.r.Context(), c.token)
	if err != nil {
		return nil, v.refused(c, err)
	}
	if v.s.c.Life.ByLink { // there are no passwords
		a := v.s.link.linkPage(c, "invite")
		a.json = func() response { return &inviteBody{Email: i.Email} }
		return a, nil
	}
	return &answer{
		json: func() response { return &inviteBody{Email: i.Email, Passkey: v.passkeys()} }, page: "choose",
		view: func() any {
			page := v.s.link.chooseView(c, "invite", i.Email)
			page.Passkey = v.passkeys() && v.s.c.Passkeys.shown(v.s.c.Origin)
			return page
		},
	}, nil
}

// inviteBody is the JSON of the page of an invitation.
type inviteBody struct {
	common
	Email   string `json:"email"`
	Passkey bool   `json:"passkey"` // a passkey may replace the password
}

// post accepts the first factor of the new account: a password, or the answer of an authenticator
// to an earlier challenge of this path.
func (v inviting) post(c *call) (*answer, error) {
	var choice invite.Choice
	switch {
	case v.passkeys() && c.form.text("credential") != "":
		i, err := v.s.c.Invitations.Look(c.r.Context(), c.token)
		if err == nil {
			choice.Passkey, err = v.s.c.Login.Invitations.Key(
				c.r.Context(), i, c.form.text("wan_state"), c.form.text("credential"))
		}
		if err != nil {
			return nil, v.refused(c, err)
		}
	case v.passkeys() && c.form.flag("passkey"):
		return v.ask(c)
	case v.s.c.Life.ByLink || v.s.c.Life.Keyless && c.form.text("password") == "":
	default:
		n := &needs{}
		v.s.account.typed(c, n, "password")
		if f := n.result(); f != nil {
			return nil, f
		}
		choice.Password = c.form.text("password")
	}
	u, err := v.s.c.Invitations.Accept(c.r.Context(), c.token, choice, c.browser)
	if err != nil {
		return nil, v.refused(c, err)
	}
	out, err := v.s.c.Login.Invitations.Enter(c.r.Context(), u, c.browser)
	if err != nil {
		return nil, v.s.secondFactor.turn(c, err)
	}
	return v.s.account.entered(c, out, v.s.views.PostRegister), nil
}

// ask returns the challenge for the passkey that replaces the password.
func (v inviting) ask(c *call) (*answer, error) {
	i, err := v.s.c.Invitations.Look(c.r.Context(), c.token)
	if err != nil {
		return nil, v.refused(c, err)
	}
	asked, err := v.s.c.Login.Invitations.Ask(c.r.Context(), i, c.browser)
	if err != nil {
		return nil, v.refused(c, err)
	}
	return &answer{json: challenge(asked), page: "invite_passkey", view: func() any {
		return InvitePasskeyPage{
			Email: i.Email, Action: c.r.URL.EscapedPath(), Options: string(asked.Options), State: asked.State,
		}
	}}, nil
}

// InvitePasskeyPage is the data of "invite_passkey": the challenge for the passkey of a new
// account.
type InvitePasskeyPage struct {
	Email   string // address of the account
	Action  string // target of the answer, with State
	Options string // JSON for the browser
	State   string
}

// refused returns the failure for an error of the link, the password or the passkey.
func (v inviting) refused(c *call, err error) error {
	switch {
	case errors.Is(err, invite.ErrLink):
		return fail(http.StatusBadRequest, "", "INVITATION_LINK").flat().goTo(v.s.paths.Login)
	case errors.Is(err, auth.ErrTaken):
		return fail(http.StatusBadRequest, "", "INVITATION_TAKEN").flat().goTo(v.s.paths.Login)
	}
	if c.form.text("credential") == "" {
		return v.s.account.allOf(err)
	}
	return v.s.webauthn.passkeyFailure(c, err, v.s.c.Passkeys.CreateWithin, c.r.URL.EscapedPath())
}
