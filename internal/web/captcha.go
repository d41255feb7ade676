package web

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/captcha"
)

// captchas handles the captchas of a site, which may have none.
type captchas struct{ s *Site }

// places returns the paths whose forms may require a captcha, with the place of each.
func (k captchas) places() map[string]string {
	p := k.s.paths
	places := map[string]string{
		p.Register: auth.AtRegister, p.OAuth.SignUp: auth.AtRegister,
		p.Login: auth.AtSignIn, p.Unified.Signin: auth.AtSignIn, p.Unified.SendCode: auth.AtSignIn,
		k.s.c.Prefix + or(k.s.c.Paths.Unified.Signin, "/us-signin"): auth.AtSignIn,
		p.Life.Reset: auth.AtReset, p.Life.Confirm: auth.AtReset, p.Life.RecoverUsername: auth.AtReset,
	}
	delete(places, "") // paths that are off
	return places
}

// take adds the field of the answer to the forms of the table.
func (k captchas) take(rows []route) {
	if k.s.c.Captcha == nil {
		return
	}
	places := k.places()
	for i, r := range rows {
		if places[r.path] != "" && r.method == http.MethodPost {
			rows[i].take = maps.Clone(r.take)
			rows[i].take[k.s.c.Captcha.Field()] = long
		}
	}
}

// read reads the answer of a request.
func (k captchas) read(c *call) {
	c.browser.Human = c.who != nil
	if k.s.c.Captcha != nil {
		c.browser.Captcha = c.form.text(k.s.c.Captcha.Field())
	}
}

// pagePlace returns the place of the form of a page, or an empty string if it requires no captcha.
func pagePlace(page string, data any) string {
	if v, ok := data.(SignUpPage); ok && !v.Code {
		return auth.AtRegister
	}
	return map[string]string{
		"register": auth.AtRegister, "ask": auth.AtReset, "login": auth.AtSignIn, "us_signin": auth.AtSignIn,
	}[page]
}

// widget returns the captcha of a page, or nil. If it cannot be determined whether a captcha is
// required, one is shown, because an unnecessary answer is ignored.
func (k captchas) widget(c *call, place string) *captcha.Widget {
	if k.s.c.Captcha == nil || place == "" {
		return nil
	}
	identity, _ := c.identity(k.s.c.Usernames)
	asks, err := k.s.c.Login.Guesses.AsksCaptcha(c.r.Context(), place, identity, c.browser)
	if err == nil && !asks {
		return nil
	}
	w, bad := k.s.c.Captcha.Widget(place, c.words.Tag)
	if err = errors.Join(err, bad); err != nil {
		k.s.c.Log.ErrorContext(c.r.Context(), "captcha", "cause", err)
	}
	return &w
}

// facts returns the data that a program needs to show a captcha.
func facts(w *captcha.Widget) *captchaBody {
	out := &captchaBody{Provider: w.Provider, Field: w.Field, SiteKey: w.SiteKey,
		Challenge: json.RawMessage(w.Challenge)}
	if w.SiteKey != "" {
		out.Action = w.Action
	}
	return out
}

// extend adds that data to the answer to a form's GET.
func (k captchas) extend(c *call, body *common) {
	if !safeMethod(c.r.Method) {
		return
	}
	if w := k.widget(c, k.places()[c.r.URL.Path]); w != nil {
		body.Captcha = facts(w)
	}
}

// refusal returns the failure for the error of a captcha, or nil for any other error.
func (k captchas) refusal(err error) *failure {
	key := ""
	switch {
	case errors.Is(err, auth.ErrCaptcha):
		key = "CAPTCHA_REQUIRED"
	case errors.Is(err, auth.ErrCaptchaWrong):
		key = "CAPTCHA_INVALID"
	case errors.Is(err, auth.ErrCaptchaDown) && !errors.Is(err, context.Canceled):
		f := fail(http.StatusServiceUnavailable, captchaField, "CAPTCHA_UNAVAILABLE")
		f.cause, f.retryAfter, f.form = err, 5*time.Second, true
		return f
	default:
		return nil
	}
	f := fail(http.StatusBadRequest, captchaField, key)
	f.captcha = true
	return f
}

// captchaField is the field to which errors of captchas belong.
const captchaField = "captcha"

// offer adds the captcha to the JSON answer of a captcha failure.
func (k captchas) offer(c *call, body *refusedBody) {
	if w, err := k.s.c.Captcha.Widget(k.places()[c.r.URL.Path], c.words.Tag); err == nil {
		body.CaptchaRequired, body.Captcha = true, facts(&w)
	}
}
