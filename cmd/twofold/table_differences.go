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
	const same = "write it"
	return []difference{
		{"SECURITY_RETURN_GENERIC_RESPONSES", "False", "answers do not tell strangers who has an account", same},
		{"SECURITY_FRESHNESS", "1 day", "a browser left open cannot change factors or address hours later", same},
		{"SECURITY_RESET_PASSWORD_WITHIN", "1 day", "a link in a mailbox opens the account", same},
		{"SECURITY_LOGIN_WITHIN", "1 day", "a link in a mailbox opens the account", "not possible: 10 minutes at most"},
		{"REMEMBER_COOKIE_DURATION", "365 days", "anyone who has the browser has the account for so long",
			"not possible: 30 days at most"},
		{"SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY", "120", "nine codes would be right at once in place of three",
			same},
		{"SECURITY_TWO_FACTOR_SMS_VALIDITY", "120", "texts take long; a code works once and takes five tries", same},
		{"SECURITY_TWO_FACTOR_SETUP_WITHIN", "30 minutes", "a set-up that was left open is someone else's chance",
			same},
		{"SECURITY_TWO_FACTOR_RESCUE_MAIL", "no-reply@localhost",
			"no one reads that mailbox: help is offered once there is an address", same},
		{"SECURITY_TWO_FACTOR_POST_SETUP_VIEW", ".two_factor_setup",
			"the account page shows the new factor and what else there is", "the path of the set-up page, `/tf-setup`"},
		{"SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", "5", "people who print them once have enough for years", same},
		{"SECURITY_US_SETUP_WITHIN", "30 minutes", "as above", same},
		{"SECURITY_US_TOKEN_VALIDITY", "120", "mails take long; a code works once and takes five tries", same},
		{"SECURITY_US_MFA_REQUIRED", "[password, email]",
			"a second factor that is required is required after every method", "`password,email`"},
		{"SECURITY_STATIC_FOLDER_URL", "/fs-static", "the files there are ours", same},
		{"SECURITY_WAN_RP_NAME", "My Flask App", "people see the name of the site", same},
		{"SECURITY_WAN_REGISTER_WITHIN", "30 minutes", "a question is for the person who is there",
			"not possible: 10 minutes at most"},
		{"SECURITY_WAN_SIGNIN_WITHIN", "1 minute",
			"people need longer than that to find a security key (WebAuthn level 3, 15.1)", same},
	}
}

// differencesMarkdown returns their table in docs/configuration.md.
func differencesMarkdown() string {
	var b strings.Builder
	b.WriteString("\n## Where a default is not the original's\n\nA configuration that leaves these out behaves " +
		"differently here. \"write it\": set the original's value.\n" +
		"A value out of bounds is taken as the bound where that is the safer value (a link that lives too long, a\n" +
		"wait that is too short), and a line of the log says so. Where the bound would be less safe than what was\n" +
		"written, the server does not start.\n\n" +
		"| setting | the original's default | ours | why | how to have theirs |\n|---|---|---|---|---|\n")
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
		"| `SECURITY_TWO_FACTOR` | `False` | `true` | no one is asked to set one up either way; see " +
		"`SECURITY_TWO_FACTOR_REQUIRED` | not needed |\n")
	return b.String()
}
