package twofold

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// Accounts says who may have an account and what users may do with theirs.
// Everything that sends mail needs Config.Mail. Links work once, lead to Origin,
// and become invalid as soon as the account changes what they depend on.
type Accounts struct {
	// Registerable lets anyone create an account.
	Registerable bool
	// Usernames lets accounts have a username and sign in with it.
	Usernames bool
	// OAuth are identity providers whose users may sign in here, such as those
	// of oidc.Google, oidc.GitHub and oidc.New. A sign-in creates no account,
	// unless OAuthSignUp says so. Users connect theirs on the account page; from
	// then on the issuer and subject identify the account, and the e-mail
	// address never does. Trade-off: a sign-in at the provider counts as the
	// first factor here. The second factor is still required.
	OAuth []federated.Provider
	// RevealAccounts makes errors say whether an account exists and whether the
	// identity or the password was wrong. Trade-off: anyone can find out who
	// has an account.
	RevealAccounts bool
	// UserPayload returns what JSON answers contain about the user. If it is
	// nil, they contain the ID and the e-mail address.
	UserPayload func(User) map[string]any
	// RolesInPayload adds the user's "roles" and "permissions" to JSON answers.
	// They are for display; use the guards for decisions.
	RolesInPayload bool
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
	// can choose a password later (Recoverable, Changeable). It needs Passwordless
	// with email among its methods. Trade-off: anyone who can read the
	// account's mail has its first factor.
	PasswordOptional bool
	// MagicLink replaces the password by a mailed link for every account. The
	// sign-in page asks for an address. The link works once, in the browser
	// that asked for it, or in another browser after the user confirms it. It
	// is one factor: the second one is still required and cannot be e-mail.
	// Users who register choose no password. Trade-off: anyone who can read the
	// account's mail has its first factor.
	MagicLink bool
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
	// Deletable lets users delete their account. Everything issued to it ends at
	// once, its address is mailed, and after DeletionWait the account is deleted as
	// by DeleteUser. A sign-in, or the mailed link, stops that.
	Deletable bool
	// DeletionWait is how long that waits. The default is 7 days; it is at least
	// one day and at most 90.
	DeletionWait time.Duration
	// Exportable lets users download what is kept about them, as by Export.
	Exportable bool
	// OAuthSignUp are names of providers in OAuth whose users may make an account,
	// whether or not Registerable is set. The provider must tell an address that it
	// verified. A code is mailed there before the account is made, unless the
	// provider runs the mailboxes of that domain (Domains of oidc.Settings). If the
	// address has an account, none is made and none is connected: its owner signs in
	// and connects the other one. Fields that are required and that the provider
	// does not tell are asked for. OnRegister decides about these accounts too, and a
	// second factor that is required is set up before the first session. Trade-off: a provider that says of addresses that they are
	// verified, although they are not, tells its users which addresses have accounts.
	OAuthSignUp []string
	// InviteWithin is the lifetime of the link in an invitation. The default is 7
	// days and the maximum 30.
	InviteWithin time.Duration
	// Trackable counts the sign-ins of each account, and keeps from when and where
	// the newest and the one before it were. Their owner sees it on the account page;
	// SignInsOf of the Store returns it.
	Trackable bool
	// AuditDays is how many days the audit trail keeps what happened to accounts: 30 at
	// least, and no less than Sessions.Absolute. Older rows are removed, and a sealed
	// checkpoint says so. If it is zero, all rows are kept. Trade-off: networks that
	// a user signed in from count as known only while the trail has the sign-in.
	AuditDays int
	// Fields are asked for when a user registers, and can be seen and changed on
	// the account page.
	Fields []Field
	// OnRegister and OnSignIn decide in the application's own words whether an
	// account is made and whether a user is signed in, for example by the domain of
	// the address or by terms that must be accepted. A refusal is a text for the
	// person; an empty one lets them through. If a hook returns an error, the person
	// gets 503 and nothing is done.
	//
	// OnRegister is called before the account exists, and before anyone looks whether
	// the address is taken: i.ID is empty, and the address is not proven. It is not asked
	// about accounts that come from a former system (Password.Legacy): their owners have
	// them already. OnSignIn decides about those. OnSignIn is
	// called at every way in when everything that the account asks for was proven, and
	// also when a remembered browser comes back or a refresh token is exchanged.
	// Existing sessions are not affected.
	OnRegister, OnSignIn func(ctx context.Context, i User, at event.Context) (refusal string, err error)
	// Captcha keeps programs from the forms that anyone can send: "turnstile",
	// "hcaptcha", "recaptcha" or "altcha". If it is empty, there is none. The first
	// three are services: browsers load their script, and the address of the person and
	// the answer are sent to them. Altcha is served from here: the browser computes for
	// a moment. If a service cannot be asked, the forms answer 503 and change nothing.
	// Trade-off: the forms that ask for a captcha need JavaScript.
	Captcha string
	// CaptchaAt are the forms: "register", "reset" for each form that has mail sent to
	// an address that was typed, and "sign-in" after Advanced.Limits.CaptchaFailures, in browsers
	// that have not signed in to the account before. If it is empty, all three.
	CaptchaAt []string
	// CaptchaSiteKey and CaptchaSecret are the keys that the service shows.
	CaptchaSiteKey, CaptchaSecret string
	// CaptchaVerifyURL is where the service checks answers, and CaptchaScriptURL is its
	// script. Empty ones are the service's own.
	CaptchaVerifyURL, CaptchaScriptURL string
	// CaptchaMinScore is the least score, for keys of reCAPTCHA v3: between 0 and 1. If
	// it is zero, the keys are those of v2.
	CaptchaMinScore float64
	// CaptchaCost is about twice how often a browser computes a hash for Altcha. The
	// default is 100,000. Trade-off of a higher one: slow phones take long.
	CaptchaCost int
	// Locked reports whether the application refuses an account. It is called
	// at every sign-in after the first factor was proven, and must return
	// quickly. Existing sessions are not affected; use SetActive to end them.
	Locked func(User) bool
}

// Field is a profile field, such as a name.
type Field = profile.Field

func (c *Config) checkAccounts(bad func(field, text string)) {
	a := c.Accounts
	for field, on := range map[string]bool{
		"Confirmable": a.Confirmable, "Recoverable": a.Recoverable, "ChangeEmail": a.ChangeEmail, "UsernameRecovery": a.UsernameRecovery,
		"MagicLink": a.MagicLink, "Deletable": a.Deletable, "OAuthSignUp": len(a.OAuthSignUp) > 0,
	} {
		if on && c.Mail == nil {
			bad("Accounts."+field, "needs a sender in Mail")
		}
	}
	for field, on := range map[string]bool{
		"ChangeUsername": a.ChangeUsername, "UsernameRecovery": a.UsernameRecovery, "UsernameRequired": a.UsernameRequired,
	} {
		if on && !a.Usernames {
			bad("Accounts."+field, "needs Accounts.Usernames")
		}
	}
	for _, name := range a.OAuthSignUp {
		if !slices.ContainsFunc(a.OAuth, func(p federated.Provider) bool { return p != nil && p.Name() == name }) {
			bad("Accounts.OAuthSignUp", fmt.Sprintf("%q is not the name of a provider in Accounts.OAuth", name))
		}
	}
	u := orZero(c.Passwordless)
	byMail := len(u.EnabledMethods) == 0 || slices.Contains(u.EnabledMethods, store.Email)
	if a.PasswordOptional && (c.Passwordless == nil || c.Mail == nil || !byMail) {
		bad("Accounts.PasswordOptional", "needs Passwordless with email among its methods, and a sender in Mail")
	}
	if a.MagicLink && u.ReplacesLogin {
		bad("Accounts.MagicLink", "and Passwordless.ReplacesLogin are two things at one path: choose one")
	}
	if d := a.withDefaults(); d.UsernameMin < 1 || d.UsernameMax > 128 || d.UsernameMin > d.UsernameMax {
		bad("Accounts.UsernameMin, UsernameMax", "must be between 1 and 128, the first not above the second")
	}
	if d := a.AuditDays; d != 0 && (d < 30 || d > 36500 || time.Duration(d)*24*time.Hour < c.Sessions.Absolute) {
		bad("Accounts.AuditDays", "must be between 30 and 36500, and no shorter than Sessions.Absolute; 0 keeps all")
	}
	within := func(field string, d, hi time.Duration) {
		if d != 0 && (d < time.Minute || d > hi) {
			bad("Accounts."+field, fmt.Sprintf("must be between 1 minute and %v", hi))
		}
	}
	a.checkCaptcha(bad)
	profile.List(a.Fields).Check(func(problem string) { bad("Accounts.Fields", problem) })
	within("ConfirmWithin", a.ConfirmWithin, 30*24*time.Hour)
	within("ResetWithin", a.ResetWithin, 24*time.Hour)
	within("ChangeEmailWithin", a.ChangeEmailWithin, 24*time.Hour)
	if d := a.DeletionWait; d != 0 && (d < 24*time.Hour || d > 90*24*time.Hour) {
		bad("Accounts.DeletionWait", "must be between 1 day and 90 days")
	}
	within("InviteWithin", a.InviteWithin, 30*24*time.Hour)
	within("LoginWithin", a.LoginWithin, 10*time.Minute)
}

func (a Accounts) withDefaults() Accounts {
	setDefault(&a.ConfirmWithin, 48*time.Hour)
	setDefault(&a.ResetWithin, time.Hour)
	setDefault(&a.ChangeEmailWithin, 2*time.Hour)
	setDefault(&a.LoginWithin, 10*time.Minute)
	setDefault(&a.DeletionWait, 7*24*time.Hour)
	setDefault(&a.InviteWithin, 7*24*time.Hour)
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
		ByLink: a.MagicLink, LoginWithin: a.LoginWithin, Welcome: !a.NoWelcome,
		ConfirmWithin: a.ConfirmWithin, ResetWithin: a.ResetWithin, ChangeEmailWithin: a.ChangeEmailWithin,
	}
	f.OnRegister, f.OnSignIn = hook(a.OnRegister), hook(a.OnSignIn)
	if a.Locked != nil {
		f.Locked = func(u store.User) bool { return a.Locked(publicUser(u)) }
	}
	return f
}

// hook converts a decision of the application for package login.
func hook(own func(context.Context, User, event.Context) (string, error)) login.Hook {
	if own == nil {
		return nil
	}
	return func(ctx context.Context, u store.User, at event.Context) (string, error) {
		return own(ctx, publicUser(u), at)
	}
}

// pages converts Accounts for package web.
func (a Accounts) pages() web.Life {
	return web.Life{
		Confirm: a.Confirmable, Reset: a.Recoverable, Change: a.Changeable, ChangeEmail: a.ChangeEmail,
		ChangeUsername: a.ChangeUsername, RecoverUsername: a.UsernameRecovery, UsernameRequired: a.UsernameRequired,
		UsernameMin: a.UsernameMin, UsernameMax: a.UsernameMax, Fields: profile.List(a.Fields).Filled(),
		TypedOnce: a.PasswordTypedOnce, Keyless: a.PasswordOptional, ByLink: a.MagicLink, LoginWithin: a.LoginWithin,
		ConfirmWithin: a.ConfirmWithin, ResetWithin: a.ResetWithin, EmailWithin: a.ChangeEmailWithin,
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
