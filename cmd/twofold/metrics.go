package main

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/metrics"
)

// measure creates the metrics and opens their listener, if they are configured. The caller must
// close the listener.
func (s *settings) measure(ctx context.Context) (net.Listener, error) {
	if s.MetricsListen == "" {
		return nil, nil
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.MetricsListen)
	if err != nil {
		return nil, problems{{"TWOFOLD_METRICS_LISTEN", "cannot listen on " + s.MetricsListen + " (" +
			listenCause(err) + "): choose another port, e.g. 127.0.0.1:9090"}}
	}
	s.metrics = metrics.New()
	s.Config.Advanced.OnEvent, s.Config.Advanced.OnSend = s.metrics.OnEvent, s.metrics.OnSend
	return socket, nil
}

// serveMetrics serves the metrics until the listener is closed.
func (s *settings) serveMetrics(socket net.Listener, auth *twofold.Auth) *http.Server {
	s.metrics.Watch(auth)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics)
	server := newServer(mux, s.Config.Log)
	go func() { _ = server.Serve(socket) }() // it ends with the server
	s.Config.Log.Info("metrics", "address", "http://"+socket.Addr().String()+"/metrics")
	return server
}

// countFailures counts failures of the store.
func (s *settings) countFailures(db storage.Store) {
	engine, ok := db.(interface{ OnFailure(func(verb string)) })
	if ok && s.metrics != nil {
		engine.OnFailure(s.metrics.StoreFailed)
	}
}

// routeOf returns the pattern that a request matched, without its method, or "".
func routeOf(r *http.Request) string {
	if r.Pattern == "" || r.Pattern == "/" {
		return ""
	}
	_, pattern, found := strings.Cut(r.Pattern, " ")
	if !found {
		pattern = r.Pattern
	}
	return strings.TrimSuffix(pattern, "{$}")
}
