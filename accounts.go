package twofold

import (
	"fmt"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// Accounts says what users may do with their accounts. Everything that sends
// mail needs Config.Mail. Links work once, lead to Origin, and become invalid
// as soon as the account changes what they depend on.
type Accounts struct {
	// If UsernameFirst is set, an account that has a username is shown under it
	// in authenticator apps, on passkeys and in greetings. Otherwise the e-mail
	// address is shown.
	UsernameFirst bool
	// Confirmable allows an account to sign in only after its address is
	// confirmed by a mailed link. Accounts created by CreateUser are confirmed.
	Confirmable bool
	// ConfirmWithin is the lifetime of that link. The default is 2 days and the
	// maximum 30.
	ConfirmWithin time.Duration
	// LoginUnconfirmed allows accounts to sign in before that. They cannot set
	// up a second factor. Trade-off: accounts exist under addresses that may
	// belong to someone else.
	LoginUnconfirmed bool
	// AutoLoginAfterConfirm signs the user in when they follow the link in the
	// browser that registered. The second factor is still required.
	AutoLoginAfterConfirm bool

	// Recoverable lets users who forgot their password choose a new one with a
	// mailed link. Second factors stay and are still required.
	Recoverable bool
	// ResetWithin is the lifetime of that link. The default is 1 hour and the
	// maximum 24. Trade-off: anyone who reads the mail within that time can use
	// the link.
	ResetWithin time.Duration
	// AutoLoginAfterReset signs the user in after the reset, in the browser
	// that asked for it. The second factor is still required.
	AutoLoginAfterReset bool

	// Changeable lets users change their password.
	Changeable bool
	// ChangeEmail lets users change their address with a link mailed to the new
	// one. The current address is told.
	ChangeEmail bool
	// ChangeEmailWithin is the lifetime of that link. The default is 2 hours
	// and the maximum 24.
	ChangeEmailWithin time.Duration
	// ChangeUsername lets users change their username. It needs Usernames.
	ChangeUsername bool
	// UsernameRecovery mails a forgotten username. It needs Usernames.
	UsernameRecovery bool
	// PasswordOptional lets users register without a password. They then sign
	// in with a mailed code, so the address is proven before anything else, and
	// can choose a password later (Recoverable, Changeable). It needs Unified
	// with email among its methods. Trade-off: anyone who can read the
	// account's mail has its first factor.
	PasswordOptional bool
	// LoginByLink replaces the password by a mailed link for every account. The
	// sign-in page asks for an address. The link works once, in the browser
	// that asked for it, or in another browser after the user confirms it. It
	// is one factor: the second one is still required and cannot be e-mail.
	// Users who register choose no password. Trade-off: anyone who can read the
	// account's mail has its first factor.
	LoginByLink bool
	// LoginWithin is the lifetime of that link. The default and the maximum are
	// 10 minutes.
	LoginWithin time.Duration
	// UsernameRequired requires a username at registration. It needs Usernames.
	UsernameRequired bool
	// UsernameMin and UsernameMax bound the length of new usernames. The
	// defaults are 4 and 32, the bounds 1 and 128.
	UsernameMin, UsernameMax int
	// PasswordTypedOnce removes the field that repeats a new password.
	PasswordTypedOnce bool
	// NoWelcome turns off the mail that welcomes a new account. The mail with
	// the link of Confirmable is still sent.
	NoWelcome bool
	// Trackable counts the sign-ins of each account, and keeps from when and where
	// the newest and the one before it were. Their owner sees it on the account page;
	// SignInsOf of the Store returns it.
	Trackable bool
	// Locked reports whether the application refuses an account. It is called
	// at every sign-in after the first factor was proven, and must return
	// quickly. Existing sessions are not affected; use SetActive to end them.
	Locked func(Identity) bool
}

func (c *Config) checkAccounts(bad func(field, text string)) {
	a := c.Accounts
	for field, on := range map[string]bool{
		"Confirmable": a.Confirmable, "Recoverable": a.Recoverable, "ChangeEmail": a.ChangeEmail, "UsernameRecovery": a.UsernameRecovery,
		"LoginByLink": a.LoginByLink,
	} {
		if on && c.Mail == nil {
			bad("Accounts."+field, "needs a sender in Mail")
		}
	}
	for field, on := range map[string]bool{
		"ChangeUsername": a.ChangeUsername, "UsernameRecovery": a.UsernameRecovery, "UsernameRequired": a.UsernameRequired,
	} {
		if on && !c.Usernames {
			bad("Accounts."+field, "needs Usernames")
		}
	}
	if u := c.Unified; a.PasswordOptional && (!u.Enabled || c.Mail == nil || len(u.EnabledMethods) > 0 && !slices.Contains(u.EnabledMethods, store.Email)) {
		bad("Accounts.PasswordOptional", "needs Unified with email among its methods, and a sender in Mail")
	}
	if a.LoginByLink && c.Unified.ReplacesLogin {
		bad("Accounts.LoginByLink", "and Unified.ReplacesLogin are two things at one path: choose one")
	}
	if d := a.withDefaults(); d.UsernameMin < 1 || d.UsernameMax > 128 || d.UsernameMin > d.UsernameMax {
		bad("Accounts.UsernameMin, UsernameMax", "must be between 1 and 128, the first not above the second")
	}
	within := func(field string, d, hi time.Duration) {
		if d != 0 && (d < time.Minute || d > hi) {
			bad("Accounts."+field, fmt.Sprintf("must be between 1 minute and %v", hi))
		}
	}
	within("ConfirmWithin", a.ConfirmWithin, 30*24*time.Hour)
	within("ResetWithin", a.ResetWithin, 24*time.Hour)
	within("ChangeEmailWithin", a.ChangeEmailWithin, 24*time.Hour)
	within("LoginWithin", a.LoginWithin, 10*time.Minute)
}

func (a Accounts) withDefaults() Accounts {
	setDefault(&a.ConfirmWithin, 48*time.Hour)
	setDefault(&a.ResetWithin, time.Hour)
	setDefault(&a.ChangeEmailWithin, 2*time.Hour)
	setDefault(&a.LoginWithin, 10*time.Minute)
	if a.UsernameMin == 0 {
		a.UsernameMin = 4
	}
	if a.UsernameMax == 0 {
		a.UsernameMax = 32
	}
	return a
}

// life converts Accounts for package login.
func (a Accounts) life() login.Life {
	f := login.Life{
		Confirm: a.Confirmable, Unconfirmed: a.LoginUnconfirmed, LoginAfterConfirm: a.AutoLoginAfterConfirm,
		LoginAfterReset: a.AutoLoginAfterReset, Keyless: a.PasswordOptional,
		ByLink: a.LoginByLink, LoginWithin: a.LoginWithin, Welcome: !a.NoWelcome,
		ConfirmWithin: a.ConfirmWithin, ResetWithin: a.ResetWithin, ChangeEmailWithin: a.ChangeEmailWithin,
	}
	if a.Locked != nil {
		f.Locked = func(u store.User) bool { return a.Locked(identityOf(u)) }
	}
	return f
}

// pages converts Accounts for package web.
func (a Accounts) pages() web.Life {
	return web.Life{
		Confirm: a.Confirmable, Reset: a.Recoverable, Change: a.Changeable, ChangeEmail: a.ChangeEmail,
		ChangeUsername: a.ChangeUsername, RecoverUsername: a.UsernameRecovery, UsernameRequired: a.UsernameRequired,
		UsernameMin: a.UsernameMin, UsernameMax: a.UsernameMax,
		TypedOnce: a.PasswordTypedOnce, Keyless: a.PasswordOptional, ByLink: a.LoginByLink, LoginWithin: a.LoginWithin, ConfirmWithin: a.ConfirmWithin, ResetWithin: a.ResetWithin, EmailWithin: a.ChangeEmailWithin,
	}
}

// signIns counts sign-ins, if it is wanted.
func (b *builder) signIns() store.SignInCounter {
	if !b.c.Accounts.Trackable {
		return nil
	}
	return b.c.Store
}

// judge returns what is wrong with a registration, apart from identities that are
// taken.
func (b *builder) judge(email, username, password string) error {
	return b.a.accounts.Judge(account.Draft{Email: email, Username: username, Password: password})
}
