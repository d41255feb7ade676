package main

import (
	"errors"
	"net/url"
	"strings"

	"github.com/twofold-auth/twofold/internal/web"
)

// spaTable returns the settings of a single-page application.
func spaTable() []setting {
	return []setting{
		{Name: "SECURITY_REDIRECT_HOST", Type: text, Empty: "none: the application is on `TWOFOLD_ORIGIN`",
			Field: "Pages.SPA.Origin",
			Doc: "Host and port of an application on another host than this server, e.g. `app.example.org` or " +
				"`localhost:3000`, optionally with `https://` or (for loopback hosts) `http://`. Every `*_VIEW` " +
				"that is set is then a page there, and so are `SECURITY_POST_LOGIN_VIEW` and " +
				"`SECURITY_POST_LOGOUT_VIEW` if they are `/`. Only scripts of that origin can call every path with " +
				"the cookies of the browser (CORS).",
			Cost: "Anyone who controls that host can do what the signed-in user can. If it is on another site " +
				"than `TWOFOLD_ORIGIN` (unlike `app.example.org` and `login.example.org`, which are one site), " +
				"cookies are `SameSite=None`: many browsers do not send them, and trusted browsers and \"remember " +
				"me\" do not work.",
			Apply: applyRedirectHost},
		{Name: "SECURITY_REDIRECT_BEHAVIOR", Type: text, Empty: "none: our next page shows the result",
			Field: "Pages.SPA.TellInQuery",
			Doc: "With `spa`, mailed links and callbacks from other sites lead to the `*_VIEW`, with the " +
				"result in the query: `success`, `info` or `error` with the text, and after a success `email` and " +
				"`identity`. If a second factor is still needed, `SECURITY_LOGIN_ERROR_VIEW` gets `tf_required=1` " +
				"and `tf_state`.",
			Cost:  "The e-mail address of the user appears in URLs of the application and in its logs.",
			Apply: applyRedirectBehaviour},
		{Name: "SECURITY_VERIFY_ERROR_VIEW", Type: text, Empty: "the re-authentication page", Field: "Pages.Views",
			Doc: "With `spa`, the page after a failed re-authentication at another site. The query contains " +
				"`error`.",
			Apply: toView(func(s *settings) *string { return &s.Config.Pages.Views.VerifyError }, "")},
		{Name: "SECURITY_CSRF_COOKIE_NAME", Type: text, Empty: "none", Field: "Pages.SPA.CSRFCookie",
			Doc: "Name of a cookie that scripts can read, with the value of `csrf_token`, e.g. `XSRF-TOKEN`, " +
				"which axios and Angular send back automatically. It is needed only for forms of browsers that do " +
				"not say where a request comes from.",
			Apply: toText(func(s *settings) *string { return &s.Config.Pages.SPA.CSRFCookie })},
		{Name: "SECURITY_CSRF_HEADER", Type: text, Default: "X-XSRF-Token", Field: "Pages.SPA.CSRFHeader",
			Doc: "Name of another header in which the token may be sent back, besides `X-CSRFToken`, " +
				"`X-CSRF-Token` and `X-XSRF-Token`.",
			Apply: toText(func(s *settings) *string { return &s.Config.Pages.SPA.CSRFHeader })},
	}
}

func applyRedirectHost(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil || v == "" {
		return err
	}
	v = strings.TrimSuffix(v, "/")
	if !strings.Contains(v, "://") {
		u, err := url.Parse("https://" + v)
		if err == nil && web.Loopback(u.Hostname()) {
			v = "http://" + v
		} else {
			v = "https://" + v
		}
	}
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" || u.Scheme+"://"+u.Host != v || u.Scheme != "https" && u.Scheme != "http" ||
		strings.Contains(u.Host, "*") {
		return errors.New("is not a host: write e.g. app.example.org or localhost:3000")
	}
	s.Config.Pages.SPA.Origin = v
	return nil
}

func applyRedirectBehaviour(s *settings, raw any) error {
	v, err := asText(raw)
	switch {
	case err != nil:
		return err
	case v == "spa":
		s.Config.Pages.SPA.TellInQuery = true
	case v != "":
		return errors.New("is not a behavior: write spa, or leave it out")
	}
	return nil
}
