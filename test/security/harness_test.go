// Package security_test attacks the complete sign-in over real HTTP with a real database (see
// place), with one test for each requirement, named by its number. Tests examine the responses, the
// messages and the contents of the database.
package security_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/test/openapitest"
)

// notBuilt: parts of requirements that wait for a feature. Anyone who builds one
// takes its line out and adds the sentences it stands for.
//
//	notice that a factor was ended             R37 R61

const (
	secret = "correct horse 71 battery"
	hashed = "$argon2id$v=19$m=19456,t=2,p=1,keyid=dHdvZm9sZA$5jo5R65JnjAagNY+oPr3tg$" +
		"wnFuPOIG3ZqocnVh+tvddQAnmko+Qb0VZ+jxiPkCsdc"
	firstKey = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"
	helpBox  = "help@good.test"
)

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

// buffer is a bytes.Buffer that is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// world is one database with its users, one or more nodes, the mailboxes and phones, the log, and
// every secret that was issued.
type world struct {
	t testing.TB
	*clock
	mail, sms *sendtest.Sink
	log       *buffer // slog at debug level
	replies   *buffer // every reply: status, headers, body
	place     *place
	change    []func(*twofold.Config)
	nodes     []*node
	witnesses int // accounts made by later
	client    *http.Client

	mu      sync.Mutex
	events  []event.Event
	secrets map[string]string   // value handed out -> what it is
	cookies map[string][]string // Set-Cookie lines by name
}

// node stands for one process, with its own store handle, library and server.
type node struct {
	db     storage.Store
	auth   *twofold.Auth
	addr   string
	origin string
	server *http.Server

	stopWork func()
}

// newWorld starts a world with one node.
func newWorld(t testing.TB, change ...func(*twofold.Config)) *world {
	t.Helper()
	return newWorldAt(t, newPlace(t), change...)
}

// newWorldIn starts a world with SQLite in the given folder.
func newWorldIn(t testing.TB, dir string, change ...func(*twofold.Config)) *world {
	t.Helper()
	return newWorldAt(t, &place{t: t, file: filepath.Join(dir, "app.db")}, change...)
}

func newWorldAt(t testing.TB, p *place, change ...func(*twofold.Config)) *world {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
	w := &world{
		t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, mail: &sendtest.Sink{},
		sms: &sendtest.Sink{},
		log: &buffer{}, replies: &buffer{}, place: p, change: change,
		secrets: map[string]string{secret: "password"}, cookies: map[string][]string{},
	}
	w.client = &http.Client{
		Transport:     watched(t, &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}),
		Timeout:       60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(w.client.CloseIdleConnections)
	w.start(nil)
	return w
}

// document is the OpenAPI document, read once. Every answer in these tests is checked against it.
var document = sync.OnceValues(
	func() (*openapitest.Document, error) { return openapitest.Load() })

func watched(t testing.TB, next http.RoundTripper) http.RoundTripper {
	d, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return d.Watch(next, func(err error) { t.Error(err) })
}

// start adds a node. wrap may replace its store.
func (w *world) start(wrap func(storage.Store) storage.Store, change ...func(*twofold.Config)) *node {
	w.t.Helper()
	db, err := w.place.open()
	w.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	n := &node{db: db, addr: l.Addr().String(), origin: "http://" + l.Addr().String()}
	if wrap != nil {
		n.db = wrap(db)
	}
	c := twofold.Config{
		Origin: n.origin, Key: twofold.KeyText(firstKey), Store: n.db,
		Pages:    twofold.Pages{Site: "good", AccountPage: true},
		Accounts: twofold.Accounts{Registerable: true, Usernames: true},
		TwoFactor: twofold.TwoFactor{
			EnabledMethods: []string{storage.Authenticator, storage.SMS, storage.Email},
			LoginValidity:  30 * 24 * time.Hour, RescueEmail: true, HelpAddress: helpBox,
			RecoveryCodes: &twofold.RecoveryCodes{},
		},
		Passkeys: passkeys(),
		Sessions: twofold.Sessions{NoNewBrowserMail: true}, // tests count mails, and each of their browsers is new
		Mail:     w.mail, SMS: w.sms, Advanced: twofold.Advanced{Now: w.Now, OnEvent: w.heard},
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range append(w.change[:len(w.change):len(w.change)], change...) {
		f(&c)
	}
	n.auth, err = twofold.New(c)
	w.must(err)
	n.stopWork = background.Start(n.auth)
	n.server = &http.Server{Handler: n.application(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = n.server.Serve(l) }()
	w.t.Cleanup(n.stop)
	w.nodes = append(w.nodes, n)
	return n
}

// application serves two pages behind each guard, one for people and one for programs.
func (n *node) application() http.Handler {
	mux := http.NewServeMux()
	n.auth.Mount(mux)
	me := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		fmt.Fprintf(w, "signed in as %s level %d trusted %v", u.Email, u.Level, u.Trusted)
	})
	mux.Handle("/app/user", n.auth.RequireUser(me))
	mux.Handle("/app/two", n.auth.RequireTwoFactor(me))
	mux.Handle("/app/strong", n.auth.RequireStrong(me))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "front page") })
	return mux
}

func (n *node) stop() {
	_ = n.server.Close()
	n.stopWork()
	_ = n.db.Close()
}

// restart stops a node and starts it again on the same file, which clears its memory.
func (w *world) restart(change ...func(*twofold.Config)) *node {
	w.t.Helper()
	for _, n := range w.nodes {
		n.stop()
	}
	w.nodes = nil
	return w.start(nil, change...)
}

func (w *world) heard(_ context.Context, e event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// happened returns the number of events of one type.
func happened[E event.Event](w *world) []E {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []E
	for _, e := range w.events {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// handedOut records a secret, so that tests can search for it where it must not be.
func (w *world) handedOut(what, value string) {
	if len(value) < 6 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[value] = what
}

// known returns every secret issued so far, including the codes in messages.
func (w *world) known() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{}
	for v, what := range w.secrets {
		out[v] = what
	}
	for _, m := range append(w.mail.All(), w.sms.All()...) {
		for _, code := range sixDigits.FindAllString(m.Text, -1) {
			out[code] = "code by " + m.Channel
		}
	}
	return out
}

// cell is one database value, as text and in hexadecimal.
type cell struct{ table, column, text, hex string }

func (w *world) dump() []cell { w.t.Helper(); return w.place.dump() }

// rows returns a table's content as one text, without the columns that every request changes. Tests
// compare it before and after an action.
func (w *world) rows(tables ...string) string {
	w.t.Helper()
	var b strings.Builder
	for _, c := range w.dump() {
		for _, t := range tables {
			if c.table == "twofold_"+t && c.column != "seen_at" && c.column != "idle_at" && c.column != "ends_at" {
				fmt.Fprintf(&b, "%s.%s=%s\n", c.table, c.column, c.hex)
			}
		}
	}
	return b.String()
}

// count returns the number of rows of a table.
func (w *world) count(table string) int {
	w.t.Helper()
	if table == "sessions" { // living ones: when the dead are swept is no one's matter
		return w.number(`SELECT COUNT(*) FROM twofold_sessions WHERE ends_at > ?`, w.Now().UnixMicro())
	}
	return w.number(`SELECT COUNT(*) FROM twofold_` + table)
}

// write changes the database directly, as an attacker with a copy of it might.
func (w *world) write(query string, args ...any) { w.t.Helper(); w.place.write(query, args...) }

// settled waits until all messages are sent.
func (w *world) settled() {
	w.t.Helper()
	for range 6000 {
		if w.count("messages") == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Error("messages are still waiting after a minute")
}

// mails returns the number of mails sent so far, including those in progress.
func (w *world) mails() int {
	w.t.Helper()
	w.settled()
	return len(w.mail.All())
}

// texts returns the number of SMS messages, including those in progress.
func (w *world) texts() int {
	w.t.Helper()
	w.settled()
	return len(w.sms.All())
}

// number runs a query that returns one number.
func (w *world) number(query string, args ...any) int {
	w.t.Helper()
	return w.place.number(query, args...)
}

// par runs n functions concurrently and waits for them.
func par(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			f(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}
