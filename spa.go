package twofold

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/web"
)

// SPA configures a single-page application that shows its own pages and calls
// the paths of the sign-in by script.
type SPA struct {
	// Origin is the origin of the application if it differs from Config.Origin,
	// such as "https://app.example.org". Every configured view is a page there.
	// Its scripts may call every path with the browser's cookies; scripts of
	// other origins may not. If it is on another site than Config.Origin (not
	// only another host), cookies are set with SameSite=None. Many browsers do
	// not send such cookies, and trusted browsers and "remember me" do not work
	// there.
	Origin string
	// TellInQuery adds the result to the query of the views to which mailed links and identity
	// providers redirect: "success", "info" or "error" with the text, and after a success also the
	// user's "email" and "identity". If it is not set, the next built-in page shows the result.
	TellInQuery bool
	// CSRFCookie is the name of a cookie, such as "XSRF-TOKEN", that contains the value of
	// csrf_token and can be read by scripts. If it is empty, the cookie is not set. The token is
	// needed only for browsers that do not send the origin of a request.
	CSRFCookie string
	// CSRFHeader is an additional header in which the token may be sent, besides X-CSRFToken,
	// X-CSRF-Token and X-XSRF-Token.
	CSRFHeader string
}

// token matches a token as defined in RFC 9110 section 5.6.2.
var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func (c *Config) checkSPA(bad func(field, text string)) {
	s := c.Pages.SPA
	if s.Origin != "" {
		if err := checkOrigin(s.Origin); err != nil {
			bad("Pages.SPA.Origin", err.Error())
		} else if err := c.checkApp(); err != nil {
			bad("Pages.SPA.Origin", err.Error())
		}
	}
	if s.CSRFHeader != "" && !token.MatchString(s.CSRFHeader) {
		bad("Pages.SPA.CSRFHeader", fmt.Sprintf("%q is not the name of a header", s.CSRFHeader))
	}
	taken := []string{"remember_token", "tf_validity", "fs_refresh", c.Pages.Paths.DeviceCookie, c.Tokens.RefreshCookie}
	// Over https the sign-in's own names carry the prefix.
	switch name := strings.TrimPrefix(strings.ToLower(s.CSRFCookie), "__host-"); {
	case name == "":
	case !token.MatchString(name):
		bad("Pages.SPA.CSRFCookie", fmt.Sprintf("%q is not the name of a cookie", s.CSRFCookie))
	case strings.HasPrefix(name, "twofold") ||
		slices.ContainsFunc(taken, func(t string) bool { return strings.EqualFold(t, name) }):
		bad("Pages.SPA.CSRFCookie",
			fmt.Sprintf("%q is a cookie that scripts must not read: take another name", s.CSRFCookie))
	}
}

// checkApp: a page of another site gets cookies over https only.
func (c *Config) checkApp() error {
	origin, err := url.Parse(c.Origin)
	app, appErr := url.Parse(c.Pages.SPA.Origin)
	if err != nil || appErr != nil || origin.Scheme == "https" || web.SameSite(origin, app) {
		return nil
	}
	return errors.New("is on another site than Origin, which requires https: serve both on one host name")
}

func (s SPA) app() (web.App, error) {
	app := web.App{Tells: s.TellInQuery, CSRFCookie: s.CSRFCookie, CSRFHeader: s.CSRFHeader}
	if s.Origin == "" {
		return app, nil
	}
	var err error
	app.Origin, err = url.Parse(s.Origin)
	return app, err
}
