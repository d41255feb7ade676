package twofold

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/mail"
	"github.com/twofold-auth/twofold/internal/web"
)

// checkSurface checks names, texts and pages. It reads the application's files and renders each of
// its templates once.
func (c *Config) checkSurface(bad func(field, text string)) {
	wrong := web.CheckPaths(c.Pages.Paths)
	for _, field := range slices.Sorted(maps.Keys(wrong)) {
		bad(field, wrong[field])
	}
	if c.TwoFactor.PhoneRegion != "" && !onetime.KnownRegion(c.TwoFactor.PhoneRegion) {
		bad("TwoFactor.PhoneRegion", "is not a region such as US or DE")
	}
	for _, p := range c.Advanced.TrustedProxies {
		if p.Bits() < 7 { // fc00::/7 is the largest private network
			bad("Advanced.TrustedProxies", p.String()+
				" is a large part of the Internet, so anyone could choose their own address: name the proxies")
		}
	}
	for _, p := range c.Pages.brand().Check() {
		bad("Pages."+p.Field, p.Text)
	}
	if c.Pages.Locales == nil && c.Pages.Templates == nil {
		return // tests check the built-in ones
	}
	words, err := i18n.NewCatalogue(c.Pages.Locales)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			bad("Pages.Locales", line)
		}
		return // templates cannot be rendered without texts
	}
	for _, err := range web.CheckTemplates(c.Pages.Templates, words, mail.Templates()) {
		bad("Pages.Templates", err.Error())
	}
	if _, err := mail.NewRenderer(words, "example.org", "Example", c.Pages.Templates); err != nil {
		bad("Pages.Templates", err.Error())
	}
	c.checkCaptchaPages(words, bad)
}

// tell logs settings that have no effect.
func (c *Config) tell() {
	for text, holds := range map[string]bool{
		"TwoFactor.Trust has no effect: TwoFactor.LoginValidity is zero, so no browser is " +
			"trusted": c.TwoFactor.Trust != nil && c.TwoFactor.LoginValidity == 0,
		"Sessions.RememberByDefault has no effect: Sessions.Remember is zero": c.Sessions.RememberByDefault &&
			c.Sessions.Remember == 0,
		"Accounts.LoginUnconfirmed has no effect: Accounts.Confirmable is off": c.Accounts.LoginUnconfirmed &&
			!c.Accounts.Confirmable,
		"Accounts.AutoLoginAfterConfirm has no effect: Accounts.Confirmable is off": c.Accounts.AutoLoginAfterConfirm &&
			!c.Accounts.Confirmable,
		"Accounts.AutoLoginAfterReset has no effect: Accounts.Recoverable is off": c.Accounts.AutoLoginAfterReset &&
			!c.Accounts.Recoverable,
		"Passkeys has no effect: Origin is an IP address, and browsers make passkeys for names only, such as " +
			"localhost": c.Passkeys != nil && onAddress(c.Origin),
	} {
		if holds {
			c.Log.Warn("configuration", "note", text)
		}
	}
	if note := c.Pages.brand().Note(); note != "" {
		c.Log.Warn("configuration", "note", "Pages.Accent: "+note)
	}
}

// onAddress reports whether an origin's host is an IP address.
func onAddress(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && net.ParseIP(u.Hostname()) != nil
}
