package settings

import "strings"

// others lists the fields of twofold.Config that have neither a default number nor bounds: sections,
// switches, functions, interfaces, lists and free texts.
const others = `
Origin Key Store Users Mail SMS TwoFactor Passkeys Passwordless Password Accounts Sessions Tokens
Pages Advanced Log
TwoFactor.SMSCountries TwoFactor.Required TwoFactor.Require TwoFactor.EnabledMethods
TwoFactor.Trust TwoFactor.Issuer TwoFactor.Secrets TwoFactor.EnrollProof TwoFactor.QRInJSON
TwoFactor.FreshOnlyAfterVerify TwoFactor.RecoveryCodes TwoFactor.RecoveryCodes.BeforeFactor
TwoFactor.RescueEmail TwoFactor.RescueRepairOnly TwoFactor.Recovery TwoFactor.HelpAddress
TwoFactor.StrongOnly TwoFactor.PossiblePhones
Passkeys.Name Passkeys.FirstFactor Passkeys.MultiFactor Passkeys.Verify Passkeys.Hints
Passwordless.EnabledMethods Passwordless.Unforced Passwordless.ReplacesLogin
Password.Salt Password.Peppers Password.Portable Password.Checkers Password.Legacy
Accounts.OAuth Accounts.Registerable Accounts.Usernames Accounts.RevealAccounts
Accounts.UserPayload Accounts.Confirmable Accounts.LoginUnconfirmed Accounts.AutoLoginAfterConfirm
Accounts.Recoverable Accounts.AutoLoginAfterReset Accounts.Changeable Accounts.ChangeEmail
Accounts.ChangeUsername Accounts.UsernameRecovery Accounts.UsernameRequired
Accounts.PasswordTypedOnce Accounts.NoWelcome Accounts.Locked Accounts.UsernameFirst
Accounts.Trackable Accounts.Fields Accounts.OnRegister Accounts.OnSignIn Accounts.RolesInPayload
Accounts.PasswordOptional Accounts.MagicLink Accounts.Deletable Accounts.Exportable
Accounts.OAuthSignUp Accounts.Captcha Accounts.CaptchaAt Accounts.CaptchaSiteKey
Accounts.CaptchaSecret Accounts.CaptchaVerifyURL Accounts.CaptchaScriptURL Accounts.AuditArchive
Sessions.RememberByDefault Sessions.NoNewBrowserMail
Tokens.Refresh Tokens.RefreshInBody Tokens.Scopes
Pages.Site Pages.Prefix Pages.Paths Pages.Views Pages.SPA Pages.SPA.Origin Pages.SPA.TellInQuery
Pages.SPA.CSRFCookie Pages.SPA.CSRFHeader Pages.Templates Pages.Locales Pages.AccountPage
Pages.Static Pages.Logo Pages.LogoDark Pages.Accent Pages.Style Pages.Home Pages.Help Pages.Terms
Pages.Privacy Pages.Data
Advanced.MailFallback Advanced.SMSFallback Advanced.Limits Advanced.TrustedProxies
Advanced.OnEvent Advanced.OnSend Advanced.Now
`

// Fields returns the paths of all fields of twofold.Config, of sections too. A new field must have a row
// in the table or be listed in others. If it adds a way to sign in, package twofoldtest must learn it
// first, because NoSideDoor fails for fields that are not listed here.
func Fields() []string {
	all := strings.Fields(others)
	for _, r := range Rows() {
		all = append(all, r.Field)
	}
	return all
}
