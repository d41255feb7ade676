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
			Doc: "`false` asks no one to set up a second factor, which is what the default of " +
				"`SECURITY_TWO_FACTOR_REQUIRED` says too. Anyone who sets one up is asked for it anyway.",
			Apply: applyTwoFactor},
		{Name: "SECURITY_TWO_FACTOR_REQUIRED", Type: flag, Default: "false", Field: "TwoFactor.Required",
			Doc:   "Requires a second factor of every user. Users who have none set one up at the next sign-in.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.Required })},
		{Name: "SECURITY_TWO_FACTOR_ENABLED_METHODS", Type: list,
			Empty: "`authenticator`, and `sms` and `email` where there is a sender", Field: "TwoFactor.EnabledMethods",
			Doc:   "What can be set up, in the order shown: `authenticator`, `sms`, `email`.",
			Cost:  "`email` is the weakest: anyone who has the mailbox often has the password's reset too.",
			Apply: applyMethods},
		{Name: "SECURITY_TWO_FACTOR_STRONG_ONLY", Type: flag, Default: "false", Field: "TwoFactor.StrongOnly",
			Doc: "`sms` and `email` are no second factors, whatever the list says: no one sets them up or is asked " +
				"for them, and no one is rescued by e-mail. Someone who has nothing else proves it once more at the " +
				"next sign-in, and then sets up an app or a passkey before there is a session.",
			Cost: "People who have neither an app nor a passkey cannot sign in. `false`: a text can be diverted by " +
				"anyone who takes over the number, a mailed code is as safe as the mailbox.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.StrongOnly })},
		{Name: "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE", Type: flag, Default: "true",
			Doc: "The second factor is asked for at every sign-in.",
			Cost: "`false` lets people have a browser trusted for `SECURITY_TWO_FACTOR_LOGIN_VALIDITY`: then that " +
				"browser is the second factor.", Apply: toBool(func(s *settings) *bool { return &s.always })},
		{Name: "SECURITY_TWO_FACTOR_LOGIN_VALIDITY", Default: highest("TwoFactor.LoginValidity"),
			Field: "TwoFactor.LoginValidity",
			Doc: "How long a trusted browser skips the second factor; only if " +
				"`SECURITY_TWO_FACTOR_ALWAYS_VALIDATE` is false. `0`: it is always asked for.",
			Apply: orZero(into("TwoFactor.LoginValidity", func(s *settings) *time.Duration { return &s.validity }))},
		{Name: "SECURITY_TWO_FACTOR_NO_TRUST_ROLES", Type: list, Empty: "none", Field: "TwoFactor.Trust",
			Doc:   "Roles whose holders are asked for the second factor at every sign-in, trusted browser or not.",
			Apply: applyNoTrust},
		{Name: "SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME", Type: text, Default: "tf_validity",
			Field: "Pages.Paths.DeviceCookie",
			Doc:   "Name of that browser's cookie.", Apply: applyCookieName},
	}
}

// codeTable is the settings of authenticator apps, codes and their set-up.
func codeTable() []setting {
	return []setting{
		{Name: "SECURITY_TOTP_SECRETS", Type: secretMap, Empty: "`SECRET_KEY` is used", Field: "TwoFactor.Secrets",
			Doc: "Keys for authenticator secrets by tag, e.g. `{\"1\": \"...\"}`. The newest tag seals, all open. " +
				"32 bytes at least.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.Config.TwoFactor.Secrets })},
		{Name: "SECURITY_TOTP_ISSUER", Type: text, Empty: "`TWOFOLD_SITE`", Field: "TwoFactor.Issuer",
			Doc:   "The name shown in authenticator apps.",
			Apply: toText(func(s *settings) *string { return &s.Config.TwoFactor.Issuer })},
		{Name: "SECURITY_TWO_FACTOR_QR_IN_JSON", Type: flag, Default: "false", Field: "TwoFactor.QRInJSON",
			Doc: "JSON answers that begin the set-up of an app carry its QR code as `tf_authr_qr` (`/tf-setup`) or " +
				"`authr_qr` (`/us-setup`), an SVG image as a data URI. `false`: a request asks for it by " +
				"`?include_qr`.",
			Cost:  "Drawing it takes about half the time of such an answer.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.QRInJSON })},
		{Name: "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY", Field: "TwoFactor.AuthenticatorValidity",
			Doc:  "How far an app's clock may be off, in each direction.",
			Cost: "At the maximum, nine codes are valid at once instead of three."},
		{Name: "SECURITY_TWO_FACTOR_MAIL_VALIDITY", Field: "TwoFactor.MailValidity",
			Doc: "Lifetime of a mailed code."},
		{Name: "SECURITY_TWO_FACTOR_SMS_VALIDITY", Field: "TwoFactor.SMSValidity",
			Doc: "Lifetime of a code in a text message."},
		{Name: "SECURITY_TWO_FACTOR_SETUP_WITHIN", Field: "TwoFactor.SetupWithin",
			Doc: "How long a set-up may take."},
		{Name: "SECURITY_TWO_FACTOR_ENROL_PROOF", Type: flag, Default: "false", Field: "TwoFactor.EnrollProof",
			Doc: "Asks those who must set up a second factor at sign-in for a mailed code first.",
			Cost: "`false`: anyone who has the password of an account without a second factor chooses it; the owner " +
				"is told by mail.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.EnrollProof })},
	}
}

// rescueTable returns the settings for users who have lost their second factor.
func rescueTable() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR_RESCUE_EMAIL", Type: flag, Default: "true", Field: "TwoFactor.RescueEmail",
			Doc: "Mails a code to those who lost their second factor. Without a mail server it is not offered.",
			Cost: "Password and mailbox are then enough for every account; `false` leaves the help of an " +
				"administrator.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.RescueEmail })},
		{Name: "SECURITY_TWO_FACTOR_RESCUE_REPAIR_ONLY", Type: flag, Default: "false",
			Field: "TwoFactor.RescueRepairOnly",
			Doc: "Someone who was rescued by e-mail sets up a factor in place of the lost one and has no session " +
				"before.",
			Cost:  "`false`: a rescued sign-in is a full one.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.RescueRepairOnly })},
		{Name: "SECURITY_TWO_FACTOR_RECOVERY", Type: flag, Default: "false", Field: "TwoFactor.Recovery",
			Doc: "Lets those who lost their second factor ask for a mailed link that sets up another one, with the " +
				"password, after a waiting period. All addresses hear of it at once, every signed-in browser can " +
				"stop it, signing in with the factor ends it.",
			Cost: "An attacker who has the password and the mailbox gets in if the owner does not notice for " +
				"that long.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.TwoFactor.Recovery })},
		{Name: "SECURITY_TWO_FACTOR_RECOVERY_WAIT", Field: "TwoFactor.RecoveryWait",
			Doc: "That waiting period."},
		{Name: "SECURITY_TWO_FACTOR_RESCUE_MAIL", Type: text, Empty: "none: help is not offered",
			Field: "TwoFactor.HelpAddress",
			Doc:   "Address of the administrators who help those who lost their second factor.",
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
			return errors.New("holds a method that is none of authenticator, sms, email: remove it (passkeys have " +
				"SECURITY_WEBAUTHN)")
		}
		if seen[m] {
			return errors.New("names " + m + " twice: remove one")
		}
		seen[m] = true
	}
	s.methodsGiven = methods
	return nil
}
