package twofold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// Config says what New needs. Origin, Key and Store are required; every other
// zero value is the safe choice.
type Config struct {
	// Origin is the address of the site as browsers see it, e.g.
	// "https://example.org": scheme, host, port. Cookies, the check of where a
	// request comes from and the last line of texts rest on it, never on what a
	// request says. Plain http is taken for loopback hosts only.
	Origin string
	// Key seals what is stored and signs what is handed out.
	Key Key
	// Store keeps everything, e.g. sqlite.Open("app.db").
	Store store.Store

	// Users is the application's own table of users; nil: accounts are kept in
	// Store. See UserSource for what it must do and what it costs.
	Users UserSource

	// Site is the name people see; the origin's host if empty.
	Site string
	// Prefix goes in front of every path, e.g. "/auth"; none if empty.
	Prefix string

	TwoFactor TwoFactor
	Passkeys  Passkeys
	Unified   Unified
	Tokens    Tokens
	Password  Password
	Session   Session

	// Mail and SMS send codes. A channel without a sender is not offered.
	Mail send.Sender
	SMS  send.Sender
	// MailFallback and SMSFallback take over, in this order, while the ones
	// above fail. Whoever failed is tried last for half a minute, and for longer
	// if it goes on failing.
	MailFallback, SMSFallback []send.Sender
	// PhoneRegion is the region of phone numbers that are given without
	// country code; "US" if empty.
	PhoneRegion string

	// SMSCountries are the regions texts are sent to, e.g. "US", "DE"; every one
	// if empty.
	SMSCountries []string

	// OAuth are other sites whose users may sign in here, e.g. of oidc.Google,
	// oidc.GitHub or oidc.New; nobody's if empty. It makes no accounts: people
	// connect theirs on the account page, and are known by issuer and number
	// there, never by e-mail address. It costs this: who is let in there has
	// proven the first factor here. The second is asked for as ever.
	OAuth []federated.Provider

	// Accounts says what people may do with their accounts themselves: nothing
	// but signing in, if empty.
	Accounts Accounts
	// Registerable opens registration to everybody.
	Registerable bool
	// Usernames lets people have a username and sign in with it.
	Usernames bool
	// SpecificErrors tells a stranger whether an account exists and which of
	// identity and password was wrong. It costs the privacy of every account.
	SpecificErrors bool

	// Limits are the budgets of guesses and of messages.
	Limits Limits
	// TrustedProxies may say for whom they forward: only from these addresses
	// is X-Forwarded-For taken, and only its last hop that is not one of them.
	TrustedProxies []netip.Prefix

	// URLs renames paths; empty fields keep their names.
	URLs Paths
	// Views are where people go after a step; empty fields keep the defaults.
	Views Views
	// SPA is the single-page application that Views lead to, if there is one.
	SPA SPA
	// Templates replaces pages: a file of the same name as one of ours
	// ("login.html") takes its place.
	Templates fs.FS
	// Locales adds languages: files like "fr.json", with the keys of ours.
	Locales fs.FS
	// UserPayload is what JSON answers say of the user; id and e-mail if nil.
	UserPayload func(Identity) map[string]any
	// RolesInPayload adds to it, as "roles" and "permissions", the user's roles and
	// what they permit. That is for showing; whoever decides by it asks the guards.
	RolesInPayload bool
	// Account adds a small account page at /me.
	Account bool

	// OnEvent receives what happens, once each, as the types of package event.
	OnEvent event.Handler
	// OnSend receives every try of every sender, for metrics: how long it took
	// and how it ended. It must be quick.
	OnSend func(ctx context.Context, a send.Attempt)
	// Log receives what an operator must know; nothing if nil.
	Log *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// TwoFactor says when and how a second factor is asked for.
type TwoFactor struct {
	// Required demands a second factor from everybody.
	Required bool
	// Require decides for one user, in place of Required: every admin, say. It
	// is about users who have none; whoever has one is always asked for it.
	Require func(Identity) bool
	// EnabledMethods are offered for set-up, in this order. If empty: the
	// authenticator app, then sms and email where there is a sender.
	EnabledMethods []string
	// StrongOnly takes sms and email for no second factors: nobody sets them up
	// or is asked for them, and RescueEmail is off. Who has nothing else proves it
	// at the next sign-in, once, and must set up an app or a passkey before there
	// is a session. Browsers trusted before stay so where the account has another
	// factor as well. It costs people who have neither an app nor a passkey the
	// account.
	StrongOnly bool
	// LoginValidity lets a browser whose user asks to be remembered skip the
	// second factor for so long, 30 days at most; zero: it is always asked for.
	// It costs this: the browser itself becomes the second factor.
	LoginValidity time.Duration
	// Trust decides for one user whether a browser may be trusted, where
	// LoginValidity lets browsers be: not an administrator's, say. Everybody's if
	// nil. It is asked at every sign-in, so a browser trusted before stops to be.
	Trust func(Identity) bool
	// Issuer is shown in authenticator apps; Site if empty.
	Issuer string
	// Secrets are keys for TOTP secrets by tag, in place of Key. The newest tag
	// seals; all of them open, and so does Key.
	Secrets map[string]string
	// QRInJSON puts the QR code of an app's key into every JSON answer that begins
	// a set-up. If it is not set, a request asks for it by ?include_qr. Drawing it
	// takes about half the time of such an answer.
	QRInJSON bool
	// AuthenticatorValidity is how far off an app's clock may be, both ways: 30
	// seconds if zero, at most 120. Wider is easier to guess.
	AuthenticatorValidity time.Duration
	// MailValidity and SMSValidity are the life of a sent code: 5 minutes if
	// zero, at most 10.
	MailValidity, SMSValidity time.Duration
	// EnrolProof asks those who must set up a second factor at sign-in for a
	// mailed code first. Without it, whoever has the password of an account that
	// has none yet chooses its second factor; its owner is told by mail.
	EnrolProof bool
	// SetupWithin is how long a set-up may take: 10 minutes if zero, at most 30.
	SetupWithin time.Duration
	// Freshness is how old the full sign-in may be for a security change: 15
	// minutes if zero. Negative: any age will do. Trade-off: anyone who finds a
	// browser that is signed in with both factors can replace the second one.
	Freshness time.Duration
	// FreshOnlyAfterVerify never takes a sign-in as fresh: each security
	// change asks again, and that holds for one minute.
	FreshOnlyAfterVerify bool
	// RecoveryCodes are a set of codes on paper for those who lose their second
	// factor.
	RecoveryCodes RecoveryCodes
	// RescueEmail mails a code to those who lost their second factor. It costs
	// this: password and mailbox are then enough for every account.
	RescueEmail bool
	// RescueRepairOnly lets who was rescued by e-mail set up a factor in place of
	// the lost one and nothing else; there is no session before that is done.
	RescueRepairOnly bool
	// Recovery lets those who lost their second factor ask for a mailed link that
	// sets up another one, with the password, RecoveryWait later. All addresses
	// hear of it at once, every signed-in browser can stop it, and signing in with
	// the factor ends it. It costs this: password and mailbox are enough for who
	// is not noticed for so long.
	Recovery bool
	// RecoveryWait is 24 hours if zero; at least 1 hour, at most 30 days.
	RecoveryWait time.Duration
	// RescueMail is the administrators' address, for those who need help; if
	// empty, help is not offered.
	RescueMail string
}

// Password says how passwords are kept and what they must be.
type Password struct {
	// Scheme of new hashes: "argon2" (argon2id; if empty) or "bcrypt".
	Scheme string
	// Salt is the SECURITY_PASSWORD_SALT of a Flask-Security installation whose
	// hashes shall go on working. They are upgraded at sign-in.
	Salt string
	// MinLength in code points: 8 if zero. 15 is advised where a password
	// alone may open a session (NIST SP 800-63B-4 section 3.1.1.2).
	MinLength int
	// Slots is how many passwords are hashed at once; one a processor if zero.
	Slots int
	// Portable computes argon2 with golang.org/x/crypto on every machine, not with
	// the assembly of this module where the processor has AVX2. Hashes are the same.
	// It costs this: a hash takes two to three times as long.
	Portable bool
	// Checkers judge new passwords that length and list let pass, in this order,
	// e.g. of strength.New and breach.New. None if empty.
	Checkers []password.Checker
}

// Session says how long sessions live.
type Session struct {
	Idle      time.Duration // without a request: 1 hour if zero
	Absolute  time.Duration // in all: 24 hours if zero
	TokenLife time.Duration // of a header token: 15 minutes if zero
	// Remember lets a browser whose user asks for it stay signed in for so long,
	// 30 days at most; zero: none does. An account with a second factor is
	// remembered only where TwoFactor.LoginValidity lets its browsers be trusted,
	// and no longer than that. It costs this: whoever has the browser has the
	// account, but for security changes, which ask for everything anew.
	Remember time.Duration
	// RememberByDefault ticks the box "remember me", and takes a JSON sign-in that
	// does not say for one that asks. It costs this: people who did not think of
	// it stay signed in on browsers of others.
	RememberByDefault bool
}

// RecoveryCodes says whether people can make recovery codes, which stand in for
// a lost second factor, each once. They are kept as keyed hashes, shown once,
// and go with the last second factor.
type RecoveryCodes struct {
	// Enabled offers them, at first when the first second factor is set up. It
	// costs this: whoever finds the paper has a second factor.
	Enabled bool
	// Number of codes in a set: 5 if zero, 20 at most.
	Number int
	// Life is how long a code is good for: for ever if zero, a day at least.
	Life time.Duration
	// BeforeFactor lets people make codes before they have a second factor.
	// Trade-off: whoever is signed in to an account without one can keep codes
	// that open it after its owner sets one up. The owner is told by mail when
	// codes are made.
	BeforeFactor bool
}

// check finds all mistakes at once and names each field.
func (c *Config) check() error {
	var errs []error
	bad := func(field, text string) { errs = append(errs, fmt.Errorf("%s: %s", field, text)) }
	if err := checkOrigin(c.Origin); err != nil {
		bad("Origin", err.Error())
	}
	if c.Key.load == nil {
		bad("Key", `is required, e.g. twofold.KeyFile("app.key")`)
	}
	if c.Key.check != nil {
		if err := c.Key.check(); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				bad("Key", line)
			}
		}
	}
	if c.Store == nil {
		bad("Store", `is required, e.g. sqlite.Open("app.db")`)
	}
	if c.Prefix != "" && (!strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/") || strings.ContainsAny(c.Prefix, "{}?# ")) {
		bad("Prefix", `must begin with a slash and not end with one, e.g. "/auth"`)
	}
	c.checkTwoFactor(bad)
	c.Passkeys.check(bad)
	c.checkUnified(bad)
	c.checkAccounts(bad)
	c.checkSPA(bad)
	c.Tokens.check(bad)
	for _, region := range c.SMSCountries {
		if !onetime.KnownRegion(region) {
			bad("SMSCountries", fmt.Sprintf("%q is no region such as US or DE", region))
		}
	}
	c.checkOAuth(bad)
	if c.Users != nil && (c.Accounts.ChangeEmail || c.Accounts.ChangeUsername) {
		bad("Users", "is the application's own: it changes addresses and usernames itself, so leave ChangeEmail and ChangeUsername out")
	}
	if s := c.Password.Scheme; s != "" && s != "argon2" && s != "bcrypt" {
		bad("Password.Scheme", `must be "argon2" or "bcrypt"`)
	}
	if n := c.Password.MinLength; n != 0 && (n < 8 || n > 64) {
		bad("Password.MinLength", "must be between 8 and 64")
	}
	if d := c.Session.Remember; d != 0 && (d < time.Minute || d > 30*24*time.Hour) {
		bad("Session.Remember", "must be between 1m0s and 720h0m0s")
	}
	if len(c.MailFallback) > 0 && c.Mail == nil {
		bad("MailFallback", "needs a sender in Mail")
	}
	if len(c.SMSFallback) > 0 && c.SMS == nil {
		bad("SMSFallback", "needs a sender in SMS")
	}
	c.checkSurface(bad)
	if err := c.Limits.Check(); err != nil {
		bad("Limits", err.Error())
	}
	return errors.Join(errs...)
}

func (c *Config) checkTwoFactor(bad func(field, text string)) {
	t := c.TwoFactor
	known := []string{store.Authenticator, store.Email, store.SMS}
	for _, m := range t.EnabledMethods {
		switch {
		case !slices.Contains(known, m):
			bad("TwoFactor.EnabledMethods", fmt.Sprintf("%q is none of authenticator, email, sms", m))
		case m == store.Email && c.Mail == nil:
			bad("TwoFactor.EnabledMethods", "email needs a sender in Mail")
		case m == store.SMS && c.SMS == nil:
			bad("TwoFactor.EnabledMethods", "sms needs a sender in SMS")
		}
	}
	within := func(field string, d, lo, hi time.Duration) {
		if d != 0 && (d < lo || d > hi) {
			bad("TwoFactor."+field, fmt.Sprintf("must be between %v and %v", lo, hi))
		}
	}
	within("LoginValidity", t.LoginValidity, time.Second, 30*24*time.Hour)
	within("AuthenticatorValidity", t.AuthenticatorValidity, 30*time.Second, 120*time.Second)
	within("MailValidity", t.MailValidity, 30*time.Second, 10*time.Minute)
	within("SMSValidity", t.SMSValidity, 30*time.Second, 10*time.Minute)
	within("SetupWithin", t.SetupWithin, time.Minute, 30*time.Minute)
	within("RecoveryCodes.Life", t.RecoveryCodes.Life, 24*time.Hour, 100*365*24*time.Hour)
	if n := t.RecoveryCodes.Number; n < 0 || n > recovery.MaxNumber {
		bad("TwoFactor.RecoveryCodes.Number", "must be between 1 and 20")
	}
	if t.StrongOnly && len(t.EnabledMethods) > 0 && !slices.Contains(t.EnabledMethods, store.Authenticator) && !c.Passkeys.On {
		bad("TwoFactor.StrongOnly", "leaves no method: add authenticator to EnabledMethods, or switch passkeys on")
	}
	if t.EnrolProof && c.Mail == nil {
		bad("TwoFactor.EnrolProof", "needs a sender in Mail")
	}
	if t.RescueEmail && c.Mail == nil {
		bad("TwoFactor.RescueEmail", "needs a sender in Mail")
	}
	within("RecoveryWait", t.RecoveryWait, time.Hour, 30*24*time.Hour)
	if t.Recovery && c.Mail == nil {
		bad("TwoFactor.Recovery", "needs a sender in Mail")
	}
	if t.RescueMail != "" && c.Mail == nil {
		bad("TwoFactor.RescueMail", "needs a sender in Mail")
	}
}

func (c *Config) checkOAuth(bad func(field, text string)) {
	seen := map[string]bool{}
	for _, p := range c.OAuth {
		switch {
		case p == nil:
			bad("OAuth", "holds nil: look at the error of what made it")
		case seen[p.Name()]:
			bad("OAuth", fmt.Sprintf("has %q twice: each needs a name of its own", p.Name()))
		default:
			seen[p.Name()] = true
		}
	}
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if origin == "" || err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return errors.New(`must be scheme and host, e.g. "https://example.org"`)
	}
	if u.Scheme == "https" {
		return nil
	}
	if u.Scheme == "http" && web.Loopback(u.Hostname()) {
		return nil
	}
	return errors.New("must be https (plain http is for localhost only): passwords and codes would travel in the clear")
}
