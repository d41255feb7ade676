package main

import (
	"errors"
	"slices"
	"strings"
)

const (
	groupAbsent = "Not in this version"
	groupInert  = "Accepted without effect"
)

// absentTable are the settings of the wire contract whose features this version does not have. They
// may be set to "off", so that a configuration can be pasted. If one is switched on, the server
// does not start, so that no one relies on a missing feature.
func absentTable() []setting {
	return slices.Concat(absentBehaviours(), absentTexts())
}

func absentBehaviours() []setting {
	return []setting{
		absent("SECURITY_SUBDOMAIN", "", "sub-domain routes"),
		absent("SECURITY_ANONYMOUS_USER_DISABLED", "false", "a switch for anonymous users"),
		absent("SECURITY_REDIRECT_ALLOW_SUBDOMAINS", "false", "redirects to sub-domains"),
		absent("SECURITY_REDIRECT_BASE_DOMAIN", "", "redirects to other hosts"),
		absent("SECURITY_REDIRECT_ALLOWED_SUBDOMAINS", "", "redirects to sub-domains"),
		noSignOut(absent("SECURITY_LOGOUT_METHODS", "POST", "a choice of methods for signing out; only POST works")),
		absent("SECURITY_LOGOUT_CSRF", "false",
			"a token for signing out; the origin of the request is always checked"),
		absent("SECURITY_API_ENABLED_METHODS", "session,token", "a choice of authentication methods for APIs"),
		absent("SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN", "true", "a separate freshness of header tokens"),
		absent("SECURITY_TOKEN_AUTHENTICATION_HEADER", "Authentication-Token", "another name for the header of tokens"),
		absent("SECURITY_TOKEN_AUTHENTICATION_KEY", "auth_token", "tokens in queries and bodies"),
		absent("SECURITY_TWO_FACTOR_IMPLEMENTATIONS",
			`{"code":"flask_security.twofactor.CodeTfPlugin","webauthn":"flask_security.webauthn.WebAuthnTfPlugin"}`,
			"second factors from plug-ins"),
		absent("SECURITY_EMAIL_PLAINTEXT", "true", "mails without text"),
		absent("SECURITY_EMAIL_HTML", "true", "a choice of mail formats"),
		absent("SECURITY_SEND_PASSWORD_RESET_EMAIL", "true", "resets without a mail"),
		absent("SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL", "true",
			"a switch for this notice; owners are always notified"),
		absent("SECURITY_SEND_PASSWORD_CHANGE_EMAIL", "true", "a switch for this notice; owners are always notified"),
		absent("SECURITY_SEND_USERNAME_CHANGE_EMAIL", "true", "a switch for this notice; owners are always notified"),
		absent("SECURITY_I18N_DIRNAME", "builtin", "gettext catalogues; see TWOFOLD_LOCALES"),
		absent("SECURITY_CACHE_CONTROL", `{"no-store":true,"private":true}`, "other Cache-Control headers"),
		absent("MAIL_SUPPRESS_SEND", "false", "a switch that suppresses mail; leave MAIL_SERVER out"),
		absent("MAIL_BACKEND", "smtp", "other ways to send mail than SMTP"),
		absent("WTF_CSRF_ENABLED", "true", "a switch for the protection against forged requests"),
	}
}

// noSignOut changes the row of the setting whose None would mean that users cannot sign out.
func noSignOut(row setting) setting {
	row.TakesNone = true
	return row
}

// absentTexts returns the settings of templates, which may have their default values.
func absentTexts() []setting {
	rows := []setting{}
	add := func(names, what string) {
		for line := range strings.SplitSeq(strings.TrimSpace(names), "\n") {
			name, def, _ := strings.Cut(line, "=")
			rows = append(rows, absent("SECURITY_"+name, def, what))
		}
	}
	pages := "LOGOUT_USER FORGOT_PASSWORD LOGIN_USER REGISTER_USER RESET_PASSWORD CHANGE_PASSWORD SEND_CONFIRMATION " +
		"SEND_LOGIN VERIFY TWO_FACTOR_VERIFY_CODE TWO_FACTOR_SETUP TWO_FACTOR_SELECT CHANGE_EMAIL CHANGE_USERNAME " +
		"US_SIGNIN US_SETUP US_VERIFY WAN_REGISTER WAN_SIGNIN WAN_VERIFY"
	for name := range strings.FieldsSeq(pages) {
		add(name+"_TEMPLATE=security/"+strings.ToLower(name)+".html", "Jinja templates; see TWOFOLD_TEMPLATES")
	}
	add(`MULTI_FACTOR_RECOVERY_CODES_TEMPLATE=security/mf_recovery_codes.html
MULTI_FACTOR_RECOVERY_TEMPLATE=security/mf_recovery.html
USERNAME_RECOVERY_TEMPLATE=security/recover_username.html
REGISTER_EMAIL_EXISTING_USERNAME_TEMPLATE=security/email/welcome_existing_username
REGISTER_EMAIL_EXISTING_TEMPLATE=security/email/welcome_existing
REGISTER_EMAIL_TEMPLATE=security/email/welcome
CHANGE_EMAIL_EMAIL_TEMPLATE=security/email/change_email_instructions
CHANGE_USERNAME_EMAIL_TEMPLATE=security/email/change_username_notice
TWO_FACTOR_EMAIL_TEMPLATE=security/email/two_factor_instructions
TWO_FACTOR_RESCUE_EMAIL_TEMPLATE=security/email/two_factor_rescue
EMAIL_TEMPLATE_PASSWORDLESS=security/email/login_instructions
EMAIL_TEMPLATE_CONFIRM=security/email/confirmation_instructions
EMAIL_TEMPLATE_PASSWORD_RESET=security/email/reset_instructions
EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE=security/email/reset_notice
EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE=security/email/change_notice
USERNAME_RECOVERY_EMAIL_TEMPLATE=security/email/username_recovery
US_EMAIL_TEMPLATE=security/email/us_instructions`, "Jinja templates; see TWOFOLD_TEMPLATES")
	return rows
}

// absent returns the row of a feature that this version does not have.
func absent(name, off, what string) setting {
	typ := text
	if off == "true" || off == "false" {
		typ = flag
	}
	at := "is not set"
	if off != "" {
		at = "is " + off
	}
	return setting{
		Name: name, Type: typ, Empty: off, Doc: "This version does not have " + what + ".",
		Apply: func(_ *settings, raw any) error {
			got := plain(raw)
			if typ == flag {
				on, err := asBool(raw)
				if err == nil {
					got = map[bool]string{true: "true", false: "false"}[on]
				}
			}
			if strings.EqualFold(got, off) {
				return nil
			}
			return errors.New("this version does not have " + what +
				": remove the setting (it is accepted only if it " + at + ")")
		},
	}
}
