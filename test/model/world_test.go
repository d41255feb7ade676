package model_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// The budgets are small, so that a walk exhausts them.
const (
	firstFailures  = 4
	firstHold      = 30 * time.Second
	firstMaxHold   = 10 * time.Minute
	secondFailures = 5
	secondWindow   = 15 * time.Minute
	factorFailures = 12
	rescueFailures = 20 // as it is in the library
	sendGap        = 30 * time.Second
	sendShort      = 6
	sendDay        = 1000 // and other budgets of a day: out of a walk's reach
	setupHour      = 12
)

const (
	sessionCookie = "__Host-twofold"
	pendingCookie = "__Host-twofold-pending"
	deviceCookie  = "__Host-tf_validity"
	askedCookie   = "__Host-twofold-asked"
	knownCookie   = "__Host-twofold-known"
	helpBox       = "help@walk.test"
	origin        = "https://walk.test"
)

// hashed is the hash of passwords[0], computed once.
var hashed = sync.OnceValues(func() (string, error) {
	h, err := password.New(password.Config{})
	if err != nil {
		return "", err
	}
	return h.Hash(context.Background(), passwords[0])
})

var passwords = []string{"walking boots 71", "hiking sticks 82", "no password at all 93"}

// box collects the messages that are sent.
type box struct {
	mu   sync.Mutex
	kept []send.Message
}

func (b *box) Send(_ context.Context, m send.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, m)
	return nil
}

// take removes the messages whose kind has a prefix.
func (b *box) take(kind string) (out []send.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = slices.DeleteFunc(b.kept, func(m send.Message) bool {
		if strings.HasPrefix(m.Kind, kind) {
			out = append(out, m)
			return true
		}
		return false
	})
	return out
}

// browser is a cookie jar.
type browser map[string]string

// token is an issued token.
type token struct{ kind, value string }

// world is the real sign-in with three browsers and the model.
type world struct {
	*model
	clock       *testkit.Clock // the library's workers read it too
	auth        *twofold.Auth
	db          storage.Store
	handler     http.Handler
	box         box
	browsers    []browser
	handed      []token
	notices     []*notice
	gone        []*factor // every factor there ever was
	softs       []*soft
	asked       []*question
	answers     []*signed
	personal    []*lasting
	links       []*link
	site        *site
	old         oldSystem
	oauthStates []*oauthState
	texted      map[string]bool // phones that heard of a recovery
	done        map[string]int  // steps that were not refused
	closers     []func()
	stop        func()               // ends the workers
	open        bool                 // an address need not be confirmed
	guesser     bool                 // the people of this walk try codes
	typed       map[string]time.Time // when each code was typed last
}

func newWorld(all *sites, open bool) (*world, error) {
	w := &world{
		open: open, clock: testkit.NewClock(), browsers: []browser{{}, {}, {}}, done: map[string]int{},
		typed: map[string]time.Time{}, texted: map[string]bool{},
	}
	w.model = &model{
		now: w.clock.Now(), sessions: map[string]*session{}, pendings: map[string]*pending{},
		drafts: map[string]*draft{},
		codes:  map[string]*challenge{}, devices: map[string]*device{}, budgets: map[string]*budget{},
		questions: map[string]*question{},
		notes:     map[string]*note{}, invited: map[string]*link{},
		signUps: map[string]*signUp{},
	}
	dir, err := os.MkdirTemp("", "walk")
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, func() { _ = os.RemoveAll(dir) })
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "walk.db"))
	if err != nil {
		return w, err
	}
	w.closers = append(w.closers, func() { _ = db.Close() })
	corp, err := all.lend(w)
	if err != nil {
		return w, err
	}
	w.auth, err = twofold.New(twofold.Config{
		Origin: origin, Key: twofold.KeyText(twofold.NewKey()), Store: db,
		Advanced: twofold.Advanced{
			Now: w.clock.Now,
			Limits: limit.Limits{PasskeyFailures: passkeyFailures, PasskeyHour: 1_000_000,
				FirstFailures: firstFailures, FirstHold: firstHold, FirstMaxHold: firstMaxHold,
				SecondFailures: secondFailures, SecondWindow: secondWindow,
				FactorFailures: factorFailures, AddressFailures: 1_000_000, SendAddress: 1_000_000,
				SendHour: 100_000_000, SetupHour: setupHour, AccountFailures: 10_000, FirstDay: 10_000,
				RegisterHour: 1_000_000,
				LinkHour:     linkHour, LinkDay: 1000, LinkAddress: 1_000_000, SendGap: sendGap,
				SendShort: sendShort, SendDay: sendDay,
			},
		}, Password: twofold.Password{Legacy: &w.old}, Mail: &w.box, SMS: &w.box,
		Pages: twofold.Pages{AccountPage: true},
		TwoFactor: twofold.TwoFactor{
			Require:       func(i twofold.User) bool { return w.is(i, func(a *account) bool { return a.required }) },
			LoginValidity: deviceLife, RescueEmail: true, HelpAddress: helpBox,
			RecoveryCodes: &twofold.RecoveryCodes{}, Recovery: true,
		},
		Passkeys: &twofold.Passkeys{FirstFactor: true, MultiFactor: true, Verify: []string{useFirst, useSecond},
			Hints: true},
		Passwordless: &twofold.Passwordless{
			EnabledMethods: []string{"email", "authenticator", "sms", "password"},
		},
		Tokens: twofold.Tokens{Refresh: true, RefreshInBody: true, Scopes: scopes},
		Accounts: twofold.Accounts{
			Locked:     func(i twofold.User) bool { return w.is(i, func(a *account) bool { return a.locked }) },
			Changeable: true, ChangeEmail: true, Recoverable: true, AutoLoginAfterReset: true,
			Confirmable: !open, AutoLoginAfterConfirm: true, NoWelcome: true,
			Registerable: true, Deletable: true,
			OAuth: []federated.Provider{corp}, OAuthSignUp: []string{siteName},
		},
	})
	if err != nil {
		return w, err
	}
	w.stop = background.Start(w.auth)
	w.closers = append(w.closers, func() { w.stop() })
	mux := http.NewServeMux()
	w.auth.Mount(mux)
	page := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		fmt.Fprintf(rw, "%s %d %v", u.Email, u.Level, u.Trusted)
	})
	w.db = db
	mux.Handle("/user", w.auth.RequireUser(page))
	mux.Handle("/two", w.auth.RequireTwoFactor(page))
	for _, scope := range scopes {
		mux.Handle("/"+scope, w.auth.RequireScope(scope)(page))
	}
	mux.Handle("/fresh", w.auth.RequireFresh(freshForPage)(page))
	w.handler = mux
	return w, w.people()
}

func (w *world) people() error {
	hash, err := hashed()
	if err != nil {
		return err
	}
	for i, name := range []string{"anna", "berta"} {
		a := &account{name: name, email: name + "@walk.test", phone: fmt.Sprintf("+1650555121%d", i),
			password: passwords[0], active: true, required: i == 1, born: w.now}
		u, err := w.auth.CreateUser(context.Background(), twofold.NewUser{Email: a.email, PasswordHash: hash})
		if err != nil {
			return err
		}
		a.id = u.ID
		a.isProven()
		w.accounts = append(w.accounts, a)
	}
	return w.register(&account{
		name: "cora", email: "cora@walk.test", phone: "+16505551219", password: passwords[0], active: true,
		unproven: true, never: true, unconfirmed: !w.open, born: w.now,
	})
}

// is asks the model about an account, as an application would look it up.
func (w *world) is(i twofold.User, what func(*account) bool) bool {
	return slices.ContainsFunc(w.accounts, func(a *account) bool {
		made := a.id == "" && a.email == i.Email // a moment ago
		return (a.id == i.ID || made) && what(a)
	})
}

func (w *world) context() context.Context { return context.Background() }

func (w *world) close() {
	for _, f := range slices.Backward(w.closers) {
		f()
	}
}

// request is a browser's request.
type request struct {
	b      browser
	header string // Authentication-Token
	method string
	path   string
	fields map[string]any
	form   bool // a form of a page, not JSON
}

type answer struct {
	status int
	set    map[string]string // cookies that were given, not ended
	body   map[string]any
	text   string
}

func (w *world) send(q request) answer {
	var body io.Reader = http.NoBody
	h := http.Header{"Accept": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
	switch {
	case q.form:
		v := url.Values{}
		for name, value := range q.fields {
			v.Set(name, fmt.Sprint(value))
		}
		body = strings.NewReader(v.Encode())
		h.Set("Accept", "text/html")
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	case q.method == http.MethodPost:
		raw, _ := json.Marshal(q.fields)
		body = bytes.NewReader(raw)
		h.Set("Content-Type", "application/json")
	}
	r := httptest.NewRequest(q.method, origin+q.path, body)
	r.Header = h
	if q.header != "" {
		h.Set("Authentication-Token", q.header)
	}
	for name, value := range q.b {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	a := answer{status: rec.Code, set: map[string]string{}, text: rec.Body.String()}
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(q.b, c.Name)
			delete(a.set, c.Name)
			continue
		}
		q.b[c.Name], a.set[c.Name] = c.Value, c.Value
	}
	var envelope struct{ Response map[string]any }
	if json.Unmarshal(rec.Body.Bytes(), &envelope) == nil {
		a.body = envelope.Response
	}
	return a
}
