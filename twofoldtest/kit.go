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
	"github.com/twofold-auth/twofold/store/sqlite"
)

// Password is the password of every user that LoginAs makes.
const Password = "correct horse battery staple"

// Kit is an application's sign-in under test.
type Kit struct {
	Auth  *twofold.Auth
	Mail  *sendtest.Sink // every mail
	SMS   *sendtest.Sink // every text
	Clock *Clock
	URL   string // where Serve answers, e.g. "http://127.0.0.1:40123"
	// Roles are those of the users that NoSideDoor makes, for pages that ask for
	// some.
	Roles []string

	t       testing.TB
	server  *httptest.Server
	given   twofold.Config // as the application has it
	config  twofold.Config // as it is tested
	hash    string
	people  int         // made up by NoSideDoor
	made    atomic.Bool // other sites are played by stand-ins
	former  *formerSystem
	pages   []string // that NoSideDoor tries to reach
	walked  []string // marks of the states it has walked from
	forgets []string // names that it shall not know, in tests of this package

	mu      sync.Mutex
	apps    map[string]*app      // authenticator apps by e-mail address
	paths   map[string]knownPath // of the sign-in, as they are registered
	through map[string]bool      // method and pattern of each step that was got through
	strange []string             // cookies that no one knows
	doors   map[string][]string  // pages that were reported, by way in
	// distrusted are addresses of users whose browsers the policy trusts no more.
	distrusted []string
}

// Clock is the time as the sign-in sees it. It stands still until moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the present time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock; backwards too.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Option changes what New makes of a configuration.
type Option func(*options)

type options struct{ send bool }

// SendForReal lets the senders of the configuration have each message as well.
// Without it no test sends anything: messages are kept in Kit.Mail and Kit.SMS.
func SendForReal() Option { return func(o *options) { o.send = true } }

// New builds the sign-in with your configuration, which may be the one of
// production. It replaces Origin by the kit's own address, Now by the kit's clock,
// senders by sinks, other sites and the former system by stand-ins, and switches
// captchas off. Without a Store it makes an SQLite file for the test, with a key of
// its own; with one it keeps the key, too.
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
		t: t, given: c, Mail: &sendtest.Sink{}, SMS: &sendtest.Sink{}, apps: map[string]*app{}, doors: map[string][]string{},
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
		if federated.IsIndependent(p) { // what the operator declares stays
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

// caught keeps what is sent; the application's own sender, if it has one, gets
// it as well.
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

// besides serves another handler.
func besides(k *Kit, h http.Handler) *httptest.Server {
	return httptest.NewServer(h)
}

// ServeAll answers at URL with a handler that serves the sign-in's paths itself.
func (k *Kit) ServeAll(app http.Handler) {
	k.server.Config.Handler = app
	k.server.Start()
}

// Serve answers at URL with your handler, the sign-in's paths in front of it.
func (k *Kit) Serve(app http.Handler) {
	k.t.Helper()
	mux := http.NewServeMux()
	k.Auth.Mount(mux)
	if app != nil {
		mux.Handle("/", app)
	}
	k.ServeAll(mux)
}

// User makes an account with Password, or finds it.
func (k *Kit) User(email string, roles ...string) twofold.User {
	k.t.Helper()
	ctx := context.Background()
	u, err := k.Auth.FindUser(ctx, email)
	if err == nil {
		return u
	}
	if !errors.Is(err, twofold.ErrNoUser) {
		k.t.Fatal(err)
	}
	if k.hash == "" { // once: hashing is slow on purpose
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

// withoutCaptcha switches captchas off: nothing here answers them, and they open
// nothing.
func withoutCaptcha(a *twofold.Accounts) {
	a.Captcha, a.CaptchaAt, a.CaptchaSiteKey, a.CaptchaSecret = "", nil, "", ""
	a.CaptchaVerifyURL, a.CaptchaScriptURL, a.CaptchaMinScore, a.CaptchaCost = "", "", 0, 0
}
