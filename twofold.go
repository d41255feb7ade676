package twofold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/deletion"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/invite"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/mail"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/settings"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// Auth is the sign-in of one application. It is an http.Handler and is safe for concurrent use.
type Auth struct {
	moving
	accounts *account.Accounts
	leaving  *deletion.Deletions
	invites  *invite.Invitations
	sessions *session.Manager
	site     *web.Site
	words    *i18n.Catalogue
	login    *auth.Login
	prefix   string
	store    storage.Store
	opens    map[string]opener // by method
	now      func() time.Time
	outbox   *send.Outbox
	hasher   *password.Hasher
	users    store.UserSource // nil if accounts are kept in store
	trail    *event.Trail
	ring     *seal.Ring

	work *work
}

// New returns an Auth. For an invalid configuration it returns a *ConfigError, which lists every
// mistake. New starts no goroutines: a program that serves must also call Run.
func New(c Config) (*Auth, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	b := builder{c: c.withDefaults()}
	a, err := b.build()
	if wrong := new(ConfigError); errors.As(err, &wrong) {
		return nil, wrong
	}
	if err != nil {
		return nil, fmt.Errorf("twofold: %w", err)
	}
	a.work = newWork(b.c)
	return a, nil
}

func (c Config) withDefaults() Config {
	if c.Advanced.Now == nil {
		c.Advanced.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Users != nil {
		c.Store = account.Join(c.Store, sourceOf(c.Users), c.Advanced.Now)
	}
	u, _ := url.Parse(c.Origin) // checked by check
	if c.Pages.Site == "" {
		c.Pages.Site = u.Hostname()
	}
	if c.TwoFactor.Issuer == "" {
		c.TwoFactor.Issuer = c.Pages.Site
	}
	if len(c.TwoFactor.EnabledMethods) == 0 {
		c.TwoFactor.EnabledMethods = []string{storage.Authenticator}
		if c.SMS != nil {
			c.TwoFactor.EnabledMethods = append(c.TwoFactor.EnabledMethods, storage.SMS)
		}
		if c.Mail != nil {
			c.TwoFactor.EnabledMethods = append(c.TwoFactor.EnabledMethods, storage.Email)
		}
	}
	// Do not change the sections of the application.
	c.Passkeys, c.Passwordless = copied(c.Passkeys), copied(c.Passwordless)
	c.TwoFactor.RecoveryCodes = copied(c.TwoFactor.RecoveryCodes)
	settings.Default(&c, "")
	if c.Passkeys != nil && c.Passkeys.Name == "" {
		c.Passkeys.Name = c.Pages.Site
	}
	if c.Passwordless != nil && len(c.Passwordless.EnabledMethods) == 0 {
		c.Passwordless.EnabledMethods = sendableKinds(c.Mail != nil, c.SMS != nil)
	}
	if c.Accounts.UserPayload == nil {
		c.Accounts.UserPayload = func(i User) map[string]any { return map[string]any{"id": i.ID, "email": i.Email} }
	}
	return c
}

// orZero returns what section points to, or the zero value if it is nil.
func orZero[T any](section *T) T {
	if section == nil {
		return *new(T)
	}
	return *section
}

// copied returns a pointer to a copy of a section, or nil if there is none.
func copied[T any](section *T) *T {
	if section == nil {
		return nil
	}
	c := *section
	return &c
}

// builder connects the packages, from the innermost to the outermost.
type builder struct {
	c       Config
	ring    *seal.Ring
	keys    *seal.Keys
	mails   *mail.Renderer
	limits  *limit.Limiter
	captcha *captcha.Checker // nil if no captcha is configured
	a       Auth
}

func (b *builder) build() (*Auth, error) {
	b.a.prefix, b.a.store, b.a.now = b.c.Pages.Prefix, b.c.Store, b.c.Advanced.Now
	b.limits = limit.New(b.c.Store, b.c.Advanced.Now, b.c.Advanced.Limits)
	for _, step := range []func() error{b.buildKeys, b.buildOutbox, b.buildSessions, b.buildSite} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	b.a.moving = moving{b}
	return &b.a, nil
}

func (b *builder) buildKeys() error {
	s, err := b.c.Key.load()
	if err != nil {
		return field("Key", err)
	}
	if b.keys, err = seal.NewKeys(s.newestFirst()...); err != nil {
		return field("Key", err)
	}
	b.a.trail = event.NewTrail(b.c.Store, b.keys, b.c.Advanced.Now)
	if b.ring, err = seal.NewRingOf(s...); err != nil {
		return field("Key", err)
	}
	if b.a.ring = b.ring; len(b.c.TwoFactor.Secrets) == 0 {
		return nil
	}
	tagged, err := seal.NewRing(b.c.TwoFactor.Secrets)
	if err != nil {
		return field("TwoFactor.Secrets", err)
	}
	b.ring = tagged.Opening(b.ring) // data sealed before Secrets was set can still be opened
	b.a.ring = b.ring
	return nil
}

func (b *builder) buildOutbox() error {
	u, err := url.Parse(b.c.Origin)
	if err != nil {
		return err
	}
	if b.a.words, err = i18n.NewCatalogue(b.c.Pages.Locales); err != nil {
		return field("Pages.Locales", err)
	}
	if b.mails, err = mail.NewRenderer(b.a.words, u.Hostname(), b.c.Pages.Site, b.c.Pages.Templates); err != nil {
		return field("Pages.Templates", err)
	}
	senders := map[string][]send.Sender{}
	if b.c.Mail != nil {
		senders[send.Email] = append([]send.Sender{b.c.Mail}, b.c.Advanced.MailFallback...)
	}
	if b.c.SMS != nil {
		senders[send.SMS] = append([]send.Sender{b.c.SMS}, b.c.Advanced.SMSFallback...)
	}
	b.a.outbox, err = send.NewOutbox(send.OutboxConfig{
		Messages: b.c.Store, Sealer: sealer{b.ring}, Senders: senders, Now: b.c.Advanced.Now, Log: b.c.Log,
		Tried: b.c.Advanced.OnSend,
	})
	return err
}

// sealer adapts the ring to the interface of the outbox.
type sealer struct{ ring *seal.Ring }

func (s sealer) Seal(owner string, plain []byte) ([]byte, error) {
	return s.ring.Seal("message", owner, plain)
}

func (s sealer) Open(owner string, sealed []byte) ([]byte, error) {
	plain, _, err := s.ring.Open("message", owner, sealed)
	return plain, err
}

func (b *builder) buildSessions() error {
	var err error
	// Sessions are cached only if the store reports changes.
	notices, _ := b.c.Store.(storage.Notifier)
	cache := time.Duration(0)
	if notices == nil {
		cache = -1
	}
	both, _ := b.c.Store.(storage.SessionUser)
	b.a.sessions, err = session.New(session.Config{
		Sessions: b.c.Store, Users: b.c.Store, Both: both, Tokens: b.c.Store, Now: b.c.Advanced.Now,
		Idle: b.c.Sessions.Idle, Absolute: b.c.Sessions.Absolute, TokenLife: b.c.Sessions.TokenLife,
		Notices: notices, Cache: cache, OwnUsers: b.c.Users != nil,
	})
	if err != nil {
		return field("Sessions", err)
	}
	p := b.c.Password
	b.a.hasher, err = password.New(password.Config{Scheme: p.Scheme, Salt: p.Salt, Peppers: p.Peppers,
		Asks:  p.Legacy != nil,
		Slots: p.Slots, Portable: p.Portable})
	if err != nil {
		return field("Password", err)
	}
	b.a.accounts = account.New(account.Config{
		Users: b.c.Store, Source: b.source(), Hasher: b.a.hasher,
		Policy: password.Policy{MinLength: b.c.Password.MinLength}, Checkers: b.c.Password.Checkers,
		Mailed:    b.c.Accounts.PasswordOptional,
		Usernames: account.Lengths{Min: b.c.Accounts.UsernameMin, Max: b.c.Accounts.UsernameMax},
		Legacy:    p.Legacy, LegacyNames: b.c.Accounts.Usernames,
		Context: []string{b.c.Pages.Site}, Now: b.c.Advanced.Now, Log: b.c.Log, Changed: b.a.sessions.ForgetUser,
	})
	b.a.users = b.c.Users
	b.a.leaving, b.a.invites = b.deletions(), b.invitations()
	return nil
}

// sendCode renders one code and delivers it before it returns.
func (b *builder) sendCode(ctx context.Context, c onetime.Code) error {
	m := b.mails.CodeText(c.Locale, c.Destination, c.Code)
	if c.Channel == storage.Email {
		name := b.nameOf(c.User)
		var err error
		render := b.mails.CodeMail
		if c.Purpose == factor.SignUp {
			render = b.mails.SignUpMail
		}
		if m, err = render(c.Locale, c.Destination, name, c.Code, c.Life); err != nil {
			return err
		}
	}
	m.User = c.User.ID
	return b.a.outbox.Deliver(ctx, m, c.ExpiresAt)
}

// nameOf returns the name under which an account is shown in authenticator apps, on passkeys and in
// greetings.
func (b *builder) nameOf(u storage.User) string {
	if b.c.Accounts.UsernameFirst && u.Username != "" {
		return u.Username
	}
	return u.Email
}

func (b *builder) oneTime(channel string, life time.Duration) (*onetime.Method, error) {
	return onetime.New(onetime.Config{
		Channel: channel, Challenges: b.c.Store, Factors: b.c.Store, Keys: b.keys, Send: b.sendCode,
		Life: life, Region: b.c.TwoFactor.PhoneRegion, Countries: b.c.TwoFactor.SMSCountries,
		Possible: b.c.TwoFactor.PossiblePhones, Now: b.c.Advanced.Now,
	})
}

func (b *builder) methods() (map[string]factor.Method, *onetime.Method, error) {
	app, err := totp.New(totp.Config{
		Factors: b.c.Store, Ring: b.ring, Issuer: b.c.TwoFactor.Issuer, Now: b.c.Advanced.Now, Label: b.nameOf,
		Window: int(b.c.TwoFactor.AuthenticatorValidity / time.Second),
	})
	if err != nil {
		return nil, nil, err
	}
	sms, err := b.oneTime(storage.SMS, b.c.TwoFactor.SMSValidity)
	if err != nil {
		return nil, nil, err
	}
	byMail, err := b.oneTime(storage.Email, b.c.TwoFactor.MailValidity)
	if err != nil {
		return nil, nil, err
	}
	out := map[string]factor.Method{storage.Authenticator: app}
	if b.c.SMS != nil {
		out[storage.SMS] = sms
	}
	if b.c.Mail != nil {
		out[storage.Email] = byMail
	}
	return out, byMail, nil
}

// link returns the URL of a mailed link. It always uses the configured origin, never the host of a
// request (R108).
func (b *builder) link(kind, token string) string {
	return b.c.Origin + b.c.Pages.Prefix + b.c.Pages.Paths.Link(kind) + "/" + token
}

func (b *builder) trustFor() func(storage.User) bool {
	trust := b.c.TwoFactor.Trust
	if trust == nil {
		return nil
	}
	return func(u storage.User) bool { return trust(publicUser(u)) }
}

func (b *builder) require() func(storage.User) bool {
	t := b.c.TwoFactor
	if t.Require != nil {
		return func(u storage.User) bool { return t.Require(publicUser(u)) }
	}
	return func(storage.User) bool { return t.Required }
}

func (b *builder) buildSite() error {
	l, err := b.buildLogin()
	if err != nil {
		return err
	}
	b.a.login = l
	origin, err := url.Parse(b.c.Origin)
	if err != nil {
		return err
	}
	app, err := b.c.Pages.SPA.app()
	if err != nil {
		return field("Pages.SPA.Origin", err)
	}
	t, unified, passkeys := b.c.TwoFactor, orZero(b.c.Passwordless), orZero(b.c.Passkeys)
	b.a.site, err = web.New(web.Config{
		Origin: origin, Prefix: b.c.Pages.Prefix, Name: b.c.Pages.Site, Paths: b.c.Pages.Paths,
		Views: b.c.Pages.Views, App: app,
		Login: l, Sessions: b.a.sessions, Keys: b.keys, Ring: b.ring, Words: b.a.words,
		Usernames: b.c.Accounts.Usernames, Registerable: b.c.Accounts.Registerable,
		Specific: b.c.Accounts.RevealAccounts, Account: b.c.Pages.AccountPage,
		QRInJSON: t.QRInJSON, Passkeys: passkeys.paths(b.c.Passkeys != nil), Life: b.c.Accounts.pages(),
		UnifiedLogin: unified.ReplacesLogin,
		MinPassword:  b.c.Password.MinLength, TrustLife: t.LoginValidity, RememberFor: b.c.Sessions.Remember,
		RememberByDefault: b.c.Sessions.RememberByDefault, SetupWithin: t.SetupWithin, Freshness: t.Freshness,
		FirstSetupWithin: unified.SetupWithin, EarlyCodes: orZero(t.RecoveryCodes).BeforeFactor,
		UsernameFirst: b.c.Accounts.UsernameFirst,
		CodeLife:      map[string]time.Duration{storage.SMS: t.SMSValidity, storage.Email: t.MailValidity},
		FirstCodeLife: unified.CodeValidity, Tokens: b.c.Tokens.paths(),
		SendGap: b.c.Advanced.Limits.SendGap, Judge: b.judge,
		Brand:  b.c.Pages.brand(),
		Region: b.c.TwoFactor.PhoneRegion, Proxies: b.c.Advanced.TrustedProxies, Templates: b.c.Pages.Templates,
		Log: b.c.Log, Now: b.c.Advanced.Now,
		SignIns:     b.signIns(),
		Leaving:     b.leaves(),
		Captcha:     b.captcha,
		Invitations: b.a.invites, InvitedByPasskey: passkeys.FirstFactor,
		Payload:     func(u storage.User) map[string]any { return b.c.Accounts.UserPayload(publicUser(u)) },
		Permissions: b.c.Store.PermissionsOf, Roles: b.c.Accounts.RolesInPayload,
	})
	return err
}
