package twofold

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/web"
)

// captcha converts the settings for package captcha.
func (a Accounts) captcha() captcha.Config {
	return captcha.Config{
		Provider: a.Captcha, SiteKey: a.CaptchaSiteKey, Secret: a.CaptchaSecret, VerifyURL: a.CaptchaVerifyURL,
		ScriptURL: a.CaptchaScriptURL, MinScore: a.CaptchaMinScore, Cost: a.CaptchaCost,
	}
}

func (a Accounts) checkCaptcha(bad func(field, text string)) {
	if a.Captcha == "" {
		for field, given := range map[string]bool{
			"CaptchaSiteKey": a.CaptchaSiteKey != "", "CaptchaSecret": a.CaptchaSecret != "",
			"CaptchaVerifyURL": a.CaptchaVerifyURL != "", "CaptchaScriptURL": a.CaptchaScriptURL != "",
			"CaptchaMinScore": a.CaptchaMinScore != 0, "CaptchaCost": a.CaptchaCost != 0,
			"CaptchaAt": len(a.CaptchaAt) > 0,
		} {
			if given {
				bad("Accounts."+field, "has no effect without Accounts.Captcha")
			}
		}
		return
	}
	if a.CaptchaCost != 0 && a.Captcha != captcha.Altcha {
		bad("Accounts.CaptchaCost", "is for altcha only")
	}
	for _, p := range a.captcha().Check() {
		bad("Accounts.Captcha"+p.Field, p.Text)
	}
	for _, place := range a.CaptchaAt {
		if !slices.Contains(captchaPlaces(), place) {
			bad("Accounts.CaptchaAt", fmt.Sprintf("invalid form %q: use register, reset or sign-in", place))
		}
	}
}

func captchaPlaces() []string { return []string{auth.AtRegister, auth.AtReset, auth.AtSignIn} }

// checkCaptchaPages reports replaced templates that do not contain the captcha.
func (c *Config) checkCaptchaPages(words *i18n.Catalogue, bad func(field, text string)) {
	if c.Accounts.Captcha == "" || c.Pages.Templates == nil {
		return
	}
	for _, err := range web.CheckCaptcha(c.Pages.Templates, words) {
		bad("Pages.Templates", err.Error())
	}
}

// captchas builds the captcha, if one is configured.
func (b *builder) captchas() (auth.Captchas, error) {
	a := b.c.Accounts
	if a.Captcha == "" {
		return auth.Captchas{}, nil
	}
	c := a.captcha()
	c.Keys, c.Now, c.Log = b.keys.MACKeys("altcha"), b.c.Advanced.Now, b.c.Log
	c.Once = func(ctx context.Context, what string, within time.Duration) (bool, error) {
		return limit.FirstUse(ctx, b.limits, what, within)
	}
	c.Hosts = captchaHosts(b.c.Origin, b.c.Pages.SPA.Origin)
	var err error
	if b.captcha, err = captcha.New(c); err != nil {
		return auth.Captchas{}, field("Accounts.Captcha", err)
	}
	places := a.CaptchaAt
	if len(places) == 0 {
		places = captchaPlaces()
	}
	return auth.Captchas{Check: b.captcha, At: places}, nil
}

// captchaHosts returns the hosts on which an answer may be given. For a loopback host it returns
// nil, which allows any host, because the test keys of providers are bound to other host names.
func captchaHosts(origins ...string) (hosts []string) {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		switch {
		case err != nil || u.Host == "":
		case web.Loopback(u.Hostname()):
			return nil
		default:
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}
