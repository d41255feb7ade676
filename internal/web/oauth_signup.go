package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/login"
)

// SignUpPage is the data of "oauth_signup": an account that is being made through
// another site.
type SignUpPage struct {
	Site, Email                 string
	Code                        bool // one was mailed to the address: it is asked for first
	Life                        time.Duration
	Usernames, UsernameRequired bool
	Fields                      []FieldView // of the profile
}

// signingUp has the steps of an account that is made through another site, once its
// browser is back from there.
type signingUp struct{ s *Site }

func (u signingUp) path() string { return u.s.paths.OAuth.SignUp }

func (u signingUp) rows() []route {
	if !login.SignsUp(u.s.c.Login) {
		return nil
	}
	take := fields{"code": digits, "username": text, "resend": flag}
	return []route{
		{method: http.MethodGet, path: u.path(), access: forAnonymous, step: u.get},
		{method: http.MethodPost, path: u.path(), access: forAnonymous, step: u.post, again: u.get,
			take: profileTake(u.s.c.Life.Fields, take)},
	}
}

// asks is what an account must have here.
func (u signingUp) asks() login.SignUpForm {
	return login.SignUpForm{Fields: u.s.c.Life.Fields, Username: u.s.c.Usernames && u.s.c.Life.UsernameRequired}
}

// cookie is what the browser holds a sign-up by.
func (u signingUp) cookie(c *call) string { return u.s.jar.get(c.r, u.s.jar.signUp()) }

// started is where a browser goes that came back from another site, whose user is
// making an account. An application that shows its own pages goes on from there.
func (u signingUp) started(c *call, v login.SignUp) *answer {
	u.s.jar.set(c.w, u.s.jar.signUp(), v.Token, login.SignUpLife)
	return u.at(c, v)
}

// at leads to what a sign-up waits for.
func (u signingUp) at(c *call, v login.SignUp) *answer {
	a := &answer{body: u.body(c, v), to: withNext(u.path(), v.Next)}
	if view := u.s.appView(u.s.views.Life.LoginError); view != "" && c.link {
		a.to = withQuery(view, "oauth_signup", waitsFor(v))
	}
	return a
}

// waitsFor names what is needed before the account is made.
func waitsFor(v login.SignUp) string {
	if v.Proven {
		return "details"
	}
	return "code"
}

// body is what a program is told of a sign-up.
func (u signingUp) body(c *call, v login.SignUp) map[string]any {
	body := map[string]any{
		"oauth_signup": waitsFor(v), "oauth_provider": v.Site.Name(), "email": v.Identity.Email,
	}
	if !v.Proven {
		return body
	}
	values := map[string]any{}
	for name, text := range login.Prefill(u.s.c.Life.Fields, v.Identity) {
		values[name] = text
	}
	form := profileBody(c, u.s.c.Life.Fields)
	if form["fields"] == nil {
		form["fields"] = []any{}
	}
	body["fields"], body["values"], body["username_required"] = form["fields"], values, u.asks().Username
	if w := captchas(u).widget(c, login.AtRegister); w != nil {
		body["captcha"] = facts(w)
	}
	return body
}

// get shows what is missing, filled in with what the other site told.
func (u signingUp) get(c *call) (*answer, error) {
	v, err := login.LookSignUp(c.r.Context(), u.s.c.Login, u.cookie(c))
	if err != nil {
		return nil, u.refused(c, err)
	}
	of := u.s.c.Life.Fields
	if len(c.problems) == 0 {
		for name, text := range login.Prefill(of, v.Identity) {
			c.form.texts[name] = text
		}
		if u.s.c.Usernames && u.s.c.Judge("", v.Identity.Username, "") == nil {
			c.form.texts["username"] = v.Identity.Username
		}
	}
	c.form.texts["next"] = v.Next
	return &answer{body: u.body(c, v), page: "oauth_signup", data: SignUpPage{
		Site: v.Site.Title(), Email: v.Identity.Email, Code: !v.Proven, Life: u.s.c.CodeLife["email"],
		Usernames: u.s.c.Usernames, UsernameRequired: u.s.c.Life.UsernameRequired, Fields: fieldViews(c, of, nil),
	}}, nil
}

// post takes the code that was mailed, and then what is missing. A program may send
// both at once.
func (u signingUp) post(c *call) (*answer, error) {
	c.shows = profileNames(u.s.c.Life.Fields)
	ctx, l, token := c.r.Context(), u.s.c.Login, u.cookie(c)
	if c.form.flag("resend") {
		v, err := login.LookSignUp(ctx, l, token)
		if err == nil {
			err = login.ResendSignUp(ctx, l, token, c.browser)
		}
		if err != nil {
			return nil, u.refused(c, err)
		}
		a := u.at(c, v)
		a.note = "CODE_HAS_BEEN_SENT"
		return a, nil
	}
	v, err := login.LookSignUp(ctx, l, token)
	if err != nil {
		return nil, u.refused(c, err)
	}
	filled := v.Proven
	if !v.Proven {
		if v, err = login.ProveSignUp(ctx, l, token, c.form.text("code"), c.browser); err != nil {
			return nil, u.refused(c, err)
		}
		u.s.jar.set(c.w, u.s.jar.signUp(), token, login.SignUpLife)
		filled = u.fill(c, v)
	}
	values, f := u.missing(c)
	asks, err := u.asksCaptcha(c)
	if err != nil {
		return nil, err
	}
	if !filled && (f != nil || asks) { // that there is more to fill in is not a mistake
		return u.at(c, v), nil
	}
	if f != nil {
		return nil, f
	}
	return u.complete(c, v, token, values)
}

// asksCaptcha reports whether a captcha must be answered that the form does not have.
func (u signingUp) asksCaptcha(c *call) (bool, error) {
	if c.browser.Captcha != "" {
		return false, nil
	}
	return login.AsksCaptcha(c.r.Context(), u.s.c.Login, login.AtRegister, "", c.browser)
}

// fill adds what the other site told to a form that only has the code. It reports
// whether the form had more.
func (u signingUp) fill(c *call, v login.SignUp) bool {
	for _, name := range append(c.shows, "username") {
		_, text := c.form.texts[name]
		if _, flag := c.form.flags[name]; text || flag {
			return true
		}
	}
	for name, text := range login.Prefill(u.s.c.Life.Fields, v.Identity) {
		c.form.texts[name] = text
	}
	return false
}

// missing says what the form lacks, and returns the profile.
func (u signingUp) missing(c *call) (map[string]any, *failure) {
	n := &needs{}
	n.that(u.asks().Username && c.form.text("username") == "", "username", "USERNAME_NOT_PROVIDED")
	values, problems := readProfile(c, u.s.c.Life.Fields, nil)
	n.problems = append(n.problems, problems...)
	return values, n.result()
}

// complete makes the account.
func (u signingUp) complete(c *call, v login.SignUp, token string, values map[string]any) (*answer, error) {
	r := login.Registration{Fields: values}
	if u.s.c.Usernames {
		r.Username = c.form.text("username")
	}
	out, err := login.CompleteSignUp(c.r.Context(), u.s.c.Login, token, r, c.browser)
	if err != nil {
		return nil, u.refused(c, err)
	}
	u.s.jar.clear(c.w, c.r, u.s.jar.signUp())
	c.form.texts["next"] = v.Next
	a := u.s.entered(c, out, u.s.views.PostRegister)
	a.fields = u.s.c.Life.Fields.Of(values)
	return a, nil
}

// refused says why a step of a sign-up is not taken. Where it is over, so is its
// cookie.
func (u signingUp) refused(c *call, err error) error {
	over := ""
	switch {
	case errors.Is(err, login.ErrState):
		over = "OAUTH_STATE"
	case errors.Is(err, login.ErrProvider), errors.Is(err, login.ErrNotConnected):
		over = "OAUTH_NOT_CONNECTED"
	case errors.Is(err, login.ErrAddressTaken):
		over = "OAUTH_SIGN_UP_TAKEN"
	default:
		return u.s.allOf(err)
	}
	u.s.jar.clear(c.w, c.r, u.s.jar.signUp())
	return fail(http.StatusBadRequest, "", over).flat().goTo(u.s.paths.Login)
}

// unsent keeps a sign-up whose first code did not go out: it can be asked for again.
func (u signingUp) unsent(c *call, v login.SignUp, err error) error {
	var paused *limit.Paused
	if !errors.Is(err, login.ErrSend) && !errors.As(err, &paused) {
		return nil
	}
	u.s.jar.set(c.w, u.s.jar.signUp(), v.Token, login.SignUpLife)
	return u.s.toFailure(err).flat().goTo(withNext(u.path(), v.Next))
}
