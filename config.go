package twofold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/settings"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// Config configures New. Origin, Key and Store are required. For every other field the zero value
// is the safe choice.
type Config struct {
	// Origin is the scheme, host and port of the site as browsers see it, such as
	// "https://example.org". It is used for cookies, links, the origin check of requests and the
	// last line of text messages. The Host header of a request is never used. Plain http is
	// accepted for loopback hosts only.
	Origin string
	// Key encrypts stored secrets and signs cookies, links and tokens.
	Key Key
	// Store keeps all data of the sign-in. sqlite.Open(ctx, "app.db") returns one.
	Store store.Store
	// Users is the application's own table of users. If it is nil, accounts are kept in Store.
	// store.UserSource lists its duties and its cost.
	Users store.UserSource
	// Mail and SMS send codes. A method without a sender is not offered.
	Mail send.Sender
	SMS  send.Sender

	// TwoFactor configures when and how a second factor is required.
	TwoFactor TwoFactor
	// Passkeys offers passkeys and security keys. Nil switches them off.
	Passkeys *Passkeys
	// Passwordless offers sign-in with a code in place of a password. Nil switches
	// it off.
	Passwordless *Passwordless
	// Password configures how passwords are checked and stored.
	Password Password
	// Accounts configures who may have an account and what users may do with it. If it is empty,
	// users can only sign in.
	Accounts Accounts
	// Sessions configures the lifetime of sessions.
	Sessions Sessions
	// Tokens configures the tokens of programs.
	Tokens Tokens
	// Pages configures the built-in pages: their paths, look and language.
	Pages Pages
	// Advanced configures operation: proxies, limits and metrics.
	Advanced Advanced

	// Log receives messages for operators. If it is nil, nothing is logged.
	Log *slog.Logger
}

// Advanced contains settings that most programs do not change before production.
type Advanced struct {
	// TrustedProxies are the networks of reverse proxies. X-Forwarded-For is
	// read only if a request comes from one of them, and only its last address
	// that is not in one of them.
	TrustedProxies []netip.Prefix
	// Limits are the budgets of guesses and of messages.
	Limits Limits
	// MailFallback and SMSFallback are tried in order if Config.Mail or
	// Config.SMS fails. A sender that failed is tried last for 30 seconds, and
	// for longer if it keeps failing.
	MailFallback, SMSFallback []send.Sender
	// OnEvent receives every event exactly once. Package event has the types.
	OnEvent event.Handler
	// OnSend receives the duration and the result of every delivery attempt,
	// for metrics. It must return quickly.
	OnSend func(ctx context.Context, a send.Attempt)
	// Now returns the current time. If it is nil, time.Now is used.
	Now func() time.Time
}

// TwoFactor configures when and how a second factor is required.
type TwoFactor struct {
	// Required requires a second factor of every user.
	Required bool
	// Require replaces Required: it reports whether one user must have a second factor. A user who
	// has a second factor must always prove it, whatever Require returns.
	Require func(User) bool
	// EnabledMethods lists the methods that users can set up, in this order. If it is empty, these
	// are the authenticator app and, if they have a sender, sms and email.
	EnabledMethods []string
	// If StrongOnly is set, SMS and e-mail do not count as second factors. They cannot be set up,
	// and RescueEmail is off. A user who has only such a factor proves it once more at the next
	// sign-in and must then set up an app or a passkey before the session starts. Browsers that are
	// already trusted stay trusted if the account has a stronger factor. Trade-off: users who have
	// neither an app nor a passkey lose access.
	StrongOnly bool
	// LoginValidity is the time for which a browser may skip the second factor if its user asks to
	// be remembered: between 1 second and 30 days. If it is zero, no browser may. Trade-off: the
	// browser itself becomes the second factor.
	LoginValidity time.Duration
	// Trust decides for one user whether LoginValidity applies. If it is nil, it applies to every
	// user. It is called at every sign-in, so a browser trusted earlier may lose that trust.
	Trust func(User) bool
	// Issuer is the name of the site in authenticator apps. If it is empty,
	// Pages.Site is used.
	Issuer string
	// Secrets contains keys for TOTP secrets by tag, in place of Key. The newest tag encrypts; all
	// tags and Key decrypt.
	Secrets map[string]string
	// QRInJSON adds the QR code of an authenticator app's key to every JSON answer that starts a
	// set-up. If it is not set, a client requests the code with ?include_qr. Drawing the code takes
	// about half the time of such an answer.
	QRInJSON bool
	// AuthenticatorValidity is how far the clock of an authenticator app may be off in each
	// direction: between 30 seconds and 2 minutes. The default is 30 seconds. Trade-off: a wider
	// window makes codes easier to guess.
	AuthenticatorValidity time.Duration
	// PhoneRegion is the region of phone numbers without a country code. The
	// default is "US".
	PhoneRegion string
	// SMSCountries are the regions that text messages are sent to, such as "US" and "DE". If it is
	// empty, messages are sent to every region.
	SMSCountries []string
	// PossiblePhones accepts phone numbers that have a valid length but are in no known range. The
	// known ranges are fixed at release; countries add new ones later. Trade-off: messages may be
	// sent to numbers that are expensive or do not exist.
	PossiblePhones bool
	// MailValidity and SMSValidity are the lifetimes of codes: between 30 seconds and 10 minutes.
	// The default is 5 minutes.
	MailValidity, SMSValidity time.Duration
	// EnrollProof asks users who must set up a second factor during sign-in for a mailed code
	// first. If it is not set, anyone who has the password of an account without a second factor
	// can set up that factor; the owner is notified by mail.
	EnrollProof bool
	// SetupWithin is the time that a set-up may take: between 1 minute and 30 minutes. The default is
	// 10 minutes.
	SetupWithin time.Duration
	// Freshness is the maximum age of a full sign-in for a security change. The
	// default is 15 minutes. A negative value allows any age. Trade-off of a
	// negative value: anyone who finds a browser that is signed in with both
	// factors can replace the second one.
	Freshness time.Duration
	// If FreshOnlyAfterVerify is set, a sign-in is never fresh. Each security change asks for a
	// proof, which stays fresh for one minute.
	FreshOnlyAfterVerify bool
	// RecoveryCodes offers codes that replace a lost second factor. Users get the
	// first set when they set up their first second factor. Nil switches codes off.
	// Trade-off: anyone who finds the codes has a second factor.
	RecoveryCodes *RecoveryCodes
	// RescueEmail mails a code to users who lost their second factor. Trade-off: a password and a
	// mailbox are then enough for every account.
	RescueEmail bool
	// RescueRepairOnly allows a user rescued by e-mail only to set up a new
	// factor. There is no session before that.
	RescueRepairOnly bool
	// Recovery lets users who lost their second factor ask for a mailed link that sets up another
	// one. The link needs the password and works after RecoveryWait. All addresses of the account
	// are notified at once, every signed-in browser can stop the recovery, and a sign-in with the
	// factor cancels it. Trade-off: an attacker who has the password and the mailbox gets in if the
	// owner does not notice for that long.
	Recovery bool
	// RecoveryWait is the delay of that link: between 1 hour and 30 days. The default is 24 hours.
	RecoveryWait time.Duration
	// HelpAddress is the e-mail address of the administrators, who receive requests for help. If it
	// is empty, help is not offered.
	HelpAddress string
}

// Sessions configures the lifetime of sessions.
type Sessions struct {
	// Idle is the maximum time between two requests, and Absolute the maximum lifetime: each at least
	// 1 minute, and Idle no more than Absolute. The defaults are 1 hour and 24 hours.
	Idle, Absolute time.Duration
	// TokenLife is the lifetime of a header token. The default is 15 minutes.
	TokenLife time.Duration
	// Remember is the time for which a browser may stay signed in if its user asks for it: between 1
	// minute and 30 days. If it is zero, no browser may. An account with a second factor is
	// remembered only if TwoFactor.LoginValidity is set, and no longer than that. Trade-off: anyone
	// who has the browser has the account, except for security changes, which require all factors
	// again.
	Remember time.Duration
	// RememberByDefault checks the box "remember me" by default, and a JSON sign-in without the
	// field "remember" counts as one that asks for it. Trade-off: users who do not notice the box
	// stay signed in on shared browsers.
	RememberByDefault bool
	// NoNewBrowserMail turns off the mail about a sign-in from a browser that has not signed in to
	// the account before. Trade-off: an owner does not learn of an attacker who has all required
	// factors.
	NoNewBrowserMail bool
}

// RecoveryCodes configures recovery codes. A recovery code replaces a lost
// second factor once. Codes are shown once, stored as keyed hashes, and removed
// with the last second factor.
type RecoveryCodes struct {
	// Number is the number of codes in a set: between 1 and 20. The default is 10.
	Number int
	// Life is the lifetime of a code: at least 24 hours. If it is zero, codes do not expire.
	Life time.Duration
	// BeforeFactor lets users create codes before they have a second factor. Trade-off: anyone who
	// is signed in to an account without one can create codes and use them after the owner sets one
	// up. The owner is notified by mail when codes are created.
	BeforeFactor bool
}

// check returns a *ConfigError that lists every mistake with the name of its field.
func (c *Config) check() error {
	var found ConfigError
	bad := found.add
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
		bad("Store", `is required, e.g. sqlite.Open(ctx, "app.db")`)
	}
	if p := c.Pages.Prefix; p != "" && (p[0] != '/' || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "{}?# ")) {
		bad("Pages.Prefix", `must begin with a slash and not end with one, e.g. "/auth"`)
	}
	settings.Check(c, "", bad)
	c.checkTwoFactor(bad)
	orZero(c.Passkeys).check(bad)
	c.checkPasswordless(bad)
	c.checkAccounts(bad)
	c.checkSPA(bad)
	c.Tokens.check(bad)
	for _, region := range c.TwoFactor.SMSCountries {
		if !onetime.KnownRegion(region) {
			bad("TwoFactor.SMSCountries", fmt.Sprintf("%q is not a region such as US or DE", region))
		}
	}
	c.checkOAuth(bad)
	if c.Users != nil && (c.Accounts.ChangeEmail || c.Accounts.ChangeUsername) {
		bad("Users", "is the application's own: it changes addresses and usernames itself, so leave ChangeEmail and "+
			"ChangeUsername out")
	}
	if len(c.Advanced.MailFallback) > 0 && c.Mail == nil {
		bad("Advanced.MailFallback", "needs a sender in Mail")
	}
	if len(c.Advanced.SMSFallback) > 0 && c.SMS == nil {
		bad("Advanced.SMSFallback", "needs a sender in SMS")
	}
	c.checkSurface(bad)
	if len(found.Problems) == 0 {
		return nil
	}
	return &found
}

func (c *Config) checkTwoFactor(bad func(field, text string)) {
	t := c.TwoFactor
	known := []string{storage.Authenticator, storage.Email, storage.SMS}
	for _, m := range t.EnabledMethods {
		switch {
		case !slices.Contains(known, m):
			bad("TwoFactor.EnabledMethods", fmt.Sprintf("%q is none of authenticator, email, sms", m))
		case m == storage.Email && c.Mail == nil:
			bad("TwoFactor.EnabledMethods", "email needs a sender in Mail")
		case m == storage.SMS && c.SMS == nil:
			bad("TwoFactor.EnabledMethods", "sms needs a sender in SMS")
		}
	}
	if t.StrongOnly && c.Passkeys == nil && len(t.EnabledMethods) > 0 &&
		!slices.Contains(t.EnabledMethods, storage.Authenticator) {
		bad("TwoFactor.StrongOnly", "leaves no method: add authenticator to EnabledMethods, or set Passkeys")
	}
	if t.EnrollProof && c.Mail == nil {
		bad("TwoFactor.EnrollProof", "needs a sender in Mail")
	}
	if t.RescueEmail && c.Mail == nil {
		bad("TwoFactor.RescueEmail", "needs a sender in Mail")
	}
	if t.Recovery && c.Mail == nil {
		bad("TwoFactor.Recovery", "needs a sender in Mail")
	}
	if t.HelpAddress != "" && c.Mail == nil {
		bad("TwoFactor.HelpAddress", "needs a sender in Mail")
	}
}

func (c *Config) checkOAuth(bad func(field, text string)) {
	seen := map[string]bool{}
	for _, p := range c.Accounts.OAuth {
		switch {
		case p == nil:
			bad("Accounts.OAuth", "contains nil: check the error of the call that returned it")
		case seen[p.Name()]:
			bad("Accounts.OAuth", fmt.Sprintf("has %q twice: each needs a name of its own", p.Name()))
		default:
			seen[p.Name()] = true
		}
	}
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if origin == "" || err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil ||
		u.Fragment != "" {
		return errors.New(`must be scheme and host, e.g. "https://example.org"`)
	}
	if u.Scheme == "https" {
		return nil
	}
	if u.Scheme == "http" && web.Loopback(u.Hostname()) {
		return nil
	}
	return errors.New("must be https (plain http is for localhost only), or passwords and codes would be sent " +
		"unencrypted")
}
