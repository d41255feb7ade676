package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/metrics"
)

// handler returns the handler of the whole server.
func (s *settings) handler(auth *twofold.Auth, db storage.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", ready(db, auth, s.Config.Log))
	account := s.Config.Pages.Prefix + s.Config.Pages.Paths.Account
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, account, http.StatusFound)
	})
	s.wellKnown(mux, account)
	auth.Mount(mux)
	mux.Handle("/", auth)
	var h http.Handler = straight(mux, auth)
	if s.dev {
		mux.Handle("GET /dev/outbox", outboxPage(s.box))
		h = loopbackOnly(h)
	}
	return s.tracer.Handler(s.logged(h), routeOf, s.fromProxy)
}

// wellKnown serves the well-known URLs of browsers and password managers: where a password is
// changed (W3C "A Well-Known URL for Changing Passwords"), where passkeys are managed (FIDO
// "Passkey Endpoints"), and an icon.
func (s *settings) wellKnown(mux *http.ServeMux, account string) {
	c := s.Config
	change := account
	if c.Accounts.Changeable {
		change = c.Pages.Prefix + cmp.Or(c.Pages.Paths.Life.Change, "/change")
	}
	mux.HandleFunc("GET /.well-known/change-password", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, change, http.StatusFound)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, c.Pages.Prefix+cmp.Or(c.Pages.Paths.Static, "/tf-static")+"/mark.svg", http.StatusFound)
	})
	if c.Passkeys == nil {
		return
	}
	manage := c.Origin + c.Pages.Prefix + cmp.Or(c.Pages.Paths.WanRegister, "/wan-register")
	mux.HandleFunc("GET /.well-known/passkey-endpoints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// the caller may have disconnected
		_ = json.NewEncoder(w).Encode(map[string]string{"enroll": manage, "manage": manage})
	})
}

// say answers with one line of text.
func say(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(line + "\n")) // the caller may have disconnected
}

// ready answers 200 if the store can read and write and the workers run.
func ready(db storage.Store, auth metrics.Watched, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		err := db.Ping(ctx)
		if n, _ := auth.Stats(ctx); err == nil && !n.Running {
			err = errors.New("the workers are not running")
		}
		if err != nil {
			log.WarnContext(ctx, "not ready", "cause", err)
			say(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		say(w, http.StatusOK, "ready")
	}
}

// straight passes paths that are not clean ("//login", "/x/../y") directly to the handler that
// answers 404, because the mux would redirect them (R109).
func straight(mux *http.ServeMux, auth http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.EndConnection(w, r) // for paths that do not belong to the sign-in
		p := r.URL.Path
		if clean := path.Clean("/" + p); p != clean && p != clean+"/" {
			auth.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// loopbackOnly answers only requests for loopback hosts. Otherwise any page could resolve its own
// host name to this machine and read /dev/outbox (R108).
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !web.Loopback(host) {
			say(w, http.StatusMisdirectedRequest, "this server answers only to host names of this machine")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// quiet contains paths that are requested all the time, whose requests are not logged.
var quiet = map[string]bool{"/healthz": true, "/readyz": true, "/dev/outbox": true}

// logged logs one line for each request. It never logs a query, a header, a body or a token in a
// path (R140).
func (s *settings) logged(next http.Handler) http.Handler {
	log, proxies := s.Config.Log, s.Config.Advanced.TrustedProxies
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			took := time.Since(start)
			if s.metrics != nil {
				s.metrics.Request(cmp.Or(routeOf(r), "other"), r.Method, rec.status, took)
			}
			level := slog.LevelInfo
			switch {
			case rec.status >= 500:
				level = slog.LevelError
			case quiet[r.URL.Path]:
				level = slog.LevelDebug
			}
			log.Log(r.Context(), level, "request", "method", r.Method, "path", logPath(r), "status", rec.status,
				"took", took.Round(time.Microsecond).String(), "client", web.ClientAddress(r, proxies),
				"request", rec.Header().Get("X-Request-Id"))
		}()
		next.ServeHTTP(rec, r)
	})
}

// logPath returns the pattern that a request matched. If there is none, it returns the path without
// parts that may be a token.
func logPath(r *http.Request) string {
	if route := routeOf(r); route != "" {
		return route
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) > 6 {
		parts = append(parts[:6], "...")
	}
	for i, p := range parts {
		if len(p) > 16 {
			parts[i] = "..."
		}
	}
	return strings.Join(parts, "/")
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote && status >= 200 {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
