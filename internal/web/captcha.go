package web

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/login"
)

// captchas are the captchas of a site, which may have none.
type captchas struct{ s *Site }

// places are the paths whose forms may ask for a captcha, and where each of them
// belongs.
func (k captchas) places() map[string]string {
	p := k.s.paths
	places := map[string]string{
		p.Register: login.AtRegister, p.OAuth.SignUp: login.AtRegister,
		p.Login: login.AtSignIn, p.Unified.Signin: login.AtSignIn, p.Unified.SendCode: login.AtSignIn,
		k.s.c.Prefix + or(k.s.c.Paths.Unified.Signin, "/us-signin"): login.AtSignIn,
		p.Life.Reset: login.AtReset, p.Life.Confirm: login.AtReset, p.Life.RecoverUsername: login.AtReset,
	}
	delete(places, "") // what is switched off
	return places
}

// take lets the forms of the table have the field of the answer.
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

// read takes the answer of a request over.
func (k captchas) read(c *call) {
	c.browser.Human = c.who != nil
	if k.s.c.Captcha != nil {
		c.browser.Captcha = c.form.text(k.s.c.Captcha.Field())
	}
}

// pagePlace is where the form of a page belongs; empty: it asks for no captcha.
func pagePlace(page string, data any) string {
	if v, ok := data.(SignUpPage); ok && !v.Code {
		return login.AtRegister
	}
	return map[string]string{
		"register": login.AtRegister, "ask": login.AtReset, "login": login.AtSignIn, "us_signin": login.AtSignIn,
	}[page]
}

// widget is what a page shows; nil: nothing. Where it cannot be told whether a
// captcha is asked for, one is shown: an answer that is not asked for is not read.
func (k captchas) widget(c *call, place string) *captcha.Widget {
	if k.s.c.Captcha == nil || place == "" {
		return nil
	}
	identity, _ := c.identity(k.s.c.Usernames)
	asks, err := login.AsksCaptcha(c.r.Context(), k.s.c.Login, place, identity, c.browser)
	if err == nil && !asks {
		return nil
	}
	w, bad := k.s.c.Captcha.Widget(place, c.words.Tag)
	if err = errors.Join(err, bad); err != nil {
		k.s.c.Log.ErrorContext(c.r.Context(), "captcha", "cause", err)
	}
	return &w
}

// facts are what a program needs to show a captcha.
func facts(w *captcha.Widget) map[string]any {
	out := map[string]any{"provider": w.Provider, "field": w.Field}
	if w.Challenge != "" {
		out["challenge"] = json.RawMessage(w.Challenge)
	}
	if w.SiteKey != "" {
		out["site_key"], out["action"] = w.SiteKey, w.Action
	}
	return out
}

// extend adds what a program needs to the answer of a form's GET.
func (k captchas) extend(c *call, body map[string]any) {
	if !safeMethod(c.r.Method) {
		return
	}
	if w := k.widget(c, k.places()[c.r.URL.Path]); w != nil {
		body["captcha"] = facts(w)
	}
}

// refusal is the failure of a captcha; nil: err is something else.
func (k captchas) refusal(err error) *failure {
	key := ""
	switch {
	case errors.Is(err, login.ErrCaptcha):
		key = "CAPTCHA_REQUIRED"
	case errors.Is(err, login.ErrCaptchaWrong):
		key = "CAPTCHA_INVALID"
	case errors.Is(err, login.ErrCaptchaDown) && !errors.Is(err, context.Canceled):
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

// captchaField is the field that errors of captchas stand at.
const captchaField = "captcha"

// offer adds the captcha to the JSON answer of a failure of one.
func (k captchas) offer(c *call, f *failure) {
	if !f.captcha {
		return
	}
	if w, err := k.s.c.Captcha.Widget(k.places()[c.r.URL.Path], c.words.Tag); err == nil {
		f.extras = map[string]any{"captcha_required": true, "captcha": facts(&w)}
	}
}
