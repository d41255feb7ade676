package tracing_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/tracing"
)

// collector keeps what it is sent.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []span
	header http.Header
	path   string
	raw    string
}

type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
	StartTimeUnixNano, EndTimeUnixNano  string
	Attributes                          []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
	Status struct{ Code int }
}

func (s span) at(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.StringValue + a.Value.IntValue
		}
	}
	return ""
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var in struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []span }
			}
		}
		if err := json.Unmarshal(raw, &in); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.header, c.path, c.raw = r.Header, r.URL.Path, string(raw)
		for _, rs := range in.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// traced serves requests with these settings and returns what the collector
// has once the tracer is closed.
func traced(t *testing.T, c *collector, env []string, trust bool, requests ...*http.Request) []span {
	t.Helper()
	s, err := tracing.FromEnviron(append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL}, env...))
	if err != nil {
		t.Fatal(err)
	}
	tracer := tracing.New(s, slog.New(slog.DiscardHandler))
	h := tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tracer.Done(r.Context(), "send email", time.Second, true, "twofold.channel", "email")
		w.WriteHeader(503)
	}), func(*http.Request) string { return "/tf-setup/{token}" }, func(*http.Request) bool { return trust })
	for _, r := range requests {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	tracer.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans
}

func request(traceparent string) *http.Request {
	r := httptest.NewRequest("POST", "/tf-setup/s3cr3t-token?next=%2Fhidden", strings.NewReader("code=123456"))
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	return r
}

const above = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestARequestAndWhatItSendsAreSpans(t *testing.T) {
	c := newCollector(t)
	spans := traced(t, c, []string{"OTEL_EXPORTER_OTLP_HEADERS=X-Key=a%20b", "OTEL_SERVICE_NAME=login", "OTEL_RESOURCE_ATTRIBUTES=zone=eu"}, true, request(above))
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	child, server := spans[0], spans[1]
	if server.Name != "POST /tf-setup/{token}" || server.Kind != 2 || server.TraceID != "0af7651916cd43dd8448eb211c80319c" ||
		server.ParentSpanID != "b7ad6b7169203331" || server.Status.Code != 2 || server.at("http.response.status_code") != "503" {
		t.Errorf("the request is %+v", server)
	}
	if child.Name != "send email" || child.Kind != 3 || child.ParentSpanID != server.SpanID || child.TraceID != server.TraceID || child.at("twofold.channel") != "email" {
		t.Errorf("the message is %+v", child)
	}
	if c.path != "/v1/traces" || c.header.Get("Content-Type") != "application/json" || c.header.Get("X-Key") != "a b" {
		t.Errorf("posted to %s with %v", c.path, c.header)
	}
	for _, want := range []string{`"service.name"`, `"login"`, `"zone"`} {
		if !strings.Contains(c.raw, want) {
			t.Errorf("no %s in %s", want, c.raw)
		}
	}
	for _, secret := range []string{"s3cr3t", "hidden", "123456", "192.0.2.1"} {
		if strings.Contains(c.raw, secret) {
			t.Errorf("a span holds %q", secret)
		}
	}
}

func TestWhichRequestsAreRecorded(t *testing.T) {
	unsampled := strings.TrimSuffix(above, "01") + "00"
	for _, c := range []struct {
		name   string
		env    string
		trust  bool
		parent string
		want   int
	}{
		{"all by default", "", true, "", 2},
		{"not what a caller left out", "", true, unsampled, 0},
		{"a stranger decides nothing", "", false, unsampled, 2},
		{"nothing", "OTEL_TRACES_SAMPLER=always_off", true, above, 0},
		{"nothing but what a caller recorded", "OTEL_TRACES_SAMPLER=parentbased_always_off", true, above, 2},
		{"none of a share of zero", "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0", true, "", 0},
		{"all of a share of one", "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=1", true, unsampled, 2},
		{"no parent that is not one", "", true, "00-xyz-1-01", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			spans := traced(t, newCollector(t), strings.Fields(c.env), c.trust, request(c.parent))
			if len(spans) != c.want {
				t.Errorf("%d spans, want %d", len(spans), c.want)
			}
			for _, s := range spans {
				if !c.trust && s.TraceID == "0af7651916cd43dd8448eb211c80319c" {
					t.Error("a stranger's trace is carried on")
				}
			}
		})
	}
}

func TestTracingIsOffUnlessItIsAskedFor(t *testing.T) {
	for _, env := range [][]string{
		nil, {"OTEL_SERVICE_NAME=x"}, {"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_SDK_DISABLED=true"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_TRACES_EXPORTER=none"},
	} {
		s, err := tracing.FromEnviron(env)
		if err != nil {
			t.Fatal(err)
		}
		tracer := tracing.New(s, slog.New(slog.DiscardHandler))
		if tracer != nil {
			t.Errorf("%v: tracing is on", env)
		}
		tracer.Done(t.Context(), "send", 0, false)
		tracer.Close()
	}
}

func TestWrongVariablesAreNamed(t *testing.T) {
	const on, hidden = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "hunter2"
	for want, env := range map[string][]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT: ": {"OTEL_EXPORTER_OTLP_ENDPOINT=" + hidden},
		"OTEL_EXPORTER_OTLP_HEADERS: ":  {on, "OTEL_EXPORTER_OTLP_HEADERS=" + hidden},
		"OTEL_TRACES_SAMPLER: ":         {on, "OTEL_TRACES_SAMPLER=" + hidden},
		"OTEL_TRACES_SAMPLER_ARG: ":     {on, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=2"},
		"OTEL_RESOURCE_ATTRIBUTES: ":    {on, "OTEL_RESOURCE_ATTRIBUTES=" + hidden},
	} {
		_, err := tracing.FromEnviron(env)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%v: %v, want %q", env, err, want)
		}
	}
}

// A collector that hangs costs requests nothing and memory a bounded queue.
func TestAHangingCollectorHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	s, err := tracing.FromEnviron([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + hanging.URL})
	if err != nil {
		t.Fatal(err)
	}
	tracer := tracing.New(s, slog.New(slog.DiscardHandler))
	for range 10_000 { // would never return if one waited
		tracer.Done(t.Context(), "send", 0, false)
	}
	close(release)
	tracer.Close()
}
