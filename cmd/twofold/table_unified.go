package main

import (
	"errors"
	"slices"
)

// unifiedTable returns the settings of unified sign-in.
func unifiedTable() []setting {
	path := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		{Name: "SECURITY_UNIFIED_SIGNIN", Type: flag, Default: "false", Field: "Passwordless",
			Doc: "Serves one sign-in page, `/us-signin`, with one field for a password or a code that was " +
				"mailed, texted or shown by an app. A code in place of a password is one factor. Users who have a " +
				"second factor are asked for it, and it must be another one than the first.",
			Cost: "Anyone who can read an account's mail or text messages has its first factor, if the account " +
				"was set up for that.",
			Apply: toBool(func(s *settings) *bool { return &s.unified.on })},
		{Name: "SECURITY_US_SIGNIN_REPLACES_LOGIN", Type: flag, Default: "false", Field: "Passwordless.ReplacesLogin",
			Doc: "Serves this page at `SECURITY_LOGIN_URL`, too, in place of the page that takes only a " +
				"password.",
			Apply: toBool(func(s *settings) *bool { return &s.unified.with.ReplacesLogin })},
		{Name: "SECURITY_US_ENABLED_METHODS", Type: list, Empty: "`password,email,authenticator,sms`, if they " +
			"have a sender", Field: "Passwordless.EnabledMethods",
			Doc: "Methods that can start a sign-in on this page, tried in this order.", Apply: applyFirstMethods},
		{Name: "SECURITY_US_SETUP_WITHIN", Field: "Passwordless.SetupWithin",
			Doc: "How long setting up such a method may take."},
		{Name: "SECURITY_US_MFA_REQUIRED", Type: list, Default: "password,email,authenticator,sms",
			Field: "Passwordless.Unforced",
			Doc: "Methods after which an account must set up a required second factor before its first " +
				"session. An account that has one is asked for it after any method.",
			Cost: "After a method that is not listed, an account without a second factor gets a session even if " +
				"one is required.",
			Apply: applyMFARequired},
		{Name: "SECURITY_US_TOKEN_VALIDITY", Field: "Passwordless.CodeValidity",
			Doc:  "Lifetime of a code in place of a password, and of the link mailed with it.",
			Cost: "Anyone who sees the code can use it for that long."},
		{Name: "SECURITY_US_CODES_DAY", Field: "Advanced.Limits.FirstDay",
			Doc: "Maximum number of codes in place of a password that are mailed to one account in 24 hours. " +
				"`SECURITY_TWO_FACTOR_SENDS_DAY` is the maximum for text messages.",
			Cost: "A higher number lets strangers cause more mail to other people."},
		path("SECURITY_US_SIGNIN_URL", "/us-signin", "Unified sign-in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.Signin }),
		path("SECURITY_US_SIGNIN_SEND_CODE_URL", "/us-signin/send-code", "Requesting a code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.SendCode }),
		path("SECURITY_US_SETUP_URL", "/us-setup", "Setting up methods for unified "+
			"sign-in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.Setup }),
		path("SECURITY_US_VERIFY_URL", "/us-verify", "Re-authentication with any of "+
			"these methods.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.Verify }),
		path("SECURITY_US_VERIFY_SEND_CODE_URL", "/us-verify/send-code", "Requesting a code for "+
			"re-authentication.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.VerifySendCode }),
		path("SECURITY_US_VERIFY_LINK_URL", "/us-verify-link", "The link in a mail with a "+
			"code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.VerifyLink }),
		{Name: "SECURITY_US_POST_SETUP_VIEW", Type: text, Empty: "the set-up page", Field: "Pages.Views",
			Doc:   "The page after such a method was set up.",
			Apply: toView(func(s *settings) *string { return &s.Config.Pages.Views.PostUnifiedSetup }, ".us_setup")},
	}
}

// applyMFARequired inverts the contract's list: by default no method is exempt.
func applyMFARequired(s *settings, raw any) error {
	var forced []string
	if err := toList(func(*settings) *[]string { return &forced })(s, raw); err != nil {
		return err
	}
	s.unified.with.Unforced = slices.DeleteFunc([]string{"email", "authenticator", "sms"}, func(m string) bool {
		return slices.Contains(forced, m)
	})
	return nil
}

func applyFirstMethods(s *settings, raw any) error {
	if err := toList(func(s *settings) *[]string { return &s.unified.with.EnabledMethods })(s, raw); err != nil {
		return err
	}
	if len(s.unified.with.EnabledMethods) == 0 {
		return errors.New("is an empty list: name at least one of password, email, authenticator, sms")
	}
	return nil
}
