package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/captcha"
)

// captchaSettings contains the settings of Flask-WTF.
type captchaSettings struct{ public, private, verify, script string }

func captchaTable() []setting {
	a := func(f func(*twofold.Accounts) *string) func(*settings, any) error {
		return toText(func(s *settings) *string { return f(&s.Config.Accounts) })
	}
	r := func(f func(*captchaSettings) *string) func(*settings, any) error {
		return toText(func(s *settings) *string { return f(&s.captcha) })
	}
	return []setting{
		{Name: "SECURITY_CAPTCHA", Type: text, Empty: "none", Field: "Accounts.Captcha",
			Doc: "Protects the forms that anyone can send from programs: `turnstile`, `hcaptcha`, `recaptcha` " +
				"or `altcha`. The first three are services: browsers load their script, and they receive the IP " +
				"address of the user. With `altcha` the browser computes for a moment, and no service is asked. " +
				"While a service is unavailable, the forms answer 503 and change nothing.",
			Cost:  "The forms that ask for a captcha need JavaScript.",
			Apply: a(func(a *twofold.Accounts) *string { return &a.Captcha })},
		{Name: "SECURITY_CAPTCHA_AT", Type: list, Empty: "all three", Field: "Accounts.CaptchaAt",
			Doc: "Forms that ask for a captcha: `register`, `reset` (each form that sends mail to an address " +
				"that was typed) and `sign-in` (after `SECURITY_CAPTCHA_FAILURES`, in browsers that have not signed " +
				"in to the account before).",
			Apply: toList(func(s *settings) *[]string { return &s.Config.Accounts.CaptchaAt })},
		{Name: "SECURITY_CAPTCHA_FAILURES", Field: "Advanced.Limits.CaptchaFailures",
			Doc: "Number of wrong passwords in 24 hours for one address or username after which a sign-in asks " +
				"for a captcha. Five times as many in 15 minutes from one network have the same effect.",
			Cost: "A higher number allows more guesses without a captcha."},
		{Name: "SECURITY_CAPTCHA_SITE_KEY", Type: text, Empty: "none", Field: "Accounts.CaptchaSiteKey",
			Doc:   "The site key that the service issued.",
			Apply: a(func(a *twofold.Accounts) *string { return &a.CaptchaSiteKey })},
		{Name: "SECURITY_CAPTCHA_SECRET", Type: secret, Empty: "none", Field: "Accounts.CaptchaSecret",
			Doc:   "The secret that belongs to the site key.",
			Apply: a(func(a *twofold.Accounts) *string { return &a.CaptchaSecret })},
		{Name: "SECURITY_CAPTCHA_VERIFY_URL", Type: text, Empty: "the service's own",
			Field: "Accounts.CaptchaVerifyURL",
			Doc:   "URL that verifies answers.",
			Apply: a(func(a *twofold.Accounts) *string { return &a.CaptchaVerifyURL })},
		{Name: "SECURITY_CAPTCHA_SCRIPT_URL", Type: text, Empty: "the service's own",
			Field: "Accounts.CaptchaScriptURL",
			Doc: "Script that pages load, e.g. `https://www.recaptcha.net/recaptcha/api.js`. Pages with a " +
				"captcha may then load from its origin.",
			Apply: a(func(a *twofold.Accounts) *string { return &a.CaptchaScriptURL })},
		{Name: "SECURITY_CAPTCHA_MIN_SCORE", Field: "Accounts.CaptchaMinScore",
			Doc: "Minimum score that is accepted, e.g. `0.5`, for keys of reCAPTCHA v3.", Apply: applyScore},
		{Name: "SECURITY_CAPTCHA_COST", Field: "Accounts.CaptchaCost", Empty: standard("Accounts.CaptchaCost"),
			Doc:  "For Altcha: about twice the average number of hashes that a browser computes.",
			Cost: "With a lower number, programs spend less. With a higher one, slow phones take long."},
		{Name: "RECAPTCHA_PUBLIC_KEY", Type: text, Empty: "none",
			Doc: "`SECURITY_CAPTCHA_SITE_KEY` under the name of Flask-WTF. With it, `SECURITY_CAPTCHA` is " +
				"`recaptcha` unless it is set.",
			Apply: r(func(c *captchaSettings) *string { return &c.public })},
		{Name: "RECAPTCHA_PRIVATE_KEY", Type: secret, Empty: "none",
			Doc:   "`SECURITY_CAPTCHA_SECRET` under the name of Flask-WTF.",
			Apply: r(func(c *captchaSettings) *string { return &c.private })},
		{Name: "RECAPTCHA_VERIFY_SERVER", Type: text, Empty: "none",
			Doc:   "`SECURITY_CAPTCHA_VERIFY_URL` under the name of Flask-WTF.",
			Apply: r(func(c *captchaSettings) *string { return &c.verify })},
		{Name: "RECAPTCHA_SCRIPT", Type: text, Empty: "none",
			Doc:   "`SECURITY_CAPTCHA_SCRIPT_URL` under the name of Flask-WTF.",
			Apply: r(func(c *captchaSettings) *string { return &c.script })},
	}
}

func applyScore(s *settings, raw any) error {
	score, err := strconv.ParseFloat(plain(raw), 64)
	if err != nil || !(score > 0 && score <= float64(of("Accounts.CaptchaMinScore").Max)) {
		return errors.New("is not a score: write a number such as 0.5")
	}
	s.Config.Accounts.CaptchaMinScore = score
	return nil
}

// finishCaptcha converts the settings of Flask-WTF.
func finishCaptcha(s *settings) problems {
	c, a := s.captcha, &s.Config.Accounts
	if c == (captchaSettings{}) {
		return nil
	}
	if a.Captcha == "" {
		a.Captcha = captcha.ReCAPTCHA
	}
	if a.Captcha != captcha.ReCAPTCHA {
		s.note("RECAPTCHA_* has no effect: SECURITY_CAPTCHA is %s", a.Captcha)
		return nil
	}
	var bad problems
	for _, both := range []struct {
		old, own string
		from     string
		to       *string
	}{
		{"RECAPTCHA_PUBLIC_KEY", "SECURITY_CAPTCHA_SITE_KEY", c.public, &a.CaptchaSiteKey},
		{"RECAPTCHA_PRIVATE_KEY", "SECURITY_CAPTCHA_SECRET", c.private, &a.CaptchaSecret},
		{"RECAPTCHA_VERIFY_SERVER", "SECURITY_CAPTCHA_VERIFY_URL", c.verify, &a.CaptchaVerifyURL},
		{"RECAPTCHA_SCRIPT", "SECURITY_CAPTCHA_SCRIPT_URL", c.script, &a.CaptchaScriptURL},
	} {
		switch {
		case both.from == "":
		case *both.to != "" && *both.to != both.from:
			bad = append(bad, problem{both.old, "is set, and so is " + both.own + ": remove one of the two"})
		default:
			*both.to = both.from
		}
	}
	return bad
}

// captcha asks the captcha's service whether the keys are valid.
func (p probes) captcha(ctx context.Context) {
	a := p.s.Config.Accounts
	switch a.Captcha {
	case "":
		return
	case captcha.Altcha:
		p.ok("captcha", "altcha asks no service")
		return
	}
	k, err := captcha.New(captcha.Config{
		Provider: a.Captcha, SiteKey: a.CaptchaSiteKey, Secret: a.CaptchaSecret, VerifyURL: a.CaptchaVerifyURL,
		ScriptURL: a.CaptchaScriptURL, MinScore: a.CaptchaMinScore,
	})
	if err == nil {
		err = k.Probe(ctx)
	}
	if err != nil {
		p.fail("captcha", "%s: %s", a.Captcha, oneLine(err))
		return
	}
	p.ok("captcha", "%s answers and knows the secret", a.Captcha)
}
