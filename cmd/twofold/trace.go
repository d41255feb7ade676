package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/tracing"
)

// trace starts the tracer that the OTEL_ variables configure, if any. Call end to send the
// remaining spans.
func (s *settings) trace(ctx context.Context, environ []string) (end func(), err error) {
	wanted, err := tracesFrom(environ)
	if err != nil {
		name, text, _ := strings.Cut(err.Error(), ": ")
		return nil, problems{{name, text}}
	}
	if wanted.endpoint == "" {
		return func() {}, nil
	}
	exporter, err := wanted.exporter(ctx)
	if err != nil {
		return nil, err
	}
	log := s.Config.Log
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces could not be sent", "cause", err) }))
	provider := wanted.provider(exporter)
	s.tracer = tracing.New(provider)
	log.Info("sending traces", "endpoint", wanted.endpoint)
	counted := s.Config.Advanced.OnSend
	s.Config.Advanced.OnSend = func(ctx context.Context, a send.Attempt) {
		if counted != nil {
			counted(ctx, a)
		}
		s.tracer.Done(ctx, "send "+a.Channel, a.Took, a.Outcome == send.Failed,
			"twofold.channel", a.Channel, "twofold.sender", a.Sender, "twofold.outcome", a.Outcome)
	}
	return func() { flushTraces(log, provider.Shutdown) }, nil
}

// flushTraces sends the remaining spans, within the time that a collector may take.
func flushTraces(log *slog.Logger, shutdown func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := shutdown(ctx); err != nil {
		log.Warn("traces could not be sent", "cause", err)
	}
}

// exporter sends spans to the endpoint as OTLP over HTTP.
func (t traces) exporter(ctx context.Context) (*otlptrace.Exporter, error) {
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(t.endpoint), otlptracehttp.WithHeaders(t.headers))
}

// fromProxy reports whether a request came through a trusted proxy.
func (s *settings) fromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, p := range s.Config.Advanced.TrustedProxies {
		if p.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
}
