package main

import (
	"errors"
	"slices"
	"strings"
	"time"
)

func signInTable() []setting {
	return []setting{
		{Name: "SECURITY_URL_PREFIX", Type: text, Empty: "none", Field: "Pages.Prefix",
			Doc:   "Prefix of every path, e.g. `/auth`.",
			Apply: toPath(func(s *settings) *string { return &s.Config.Pages.Prefix })},
		{Name: "SECURITY_REGISTERABLE", Type: flag, Default: "false", Field: "Accounts.Registerable",
			Doc:   "Lets anyone register an account.",
			Cost:  "Strangers can create accounts.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Accounts.Registerable })},
		{Name: "SECURITY_USERNAME_ENABLE", Type: flag, Default: "false", Field: "Accounts.Usernames",
			Doc:   "Lets users have a username and sign in with it.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Accounts.Usernames })},
		{Name: "SECURITY_USER_IDENTITY_ATTRIBUTES", Type: list,
			Empty: "`email`, and `username` if `SECURITY_USERNAME_ENABLE`", Field: "Accounts.UsernameFirst",
			Doc: "Identities that users can sign in with: `email`, or `email` and `username` in either order. " +
				"Each may be a dict as in the original; its mapper and `case_insensitive` have no effect, because " +
				"case and equivalent spellings never matter. `username` switches on `SECURITY_USERNAME_ENABLE`. If " +
				"`username` comes first, authenticator apps and passkeys show it as the name of the account.",
			Apply: applyIdentities},
		{Name: "SECURITY_RETURN_GENERIC_RESPONSES", Type: flag, Default: "true", Field: "Accounts.RevealAccounts",
			Doc: "Keeps answers from revealing whether an account exists, or whether the identity or the " +
				"password was wrong.",
			Cost: "With `false`, strangers can find out who has an account.",
			Apply: func(s *settings, raw any) error {
				generic, err := asBool(raw)
				s.Config.Accounts.RevealAccounts = err == nil && !generic
				return err
			}},
	}
}

func passwordTable() []setting {
	return []setting{
		{Name: "SECURITY_PASSWORD_HASH", Field: "Password.Scheme",
			Doc: "Scheme of new hashes: `argon2` (argon2id) or `bcrypt`. Hashes of both schemes are always " +
				"accepted."},
		{Name: "SECURITY_PASSWORD_SALT", Type: secret, Empty: "none", Field: "Password.Salt",
			Doc: "The salt of the installation whose password hashes should keep working. Each of its hashes " +
				"is replaced when its user signs in.",
			Apply: toText(func(s *settings) *string { return &s.Config.Password.Salt })},
		{Name: "SECURITY_PASSWORD_PEPPERS", Type: secretMap, Empty: "none", Field: "Password.Peppers",
			Doc: "Secrets, by name, that other systems appended to passwords before they hashed them, e.g. " +
				"`{\"devise\": \"...\"}`. An imported hash names the secret that it needs. Keep a secret until " +
				"every such hash has been replaced, which happens when its user signs in.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.Config.Password.Peppers })},
		{Name: "SECURITY_PASSWORD_LENGTH_MIN", Field: "Password.MinLength",
			Doc: "Minimum length of new passwords, in characters. 15 is recommended if a password alone may " +
				"open a session."},
		{Name: "SECURITY_PASSWORD_SLOTS", Field: "Password.Slots",
			Doc: "Number of passwords that are hashed concurrently."},
		{Name: "SECURITY_PASSWORD_PORTABLE", Type: flag, Default: "false", Field: "Password.Portable",
			Doc: "Computes hashes with `golang.org/x/crypto` on every machine, instead of with assembly on " +
				"processors with AVX2. The hashes are the same.",
			Cost:  "Computing a hash takes two to three times as long.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Password.Portable })},
	}
}

func sessionTable() []setting {
	return []setting{
		{Name: "SECURITY_SESSION_IDLE", Field: "Sessions.Idle",
			Doc: "Ends a session after this time without a request."},
		{Name: "SECURITY_SESSION_LIFETIME", Field: "Sessions.Absolute",
			Doc:  "Ends a session after this time, even if it is in use. Not shorter than `SECURITY_SESSION_IDLE`.",
			Cost: "A stolen session can be used for that long."},
		{Name: "SECURITY_TOKEN_MAX_AGE", Field: "Sessions.TokenLife",
			Doc: "Lifetime of a header token (`Authentication-Token`).",
			Cost: "A copied token opens the account for that long. With refresh tokens " +
				"(`SECURITY_REFRESH_TOKEN`), programs can use short-lived header tokens."},
		{Name: "SECURITY_REMEMBER_ME", Type: flag, Default: "false",
			Doc: "Lets users stay signed in for `REMEMBER_COOKIE_DURATION` by ticking \"remember me\". The " +
				"cookie is `remember_token`. Users with a second factor stay signed in only if " +
				"`SECURITY_TWO_FACTOR_ALWAYS_VALIDATE` is false, and for at most " +
				"`SECURITY_TWO_FACTOR_LOGIN_VALIDITY`.",
			Cost: "Anyone who has the browser has the account, except for security changes, which require every " +
				"factor again.",
			Apply: toBool(func(s *settings) *bool { return &s.remember })},
		{Name: "TWOFOLD_NEW_BROWSER_MAIL", Type: flag, Default: "true", Field: "Sessions.NoNewBrowserMail",
			Doc: "Notifies users by mail when a browser signs in that has not signed in to their account " +
				"before. The first sign-in of a new account is not reported.",
			Cost:  "With `false`, an owner is not told of a stranger who has everything that a sign-in requires.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.Sessions.NoNewBrowserMail })},
		{Name: "REMEMBER_COOKIE_DURATION", Default: highest("Sessions.Remember"), Field: "Sessions.Remember",
			Doc: "Lifetime of the cookie `remember_token`, counted from the sign-in. It is used only if " +
				"`SECURITY_REMEMBER_ME` is true.",
			Apply: into("Sessions.Remember", func(s *settings) *time.Duration { return &s.rememberFor })},
		{Name: "SECURITY_DEFAULT_REMEMBER_ME", Type: flag, Default: "false", Field: "Sessions.RememberByDefault",
			Doc: "Ticks \"remember me\" by default. A JSON sign-in that does not mention it counts as ticked.",
			Cost: "Users who do not notice the box stay signed in, or have browsers trusted, on other people's " +
				"machines.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Sessions.RememberByDefault })},
		{Name: "SECURITY_FRESHNESS", Field: "TwoFactor.Freshness",
			Doc: "Maximum age of the full sign-in for a security change; after that, the user must " +
				"re-authenticate. `0`: every change requires it.",
			Cost: "With a negative value, a sign-in of any age is enough: anyone who finds a browser that is " +
				"signed in with both factors can replace the second one.",
			Apply: into("TwoFactor.Freshness", func(s *settings) *time.Duration { return &s.freshness })},
		{Name: "PERMANENT_SESSION_LIFETIME", Type: duration, Empty: "none",
			Doc: "Not supported: `SECURITY_SESSION_IDLE` and `SECURITY_SESSION_LIFETIME` apply instead. If the " +
				"value is below one day, the server does not start, because sessions would last longer than it " +
				"says.",
			Apply: applyPermanent},
	}
}

func limitTable() []setting { return slices.Concat(guessLimits(), rateLimits(), requestLimits()) }

func guessLimits() []setting {
	return []setting{
		{Name: "SECURITY_LOGIN_FAILURES", Field: "Advanced.Limits.FirstFailures",
			Doc:  "Number of consecutive wrong passwords after which sign-ins to an account must wait.",
			Cost: "A higher number gives an attacker more guesses."},
		{Name: "SECURITY_LOGIN_ACCOUNT_FAILURES", Field: "Advanced.Limits.AccountFailures",
			Doc: "Number of wrong passwords for one account in 24 hours, from all networks that never signed " +
				"in to it, after which they all must wait. Browsers and networks that have signed in to it have a " +
				"separate budget of the same size.",
			Cost: "A higher number gives more guesses to an attacker who has many addresses."},
		{Name: "SECURITY_LOGIN_HOLD", Field: "Advanced.Limits.FirstHold",
			Doc: "The first waiting time. It doubles with each further failure."},
		{Name: "SECURITY_LOGIN_MAX_HOLD", Field: "Advanced.Limits.FirstMaxHold",
			Doc: "The longest waiting time."},
		{Name: "SECURITY_TWO_FACTOR_FAILURES", Field: "Advanced.Limits.SecondFailures",
			Doc: "Number of wrong codes in `SECURITY_TWO_FACTOR_FAILURE_WINDOW`, over all sign-ins, after " +
				"which the second factors of an account are paused.",
			Cost: "A code has only six digits: each further attempt gives an attacker another chance to guess " +
				"it."},
		{Name: "SECURITY_TWO_FACTOR_FAILURE_WINDOW", Field: "Advanced.Limits.SecondWindow",
			Doc: "Length of that window, and of the pause."},
		{Name: "SECURITY_TWO_FACTOR_FACTOR_FAILURES", Field: "Advanced.Limits.FactorFailures",
			Doc: "Number of consecutive wrong codes, over any length of time, after which a factor is switched " +
				"off until it is set up again. For browsers that never signed in to the account the number is half."},
	}
}

// rateLimits returns the settings of limits on messages and requests.
func rateLimits() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR_SEND_GAP", Field: "Advanced.Limits.SendGap",
			Doc: "Minimum time between two codes of one sign-in."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_SHORT", Field: "Advanced.Limits.SendShort",
			Doc:  "Maximum number of unanswered codes to one destination in 10 minutes.",
			Cost: "A higher number lets strangers cause more messages to other people, at your expense."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_DAY", Field: "Advanced.Limits.SendDay",
			Doc: "Maximum number of unanswered codes to one destination in 24 hours."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_MOST", Field: "Advanced.Limits.SendMost",
			Doc:  "Maximum number of codes to one destination in 24 hours, answered or not.",
			Cost: "Someone who answers the codes can make you pay for this many."},
		{Name: "SECURITY_LOGIN_ADDRESS_FAILURES", Field: "Advanced.Limits.AddressFailures",
			Doc: "Number of wrong passwords in 15 minutes from one client address (IPv6: one /64) after which " +
				"the address is refused for 15 minutes.",
			Cost: "A higher number lets an attacker try more accounts from one address."},
		{Name: "SECURITY_LOGIN_HOUR_FAILURES", Field: "Advanced.Limits.HourFailures",
			Doc: "Number of wrong passwords in one hour, over all accounts and addresses, that is reported " +
				"once an hour: as an error in the log, a row `passwords-guessed` in the audit trail and a count in " +
				"the metrics. No one is refused because of it."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_ADDRESS", Field: "Advanced.Limits.SendAddress",
			Doc:  "Maximum number of unanswered codes that one client address can request in an hour.",
			Cost: "A higher number lets strangers cause more work and more messages."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_HOUR", Field: "Advanced.Limits.SendHour",
			Doc: "Maximum number of messages per hour and channel, for each kind of caller in the table of " +
				"budgets in docs/security.md.",
			Cost: "This is what an SMS pumping attack can cost you in an hour."},
	}
}

// requestLimits returns the settings of budgets of rescues, set-ups, registrations and links.
func requestLimits() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR_RESCUES_HOUR", Field: "Advanced.Limits.RescueHour",
			Doc:  "Maximum number of rescues of one account in an hour, for each method.",
			Cost: "A higher number lets strangers cause more work and more messages."},
		{Name: "SECURITY_TWO_FACTOR_RESCUES_DAY", Field: "Advanced.Limits.RescueDay",
			Doc:  "Maximum number of rescues of one account in 24 hours, for each method.",
			Cost: "A higher number lets strangers cause more work and more messages."},
		{Name: "SECURITY_TWO_FACTOR_SETUPS_HOUR", Field: "Advanced.Limits.SetupHour",
			Doc:  "Maximum number of set-ups that one account can start in an hour.",
			Cost: "A higher number lets strangers cause more work and more messages."},
		{Name: "SECURITY_REGISTERS_HOUR", Field: "Advanced.Limits.RegisterHour",
			Doc:  "Maximum number of registrations from one client address in an hour.",
			Cost: "A higher number lets strangers fill the database faster."},
		{Name: "SECURITY_LINKS_HOUR", Field: "Advanced.Limits.LinkHour",
			Doc: "Maximum number of mailed links to one address, known or not, that one client address can " +
				"request in an hour.",
			Cost: "A higher number lets strangers cause more mail to other people."},
		{Name: "SECURITY_LINKS_ADDRESS", Field: "Advanced.Limits.LinkAddress",
			Doc:  "Maximum number of mailed links that one client address can request in an hour.",
			Cost: "A higher number lets strangers cause more work and more messages."},
		{Name: "SECURITY_LINKS_DAY", Field: "Advanced.Limits.LinkDay",
			Doc:  "Maximum number of mailed links to one address in 24 hours.",
			Cost: "A higher number lets strangers cause more mail to other people."},
	}
}

func pathTable() []setting {
	row := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		row("SECURITY_LOGIN_URL", "/login", "The sign-in page.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Login }),
		row("SECURITY_LOGOUT_URL", "/logout", "Signing out, by POST.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Logout }),
		row("SECURITY_REGISTER_URL", "/register", "Registration, if it is "+
			"allowed.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Register }),
		row("SECURITY_VERIFY_URL", "/verify", "Re-authentication.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Verify }),
		row("SECURITY_TWO_FACTOR_SETUP_URL", "/tf-setup", "Setting up second factors.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Setup }),
		row("SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL", "/tf-validate", "Entering the second factor of "+
			"a sign-in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Validate }),
		row("SECURITY_TWO_FACTOR_SELECT_URL", "/tf-select", "Choosing one of several second "+
			"factors.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Select }),
		row("SECURITY_TWO_FACTOR_RESCUE_URL", "/tf-rescue", "Rescue of users who lost their "+
			"second factor.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Rescue }),
		row("SECURITY_TWO_FACTOR_RESEND_URL", "/tf-resend", "Sending another code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Resend }),
		row("SECURITY_TWO_FACTOR_FACTORS_URL", "/tf-factors", "The list of second factors.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Factors }),
		row("SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL", "/mf-recovery-codes", "Creating recovery codes.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Codes }),
		row("SECURITY_MULTI_FACTOR_RECOVERY_URL", "/mf-recovery", "Signing in with a recovery "+
			"code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.UseCode }),
		row("SECURITY_ACCOUNT_URL", "/me", "The account page.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Account }),
		row("SECURITY_STATIC_FOLDER_URL", "/tf-static", "Style sheets and pictures.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Static }),
	}
}

// applyPostSetup adds a note if the value is the original's default, which differs from ours.
func applyPostSetup(s *settings, raw any) error {
	const theirs = ".two_factor_setup"
	if raw == theirs {
		s.note("SECURITY_TWO_FACTOR_POST_SETUP_VIEW = " + theirs +
			" is taken as the account page: for the set-up page, write its path")
	}
	return toView(func(s *settings) *string { return &s.Config.Pages.Views.PostSetup }, theirs)(s, raw)
}

func viewTable() []setting {
	row := func(name, def, doc, contract string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Empty: def, Doc: doc, Field: "Pages.Views", Apply: toView(p, contract)}
	}
	return []setting{
		row("SECURITY_POST_LOGIN_VIEW", "`/`", "After a sign-in. `/` leads to "+
			"the account page.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostLogin }),
		row("SECURITY_POST_LOGOUT_VIEW", "`/`", "After signing out.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostLogout }),
		row("SECURITY_POST_REGISTER_VIEW", "`SECURITY_POST_LOGIN_VIEW`", "After a registration.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostRegister }),
		row("SECURITY_POST_VERIFY_VIEW", "`SECURITY_POST_LOGIN_VIEW`", "After a re-authentication.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostVerify }),
		{Name: "SECURITY_TWO_FACTOR_POST_SETUP_VIEW", Type: text, Empty: "the account page", Field: "Pages.Views",
			Doc: "After a second factor was set up or removed.", Apply: applyPostSetup},
		row("SECURITY_TWO_FACTOR_ERROR_VIEW", "the sign-in page", "After a step of a sign-in that "+
			"was out of order.", ".login",
			func(s *settings) *string { return &s.Config.Pages.Views.Error }),
		row("SECURITY_UNAUTHORIZED_VIEW", "an error page", "When the user lacks a role.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.Unauthorized }),
	}
}

// applyIdentities accepts the order of identities, as texts or, as in the wire contract, as
// dicts with one key.
func applyIdentities(s *settings, raw any) error {
	if text, ok := raw.(string); ok && strings.HasPrefix(strings.TrimSpace(text), "[") {
		if items, err := decode(text); err == nil {
			raw = items
		}
	}
	if items, ok := raw.([]any); ok {
		names := make([]any, 0, len(items))
		for _, it := range items {
			if dict, ok := it.(map[string]any); ok && len(dict) == 1 {
				for name := range dict {
					it = name
				}
			}
			names = append(names, it)
		}
		raw = names
	}
	names, err := asList(raw)
	if err != nil {
		return err
	}
	switch strings.Join(names, ",") {
	case "email":
	case "email,username":
		s.Config.Accounts.Usernames = true
	case "username,email":
		s.Config.Accounts.Usernames, s.Config.Accounts.UsernameFirst = true, true
	default:
		return errors.New("is neither email nor email and username: write one of these (a phone " +
			"number is not an identity here, because it can change hands)")
	}
	return nil
}
