package tracing

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope is the instrumentation scope of the spans.
const scope = "github.com/twofold-auth/twofold"

// Tracer creates spans. A nil Tracer creates none.
type Tracer struct {
	tracer  trace.Tracer
	parents propagation.TraceContext
}

// New returns a tracer that uses provider, or nil if provider is nil.
func New(provider trace.TracerProvider) *Tracer {
	if provider == nil {
		return nil
	}
	return &Tracer{tracer: provider.Tracer(scope)}
}

// Handler records a span for each request. After the request is answered, route returns the pattern
// that it matched. trusted reports whether to use the traceparent header of the request; if
// strangers could set it, they would decide which requests are recorded.
func (t *Tracer) Handler(
	next http.Handler, route func(*http.Request) string, trusted func(*http.Request) bool,
) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if trusted(r) {
			ctx = t.parents.Extract(ctx, propagation.HeaderCarrier(r.Header))
		}
		ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(ctx)
		defer func() {
			name := route(r)
			span.SetName(strings.TrimSpace(r.Method + " " + name))
			span.SetAttributes(
				attribute.String("http.request.method", r.Method),
				attribute.Int("http.response.status_code", rec.status))
			if name != "" {
				span.SetAttributes(attribute.String("http.route", name))
			}
			if rec.status >= 500 {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}()
		next.ServeHTTP(rec, r)
	})
}

// Done records an operation that has just ended, as a part of ctx's request.
func (t *Tracer) Done(ctx context.Context, name string, took time.Duration, failed bool, pairs ...string) {
	if t == nil {
		return
	}
	now := time.Now()
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(now.Add(-took)))
	for i := 0; i+1 < len(pairs); i += 2 {
		span.SetAttributes(attribute.String(pairs[i], pairs[i+1]))
	}
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(now))
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
