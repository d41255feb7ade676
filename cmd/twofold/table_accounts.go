package main

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/twofold-auth/twofold"
)

// applyFields accepts a list of dicts.
func applyFields(s *settings, raw any) error {
	bad := errors.New(`is not a list of dicts with NAME, LABEL, REQUIRED, KIND, OPTIONS, MIN and MAX: ` +
		`write [{"NAME": "name", "LABEL": "Your name", "REQUIRED": true}]`)
	text, isText := raw.(string)
	if !isText {
		b, err := json.Marshal(raw)
		if err != nil {
			return bad
		}
		text = string(b)
	}
	var list []struct {
		Name     string   `json:"NAME"`
		Label    string   `json:"LABEL"`
		Required bool     `json:"REQUIRED"`
		Kind     string   `json:"KIND"`
		Options  []string `json:"OPTIONS"`
		Min      int      `json:"MIN"`
		Max      int      `json:"MAX"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&list) != nil {
		return bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) { // there is more data
		return bad
	}
	s.Config.Accounts.Fields = nil
	for _, f := range list {
		s.Config.Accounts.Fields = append(s.Config.Accounts.Fields, twofold.Field(f))
	}
	return nil
}

// accountTable returns the settings of what users may do with their accounts.
func accountTable() []setting {
	on := func(p func(*settings) *bool) func(*settings, any) error { return toBool(p) }
	return []setting{
		{Name: "SECURITY_CONFIRMABLE", Type: flag, Default: "false", Field: "Accounts.Confirmable",
			Doc: "Requires users who register to confirm their address with a mailed link before they can sign " +
				"in. With `false` they can sign in at once, but cannot set up anything until they enter a code that " +
				"was mailed to the address (see docs/contract.md).",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Confirmable })},
		{Name: "SECURITY_CONFIRM_EMAIL_WITHIN", Field: "Accounts.ConfirmWithin",
			Doc: "Lifetime of the confirmation link."},
		{Name: "SECURITY_LOGIN_WITHOUT_CONFIRMATION", Type: flag, Default: "false", Field: "Accounts.LoginUnconfirmed",
			Doc: "Lets users sign in before they confirm their address. Until they confirm it, or enter a code " +
				"mailed to it, they cannot set up anything that opens the account.",
			Cost:  "Accounts may carry addresses that belong to someone else.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.LoginUnconfirmed })},
		{Name: "SECURITY_AUTO_LOGIN_AFTER_CONFIRM", Type: flag, Default: "false",
			Field: "Accounts.AutoLoginAfterConfirm",
			Doc: "Signs users in when they follow the confirmation link, but only in the browser that " +
				"registered. A second factor is still asked for.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.AutoLoginAfterConfirm })},
		{Name: "SECURITY_PASSWORDLESS", Type: flag, Default: "false", Field: "Accounts.MagicLink",
			Doc: "Replaces the password with a mailed link, for all accounts: the sign-in page asks for an " +
				"address. The link works once and counts as one factor. The second factor is asked for as usual, " +
				"but cannot be one that comes by mail. Users who register choose no password. Re-authentication " +
				"before a security change needs a passkey, `SECURITY_UNIFIED_SIGNIN`, or a new sign-in.",
			Cost:  "Anyone who can read an account's mail has its first factor.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.MagicLink })},
		{Name: "SECURITY_LOGIN_WITHIN", Field: "Accounts.LoginWithin",
			Doc: "Lifetime of the sign-in link."},
		{Name: "SECURITY_RECOVERABLE", Type: flag, Default: "false", Field: "Accounts.Recoverable",
			Doc: "Lets users who forgot their password choose another one with a mailed link. Second factors " +
				"are kept.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Recoverable })},
		{Name: "SECURITY_RESET_PASSWORD_WITHIN", Field: "Accounts.ResetWithin",
			Doc:  "Lifetime of the reset link.",
			Cost: "Anyone who reads the mail later can use the link for that long."},
		{Name: "SECURITY_AUTO_LOGIN_AFTER_RESET", Type: flag, Default: "false", Field: "Accounts.AutoLoginAfterReset",
			Doc: "Signs users in after they reset their password, but only in the browser that requested it. A " +
				"second factor is still asked for.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.AutoLoginAfterReset })},
		{Name: "SECURITY_CHANGEABLE", Type: flag, Default: "false", Field: "Accounts.Changeable",
			Doc:   "Lets users change their password.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Changeable })},
		{Name: "SECURITY_CHANGE_EMAIL", Type: flag, Default: "false", Field: "Accounts.ChangeEmail",
			Doc: "Lets users change their address with a link mailed to the new one. The current address is " +
				"notified.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.ChangeEmail })},
		{Name: "SECURITY_CHANGE_EMAIL_WITHIN", Field: "Accounts.ChangeEmailWithin",
			Doc: "Lifetime of the link that changes an address."},
		{Name: "SECURITY_CHANGE_USERNAME", Type: flag, Default: "false", Field: "Accounts.ChangeUsername",
			Doc:   "Lets users change their username.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.ChangeUsername })},
		{Name: "SECURITY_USERNAME_RECOVERY", Type: flag, Default: "false", Field: "Accounts.UsernameRecovery",
			Doc:   "Lets users request their username by mail.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.UsernameRecovery })},
	}
}

// auditTable returns the settings of the audit trail.
func auditTable() []setting {
	return []setting{
		{Name: "TWOFOLD_AUDIT_DAYS", Field: "Accounts.AuditDays",
			Doc: "Number of days that rows of the audit trail are kept, at least as long as " +
				"`SECURITY_SESSION_LIFETIME`. Older rows are removed, and a sealed checkpoint records that. If the " +
				"trail is partitioned, a month is removed once all of it is that old. `0` keeps all rows. Export " +
				"rows first if you need them later (docs/server.md).",
			Cost:  "A network counts as known to an account only while the trail contains a sign-in from it.",
			Apply: orZero(toConfig(of("Accounts.AuditDays")))},
		{Name: "TWOFOLD_AUDIT_ARCHIVE", Type: text, Empty: "none", Field: "Accounts.AuditArchive",
			Doc: "An existing folder for months of the audit trail that are older than `TWOFOLD_AUDIT_DAYS`. " +
				"Each month is written to a file before it is removed. This needs PostgreSQL and `twofold audit partition`; " +
				"before that, nothing is removed. Give all nodes the same folder, or set both settings on one node " +
				"and neither on the others. If `TWOFOLD_AUDIT_DAYS` is already set, first take it off all nodes, or " +
				"stop the nodes that have no archive yet: a node with the old settings removes rows without " +
				"writing them to a file.",
			Cost:  "The files keep the data of accounts that are deleted later.",
			Apply: toText(func(s *settings) *string { return &s.Config.Accounts.AuditArchive })},
	}
}

// registerTable returns the settings of registration and of account data.
func registerTable() []setting {
	on := func(p func(*settings) *bool) func(*settings, any) error { return toBool(p) }
	return []setting{
		{Name: "SECURITY_USERNAME_REQUIRED", Type: flag, Default: "false", Field: "Accounts.UsernameRequired",
			Doc:   "Requires a username at registration.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.UsernameRequired })},
		{Name: "SECURITY_PASSWORD_REQUIRED", Type: flag, Default: "true", Field: "Accounts.PasswordOptional",
			Doc: "Requires a password at registration. With `false`, users may leave it out: a mailed code " +
				"signs them in, and they must prove the address before anything else. `false` needs " +
				"`SECURITY_UNIFIED_SIGNIN` with `email` among its methods.",
			Cost: "Anyone who can read the mail of an account without a password has its first factor.",
			Apply: func(s *settings, raw any) error {
				required, err := asBool(raw)
				s.Config.Accounts.PasswordOptional = err == nil && !required
				return err
			}},
		{Name: "SECURITY_PASSWORD_CONFIRM_REQUIRED", Type: flag, Default: "true", Field: "Accounts.PasswordTypedOnce",
			Doc:   "Requires new passwords to be entered twice.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.Accounts.PasswordTypedOnce })},
		{Name: "SECURITY_ROLES_IN_PAYLOAD", Type: flag, Default: "false", Field: "Accounts.RolesInPayload",
			Doc: "Adds `roles` and `permissions` to `user` in JSON answers, for display. `/me` always contains " +
				"them.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.RolesInPayload })},
		{Name: "TWOFOLD_USER_DELETABLE", Type: flag, Default: "false", Field: "Accounts.Deletable",
			Doc: "Lets users with a fresh sign-in delete their account. They are signed out everywhere at once " +
				"and notified by mail. Signing in again, or following the link in the mail, keeps the account.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Deletable })},
		{Name: "TWOFOLD_DELETION_WAIT", Field: "Accounts.DeletionWait",
			Doc: "Time between such a request and the deletion."},
		{Name: "TWOFOLD_INVITE_WITHIN", Field: "Accounts.InviteWithin",
			Doc: "Lifetime of the link in an invitation (`twofold user invite`)."},
		{Name: "TWOFOLD_USER_EXPORTABLE", Type: flag, Default: "false", Field: "Accounts.Exportable",
			Doc:   "Lets users with a fresh sign-in download their data as JSON.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Exportable })},
		{Name: "SECURITY_TRACKABLE", Type: flag, Default: "false", Field: "Accounts.Trackable",
			Doc: "Counts the sign-ins of each account, and records the time and the address of the last two. " +
				"`/me` shows them to the owner (`login_count`, `current_login_at`, `last_login_at`, " +
				"`current_login_ip`, `last_login_ip`); `twofold user show` and `user list --json` show them to you. " +
				"The audit trail contains every sign-in in any case.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Trackable })},
		{Name: "SECURITY_USERNAME_MIN_LENGTH", Field: "Accounts.UsernameMin",
			Doc: "Minimum length of new usernames, in characters."},
		{Name: "SECURITY_USERNAME_MAX_LENGTH", Field: "Accounts.UsernameMax",
			Doc: "Maximum length of new usernames, in characters."},
		{Name: "SECURITY_REGISTER_FIELDS", Type: dict, Empty: "none", Field: "Accounts.Fields",
			Doc: "Profile fields that users fill in at registration and can change on their account page: a " +
				"list, e.g. `[{\"NAME\": \"name\", \"LABEL\": \"Your name\", \"REQUIRED\": true}, {\"NAME\": " +
				"\"plan\", \"KIND\": \"select\", \"OPTIONS\": [\"free\", \"pro\"]}]`. `KIND` is `text` (the " +
				"default; `MIN` and `MAX` limit its length in characters), `checkbox` or `select`. A text in " +
				"`TWOFOLD_LOCALES` whose key is `profile_field_` and the name replaces the label.",
			Apply: applyFields},
		{Name: "SECURITY_SEND_REGISTER_EMAIL", Type: flag, Default: "true", Field: "Accounts.NoWelcome",
			Doc: "Sends a welcome mail to new accounts. The mail with the link of `SECURITY_CONFIRMABLE` is " +
				"always sent.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.Accounts.NoWelcome })},
	}
}

func accountPaths() []setting {
	row := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		row("SECURITY_CONFIRM_URL", "/confirm", "Confirming an e-mail address.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.Confirm }),
		row("SECURITY_RESET_URL", "/reset", "Resetting a password by mail.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.Reset }),
		row("SECURITY_CHANGE_URL", "/change", "Changing the password.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.Change }),
		row("SECURITY_CHANGE_EMAIL_URL", "/change-email", "Changing the e-mail address.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.ChangeEmail }),
		row("SECURITY_CHANGE_USERNAME_URL", "/change-username", "Changing the username.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.ChangeUsername }),
		row("SECURITY_USERNAME_RECOVERY_URL", "/recover-username", "Requesting the username by "+
			"mail.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.RecoverUsername }),
	}
}

func accountViews() []setting {
	const login, home = "the sign-in page, or `SECURITY_POST_LOGIN_VIEW` for signed-in users",
		"`SECURITY_POST_LOGIN_VIEW`"
	row := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Empty: def, Doc: doc, Field: "Pages.Views", Apply: toView(p, "")}
	}
	return []setting{
		row("SECURITY_POST_CONFIRM_VIEW", login, "After an e-mail address was "+
			"confirmed.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostConfirm }),
		row("SECURITY_CONFIRM_ERROR_VIEW", "`SECURITY_CONFIRM_URL`", "After an invalid link.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.ConfirmError }),
		row("SECURITY_REQUIRES_CONFIRMATION_ERROR_VIEW", "the sign-in page", "When the e-mail address is not "+
			"confirmed yet.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.Unconfirmed }),
		row("SECURITY_POST_RESET_VIEW", login, "After a password was reset by "+
			"mail.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostReset }),
		row("SECURITY_RESET_VIEW", "the built-in page", "The page of the application to "+
			"which the mailed link leads a browser. It gets `?token=` and posts the token to "+
			"`SECURITY_RESET_URL/<token>`. It must load nothing from other sites, which could learn the token "+
			"from its address.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.Reset }),
		row("SECURITY_LOGIN_ERROR_VIEW", "the sign-in page", "The page of the application "+
			"after an invalid link that would have signed in. It gets `?error=` with the text.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.LoginError }),
		row("SECURITY_RESET_ERROR_VIEW", "`SECURITY_RESET_URL`", "After an invalid link.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.ResetError }),
		row("SECURITY_POST_CHANGE_VIEW", home, "After the password was "+
			"changed.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostChange }),
		row("SECURITY_POST_CHANGE_EMAIL_VIEW", home, "After the e-mail address was "+
			"changed.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostChangeEmail }),
		row("SECURITY_CHANGE_EMAIL_ERROR_VIEW", "`SECURITY_CHANGE_EMAIL_URL`", "After an invalid link.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.ChangeEmailError }),
		row("SECURITY_POST_CHANGE_USERNAME_VIEW", home, "After the username was "+
			"changed.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostChangeUsername }),
	}
}
