package main

import (
	"testing"

	"github.com/twofold-auth/twofold"
)

// theirs contains the settings in the original's documentation of single-page applications.
func theirs() map[string]any {
	return map[string]any{
		"SECRET_KEY": goodKey, "TWOFOLD_ORIGIN": "https://login.example.org",
		"SECURITY_FLASH_MESSAGES": false, "SECURITY_URL_PREFIX": "/api/accounts", "SECURITY_RECOVERABLE": true,
		"SECURITY_CHANGEABLE":  true,
		"SECURITY_CONFIRMABLE": true, "SECURITY_REGISTERABLE": true, "SECURITY_UNIFIED_SIGNIN": true,
		"MAIL_SERVER":         "localhost",
		"MAIL_DEFAULT_SENDER": "no-reply@example.org", "SECURITY_POST_CONFIRM_VIEW": "/confirmed",
		"SECURITY_CONFIRM_ERROR_VIEW": "/confirm-error",
		"SECURITY_RESET_VIEW":         "/reset-password", "SECURITY_RESET_ERROR_VIEW": "/reset-password-error",
		"SECURITY_LOGIN_ERROR_VIEW":      "/login-error",
		"SECURITY_POST_OAUTH_LOGIN_VIEW": "/post-oauth-login", "SECURITY_REDIRECT_BEHAVIOR": "spa",
		"SECURITY_CSRF_PROTECT_MECHANISMS": []any{"session", "basic"}, "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": true,
		"SECURITY_CSRF_COOKIE_NAME": "XSRF-TOKEN", "WTF_CSRF_CHECK_DEFAULT": false, "WTF_CSRF_TIME_LIMIT": "None",
		"SESSION_COOKIE_SAMESITE": "strict", "REMEMBER_COOKIE_SAMESITE": "strict",
	}
}

// TestTheSettingsOfASinglePageApplication checks that these settings have the same effect as in the
// original.
func TestTheSettingsOfASinglePageApplication(t *testing.T) {
	for host, origin := range map[string]string{
		"": "", "app.example.org": "https://app.example.org", "localhost:3000": "http://localhost:3000",
		"127.0.0.1:3000":           "http://127.0.0.1:3000",
		"https://app.example.org/": "https://app.example.org", "http://localhost:3000": "http://localhost:3000",
		"app.example.org:8443": "https://app.example.org:8443",
	} {
		given := theirs()
		given["SECURITY_REDIRECT_HOST"] = host
		s, err := assemble(given, map[string]any{}, where{})
		if err != nil {
			t.Errorf("%q: %v", host, err)
			continue
		}
		want := twofold.SPA{Origin: origin, TellInQuery: true, CSRFCookie: "XSRF-TOKEN", CSRFHeader: "X-XSRF-Token"}
		if s.Config.Pages.SPA != want || s.Config.Pages.Views.Life.PostConfirm != "/confirmed" {
			t.Errorf("%q: %+v", host, s.Config.Pages.SPA)
		}
	}
	for name, values := range map[string][]string{
		"SECURITY_REDIRECT_HOST": {"app.example.org/path", "a b", "https://", "*", "*.example.org",
			"u@app.example.org", "ftp://app.example.org", "//app.example.org"},
		"SECURITY_REDIRECT_BEHAVIOR": {"SPA", "true", "flash"},
		"SECURITY_VERIFY_ERROR_VIEW": {"https://evil.example", "//evil.example"},
	} {
		for _, value := range values {
			given := theirs()
			given[name] = value
			if _, err := assemble(given, map[string]any{}, where{}); err == nil {
				t.Errorf("%s=%s is accepted", name, value)
			}
		}
	}
}
