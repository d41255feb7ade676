package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/internal/storage"
	pw "github.com/twofold-auth/twofold/password"
)

func serveCommand(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("bench serve", flag.ContinueOnError)
	db := f.String("db", "bench.db", "seeded `place`: a file of SQLite, or the URL of a schema in PostgreSQL")
	cache := f.Bool("cache", true, "keep sessions in memory for a second, as usual; false: read each from the database")
	addr := f.String("addr", "127.0.0.1:0", "loopback `address` to listen on")
	bare := f.Bool("bare", false, "serve the bare handler and nothing else; no database")
	profile := f.String("cpuprofile", "", "write a CPU profile to `file` at the end")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		w, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer w.Close()
		if err := pprof.StartCPUProfile(w); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if *bare {
		return serve(ctx, l, http.HandlerFunc(hello), out)
	}
	s, err := newServer(ctx, place(*db), *cache, "http://"+l.Addr().String())
	if err != nil {
		l.Close()
		return err
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.auth.Run(working) }() // it also receives changes, so that sessions can stay in memory
	err = serve(ctx, l, s, out)
	stop()
	return errors.Join(err, <-ended, s.close())
}

// serve answers until ctx is done. Its first line of output has the data that load needs.
func serve(ctx context.Context, l net.Listener, h http.Handler, out io.Writer) error {
	fmt.Fprintf(out, "-url http://%s -pid %d\n", l.Addr(), os.Getpid())
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = srv.Shutdown(grace)
	return nil
}

// server is an application with the sign-in and some additional paths for the bench.
type server struct {
	db     everything
	auth   *twofold.Auth
	hasher *pw.Hasher
	hash   string
	clock  hashClock
	http.Handler
}

func newServer(ctx context.Context, at place, cache bool, origin string) (s *server, err error) {
	s = &server{}
	if s.db, err = at.open(ctx); err != nil {
		return nil, err
	}
	s.auth, err = twofold.New(twofold.Config{
		Origin: origin, Key: twofold.KeyText(key), Store: s.timed(cache),
		Advanced: twofold.Advanced{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
		TwoFactor: twofold.TwoFactor{Secrets: ring}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		s.db.Close()
		return nil, err
	}
	if s.hasher, err = pw.New(pw.Config{}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	first, err := s.db.UserByIdentity(context.Background(), person(0).email())
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, errors.Join(err, s.close())
	}
	s.hash = first.PasswordHash
	host := []string{strings.TrimPrefix(origin, "http://")}
	_, err = s.auth.Gate([]gate.Rule{
		{Hosts: host, Paths: []string{"/admin"}, Require: gate.Strong, Roles: []string{"admin"}},
		{Hosts: host, Paths: []string{"/static"}, Methods: []string{"GET"}, Require: gate.Public},
		{Hosts: host, Require: gate.OneFactor},
	})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	mux := http.NewServeMux()
	s.auth.Mount(mux)
	mux.Handle("GET /bare", http.HandlerFunc(hello))
	mux.Handle("GET /guarded", s.auth.RequireUser(http.HandlerFunc(hello)))
	mux.HandleFunc("GET /hash", s.serveHash)
	mux.HandleFunc("GET /stats", s.serveStats)
	s.Handler = mux
	return s, nil
}

func (s *server) close() error { return s.db.Close() }

// ServeHTTP passes the clock of this request to the store's wrapper. Only requests with a password
// are measured, so that the others have their normal cost.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/login" {
		r = r.WithContext(context.WithValue(r.Context(), runKey{}, &hashRun{}))
	}
	s.Handler.ServeHTTP(w, r)
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "hello\n")
}

// serveHash verifies the password n times and does nothing else.
func (s *server) serveHash(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	for range max(n, 1) {
		run := &hashRun{}
		run.begin()
		ok, _, err := s.hasher.Verify(r.Context(), password, s.hash)
		run.end(&s.clock)
		if err != nil || !ok {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = io.WriteString(w, "ok\n")
}

// stats holds the server's own counters.
type stats struct {
	Hashes int64         `json:"hashes"`
	Hash   time.Duration `json:"hash"` // CPU of the process while it hashed
	CPU    time.Duration `json:"cpu"`  // CPU of the process in all
}

func (s *server) serveStats(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(stats{s.clock.n.Load(), time.Duration(s.clock.ns.Load()), ownCPU()})
}

// hashClock adds up the CPU time of the process while it hashes a password. With one client, only
// the hash runs in that time, on whichever threads. Subtracting a separately measured hash from the
// total of a sign-in would lose a millisecond in the noise of forty.
type hashClock struct{ n, ns atomic.Int64 }

// hashRun is one request's hash.
type hashRun struct {
	start time.Duration
	on    bool
}

type runKey struct{}

func (h *hashRun) begin() { h.on, h.start = true, ownCPU() }

func (h *hashRun) end(c *hashClock) {
	if h.on {
		h.on = false
		c.n.Add(1)
		c.ns.Add(int64(ownCPU() - h.start))
	}
}

// timed wraps the store. Sessions are cached only if the wrapper, like the store itself, reports
// that changes of others are noticed or impossible.
func (s *server) timed(cache bool) storage.Store {
	t := timed{s.db, &s.clock}
	notices, told := s.db.(storage.Notifier)
	if cache && told {
		return struct {
			timed
			storage.Notifier
		}{t, notices}
	}
	return t
}

// timed is a store that measures the time between the reservation of a guess at a password and its
// release, or the step that contains the release. Almost all of it is spent on the hash.
type timed struct {
	everything
	clock *hashClock
}

func (t timed) Reserve(ctx context.Context, now time.Time, claims ...storage.Claim) (time.Time, error) {
	opens, err := t.everything.Reserve(ctx, now, claims...)
	password := func(c storage.Claim) bool { return strings.HasPrefix(c.Key, "first:") }
	if err == nil && slices.ContainsFunc(claims, password) {
		if run, ok := ctx.Value(runKey{}).(*hashRun); ok {
			run.begin()
		}
	}
	return opens, err
}

func (t timed) Release(ctx context.Context, own, whole []string) error {
	t.hashed(ctx)
	return t.everything.Release(ctx, own, whole)
}

func (t timed) TakeStep(ctx context.Context, step storage.Step) error {
	t.hashed(ctx)
	return t.everything.TakeStep(ctx, step)
}

func (t timed) hashed(ctx context.Context) {
	if run, ok := ctx.Value(runKey{}).(*hashRun); ok {
		run.end(t.clock)
	}
}
