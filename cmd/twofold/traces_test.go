package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/twofold-auth/twofold/tracing"
)

// TestSamplingOfTraces covers the sampling variables, with and without the caller's
// decision.
func TestSamplingOfTraces(t *testing.T) {
	const above = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled := strings.TrimSuffix(above, "01") + "00"
	for _, c := range []struct {
		name   string
		env    string
		trust  bool
		parent string
		want   int
	}{
		{"all by default", "", true, "", 1},
		{"not if the caller left it out", "", true, unsampled, 0},
		{"a stranger has no influence", "", false, unsampled, 1},
		{"nothing", "OTEL_TRACES_SAMPLER=always_off", true, above, 0},
		{"only if the caller recorded it", "OTEL_TRACES_SAMPLER=parentbased_always_off", true, above, 1},
		{"none of a share of zero", "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0", true, "", 0},
		{"all of a share of one", "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=1", true, unsampled, 1},
	} {
		wanted, err := tracesFrom(append(strings.Fields(c.env), "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"))
		if err != nil {
			t.Fatal(err)
		}
		kept := tracetest.NewInMemoryExporter()
		provider := wanted.provider(kept)
		r := httptest.NewRequest("GET", "/login", nil)
		r.Header.Set("Traceparent", c.parent)
		tracing.New(provider).Handler(http.NotFoundHandler(),
			func(*http.Request) string { return "" }, func(*http.Request) bool { return c.trust },
		).ServeHTTP(httptest.NewRecorder(), r)
		if err := provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(kept.GetSpans()); got != c.want {
			t.Errorf("%s: %d spans, want %d", c.name, got, c.want)
		}
	}
}

// TestSpansGoToTheEndpoint checks the headers and resource attributes of the variables.
func TestSpansGoToTheEndpoint(t *testing.T) {
	var body []byte
	var got *http.Request
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer collector.Close()
	wanted, err := tracesFrom([]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_EXPORTER_OTLP_HEADERS=X-Key=a%20b",
		"OTEL_SERVICE_NAME=login", "OTEL_RESOURCE_ATTRIBUTES=zone=eu,service.name=other",
	})
	if err != nil {
		t.Fatal(err)
	}
	exporter, err := wanted.exporter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	provider := wanted.provider(exporter)
	tracing.New(provider).Done(t.Context(), "send email", time.Second, false)
	flushTraces(slog.New(slog.DiscardHandler), provider.Shutdown)
	if got == nil || got.URL.Path != "/v1/traces" || got.Header.Get("X-Key") != "a b" {
		t.Fatalf("posted %+v", got)
	}
	for want, there := range map[string]bool{"send email": true, "login": true, "zone": true, "other": false} {
		if bytes.Contains(body, []byte(want)) != there {
			t.Errorf("%s: want %v in %q", want, there, body)
		}
	}
}

func TestTracingIsOffUnlessItIsAskedFor(t *testing.T) {
	for _, env := range [][]string{
		nil, {"OTEL_SERVICE_NAME=x"}, {"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_SDK_DISABLED=true"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_TRACES_EXPORTER=none"},
	} {
		s := &settings{}
		end, err := s.trace(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		if end(); s.tracer != nil {
			t.Errorf("%v: tracing is on", env)
		}
	}
}

func TestInvalidTraceVariablesAreReported(t *testing.T) {
	const on, hidden = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "hunter2"
	for want, env := range map[string][]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT: ": {"OTEL_EXPORTER_OTLP_ENDPOINT=" + hidden},
		"OTEL_EXPORTER_OTLP_HEADERS: ":  {on, "OTEL_EXPORTER_OTLP_HEADERS=" + hidden},
		"OTEL_TRACES_SAMPLER: ":         {on, "OTEL_TRACES_SAMPLER=" + hidden},
		"OTEL_TRACES_SAMPLER_ARG: ":     {on, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=2"},
		"OTEL_RESOURCE_ATTRIBUTES: ":    {on, "OTEL_RESOURCE_ATTRIBUTES=" + hidden},
	} {
		_, err := tracesFrom(env)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%v: %v, want %q", env, err, want)
		}
	}
}

// TestAHangingCollectorDelaysNothing checks that the queue of spans is bounded, and so is the wait
// at the end of the program.
func TestAHangingCollectorDelaysNothing(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	defer close(release)
	wanted, err := tracesFrom([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + hanging.URL})
	if err != nil {
		t.Fatal(err)
	}
	exporter, err := wanted.exporter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	provider := wanted.provider(exporter)
	tracer := tracing.New(provider)
	for range 10_000 { // would not return if it waited
		tracer.Done(t.Context(), "send", 0, false)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := provider.Shutdown(ctx); err == nil {
		t.Error("the collector accepted everything")
	}
}
