package main

import (
	"fmt"
	"strings"
)

// difference is a setting whose default differs from that of the original.
type difference struct {
	name, theirs string
	why          string
	how          string // how to get the original's
}

// differences returns all differences, ordered by page of the original's documentation.
func differences() []difference {
	const same = "set it"
	return []difference{
		{"SECURITY_RETURN_GENERIC_RESPONSES", "False", "answers do not tell strangers who has an account", same},
		{"SECURITY_FRESHNESS", "1 day", "a browser left open cannot change factors or the address hours later", same},
		{"SECURITY_RESET_PASSWORD_WITHIN", "1 day", "a link in a mailbox opens the account", same},
		{"SECURITY_LOGIN_WITHIN", "1 day", "a link in a mailbox opens the account", "not possible: 10 minutes at most"},
		{"REMEMBER_COOKIE_DURATION", "365 days", "anyone who has the browser has the account for that long",
			"not possible: 30 days at most"},
		{"SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY", "120", "nine codes would be valid at once instead of three",
			same},
		{"SECURITY_TWO_FACTOR_SMS_VALIDITY", "120", "text messages can take long; a code works once and allows five " +
			"tries", same},
		{"SECURITY_TWO_FACTOR_SETUP_WITHIN", "30 minutes", "someone else could complete a set-up that was left open",
			same},
		{"SECURITY_TWO_FACTOR_RESCUE_MAIL", "no-reply@localhost",
			"no one reads that mailbox: help is offered only with a real address", same},
		{"SECURITY_TWO_FACTOR_POST_SETUP_VIEW", ".two_factor_setup",
			"the account page shows the new factor and the others", "the path of the set-up page, `/tf-setup`"},
		{"SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", "5", "users who print them once have enough for years", same},
		{"SECURITY_US_SETUP_WITHIN", "30 minutes", "as above", same},
		{"SECURITY_US_TOKEN_VALIDITY", "120", "mails can take long; a code works once and allows five tries", same},
		{"SECURITY_US_MFA_REQUIRED", "[password, email]",
			"a required second factor is required after every method", "`password,email`"},
		{"SECURITY_STATIC_FOLDER_URL", "/fs-static", "the files there are ours", same},
		{"SECURITY_WAN_RP_NAME", "My Flask App", "users see the name of the site", same},
		{"SECURITY_WAN_REGISTER_WITHIN", "30 minutes", "a challenge should be answered by the user who is present",
			"not possible: 10 minutes at most"},
		{"SECURITY_WAN_SIGNIN_WITHIN", "1 minute",
			"users need longer than that to find a security key (WebAuthn level 3, 15.1)", same},
	}
}

// differencesMarkdown returns their table in docs/configuration.md.
func differencesMarkdown() string {
	var b strings.Builder
	b.WriteString("\n## Where a default is not the original's\n\nA configuration that leaves these out behaves " +
		"differently here. \"set it\": set the value of the original.\n" +
		"A value out of bounds is replaced by the bound if that is safer (a link that lives too long, a wait that\n" +
		"is too short), and the log says so. If the bound would be less safe than the value, the server does not\n" +
		"start.\n\n" +
		"| setting | default of the original | default here | reason | to get the original's " +
		"|\n|---|---|---|---|---|\n")
	rows := map[string]setting{}
	for _, row := range table() {
		rows[row.Name] = row
	}
	for _, d := range differences() {
		ours := rows[d.name].Empty
		if def := rows[d.name].Default; def != "" {
			ours = code(def)
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", d.name, d.theirs, ours, d.why, d.how)
	}
	b.WriteString("| `SECURITY_REMEMBER_ME` (ours) | always on | `false` | anyone who has the browser has the " +
		"account | `true` |\n" +
		"| `SECURITY_TWO_FACTOR` | `False` | `true` | neither value requires anyone to set one up; see " +
		"`SECURITY_TWO_FACTOR_REQUIRED` | not needed |\n")
	return b.String()
}
