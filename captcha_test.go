package twofold_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
)

// TestNewNamesEveryMistakeOfACaptcha also covers pages of the application that would show no
// captcha.
func TestNewNamesEveryMistakeOfACaptcha(t *testing.T) {
	t.Parallel()
	login := fstest.MapFS{"login.html": page(`{{define "title"}}t{{end}}{{define "content"}}<form></form>{{end}}`)}
	for want, change := range map[string]func(c *twofold.Config){
		"Accounts.Captcha: must be turnstile": func(c *twofold.Config) {
			c.Accounts.Captcha = "kitten"
		},
		"Accounts.CaptchaSiteKey: must be the key": func(c *twofold.Config) {
			c.Accounts.Captcha = "turnstile"
		},
		"Accounts.CaptchaSecret: has no effect": func(c *twofold.Config) {
			c.Accounts.CaptchaSecret = "x"
		},
		"Accounts.CaptchaAt: has no effect": func(c *twofold.Config) {
			c.Accounts.CaptchaAt = []string{"reset"}
		},
		"Accounts.CaptchaCost: must be between": func(c *twofold.Config) {
			c.Accounts.Captcha, c.Accounts.CaptchaCost = "altcha", 1
		},
		`Accounts.CaptchaAt: invalid form "everywhere`: func(c *twofold.Config) {
			c.Accounts.CaptchaAt = []string{"everywhere"}
		},
		"Limits.CaptchaFailures: must be between": func(c *twofold.Config) {
			c.Advanced.Limits.CaptchaFailures = 1000
		},
		"Templates: login.html does not show the captcha": func(c *twofold.Config) {
			c.Pages.Templates = login
		},
	} {
		c := twofold.Config{Origin: "http://localhost", Key: twofold.KeyText(twofold.NewKey())}
		if !strings.Contains(want, "no effect") {
			c.Accounts.Captcha = "altcha"
		}
		change(&c)
		if _, err := twofold.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
