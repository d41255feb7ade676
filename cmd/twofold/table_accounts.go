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
			Doc: "An account that registered itself signs in only after its address was confirmed with a mailed " +
				"link. With `false` it signs in at once, but sets up nothing before a code that was mailed to its " +
				"address came back (see docs/contract.md).",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Confirmable })},
		{Name: "SECURITY_CONFIRM_EMAIL_WITHIN", Field: "Accounts.ConfirmWithin",
			Doc: "Lifetime of that link."},
		{Name: "SECURITY_LOGIN_WITHOUT_CONFIRMATION", Type: flag, Default: "false", Field: "Accounts.LoginUnconfirmed",
			Doc: "Lets accounts sign in before. They cannot set up anything that opens the account until they " +
				"confirm, or enter a code mailed to them.",
			Cost:  "Addresses that are not theirs stand on accounts.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.LoginUnconfirmed })},
		{Name: "SECURITY_AUTO_LOGIN_AFTER_CONFIRM", Type: flag, Default: "false",
			Field: "Accounts.AutoLoginAfterConfirm",
			Doc:   "Signs in with the link, in the browser that registered only, and as far as the second factor.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.AutoLoginAfterConfirm })},
		{Name: "SECURITY_PASSWORDLESS", Type: flag, Default: "false", Field: "Accounts.MagicLink",
			Doc: "Puts a mailed link in the place of the password, for everybody: the sign-in page asks for an " +
				"address. The link works once, and is one factor: the second is asked for as always, and never one " +
				"that comes by mail. Anyone who registers chooses no password. To prove oneself again, for a " +
				"security change, takes a passkey, `SECURITY_UNIFIED_SIGNIN`, or signing in again.",
			Cost:  "Anyone who reads an account's mail has its first factor.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.MagicLink })},
		{Name: "SECURITY_LOGIN_WITHIN", Field: "Accounts.LoginWithin",
			Doc: "Lifetime of that link."},
		{Name: "SECURITY_RECOVERABLE", Type: flag, Default: "false", Field: "Accounts.Recoverable",
			Doc:   "Lets people who forgot their password choose another one with a mailed link. Second factors stay.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Recoverable })},
		{Name: "SECURITY_RESET_PASSWORD_WITHIN", Field: "Accounts.ResetWithin",
			Doc:  "Lifetime of that link.",
			Cost: "Anyone who can read the mail within that time can use the link."},
		{Name: "SECURITY_AUTO_LOGIN_AFTER_RESET", Type: flag, Default: "false", Field: "Accounts.AutoLoginAfterReset",
			Doc:   "Signs in with the new password, in the browser that asked only, and as far as the second factor.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.AutoLoginAfterReset })},
		{Name: "SECURITY_CHANGEABLE", Type: flag, Default: "false", Field: "Accounts.Changeable",
			Doc:   "Lets people change their password.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Changeable })},
		{Name: "SECURITY_CHANGE_EMAIL", Type: flag, Default: "false", Field: "Accounts.ChangeEmail",
			Doc:   "Lets people change their address, with a link mailed to the new one. The current one is notified.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.ChangeEmail })},
		{Name: "SECURITY_CHANGE_EMAIL_WITHIN", Field: "Accounts.ChangeEmailWithin",
			Doc: "Lifetime of that link."},
		{Name: "SECURITY_CHANGE_USERNAME", Type: flag, Default: "false", Field: "Accounts.ChangeUsername",
			Doc:   "Lets people change their username.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.ChangeUsername })},
		{Name: "SECURITY_USERNAME_RECOVERY", Type: flag, Default: "false", Field: "Accounts.UsernameRecovery",
			Doc:   "Mails people their username.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.UsernameRecovery })},
	}
}

// auditTable returns the settings of the audit trail.
func auditTable() []setting {
	return []setting{
		{Name: "TWOFOLD_AUDIT_DAYS", Field: "Accounts.AuditDays",
			Doc: "The number of days that rows of the audit trail are kept; no fewer than " +
				"`SECURITY_SESSION_LIFETIME`. Older rows are removed, and a sealed checkpoint records that. `0` " +
				"keeps all. Export rows first if you need them later (docs/server.md). If the trail is partitioned, " +
				"a month is removed once all of it is that old.",
			Cost:  "A network that a user signed in from counts as known only while the trail has the sign-in.",
			Apply: orZero(toConfig(of("Accounts.AuditDays")))},
		{Name: "TWOFOLD_AUDIT_ARCHIVE", Type: text, Empty: "none", Field: "Accounts.AuditArchive",
			Doc: "A folder for months of the audit trail that are older than `TWOFOLD_AUDIT_DAYS`: each is written " +
				"to a file, and only then removed. It needs PostgreSQL and `twofold audit partition`; before that, " +
				"nothing is removed. Give all nodes the same folder, or set it on one node and `TWOFOLD_AUDIT_DAYS` " +
				"on no other.",
			Cost:  "Files keep the data of accounts that are deleted later.",
			Apply: toText(func(s *settings) *string { return &s.Config.Accounts.AuditArchive })},
	}
}

// registerTable returns the settings of registration and of account data.
func registerTable() []setting {
	on := func(p func(*settings) *bool) func(*settings, any) error { return toBool(p) }
	return []setting{
		{Name: "SECURITY_USERNAME_REQUIRED", Type: flag, Default: "false", Field: "Accounts.UsernameRequired",
			Doc:   "A username is required at registration.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.UsernameRequired })},
		{Name: "SECURITY_PASSWORD_REQUIRED", Type: flag, Default: "true", Field: "Accounts.PasswordOptional",
			Doc: "People register with a password. With `false` they may leave it out: a mailed code opens the " +
				"account, and its address is proven before anything else. It needs `SECURITY_UNIFIED_SIGNIN` with " +
				"email among its methods.",
			Cost: "Anyone who reads the mail of an account without password has its first factor.",
			Apply: func(s *settings, raw any) error {
				required, err := asBool(raw)
				s.Config.Accounts.PasswordOptional = err == nil && !required
				return err
			}},
		{Name: "SECURITY_PASSWORD_CONFIRM_REQUIRED", Type: flag, Default: "true", Field: "Accounts.PasswordTypedOnce",
			Doc:   "New passwords must be entered twice.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.Accounts.PasswordTypedOnce })},
		{Name: "SECURITY_ROLES_IN_PAYLOAD", Type: flag, Default: "false", Field: "Accounts.RolesInPayload",
			Doc:   "`user` in JSON answers also says `roles` and `permissions`, for showing. `/me` says them always.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.RolesInPayload })},
		{Name: "TWOFOLD_USER_DELETABLE", Type: flag, Default: "false", Field: "Accounts.Deletable",
			Doc: "Lets people delete their account, with a fresh proof. They are signed out everywhere at once and " +
				"get a mail. A sign-in, or the link in that mail, keeps the account.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Deletable })},
		{Name: "TWOFOLD_DELETION_WAIT", Field: "Accounts.DeletionWait",
			Doc: "The waiting period of such a deletion."},
		{Name: "TWOFOLD_INVITE_WITHIN", Field: "Accounts.InviteWithin",
			Doc: "Lifetime of the link in an invitation (`twofold user invite`)."},
		{Name: "TWOFOLD_USER_EXPORTABLE", Type: flag, Default: "false", Field: "Accounts.Exportable",
			Doc:   "Lets people download their data as JSON, with a fresh proof.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Exportable })},
		{Name: "SECURITY_TRACKABLE", Type: flag, Default: "false", Field: "Accounts.Trackable",
			Doc: "Counts the sign-ins of each account, and keeps from when and where the newest and the one before " +
				"it were: `/me` shows it to the owner (`login_count`, `current_login_at`, `last_login_at`, " +
				"`current_login_ip`, `last_login_ip`), `twofold user show` and `user list --json` to you. The audit " +
				"trail has every sign-in either way.",
			Apply: on(func(s *settings) *bool { return &s.Config.Accounts.Trackable })},
		{Name: "SECURITY_USERNAME_MIN_LENGTH", Field: "Accounts.UsernameMin",
			Doc: "The minimum length of new usernames."},
		{Name: "SECURITY_USERNAME_MAX_LENGTH", Field: "Accounts.UsernameMax",
			Doc: "The maximum length of new usernames."},
		{Name: "SECURITY_REGISTER_FIELDS", Type: dict, Empty: "none", Field: "Accounts.Fields",
			Doc: "Profile fields that people fill in when they register, and change on their account page: a list, " +
				"e.g. `[{\"NAME\": \"name\", \"LABEL\": \"Your name\", \"REQUIRED\": true}, {\"NAME\": \"plan\", " +
				"\"KIND\": \"select\", \"OPTIONS\": [\"free\", \"pro\"]}]`. `KIND` is `text` (the default, with " +
				"`MIN` and `MAX`, its length in characters), `checkbox` or `select`. A text with the key " +
				"`profile_field_` and the name in `TWOFOLD_LOCALES` replaces the label.",
			Apply: applyFields},
		{Name: "SECURITY_SEND_REGISTER_EMAIL", Type: flag, Default: "true", Field: "Accounts.NoWelcome",
			Doc:   "Welcomes new accounts by mail. The mail with the link of `SECURITY_CONFIRMABLE` is always sent.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.Accounts.NoWelcome })},
	}
}

func accountPaths() []setting {
	row := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		row("SECURITY_CONFIRM_URL", "/confirm", "Confirming an address.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.Confirm }),
		row("SECURITY_RESET_URL", "/reset", "A new password by mail.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.Reset }),
		row("SECURITY_CHANGE_URL", "/change", "Changing one's password.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.Change }),
		row("SECURITY_CHANGE_EMAIL_URL", "/change-email", "Changing one's address.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.ChangeEmail }),
		row("SECURITY_CHANGE_USERNAME_URL", "/change-username", "Changing one's username.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.ChangeUsername }),
		row("SECURITY_USERNAME_RECOVERY_URL", "/recover-username", "One's username by mail.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Life.RecoverUsername }),
	}
}

func accountViews() []setting {
	const login, home = "the sign-in page, or `SECURITY_POST_LOGIN_VIEW` for who is signed in",
		"`SECURITY_POST_LOGIN_VIEW`"
	row := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Empty: def, Doc: doc, Field: "Pages.Views", Apply: toView(p, "")}
	}
	return []setting{
		row("SECURITY_POST_CONFIRM_VIEW", login, "After confirming an address.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostConfirm }),
		row("SECURITY_CONFIRM_ERROR_VIEW", "`SECURITY_CONFIRM_URL`", "After a bad link.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.ConfirmError }),
		row("SECURITY_REQUIRES_CONFIRMATION_ERROR_VIEW", "the sign-in page", "When an address is not confirmed yet.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.Unconfirmed }),
		row("SECURITY_POST_RESET_VIEW", login, "After a new password by mail.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostReset }),
		row("SECURITY_RESET_VIEW", "a page of ours", "Where the mailed link leads a browser: the application's own "+
			"page, which gets `?token=` and posts it to `SECURITY_RESET_URL/<token>`. It must load nothing from "+
			"other sites, or they may learn the token from its address.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.Reset }),
		row("SECURITY_LOGIN_ERROR_VIEW", "the sign-in page", "After a bad link that would have signed in: the "+
			"application's own page, which gets `?error=` with the text.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.LoginError }),
		row("SECURITY_RESET_ERROR_VIEW", "`SECURITY_RESET_URL`", "After a bad link.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.ResetError }),
		row("SECURITY_POST_CHANGE_VIEW", home, "After changing the password.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostChange }),
		row("SECURITY_POST_CHANGE_EMAIL_VIEW", home, "After changing the address.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostChangeEmail }),
		row("SECURITY_CHANGE_EMAIL_ERROR_VIEW", "`SECURITY_CHANGE_EMAIL_URL`", "After a bad link.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.ChangeEmailError }),
		row("SECURITY_POST_CHANGE_USERNAME_VIEW", home, "After changing the username.",
			func(s *settings) *string { return &s.Config.Pages.Views.Life.PostChangeUsername }),
	}
}
