package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestCaptchaBySettings covers our names and those of Flask-WTF.
func TestCaptchaBySettings(t *testing.T) {
	const site, secret = "SECURITY_CAPTCHA_SITE_KEY=a", "SECURITY_CAPTCHA_SECRET=b"
	const public, private = "RECAPTCHA_PUBLIC_KEY=a", "RECAPTCHA_PRIVATE_KEY=b"
	for want, given := range map[string][]string{
		"    0":                  nil,
		"altcha    0":            {"SECURITY_CAPTCHA=altcha"},
		"turnstile a b  0":       {"SECURITY_CAPTCHA=turnstile", site, secret},
		"recaptcha a b  0":       {public, private},
		"recaptcha a b reset 0":  {public, private, "SECURITY_CAPTCHA_AT=reset"},
		"altcha    0 ":           {public, private, "SECURITY_CAPTCHA=altcha"},
		"recaptcha a b  0.5":     {public, private, "SECURITY_CAPTCHA_MIN_SCORE=0.5"},
		"hcaptcha a  register 0": {"SECURITY_CAPTCHA=hcaptcha", site, "SECURITY_CAPTCHA_AT=register"},
	} {
		a := mustLoad(t, given...).Config.Accounts
		at := strings.Join(a.CaptchaAt, ",")
		got := fmt.Sprintf("%s %s %s %s %v", a.Captcha, a.CaptchaSiteKey, a.CaptchaSecret, at, a.CaptchaMinScore)
		if got != strings.TrimSuffix(want, " ") {
			t.Errorf("%v: %q, want %q", given, got, want)
		}
	}
	for want, given := range map[string][]string{
		"RECAPTCHA_PRIVATE_KEY: is set": {public, "RECAPTCHA_PRIVATE_KEY=hush", "SECURITY_CAPTCHA_SECRET=hush2"},
		"is not a score":                {"SECURITY_CAPTCHA_MIN_SCORE=high"},
		"out of bounds":                 {"SECURITY_CAPTCHA_COST=10000001"},
	} {
		_, err := with(t, given...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%v: %v, want %q", given, err, want)
		}
	}
}

// TestConfigCheckAsksTheCaptchaService checks that the service verifies the secret.
func TestConfigCheckAsksTheCaptchaService(t *testing.T) {
	says := `{"success":false,"error-codes":["invalid-input-response"]}`
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, says)
	}))
	t.Cleanup(service.Close)
	s := mustLoad(t, "SECURITY_CAPTCHA=turnstile", "SECURITY_CAPTCHA_SITE_KEY=a", "SECURITY_CAPTCHA_SECRET=hush",
		"SECURITY_CAPTCHA_VERIFY_URL="+service.URL)
	try := func() string {
		var b bytes.Buffer
		probes{&findings{out: &b}, s}.captcha(t.Context())
		return b.String()
	}
	if got := try(); !strings.HasPrefix(got, "ok      captcha") {
		t.Error(got)
	}
	says = `{"success":false,"error-codes":["invalid-input-secret"]}`
	if got := try(); !strings.HasPrefix(got, "FAILED  captcha") || strings.Contains(got, "hush") {
		t.Error(got)
	}
}
