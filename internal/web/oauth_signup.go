package web

import (
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/limit"
)

// SignUpPage is the data of "oauth_signup": an account that is being created through an identity
// provider.
type SignUpPage struct {
	Site, Email                 string
	Code                        bool // a code was mailed to the address and is required first
	Life                        time.Duration
	Usernames, UsernameRequired bool
	Fields                      []FieldView // profile fields
}

// signingUp implements the steps of creating an account through an identity provider, after the
// return from it.
type signingUp struct{ s *Site }

func (u signingUp) path() string { return u.s.paths.OAuth.SignUp }

func (u signingUp) rows() []route {
	if !u.s.c.Login.SignUps.Offered() {
		return nil
	}
	take := fields{"code": digits, "username": text, "resend": flag}
	return []route{
		{method: http.MethodGet, path: u.path(), access: forAnonymous, step: u.get},
		{method: http.MethodPost, path: u.path(), access: forAnonymous, step: u.post, again: u.get,
			take: profileTake(u.s.c.Life.Fields, take)},
	}
}

// asks returns the data that an account must have.
func (u signingUp) asks() auth.SignUpForm {
	return auth.SignUpForm{Fields: u.s.c.Life.Fields, Username: u.s.c.Usernames && u.s.c.Life.UsernameRequired}
}

// cookie returns the value of the sign-up cookie.
func (u signingUp) cookie(c *call) string { return u.s.jar.get(c.r, u.s.jar.signUp()) }

// started returns the first answer of a sign-up after the return from a provider. An application
// with its own pages continues from there.
func (u signingUp) started(c *call, v auth.SignUp) *answer {
	u.s.jar.set(c.w, u.s.jar.signUp(), v.Token, auth.SignUpLife)
	return u.at(c, v)
}

// at redirects to the next step of a sign-up.
func (u signingUp) at(c *call, v auth.SignUp) *answer {
	a := &answer{json: u.json(c, v), to: withNext(u.path(), v.Next)}
	if view := u.s.oauth.appView(u.s.views.Life.LoginError); view != "" && c.link {
		a.to = withQuery(view, "oauth_signup", waitsFor(v))
	}
	return a
}

// waitsFor returns the name of the next step of a sign-up.
func waitsFor(v auth.SignUp) string {
	if v.Proven {
		return "details"
	}
	return "code"
}

// signUpBody is the JSON answer about a sign-up.
type signUpBody struct {
	common
	Step     string `json:"oauth_signup"` // the next one: code or details
	Provider string `json:"oauth_provider"`
	Email    string `json:"email"`
	*detailsBody
}

// detailsBody describes the missing data of a sign-up.
type detailsBody struct {
	Fields           []fieldBody       `json:"fields"`
	Values           map[string]string `json:"values"` // data of the provider, by field
	UsernameRequired bool              `json:"username_required"`
}

// json returns the JSON answer about a sign-up.
func (u signingUp) json(c *call, v auth.SignUp) func() response {
	return func() response {
		body := &signUpBody{Step: waitsFor(v), Provider: v.Site.Name(), Email: v.Identity.Email}
		if !v.Proven {
			return body
		}
		of := u.s.c.Life.Fields
		body.detailsBody = &detailsBody{Fields: append([]fieldBody{}, fieldsBody(c, of)...),
			Values: map[string]string{}, UsernameRequired: u.asks().Username}
		maps.Copy(body.Values, auth.Prefill(of, v.Identity))
		if w := captchas(u).widget(c, auth.AtRegister); w != nil {
			body.Captcha = facts(w)
		}
		return body
	}
}

// get shows the form for missing data, prefilled with the data of the provider.
func (u signingUp) get(c *call) (*answer, error) {
	v, err := u.s.c.Login.SignUps.Look(c.r.Context(), u.cookie(c))
	if err != nil {
		return nil, u.refused(c, err)
	}
	of := u.s.c.Life.Fields
	if len(c.problems) == 0 {
		for name, text := range auth.Prefill(of, v.Identity) {
			c.form.texts[name] = text
		}
		if u.s.c.Usernames && u.s.c.Judge("", v.Identity.Username, "") == nil {
			c.form.texts["username"] = v.Identity.Username
		}
	}
	c.form.texts["next"] = v.Next
	return &answer{json: u.json(c, v), page: "oauth_signup", view: func() any {
		return SignUpPage{
			Site: v.Site.Title(), Email: v.Identity.Email, Code: !v.Proven, Life: u.s.c.CodeLife["email"],
			Usernames: u.s.c.Usernames, UsernameRequired: u.s.c.Life.UsernameRequired, Fields: fieldViews(c, of, nil),
		}
	}}, nil
}

// post accepts the mailed code, and then the missing data. A program may send both at once.
func (u signingUp) post(c *call) (*answer, error) {
	c.shows = profileNames(u.s.c.Life.Fields)
	ctx, l, token := c.r.Context(), u.s.c.Login, u.cookie(c)
	if c.form.flag("resend") {
		v, err := l.SignUps.Look(ctx, token)
		if err == nil {
			err = l.SignUps.Resend(ctx, token, c.browser)
		}
		if err != nil {
			return nil, u.refused(c, err)
		}
		a := u.at(c, v)
		a.note = "CODE_HAS_BEEN_SENT"
		return a, nil
	}
	v, err := l.SignUps.Look(ctx, token)
	if err != nil {
		return nil, u.refused(c, err)
	}
	filled := v.Proven
	if !v.Proven {
		if v, err = l.SignUps.Prove(ctx, token, c.form.text("code"), c.browser); err != nil {
			return nil, u.refused(c, err)
		}
		u.s.jar.set(c.w, u.s.jar.signUp(), token, auth.SignUpLife)
		filled = u.fill(c, v)
	}
	values, f := u.missing(c)
	asks, err := u.asksCaptcha(c)
	if err != nil {
		return nil, err
	}
	if !filled && (f != nil || asks) { // missing data is not an error yet
		return u.at(c, v), nil
	}
	if f != nil {
		return nil, f
	}
	return u.complete(c, v, token, values)
}

// asksCaptcha reports whether a captcha is required that the form does not contain.
func (u signingUp) asksCaptcha(c *call) (bool, error) {
	if c.browser.Captcha != "" {
		return false, nil
	}
	return u.s.c.Login.Guesses.AsksCaptcha(c.r.Context(), auth.AtRegister, "", c.browser)
}

// fill adds the data of the provider to a form that only has the code. It reports whether the form
// had other fields.
func (u signingUp) fill(c *call, v auth.SignUp) bool {
	for _, name := range append(c.shows, "username") {
		_, text := c.form.texts[name]
		if _, flag := c.form.flags[name]; text || flag {
			return true
		}
	}
	for name, text := range auth.Prefill(u.s.c.Life.Fields, v.Identity) {
		c.form.texts[name] = text
	}
	return false
}

// missing returns the profile, and a failure if required data is missing.
func (u signingUp) missing(c *call) (map[string]any, *failure) {
	n := &needs{}
	n.that(u.asks().Username && c.form.text("username") == "", "username", "USERNAME_NOT_PROVIDED")
	values, problems := readProfile(c, u.s.c.Life.Fields, nil)
	n.problems = append(n.problems, problems...)
	return values, n.result()
}

// complete creates the account.
func (u signingUp) complete(c *call, v auth.SignUp, token string, values map[string]any) (*answer, error) {
	r := auth.Registration{Fields: values}
	if u.s.c.Usernames {
		r.Username = c.form.text("username")
	}
	out, err := u.s.c.Login.SignUps.Complete(c.r.Context(), token, r, c.browser)
	if err != nil {
		return nil, u.refused(c, err)
	}
	u.s.jar.clear(c.w, c.r, u.s.jar.signUp())
	c.form.texts["next"] = v.Next
	a := u.s.account.entered(c, out, u.s.views.PostRegister)
	a.fields = u.s.c.Life.Fields.Of(values)
	return a, nil
}

// refused returns the failure of a step of a sign-up. If the sign-up has ended, it removes the
// cookie.
func (u signingUp) refused(c *call, err error) error {
	over := ""
	switch {
	case errors.Is(err, auth.ErrState):
		over = "OAUTH_STATE"
	case errors.Is(err, auth.ErrProvider), errors.Is(err, auth.ErrNotConnected):
		over = "OAUTH_NOT_CONNECTED"
	case errors.Is(err, auth.ErrAddressTaken):
		over = "OAUTH_SIGN_UP_TAKEN"
	default:
		return u.s.account.allOf(err)
	}
	u.s.jar.clear(c.w, c.r, u.s.jar.signUp())
	return fail(http.StatusBadRequest, "", over).flat().goTo(u.s.paths.Login)
}

// unsent keeps a sign-up whose first code was not sent, because it can be requested again.
func (u signingUp) unsent(c *call, v auth.SignUp, err error) error {
	var paused *limit.Paused
	if !errors.Is(err, auth.ErrSend) && !errors.As(err, &paused) {
		return nil
	}
	u.s.jar.set(c.w, u.s.jar.signUp(), v.Token, auth.SignUpLife)
	return u.s.toFailure(err).flat().goTo(withNext(u.path(), v.Next))
}
