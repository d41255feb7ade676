package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/storage"
)

// stopWithin is the time that current requests may take after the server is told to stop.
const stopWithin = 20 * time.Second

// Run serves until the process is told to stop.
func (c serveCommand) Run(ctx context.Context, p process) error {
	w := c.where
	w.Listen = c.ListenAt
	s, err := load(w, p.environ)
	if err != nil {
		return err
	}
	s.Config.Log = s.logger(p)
	for _, line := range s.noteworthy {
		s.Config.Log.Warn("setting", "note", line)
	}
	s.tellLanguages()
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return problems{{"TWOFOLD_LISTEN", "cannot listen on " + s.Listen + " (" + listenCause(err) +
			"): choose another port, e.g. --listen 127.0.0.1:8081"}}
	}
	defer socket.Close()
	if s.dev && s.Config.Origin == "" {
		s.Config.Origin = "http://" + socket.Addr().String()
		// Browsers create passkeys only for host names, and an application at localhost is not on the
		// same site as one at an IP address.
		if s.passkeys.on || strings.HasPrefix(s.Config.Pages.SPA.Origin, "http://localhost") {
			s.Config.Origin = strings.Replace(s.Config.Origin, "127.0.0.1", "localhost", 1)
		}
	}
	figures, err := s.measure(ctx)
	if err != nil {
		return err
	}
	endTraces, err := s.trace(ctx, p.environ)
	if err != nil {
		return err
	}
	defer endTraces()
	auth, db, err := s.open(ctx)
	if err != nil {
		return err
	}
	if figures != nil {
		defer s.serveMetrics(figures, auth).Close()
	}
	stop := background.Start(auth)
	err = s.serve(ctx, p, socket, auth, db)
	stop()
	return errors.Join(err, db.Close())
}

func listenCause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

func (s *settings) serve(ctx context.Context, p process, socket net.Listener, auth *twofold.Auth,
	db storage.Store) error {
	log := s.Config.Log
	if s.dev {
		if err := makeDevUser(ctx, auth, s); err != nil {
			return fmt.Errorf("cannot create the user %s: %w", devEmail, err)
		}
		devBanner(p.err, s)
	} else if u, err := auth.FindUser(ctx, devEmail); err == nil && u.Active {
		log.Warn("the database contains the user of --dev, whose password is public", "user", devEmail, "cure",
			"twofold user deactivate "+devEmail)
	}
	server := newServer(s.handler(auth, db), log)
	done := make(chan error, 1)
	go func() { done <- server.Serve(socket) }()
	log.Info("serving", "address", socket.Addr().String(), "origin", s.Config.Origin, "version", version())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping", "within", stopWithin.String())
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		log.Warn("unfinished requests were aborted", "cause", err)
		return server.Close()
	}
	log.Info("stopped")
	return nil
}

// newServer returns an http.Server with all limits set, so that a slow client cannot hold a
// connection (R126). It also supports unencrypted HTTP/2, for proxies.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           h,
		Protocols:         protocols,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
