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
			Doc:   "The prefix of every path, e.g. `/auth`.",
			Apply: toPath(func(s *settings) *string { return &s.Config.Pages.Prefix })},
		{Name: "SECURITY_REGISTERABLE", Type: flag, Default: "false", Field: "Accounts.Registerable",
			Doc:   "Lets anyone register.",
			Cost:  "Strangers can make accounts.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Accounts.Registerable })},
		{Name: "SECURITY_USERNAME_ENABLE", Type: flag, Default: "false", Field: "Accounts.Usernames",
			Doc:   "Lets people have a username and sign in with it.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Accounts.Usernames })},
		{Name: "SECURITY_USER_IDENTITY_ATTRIBUTES", Type: list,
			Empty: "`email`, and `username` if `SECURITY_USERNAME_ENABLE`", Field: "Accounts.UsernameFirst",
			Doc: "`email`, or `email` and `username` in either order. Each may be a dict as in the original; its " +
				"mapper and `case_insensitive` have no effect, as both are found in any case and spelling. " +
				"`username` switches `SECURITY_USERNAME_ENABLE` on. If it comes first, authenticator apps and " +
				"passkeys are named by it.",
			Apply: applyIdentities},
		{Name: "SECURITY_RETURN_GENERIC_RESPONSES", Type: flag, Default: "true", Field: "Accounts.RevealAccounts",
			Doc:  "Answers do not tell whether an account exists, nor which of identity and password was wrong.",
			Cost: "`false` lets strangers find out who has an account.",
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
			Doc: "Scheme of new hashes: `argon2` (argon2id) or `bcrypt`. Both always verify."},
		{Name: "SECURITY_PASSWORD_SALT", Type: secret, Empty: "none", Field: "Password.Salt",
			Doc: "The salt of the installation whose password hashes shall go on working. They are rewritten at " +
				"sign-in.",
			Apply: toText(func(s *settings) *string { return &s.Config.Password.Salt })},
		{Name: "SECURITY_PASSWORD_PEPPERS", Type: secretMap, Empty: "none", Field: "Password.Peppers",
			Doc: "Secrets that other systems appended to passwords before they hashed them, by name, e.g. " +
				"`{\"devise\": \"...\"}`. An imported hash names the one it needs. Keep it until every such " +
				"hash has been replaced, which a sign-in does.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.Config.Password.Peppers })},
		{Name: "SECURITY_PASSWORD_LENGTH_MIN", Field: "Password.MinLength",
			Doc: "Minimum length in characters. 15 is advised if a password alone may open a session."},
		{Name: "SECURITY_PASSWORD_SLOTS", Field: "Password.Slots",
			Doc: "The number of passwords that are hashed concurrently."},
		{Name: "SECURITY_PASSWORD_PORTABLE", Type: flag, Default: "false", Field: "Password.Portable",
			Doc: "Hashes with `golang.org/x/crypto` on every machine, " +
				"not with assembly where the processor has AVX2. Hashes are the same.",
			Cost:  "A hash takes two to three times as long.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Password.Portable })},
	}
}

func sessionTable() []setting {
	return []setting{
		{Name: "SECURITY_SESSION_IDLE", Field: "Sessions.Idle",
			Doc: "Ends a session after this time without a request."},
		{Name: "SECURITY_SESSION_LIFETIME", Field: "Sessions.Absolute",
			Doc:  "Maximum lifetime of a session.",
			Cost: "A stolen session works for that long."},
		{Name: "SECURITY_TOKEN_MAX_AGE", Field: "Sessions.TokenLife",
			Doc: "Lifetime of a header token (`Authentication-Token`).",
			Cost: "A copied token opens the account for that long. Refresh tokens (`SECURITY_REFRESH_TOKEN`) let a " +
				"program go on with short ones."},
		{Name: "SECURITY_REMEMBER_ME", Type: flag, Default: "false",
			Doc: "Who ticks \"remember me\" stays signed in for `REMEMBER_COOKIE_DURATION`, by the cookie " +
				"`remember_token`. An account with a second factor does only where " +
				"`SECURITY_TWO_FACTOR_ALWAYS_VALIDATE` is false, and for `SECURITY_TWO_FACTOR_LOGIN_VALIDITY` at " +
				"most.",
			Cost: "Anyone who has the browser has the account, but for security changes, which ask for everything " +
				"again.",
			Apply: toBool(func(s *settings) *bool { return &s.remember })},
		{Name: "TWOFOLD_NEW_BROWSER_MAIL", Type: flag, Default: "true", Field: "Sessions.NoNewBrowserMail",
			Doc: "Mails people when a browser signs in that has not signed in to their account before. " +
				"The first sign-in of a new account is not told.",
			Cost:  "`false`: an owner does not hear of a stranger who has all that a sign-in asks for.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.Sessions.NoNewBrowserMail })},
		{Name: "REMEMBER_COOKIE_DURATION", Default: highest("Sessions.Remember"), Field: "Sessions.Remember",
			Doc:   "Lifetime of that cookie from the sign-in. Only if `SECURITY_REMEMBER_ME`.",
			Apply: into("Sessions.Remember", func(s *settings) *time.Duration { return &s.rememberFor })},
		{Name: "SECURITY_DEFAULT_REMEMBER_ME", Type: flag, Default: "false", Field: "Sessions.RememberByDefault",
			Doc:   "The box is ticked, and a JSON sign-in that does not say asks for it.",
			Cost:  "People who did not think of it stay signed in, or have browsers trusted, on machines of others.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Sessions.RememberByDefault })},
		{Name: "SECURITY_FRESHNESS", Field: "TwoFactor.Freshness",
			Doc: "How old the full sign-in may be for a security change; after that it is asked for again. `0`: " +
				"each change asks.",
			Cost: "With a negative value any age will do: anyone who finds a browser that is signed in with both " +
				"factors can replace the second one.",
			Apply: into("TwoFactor.Freshness", func(s *settings) *time.Duration { return &s.freshness })},
		{Name: "PERMANENT_SESSION_LIFETIME", Type: duration, Empty: "none",
			Doc: "Not taken over: `SECURITY_SESSION_IDLE` and `SECURITY_SESSION_LIFETIME` are. Below a day it " +
				"stops the server, because sessions would live longer than it says.",
			Apply: applyPermanent},
	}
}

func limitTable() []setting { return slices.Concat(guessLimits(), rateLimits(), requestLimits()) }

func guessLimits() []setting {
	return []setting{
		{Name: "SECURITY_LOGIN_FAILURES", Field: "Advanced.Limits.FirstFailures",
			Doc:  "Number of consecutive wrong passwords after which an account must wait.",
			Cost: "More guesses for strangers."},
		{Name: "SECURITY_LOGIN_ACCOUNT_FAILURES", Field: "Advanced.Limits.AccountFailures",
			Doc: "Number of wrong passwords in 24 hours for one account, over all networks that have never signed in " +
				"to it, after which all of them must wait. Known browsers and networks have a budget of the same size.",
			Cost: "More guesses for someone who has many addresses."},
		{Name: "SECURITY_LOGIN_HOLD", Field: "Advanced.Limits.FirstHold",
			Doc: "The first wait; it doubles with each further failure."},
		{Name: "SECURITY_LOGIN_MAX_HOLD", Field: "Advanced.Limits.FirstMaxHold",
			Doc: "The longest wait."},
		{Name: "SECURITY_TWO_FACTOR_FAILURES", Field: "Advanced.Limits.SecondFailures",
			Doc:  "Number of wrong codes within the window that pause an account's second factors, over all sign-ins.",
			Cost: "A code has six digits: every further try is worth as much to a stranger."},
		{Name: "SECURITY_TWO_FACTOR_FAILURE_WINDOW", Field: "Advanced.Limits.SecondWindow",
			Doc: "The length of that window and of the pause."},
		{Name: "SECURITY_TWO_FACTOR_FACTOR_FAILURES", Field: "Advanced.Limits.FactorFailures",
			Doc: "Number of consecutive wrong codes that disable a factor until it is set up again. Browsers " +
				"that have never signed in to the account have half of them."},
	}
}

// rateLimits returns the settings of limits on messages and requests.
func rateLimits() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR_SEND_GAP", Field: "Advanced.Limits.SendGap",
			Doc: "Minimum time between two codes of one sign-in."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_SHORT", Field: "Advanced.Limits.SendShort",
			Doc:  "Unanswered codes per 10 minutes to one destination.",
			Cost: "Strangers can make the server write to people, at your expense."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_DAY", Field: "Advanced.Limits.SendDay",
			Doc: "The same per 24 hours."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_MOST", Field: "Advanced.Limits.SendMost",
			Doc:  "All codes per 24 hours to one destination, answered or not.",
			Cost: "A person who answers the codes can make you pay for more messages."},
		{Name: "SECURITY_LOGIN_ADDRESS_FAILURES", Field: "Advanced.Limits.AddressFailures",
			Doc: "Wrong passwords within 15 minutes from one client address (IPv6: one /64) that close it for 15 " +
				"minutes.",
			Cost: "More accounts can be tried from one address."},
		{Name: "SECURITY_LOGIN_HOUR_FAILURES", Field: "Advanced.Limits.HourFailures",
			Doc: "Failed passwords in an hour, over all accounts and addresses, that are reported once an hour: as " +
				"an error in the log, a row `passwords-guessed` in the audit trail and a count in the metrics. No " +
				"one is refused because of it."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_ADDRESS", Field: "Advanced.Limits.SendAddress",
			Doc:  "Unanswered codes per hour that one client address requests.",
			Cost: "Strangers can cause more work and more messages."},
		{Name: "SECURITY_TWO_FACTOR_SENDS_HOUR", Field: "Advanced.Limits.SendHour",
			Doc: "Messages per hour and channel, for each kind of caller that the table of budgets in " +
				"docs/security.md names.",
			Cost: "What a pumping attack may cost in an hour."},
	}
}

// requestLimits are the settings of budgets of rescues, set-ups, registrations and links.
func requestLimits() []setting {
	return []setting{
		{Name: "SECURITY_TWO_FACTOR_RESCUES_HOUR", Field: "Advanced.Limits.RescueHour",
			Doc:  "Rescues of one account per hour, with each method.",
			Cost: "Strangers can cause more work and more messages."},
		{Name: "SECURITY_TWO_FACTOR_RESCUES_DAY", Field: "Advanced.Limits.RescueDay",
			Doc:  "The same per 24 hours.",
			Cost: "Strangers can cause more work and more messages."},
		{Name: "SECURITY_TWO_FACTOR_SETUPS_HOUR", Field: "Advanced.Limits.SetupHour",
			Doc:  "Set-ups that one account begins per hour.",
			Cost: "Strangers can cause more work and more messages."},
		{Name: "SECURITY_REGISTERS_HOUR", Field: "Advanced.Limits.RegisterHour",
			Doc:  "Registrations per hour from one client address.",
			Cost: "Strangers can fill the database."},
		{Name: "SECURITY_LINKS_HOUR", Field: "Advanced.Limits.LinkHour",
			Doc:  "Mailed links per hour to one address, known or not, at the wish of one client address.",
			Cost: "Strangers can make the server write to people."},
		{Name: "SECURITY_LINKS_ADDRESS", Field: "Advanced.Limits.LinkAddress",
			Doc:  "Mailed links per hour at the wish of one client address.",
			Cost: "Strangers can cause more work and more messages."},
		{Name: "SECURITY_LINKS_DAY", Field: "Advanced.Limits.LinkDay",
			Doc:  "Mailed links per 24 hours to one address.",
			Cost: "Strangers can make the server write to people."},
	}
}

func pathTable() []setting {
	row := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		row("SECURITY_LOGIN_URL", "/login", "Signing in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Login }),
		row("SECURITY_LOGOUT_URL", "/logout", "Signing out, by POST.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Logout }),
		row("SECURITY_REGISTER_URL", "/register", "Registration, if it is open.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Register }),
		row("SECURITY_VERIFY_URL", "/verify", "Asking again who one is.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Verify }),
		row("SECURITY_TWO_FACTOR_SETUP_URL", "/tf-setup", "Second factors.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Setup }),
		row("SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL", "/tf-validate", "The code of a sign-in.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Validate }),
		row("SECURITY_TWO_FACTOR_SELECT_URL", "/tf-select", "Choosing among several.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Select }),
		row("SECURITY_TWO_FACTOR_RESCUE_URL", "/tf-rescue", "For those who lost theirs.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Rescue }),
		row("SECURITY_TWO_FACTOR_RESEND_URL", "/tf-resend", "Another code.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Resend }),
		row("SECURITY_TWO_FACTOR_FACTORS_URL", "/tf-factors", "The list of second factors.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Factors }),
		row("SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL", "/mf-recovery-codes", "Making recovery codes.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Codes }),
		row("SECURITY_MULTI_FACTOR_RECOVERY_URL", "/mf-recovery", "Signing in with one.",
			func(s *settings) *string { return &s.Config.Pages.Paths.UseCode }),
		row("SECURITY_ACCOUNT_URL", "/me", "The account page.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Account }),
		row("SECURITY_STATIC_FOLDER_URL", "/tf-static", "Style sheet and pictures.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Static }),
	}
}

// applyPostSetup adds a note if the value is the original's default, which differs from ours.
func applyPostSetup(s *settings, raw any) error {
	const theirs = ".two_factor_setup"
	if raw == theirs {
		s.note("SECURITY_TWO_FACTOR_POST_SETUP_VIEW = " + theirs +
			" is taken as the account page: to have the page of set-ups, write its path")
	}
	return toView(func(s *settings) *string { return &s.Config.Pages.Views.PostSetup }, theirs)(s, raw)
}

func viewTable() []setting {
	row := func(name, def, doc, contract string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Empty: def, Doc: doc, Field: "Pages.Views", Apply: toView(p, contract)}
	}
	return []setting{
		row("SECURITY_POST_LOGIN_VIEW", "`/`", "After signing in. `/` leads to the account page.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostLogin }),
		row("SECURITY_POST_LOGOUT_VIEW", "`/`", "After signing out.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostLogout }),
		row("SECURITY_POST_REGISTER_VIEW", "`SECURITY_POST_LOGIN_VIEW`", "After registration.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostRegister }),
		row("SECURITY_POST_VERIFY_VIEW", "`SECURITY_POST_LOGIN_VIEW`", "After asking again who one is.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.PostVerify }),
		{Name: "SECURITY_TWO_FACTOR_POST_SETUP_VIEW", Type: text, Empty: "the account page", Field: "Pages.Views",
			Doc: "After setting up or switching off a second factor.", Apply: applyPostSetup},
		row("SECURITY_TWO_FACTOR_ERROR_VIEW", "the sign-in page", "After a step out of turn.", ".login",
			func(s *settings) *string { return &s.Config.Pages.Views.Error }),
		row("SECURITY_UNAUTHORIZED_VIEW", "a page that says so", "When a role is missing.", "",
			func(s *settings) *string { return &s.Config.Pages.Views.Unauthorized }),
	}
}

// applyIdentities accepts the order of identities, as texts or as dicts with one key like in the
// wire contract.
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
		return errors.New("names something else than email, or email and username: write one of these (a phone " +
			"number is not an identity here, because it can change hands)")
	}
	return nil
}
