package twofold

import (
	"fmt"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// Accounts says what people may do with their accounts themselves. What mails
// something needs a sender in Mail. Links work once, lead to Origin, and are
// dead as soon as what they rest on changes.
type Accounts struct {
	// UsernameFirst names an account by its username, if it has one, where it has
	// one name only: in authenticator apps, on passkeys and in greetings. The
	// e-mail address otherwise.
	UsernameFirst bool
	// Confirmable lets an account sign in only after its address was confirmed
	// by a mailed link. Accounts made by CreateUser count as confirmed.
	Confirmable bool
	// ConfirmWithin is the life of that link: 2 days if zero, at most 30.
	ConfirmWithin time.Duration
	// LoginUnconfirmed lets accounts sign in before; they cannot set up a second
	// factor. It costs this: an address that is not theirs stands on accounts.
	LoginUnconfirmed bool
	// AutoLoginAfterConfirm signs in with the link, in the browser that
	// registered only, and as far as the second factor.
	AutoLoginAfterConfirm bool

	// Recoverable lets people who forgot their password choose another one, with
	// a mailed link. Second factors stay and are asked for as ever.
	Recoverable bool
	// ResetWithin is the life of that link: 1 hour if zero, at most 24. It costs
	// this: whoever reads the mail later can use it as long.
	ResetWithin time.Duration
	// AutoLoginAfterReset signs in with the new password, in the browser that
	// asked only, and as far as the second factor.
	AutoLoginAfterReset bool

	// Changeable lets people change their password.
	Changeable bool
	// ChangeEmail lets people change their address, with a link mailed to the
	// new one; the present one is told.
	ChangeEmail bool
	// ChangeEmailWithin is the life of that link: 2 hours if zero, at most 24.
	ChangeEmailWithin time.Duration
	// ChangeUsername lets people change their username; needs Usernames.
	ChangeUsername bool
	// UsernameRecovery mails a forgotten username; needs Usernames.
	UsernameRecovery bool
	// PasswordOptional lets people register without a password: a mailed code
	// opens the account then, and its address is proven before anything else. They
	// can choose a password later (Recoverable, Changeable). Needs Unified with
	// email among its methods. It costs this: whoever reads an account's mail has
	// its first factor.
	PasswordOptional bool
	// LoginByLink puts a mailed link in the place of the password, for everybody:
	// the sign-in page asks for an address. The link works once, in the browser
	// that asked for it (in another one after a word that this is meant), and is
	// one factor: the second is asked for as ever, and never one that comes by
	// mail. Whoever registers chooses no password. It costs this: whoever reads an
	// account's mail has its first factor.
	LoginByLink bool
	// LoginWithin is the life of that link: 10 minutes if zero, which is the most.
	LoginWithin time.Duration
	// UsernameRequired: nobody registers without a username; needs Usernames.
	UsernameRequired bool
	// UsernameMin and UsernameMax bound the length of usernames that are chosen from
	// now on: 4 and 32 if zero, 1 and 128 at most.
	UsernameMin, UsernameMax int
	// PasswordTypedOnce leaves out the field that repeats a new password.
	PasswordTypedOnce bool
	// NoWelcome leaves out the mail that greets a new account. The mail with the
	// link of Confirmable is sent all the same.
	NoWelcome bool
	// Trackable counts the sign-ins of each account, and keeps from when and where
	// the newest and the one before it were. Their owner sees it on the account page;
	// SignInsOf of the Store returns it.
	Trackable bool
	// Locked is the application's own reason to keep an account out; nil: none.
	// It is asked at every sign-in, after the first factor was right, and must be
	// quick. Sessions that live go on living: end them with SetActive.
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

// life is Accounts as login wants it.
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

// pages is Accounts as web wants it.
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
