package testkit

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send/sendtest"
)

// Key is the key of every site.
const Key = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"

// Site is one database with its users, the nodes that serve it, and what they sent, logged and
// reported.
type Site struct {
	T testing.TB
	*Clock
	Mail, SMS *sendtest.Sink
	Log       *Buffer // slog at debug level
	Events    *Events
	DB        *Database
	Client    *http.Client
	Change    []func(*twofold.Config)             // of every node
	Pages     func(*http.ServeMux, *twofold.Auth) // adds pages of the application, if set
	Seen      func(*Answer)                       // is called with every answer to a browser, if set
	Nodes     []*Node

	tried atomic.Int64 // wrong codes of apps
}

// Node stands for one process, with its own store handle, library and server.
type Node struct {
	Store    storage.Store
	Auth     *twofold.Auth
	Config   twofold.Config
	Addr     string
	Origin   string
	Mux      *http.ServeMux
	Server   *http.Server
	StopWork func() // ends the workers
}

// NewSite returns a site without nodes, which Start adds. By default, the site has no features but
// the methods of second factors; change enables the others.
func NewSite(t testing.TB, db *Database, change ...func(*twofold.Config)) *Site {
	t.Helper()
	return &Site{
		T: t, Clock: NewClock(), Mail: &sendtest.Sink{}, SMS: &sendtest.Sink{}, Log: &Buffer{}, Events: &Events{},
		DB: db, Change: change,
		Client: NewClient(t, Watch(t, &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true})),
	}
}

// Start adds a node. wrap may replace its store.
func (s *Site) Start(wrap func(storage.Store) storage.Store, change ...func(*twofold.Config)) *Node {
	s.T.Helper()
	db, err := s.DB.Open()
	s.Must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.Must(err)
	n := &Node{Store: db, Addr: l.Addr().String(), Origin: "http://" + l.Addr().String()}
	if wrap != nil {
		n.Store = wrap(db)
	}
	c := twofold.Config{
		Origin: n.Origin, Key: twofold.KeyText(Key), Store: n.Store,
		TwoFactor: twofold.TwoFactor{
			EnabledMethods: []string{storage.Authenticator, storage.SMS, storage.Email},
		},
		Sessions: twofold.Sessions{NoNewBrowserMail: true}, // tests count mails, and each of their browsers is new
		Mail:     s.Mail, SMS: s.SMS, Advanced: twofold.Advanced{Now: s.Now, OnEvent: s.Events.Record},
		Log: slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range slices.Concat(s.Change, change) {
		f(&c)
	}
	n.Config = c
	n.Auth, err = twofold.New(c)
	s.Must(err)
	n.StopWork = background.Start(n.Auth)
	n.Mux = http.NewServeMux()
	n.application()
	if s.Pages != nil {
		s.Pages(n.Mux, n.Auth)
	}
	n.Server = &http.Server{Handler: n.Mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = n.Server.Serve(l) }()
	s.T.Cleanup(n.Stop)
	s.Nodes = append(s.Nodes, n)
	return n
}

// application serves the library and a page behind each guard.
func (n *Node) application() {
	n.Auth.Mount(n.Mux)
	n.Mux.Handle("/app/user", n.Auth.RequireUser(Me()))
	n.Mux.Handle("/app/two", n.Auth.RequireTwoFactor(Me()))
	n.Mux.Handle("/app/strong", n.Auth.RequireStrong(Me()))
}

// Me is a page that says who is signed in.
func Me() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		fmt.Fprintf(w, "signed in as %s level %d trusted %v", u.Email, u.Level, u.Trusted)
	})
}

// Stop ends a node.
func (n *Node) Stop() {
	_ = n.Server.Close()
	n.StopWork()
	_ = n.Store.Close()
}

// Restart stops all nodes and starts one on the same database, which clears their memory.
func (s *Site) Restart(change ...func(*twofold.Config)) *Node {
	s.T.Helper()
	for _, n := range s.Nodes {
		n.Stop()
	}
	s.Nodes = nil
	return s.Start(nil, change...)
}

// NewBrowser returns a browser in front of the first node.
func (s *Site) NewBrowser() *Browser {
	b := NewBrowser(s.T, s.Client, s.Nodes[0].Origin)
	b.Seen = func(a *Answer) {
		if s.Seen != nil {
			s.Seen(a)
		}
	}
	return b
}

// Must ends the test if there is an error.
func (s *Site) Must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}
