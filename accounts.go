package twofold

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/settings"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
)

// Accounts configures who may have an account and what users may do with it. Everything that sends
// mail needs Config.Mail. Links lead to Origin and work once. A link becomes invalid as soon as the
// account data that it depends on changes.
type Accounts struct {
	// Registerable lets anyone create an account.
	Registerable bool
	// Usernames lets accounts have a username and sign in with it.
	Usernames bool
	// OAuth lists identity providers whose users may sign in here, such as those of oidc.Google,
	// oidc.GitHub and oidc.New. A sign-in creates no account unless OAuthSignUp names the provider.
	// Users connect their provider accounts on the account page. From then on the issuer and
	// subject identify the account; the e-mail address never does. Trade-off: a sign-in at the
	// provider counts as the first factor here. The second factor is still required.
	OAuth []federated.Provider
	// If RevealAccounts is set, errors reveal whether an account exists and whether the identity or
	// the password was wrong. Trade-off: anyone can find out who has an account.
	RevealAccounts bool
	// UserPayload returns the data about the user in JSON answers. If it is nil, answers contain
	// the ID and the e-mail address.
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
	// ConfirmWithin is the lifetime of that link: between 1 minute and 30 days. The default is 2
	// days.
	ConfirmWithin time.Duration
	// LoginUnconfirmed allows accounts to sign in before that. They cannot set
	// up a second factor. Trade-off: accounts exist under addresses that may
	// belong to someone else.
	LoginUnconfirmed bool
	// AutoLoginAfterConfirm signs the user in if they follow the link in the browser in which they
	// registered. The second factor is still required.
	AutoLoginAfterConfirm bool

	// Recoverable lets users who forgot their password choose a new one with a
	// mailed link. Second factors stay and are still required.
	Recoverable bool
	// ResetWithin is the lifetime of that link: between 1 minute and 24 hours. The default is 1 hour.
	// Trade-off: anyone who can read the mail within that time can use the link.
	ResetWithin time.Duration
	// AutoLoginAfterReset signs the user in after the reset if they follow the link in the browser
	// in which they asked for it. The second factor is still required.
	AutoLoginAfterReset bool

	// Changeable lets users change their password.
	Changeable bool
	// ChangeEmail lets users change their address with a link mailed to the new one. The current
	// address is notified.
	ChangeEmail bool
	// ChangeEmailWithin is the lifetime of that link: between 1 minute and 24 hours. The default is 2
	// hours.
	ChangeEmailWithin time.Duration
	// ChangeUsername lets users change their username. It needs Usernames.
	ChangeUsername bool
	// UsernameRecovery mails a forgotten username. It needs Usernames.
	UsernameRecovery bool
	// PasswordOptional lets users register without a password. They then sign in with a mailed
	// code, which proves the address first. They can choose a password later (Recoverable,
	// Changeable). It needs Passwordless with email among its methods. Trade-off: anyone who can
	// read the account's mail has its first factor.
	PasswordOptional bool
	// MagicLink replaces the password of every account with a mailed link. The sign-in page asks
	// for an address. The link works once, in the browser that asked for it, or in another browser
	// after the user confirms it. It is one factor: the second one is still required and cannot be
	// e-mail. Users do not choose a password when they register. Trade-off: anyone who can read the
	// account's mail has its first factor.
	MagicLink bool
	// LoginWithin is the lifetime of that link: between 1 minute and 10 minutes. The default is 10
	// minutes.
	LoginWithin time.Duration
	// UsernameRequired requires a username at registration. It needs Usernames.
	UsernameRequired bool
	// UsernameMin and UsernameMax bound the length of new usernames. They must be between 1 and 128.
	// The defaults are 4 and 32.
	UsernameMin, UsernameMax int
	// PasswordTypedOnce removes the field that repeats a new password.
	PasswordTypedOnce bool
	// NoWelcome turns off the mail that welcomes a new account. The mail with
	// the link of Confirmable is still sent.
	NoWelcome bool
	// Deletable lets users delete their account. All its sessions and tokens end at once, a mail is
	// sent to its address, and after DeletionWait the account is deleted as by DeleteUser. A
	// sign-in or the mailed link cancels the deletion.
	Deletable bool
	// DeletionWait is the time between the request and the deletion: between 24 hours and 90 days.
	// The default is 7 days.
	DeletionWait time.Duration
	// Exportable lets users download all data about them, as returned by Export.
	Exportable bool
	// OAuthSignUp names the providers in OAuth whose users may create an account, whether or not
	// Registerable is set. The provider must supply an address and state that it has verified it. A
	// code is mailed to that address before the account is created, unless the provider runs the
	// mailboxes of its domain (Domains of oidc.Settings). If the address already has an account, no
	// account is created or connected: the owner signs in and connects the provider. Required
	// fields that the provider does not supply are asked for. OnRegister decides about these
	// accounts too, and a required second factor is set up before the first session. Trade-off: the
	// users of a provider that wrongly marks addresses as verified can find out which addresses
	// have accounts.
	OAuthSignUp []string
	// InviteWithin is the lifetime of the link in an invitation: between 1 minute and 30 days. The
	// default is 7 days.
	InviteWithin time.Duration
	// Trackable counts the sign-ins of each account and keeps the time and the client address of
	// the last two. Owners see them on the account page; SignInsOf of the Store returns them.
	Trackable bool
	// AuditDays is the number of days that rows of the audit trail are kept: between 30 and 36,500,
	// and at least as long as Sessions.Absolute. Older rows are removed, and a sealed checkpoint
	// records the removal. If it is zero, all rows are kept. Trade-off: a network that a user signed in
	// from counts as known only while the trail contains the sign-in.
	AuditDays int
	// AuditArchive is an existing folder for rows of the audit trail that are older than AuditDays. Each
	// month is written to a file before its rows are removed. It needs AuditDays, and a trail that is
	// partitioned (PartitionEvents of store/postgres): in any other, no rows are removed.
	AuditArchive string
	// Fields are asked for when a user registers, and can be seen and changed on
	// the account page.
	Fields []Field
	// OnRegister and OnSignIn let the application decide whether an account is created and whether
	// a user is signed in, for example by the domain of the address or by terms that must be
	// accepted. A non-empty refusal is a text that is shown to the person. If a hook returns an
	// error, the person gets 503 and nothing is changed.
	//
	// OnRegister is called before the account exists and before the address is looked up: i.ID is
	// empty, and the address is not proven. It is not called for accounts that are imported from
	// another system (Password.Legacy), because they exist already, or for invited users, whom the
	// application chose; OnSignIn decides about those.
	// OnSignIn is called for every way to sign in, after all required factors are proven, and also
	// when a remembered browser returns or a refresh token is exchanged. Existing sessions are not
	// affected.
	OnRegister, OnSignIn func(ctx context.Context, i User, at event.Context) (refusal string, err error)
	// Captcha protects the forms that anyone can submit from programs: "turnstile", "hcaptcha",
	// "recaptcha" or "altcha". If it is empty, no captcha is used. The first three are services:
	// browsers load a script from the service, and the person's address and answer are sent to it.
	// Altcha needs no service: the browser solves a short computation. If a service cannot be
	// reached, the forms answer 503 and change nothing. Trade-off: forms with a captcha need
	// JavaScript.
	Captcha string
	// CaptchaAt lists the forms that ask for a captcha: "register"; "reset", for each form that
	// sends mail to an address that the user typed; and "sign-in", which asks after
	// Advanced.Limits.CaptchaFailures in browsers that have not signed in to the account before. If
	// it is empty, all three are used.
	CaptchaAt []string
	// CaptchaSiteKey and CaptchaSecret are the site key and the secret key that the service issued.
	CaptchaSiteKey, CaptchaSecret string
	// CaptchaVerifyURL is the URL at which the service verifies answers, and CaptchaScriptURL is
	// the URL of its script. If they are empty, the URLs of the service are used.
	CaptchaVerifyURL, CaptchaScriptURL string
	// CaptchaMinScore is the minimum score for keys of reCAPTCHA v3: between 0 and 1. If it is zero,
	// the keys are for v2.
	CaptchaMinScore float64
	// CaptchaCost is the difficulty of Altcha: between 1,000 and 10,000,000. A browser computes about
	// half as many hashes. The default is 100,000. Trade-off: a higher value takes long on slow
	// phones.
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
		"Confirmable": a.Confirmable, "Recoverable": a.Recoverable, "ChangeEmail": a.ChangeEmail,
		"UsernameRecovery": a.UsernameRecovery,
		"MagicLink":        a.MagicLink, "Deletable": a.Deletable, "OAuthSignUp": len(a.OAuthSignUp) > 0,
	} {
		if on && c.Mail == nil {
			bad("Accounts."+field, "needs a sender in Mail")
		}
	}
	for field, on := range map[string]bool{
		"ChangeUsername": a.ChangeUsername, "UsernameRecovery": a.UsernameRecovery,
		"UsernameRequired": a.UsernameRequired,
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
	byMail := len(u.EnabledMethods) == 0 || slices.Contains(u.EnabledMethods, storage.Email)
	if a.PasswordOptional && (c.Passwordless == nil || c.Mail == nil || !byMail) {
		bad("Accounts.PasswordOptional", "needs Passwordless with email among its methods, and a sender in Mail")
	}
	if a.MagicLink && u.ReplacesLogin {
		bad("Accounts.MagicLink", "and Passwordless.ReplacesLogin use the same path: choose one")
	}
	// AuditDays as a duration could overflow.
	if n, life := a.AuditDays, c.Sessions.Absolute; n > 0 && life > 0 && (life-1)/settings.Day >= time.Duration(n) {
		bad("Accounts.AuditDays", "must not be shorter than Sessions.Absolute")
	}
	if a.AuditArchive != "" && a.AuditDays == 0 {
		bad("Accounts.AuditArchive", "needs Accounts.AuditDays")
	}
	if info, err := os.Stat(a.AuditArchive); a.AuditArchive != "" && (err != nil || !info.IsDir()) {
		bad("Accounts.AuditArchive", "is not a folder that can be read: create it, or change its owner")
	}
	a.checkCaptcha(bad)
	profile.List(a.Fields).Check(func(problem string) { bad("Accounts.Fields", problem) })
}

// life converts Accounts for package auth.
func (a Accounts) life() auth.Life {
	f := auth.Life{
		Confirm: a.Confirmable, Unconfirmed: a.LoginUnconfirmed, LoginAfterConfirm: a.AutoLoginAfterConfirm,
		LoginAfterReset: a.AutoLoginAfterReset, Keyless: a.PasswordOptional,
		ByLink: a.MagicLink, LoginWithin: a.LoginWithin, Welcome: !a.NoWelcome,
		ConfirmWithin: a.ConfirmWithin, ResetWithin: a.ResetWithin, ChangeEmailWithin: a.ChangeEmailWithin,
	}
	f.OnRegister, f.OnSignIn = hook(a.OnRegister), hook(a.OnSignIn)
	if a.Locked != nil {
		f.Locked = func(u storage.User) bool { return a.Locked(publicUser(u)) }
	}
	return f
}

// hook converts OnRegister or OnSignIn for package auth.
func hook(own func(context.Context, User, event.Context) (string, error)) auth.Hook {
	if own == nil {
		return nil
	}
	return func(ctx context.Context, u storage.User, at event.Context) (string, error) {
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

// signIns returns the counter of sign-ins, or nil if Trackable is not set.
func (b *builder) signIns() storage.SignInCounter {
	if !b.c.Accounts.Trackable {
		return nil
	}
	return b.c.Store
}

// judge returns an error if the data of a registration is not valid. It does not check whether an
// identity is taken.
func (b *builder) judge(email, username, password string) error {
	return b.a.accounts.Judge(account.Draft{Email: email, Username: username, Password: password})
}
