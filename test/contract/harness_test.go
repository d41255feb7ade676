package contract_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store/sqlite"
	"github.com/twofold-auth/twofold/test/openapitest"
)

const (
	plain   = "password"
	key     = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"
	helpBox = "help@lp.com"
	phone   = "+16505551212"
	denied  = "You currently do not have permissions to access this page"
)

// TestMain makes garbage collection rare, because hashing leaves much garbage.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// m is a JSON object.
type m = map[string]any

// clock is a clock that only a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// recorder records the events that OnEvent gets.
type recorder struct {
	mu   sync.Mutex
	list []event.Event
}

func (r *recorder) handle(_ context.Context, e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
}

func (r *recorder) all() []event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

// eventsOf returns the recorded events of one type, oldest first.
func eventsOf[E event.Event](r *recorder) []E {
	var out []E
	for _, e := range r.all() {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// site is a running sign-in with an application behind it.
type site struct {
	*clock
	t         *testing.T
	auth      *twofold.Auth
	db        *sqlite.DB
	mail, sms *sendtest.Sink
	events    *recorder
	origin    string
	http      *http.Client
	config    twofold.Config
}

// newSite starts a site configured like the original's tests: all features, and errors that name
// the wrong field.
func newSite(t *testing.T, change ...func(*twofold.Config)) *site {
	t.Helper()
	t.Parallel()
	return anotherSite(t, change...)
}

// anotherSite starts a second site for a test.
func anotherSite(t *testing.T, change ...func(*twofold.Config)) *site {
	t.Helper()
	s := &site{
		t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, events: &recorder{},
		mail: &sendtest.Sink{}, sms: &sendtest.Sink{},
	}
	var err error
	file := filepath.Join(t.TempDir(), "app.db")
	raw, err := seeded()
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err == nil {
		s.db, err = sqlite.Open(t.Context(), file)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.origin = "http://" + listener.Addr().String()
	s.config = twofold.Config{
		Origin: s.origin, Key: twofold.KeyText(key), Store: s.db, Pages: twofold.Pages{Site: "tests"},
		TwoFactor: twofold.TwoFactor{
			EnabledMethods: []string{storage.Email, storage.SMS, storage.Authenticator}, RescueEmail: true,
			HelpAddress: helpBox,
		},
		Sessions: twofold.Sessions{NoNewBrowserMail: true}, // tests count mails
		Mail:     s.mail, SMS: s.sms, Accounts: twofold.Accounts{Usernames: true, RevealAccounts: true},
		Advanced: twofold.Advanced{OnEvent: s.events.handle, Now: s.Now},
	}
	for _, c := range change {
		c(&s.config)
	}
	if s.auth, err = twofold.New(s.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(background.Start(s.auth))
	s.serve(listener)
	return s
}

// serve mounts the sign-in and four pages of an application.
func (s *site) serve(l net.Listener) {
	mux := http.NewServeMux()
	s.auth.Mount(mux)
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		fmt.Fprintf(w, "hello %s level %d trusted %v", u.Email, u.Level, u.Trusted)
	})
	mux.Handle("GET /{$}", show)
	mux.Handle("GET /profile", s.auth.RequireUser(show))
	mux.Handle("GET /both", s.auth.RequireTwoFactor(show))
	mux.Handle("GET /admin", s.auth.RequireRole("admin")(show))
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	server.Start()
	s.t.Cleanup(server.Close)
	s.http = &http.Client{
		Transport: watched(s.t, &http.Transport{}), Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.t.Cleanup(s.http.CloseIdleConnections)
}

// document is the OpenAPI document, read once. Every answer in these tests is checked against it.
var document = sync.OnceValues(func() (*openapitest.Document, error) {
	return openapitest.Load()
})

func watched(t *testing.T, next http.RoundTripper) http.RoundTripper {
	d, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return d.Watch(next, func(err error) { t.Error(err) })
}

// seeded is a database with the users of the original's tests, created once per process; each test
// has a copy. Usernames need at least four letters, so the users with shorter ones have none.
var seeded = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "twofold-contract-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "app.db")
	if err := seed(file); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

func seed(file string) error {
	hasher, err := password.New(password.Config{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	hash, err := hasher.Hash(ctx, plain)
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	auth, err := twofold.New(twofold.Config{Origin: "http://localhost", Key: twofold.KeyText(key), Store: db})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	for name, roles := range map[string]string{
		"matt": "admin", "joe": "editor", "dave": "admin editor", "jill": "author", "tiya": "", "gene": "simple",
		"jess": "",
		"gal":  "admin", "gal2": "admin", "gal3": "admin",
	} {
		u := twofold.NewUser{Email: name + "@lp.com", PasswordHash: hash, Roles: strings.Fields(roles),
			Inactive: name == "tiya"}
		if len(name) >= 4 {
			u.Username = name
		}
		if name == "jess" {
			u.PasswordHash = ""
		}
		_, made := auth.CreateUser(ctx, u)
		err = errors.Join(err, made)
	}
	return errors.Join(err, db.Close()) // closing moves everything into the one file
}

// id returns a user's id.
func (s *site) id(user string) string {
	s.t.Helper()
	u, err := s.auth.FindUser(s.t.Context(), user+"@lp.com")
	if err != nil {
		s.t.Fatal(err)
	}
	return u.ID
}

// factors returns a user's stored second factors.
func (s *site) factors(user string) []storage.Factor {
	s.t.Helper()
	list, err := s.db.FactorsOf(s.t.Context(), s.id(user))
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// methods returns the methods of a user's second factors, the default one first.
func (s *site) methods(user string) string {
	s.t.Helper()
	var out []string
	for _, f := range s.factors(user) {
		out = append(out, f.Method)
	}
	return strings.Join(out, " ")
}

// app is an authenticator app.
type app struct {
	s      *site
	secret []byte
}

func (s *site) app(b32 string) *app {
	s.t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(b32)
	if err != nil {
		s.t.Fatalf("secret %q: %v", b32, err)
	}
	return &app{s, secret}
}

// at implements RFC 6238: HMAC-SHA-1 of the step, dynamic truncation, six digits.
func (a *app) at(when time.Time) string {
	mac := hmac.New(sha1.New, a.secret)
	_ = binary.Write(mac, binary.BigEndian, when.Unix()/30)
	sum := mac.Sum(nil)
	part := sum[sum[19]&15:]
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(part)&0x7fffffff)%1_000_000)
}

// next waits for the next step, since each code is single-use, and returns its code.
func (a *app) next() string {
	a.s.advance(30 * time.Second)
	return a.at(a.s.Now())
}
