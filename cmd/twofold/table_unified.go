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
			Doc: "One page, `/us-signin`, whose one field takes a password or a code: mailed, texted, or shown by " +
				"an app. A code in its place is one factor: who has a second one is asked for it, and it must be " +
				"another thing than the first.",
			Cost: "Anyone who reads an account's mail or texts has its first factor, once the account has been set " +
				"up so.",
			Apply: toBool(func(s *settings) *bool { return &s.unified.on })},
		{Name: "SECURITY_US_SIGNIN_REPLACES_LOGIN", Type: flag, Default: "false", Field: "Passwordless.ReplacesLogin",
			Doc:   "Serves it at `SECURITY_LOGIN_URL` too, in the place of the page that takes a password only.",
			Apply: toBool(func(s *settings) *bool { return &s.unified.with.ReplacesLogin })},
		{Name: "SECURITY_US_ENABLED_METHODS", Type: list, Empty: "`password,email,authenticator,sms`, as far as " +
			"there are senders", Field: "Passwordless.EnabledMethods",
			Doc: "What may begin a sign-in there, tried in this order.", Apply: applyFirstMethods},
		{Name: "SECURITY_US_SETUP_WITHIN", Field: "Passwordless.SetupWithin",
			Doc: "How long setting up what begins a sign-in may take."},
		{Name: "SECURITY_US_MFA_REQUIRED", Type: list, Default: "password,email,authenticator,sms",
			Field: "Passwordless.Unforced",
			Doc: "Methods after which a second factor that is required must be set up before the first session. " +
				"Anyone who has one is asked for it after any of them.",
			Cost: "After a method that is left out, an account without second factor gets a session although one " +
				"is required.",
			Apply: applyMFARequired},
		{Name: "SECURITY_US_TOKEN_VALIDITY", Field: "Passwordless.CodeValidity",
			Doc:  "Lifetime of a code in place of a password, and of the link mailed with it.",
			Cost: "Anyone who sees the code can use it for that long."},
		{Name: "SECURITY_US_CODES_DAY", Field: "Advanced.Limits.FirstDay",
			Doc: "Codes in place of a password that are mailed to one account in 24 hours. Of texts it is " +
				"`SECURITY_TWO_FACTOR_SENDS_DAY`.",
			Cost: "Strangers can make the server write to people."},
		path("SECURITY_US_SIGNIN_URL", "/us-signin", "Unified sign-in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.Signin }),
		path("SECURITY_US_SIGNIN_SEND_CODE_URL", "/us-signin/send-code", "Asks for a code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.SendCode }),
		path("SECURITY_US_SETUP_URL", "/us-setup", "What begins a sign-in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.Setup }),
		path("SECURITY_US_VERIFY_URL", "/us-verify", "Asking again who one is, by any of it.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.Verify }),
		path("SECURITY_US_VERIFY_SEND_CODE_URL", "/us-verify/send-code", "Asks for a code for that.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.VerifySendCode }),
		path("SECURITY_US_VERIFY_LINK_URL", "/us-verify-link", "The link alongside a mailed code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Unified.VerifyLink }),
		{Name: "SECURITY_US_POST_SETUP_VIEW", Type: text, Empty: "the set-up page", Field: "Pages.Views",
			Doc:   "After setting up what begins a sign-in.",
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
