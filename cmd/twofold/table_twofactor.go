package main

import (
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold"
)

func twoFactorTable() []setting { return slices.Concat(askTable(), codeTable(), rescueTable()) }

// askTable returns the settings of when a second factor is required and how it is set up.
func askTable() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR", Type: flag, Default: "true",
			Doc: "`false` requires no one to set up a second factor; neither does the default of " +
				"`SECURITY_TWO_FACTOR_REQUIRED`. Users who set one up are asked for it in any case.",
			Apply: applyTwoFactor},
		{Name: "SECURITY_TWO_FACTOR_REQUIRED", Type: flag, Default: "false", Field: "TwoFactor.Required",
			Doc: "Requires a second factor for every account. An account without one sets it up at the next " +
				"sign-in.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.Required })},
		{Name: "SECURITY_TWO_FACTOR_ENABLED_METHODS", Type: list,
			Empty: "`authenticator`, and `sms` and `email` if they have a sender", Field: "TwoFactor.EnabledMethods",
			Doc:   "Methods that users can set up, in the order shown: `authenticator`, `sms`, `email`.",
			Cost:  "`email` is the weakest method: anyone who has the mailbox can often reset the password, too.",
			Apply: applyMethods},
		{Name: "SECURITY_TWO_FACTOR_STRONG_ONLY", Type: flag, Default: "false", Field: "TwoFactor.StrongOnly",
			Doc: "Does not accept `sms` and `email` as second factors, even if " +
				"`SECURITY_TWO_FACTOR_ENABLED_METHODS` lists them: users cannot set them up, are not asked for " +
				"them, and cannot be rescued by e-mail. Users who have no other factor prove it once more at the " +
				"next sign-in, and must then set up an app or a passkey before they get a session.",
			Cost: "Users who have neither an app nor a passkey cannot sign in. With `false`, anyone who takes " +
				"over a phone number gets its codes, and a mailed code is only as safe as the mailbox.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.StrongOnly })},
		{Name: "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE", Type: flag, Default: "true",
			Doc: "Asks for the second factor at every sign-in.",
			Cost: "With `false`, users can have a browser trusted for `SECURITY_TWO_FACTOR_LOGIN_VALIDITY`. " +
				"That browser then counts as the second " +
				"factor.", Apply: toBool(func(s *settings) *bool { return &s.always })},
		{Name: "SECURITY_TWO_FACTOR_LOGIN_VALIDITY", Default: highest("TwoFactor.LoginValidity"),
			Field: "TwoFactor.LoginValidity",
			Doc: "How long a trusted browser is not asked for the second factor, if " +
				"`SECURITY_TWO_FACTOR_ALWAYS_VALIDATE` is false. `0`: it is always asked.",
			Apply: orZero(into("TwoFactor.LoginValidity", func(s *settings) *time.Duration { return &s.validity }))},
		{Name: "SECURITY_TWO_FACTOR_NO_TRUST_ROLES", Type: list, Empty: "none", Field: "TwoFactor.Trust",
			Doc: "Roles whose users are asked for the second factor at every sign-in, even in a trusted " +
				"browser.",
			Apply: applyNoTrust},
		{Name: "SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME", Type: text, Default: "tf_validity",
			Field: "Pages.Paths.DeviceCookie",
			Doc:   "Name of the cookie of a trusted browser.", Apply: applyCookieName},
	}
}

// codeTable returns the settings of authenticator apps, codes and their set-up.
func codeTable() []setting {
	return []setting{
		{Name: "SECURITY_TOTP_SECRETS", Type: secretMap, Empty: "`SECRET_KEY` is used", Field: "TwoFactor.Secrets",
			Doc: "Keys that encrypt the secrets of authenticator apps, by tag, e.g. `{\"1\": \"...\"}`. The " +
				"key with the newest tag encrypts; all keys decrypt. Each has at least 32 bytes.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.Config.TwoFactor.Secrets })},
		{Name: "SECURITY_TOTP_ISSUER", Type: text, Empty: "`TWOFOLD_SITE`", Field: "TwoFactor.Issuer",
			Doc:   "Name of the site in authenticator apps.",
			Apply: toText(func(s *settings) *string { return &s.Config.TwoFactor.Issuer })},
		{Name: "SECURITY_TWO_FACTOR_QR_IN_JSON", Type: flag, Default: "false", Field: "TwoFactor.QRInJSON",
			Doc: "Adds the QR code to JSON answers that start the set-up of an app, as `tf_authr_qr` " +
				"(`/tf-setup`) or `authr_qr` (`/us-setup`), an SVG image in a data URI. With `false`, a request " +
				"gets it with `?include_qr`.",
			Cost:  "Drawing the QR code takes about half the time of such an answer.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.QRInJSON })},
		{Name: "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY", Field: "TwoFactor.AuthenticatorValidity",
			Doc:  "How far an app's clock may be off, in each direction.",
			Cost: "At the maximum, nine codes are valid at once instead of three."},
		{Name: "SECURITY_TWO_FACTOR_MAIL_VALIDITY", Field: "TwoFactor.MailValidity",
			Doc: "Lifetime of a mailed code."},
		{Name: "SECURITY_TWO_FACTOR_SMS_VALIDITY", Field: "TwoFactor.SMSValidity",
			Doc: "Lifetime of a code in a text message."},
		{Name: "SECURITY_TWO_FACTOR_SETUP_WITHIN", Field: "TwoFactor.SetupWithin",
			Doc: "How long setting up a second factor may take."},
		{Name: "SECURITY_TWO_FACTOR_ENROL_PROOF", Type: flag, Default: "false", Field: "TwoFactor.EnrollProof",
			Doc: "Asks users who must set up a second factor at sign-in for a mailed code first.",
			Cost: "With `false`, anyone who has the password of an account without a second factor can set one " +
				"up; the owner is notified by mail.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.EnrollProof })},
	}
}

// rescueTable returns the settings for users who have lost their second factor.
func rescueTable() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR_RESCUE_EMAIL", Type: flag, Default: "true", Field: "TwoFactor.RescueEmail",
			Doc: "Mails a code to users who lost their second factor. It is not offered without a mail server.",
			Cost: "With `true`, the password and the mailbox are enough to open any account. With `false`, only " +
				"an administrator can help these users.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.RescueEmail })},
		{Name: "SECURITY_TWO_FACTOR_RESCUE_REPAIR_ONLY", Type: flag, Default: "false",
			Field: "TwoFactor.RescueRepairOnly",
			Doc: "Requires users who were rescued by e-mail to set up a factor in place of the lost one before " +
				"they get a session.",
			Cost:  "With `false`, a rescued sign-in opens a full session.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.RescueRepairOnly })},
		{Name: "SECURITY_TWO_FACTOR_RECOVERY", Type: flag, Default: "false", Field: "TwoFactor.Recovery",
			Doc: "Lets users who lost their second factor request a mailed link that, together with the " +
				"password, sets up another one after a waiting period. All addresses of the account are notified at " +
				"once. Every signed-in browser can stop the recovery, and signing in with the factor ends it.",
			Cost: "An attacker with the password and the mailbox gets in if the owner does not notice for that " +
				"long.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.Recovery })},
		{Name: "SECURITY_TWO_FACTOR_RECOVERY_WAIT", Field: "TwoFactor.RecoveryWait",
			Doc: "Time until the mailed link works."},
		{Name: "SECURITY_TWO_FACTOR_RESCUE_MAIL", Type: text, Empty: "none: help is not offered",
			Field: "TwoFactor.HelpAddress",
			Doc:   "Address of the administrators who help users who lost their second factor.",
			Apply: applyRescueMail},
	}
}

func applyTwoFactor(s *settings, raw any) error {
	on, err := asBool(raw)
	if s.twoFactorOff = err == nil && !on; s.twoFactorOff {
		s.note("SECURITY_TWO_FACTOR is false: no one has to set up a second factor, and anyone who does is still " +
			"asked for it")
	}
	return err
}

func applyNoTrust(s *settings, raw any) error {
	roles, err := asList(raw)
	if err != nil {
		return err
	}
	s.Config.TwoFactor.Trust = func(u twofold.User) bool {
		return !slices.ContainsFunc(u.Roles, func(r string) bool { return slices.Contains(roles, r) })
	}
	return nil
}

func applyMethods(s *settings, raw any) error {
	methods, err := asList(raw)
	if err != nil {
		return err
	}
	if len(methods) == 0 {
		return errors.New("is an empty list: name at least one of authenticator, sms, email")
	}
	seen := map[string]bool{}
	for _, m := range methods {
		if m != "authenticator" && m != "sms" && m != "email" {
			return errors.New("contains a method other than authenticator, sms and email: remove it (passkeys have " +
				"SECURITY_WEBAUTHN)")
		}
		if seen[m] {
			return errors.New("lists " + m + " twice: remove one")
		}
		seen[m] = true
	}
	s.methodsGiven = methods
	return nil
}
