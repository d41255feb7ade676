package twofoldtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// Password is the password of every user that LoginAs creates.
const Password = "correct horse battery staple"

// Kit is the sign-in of an application under test.
type Kit struct {
	Auth  *twofold.Auth
	Mail  *sendtest.Sink // all captured mails
	SMS   *sendtest.Sink // all captured text messages
	Clock *Clock
	URL   string // base URL of the server, e.g. "http://127.0.0.1:40123"
	// Roles contains the roles of the users that NoSideDoor creates, for pages that require roles.
	Roles []string

	names

	t      testing.TB
	server *httptest.Server
	given  twofold.Config // the application's configuration
	hash   string
	people int         // number of users created by NoSideDoor
	made   atomic.Bool // identity providers are replaced by stand-ins
	former *formerSystem
	pages  []string // pages that NoSideDoor tries to reach

	mu      sync.Mutex
	apps    map[string]*app      // authenticator apps by e-mail address
	paths   map[string]knownPath // registered paths of the sign-in
	through map[string]bool      // method and pattern of each completed step
	strange []string             // unknown cookies
	// distrusted contains the addresses of users whose browsers the policy no longer trusts.
	distrusted []string
}

// Clock is the clock of the sign-in. It stands still until Move is called.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the current time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock, forward or backward.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Option is an option of New.
type Option func(*options)

type options struct{ send bool }

// SendForReal also passes each message to the senders of the configuration. Without it no test
// sends anything: messages are only kept in Kit.Mail and Kit.SMS.
func SendForReal() Option { return func(o *options) { o.send = true } }

// New creates the sign-in with your configuration, which may be that of production. It replaces
// Origin with the kit's own address, Now with the kit's clock, senders with sinks, and identity
// providers and Password.Legacy with stand-ins, and it switches captchas off. If Store is nil, it
// creates an SQLite file and a key for the test. Otherwise it keeps Store and Key.
func New(t testing.TB, c twofold.Config, with ...Option) *Kit {
	t.Helper()
	var o options
	for _, option := range with {
		option(&o)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &Kit{
		t: t, given: c, Mail: &sendtest.Sink{}, SMS: &sendtest.Sink{}, apps: map[string]*app{},
		Clock: &Clock{now: time.Now().Truncate(time.Second)}, URL: "http://" + listener.Addr().String(),
	}
	k.server = &httptest.Server{Listener: listener, Config: &http.Server{ReadHeaderTimeout: time.Second}}
	t.Cleanup(k.server.Close)
	c.Origin = k.URL
	if c.Store == nil || reflect.ValueOf(c.Key).IsZero() {
		c.Key = twofold.KeyText(twofold.NewKey())
	}
	if c.Store == nil {
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "twofold.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		c.Store = db
	}
	c.Advanced.Now = k.Clock.Now
	if !o.send {
		c.Mail, c.Advanced.MailFallback, c.SMS, c.Advanced.SMSFallback = nil, nil, nil, nil
	}
	c.Mail, c.SMS = caught(k.Mail, c.Mail), caught(k.SMS, c.SMS)
	withoutCaptcha(&c.Accounts)
	c.Accounts.OAuth = slices.Clone(c.Accounts.OAuth)
	for i, p := range c.Accounts.OAuth {
		if p != nil {
			c.Accounts.OAuth[i] = standIn{p, &k.made}
		}
		if federated.IsIndependent(p) { // keep the operator's declaration
			c.Accounts.OAuth[i] = federated.Independent(c.Accounts.OAuth[i])
		}
	}
	if c.TwoFactor.LoginValidity != 0 {
		c.TwoFactor.Trust = trustOf(k, c.TwoFactor.Trust)
	}
	if c.Password.Legacy != nil {
		k.former = &formerSystem{knows: map[string]password.LegacyAccount{}}
		c.Password.Legacy = k.former
	}
	k.config = c
	if k.Auth, err = twofold.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(background.Start(k.Auth))
	return k
}

// caught returns a sender that keeps messages and passes them to the application's own sender, if
// there is one.
func caught(sink *sendtest.Sink, own send.Sender) send.Sender {
	if own == nil {
		return sink
	}
	return both{sink, own}
}

type both struct {
	sink *sendtest.Sink
	own  send.Sender
}

// Send implements send.Sender.
func (b both) Send(ctx context.Context, m send.Message) error {
	if err := b.own.Send(ctx, m); err != nil {
		return err
	}
	return b.sink.Send(ctx, m)
}

// besides serves another handler in addition.
func besides(k *Kit, h http.Handler) *httptest.Server {
	return httptest.NewServer(h)
}

// ServeAll serves, at URL, a handler that serves the sign-in's paths itself.
func (k *Kit) ServeAll(app http.Handler) {
	k.server.Config.Handler = app
	k.server.Start()
}

// Serve serves your handler at URL, with the sign-in's paths in front of it.
func (k *Kit) Serve(app http.Handler) {
	k.t.Helper()
	mux := http.NewServeMux()
	k.Auth.Mount(mux)
	if app != nil {
		mux.Handle("/", app)
	}
	k.ServeAll(mux)
}

// User returns an account. If it does not exist, User creates it with Password.
func (k *Kit) User(email string, roles ...string) twofold.User {
	k.t.Helper()
	ctx := context.Background()
	u, err := k.Auth.FindUser(ctx, email)
	if err == nil {
		return u
	}
	if !errors.Is(err, store.ErrNotFound) {
		k.t.Fatal(err)
	}
	if k.hash == "" { // only once, because hashing is slow
		h, err := password.New(password.Config{})
		if err == nil {
			k.hash, err = h.Hash(ctx, Password)
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
	u, err = k.Auth.CreateUser(ctx, twofold.NewUser{Email: email, PasswordHash: k.hash, Roles: roles})
	if err != nil {
		k.t.Fatal(err)
	}
	return u
}

// withoutCaptcha switches captchas off. Tests cannot solve them, and they do not give access to
// anything.
func withoutCaptcha(a *twofold.Accounts) {
	a.Captcha, a.CaptchaAt, a.CaptchaSiteKey, a.CaptchaSecret = "", nil, "", ""
	a.CaptchaVerifyURL, a.CaptchaScriptURL, a.CaptchaMinScore, a.CaptchaCost = "", "", 0, 0
}
