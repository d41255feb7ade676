package tracing_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/twofold-auth/twofold/tracing"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	above   = "00-" + traceID + "-b7ad6b7169203331-01"
)

// traced serves one request and returns its spans.
func traced(t *testing.T, trust bool, traceparent string) tracetest.SpanStubs {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	tracer := tracing.New(sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)))
	h := tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tracer.Done(r.Context(), "send email", time.Second, true, "twofold.channel", "email")
		w.WriteHeader(503)
	}), func(*http.Request) string { return "/tf-setup/{token}" }, func(*http.Request) bool { return trust })
	r := httptest.NewRequest("POST", "/tf-setup/s3cr3t-token?next=%2Fhidden", strings.NewReader("code=123456"))
	r.Header.Set("Traceparent", traceparent)
	h.ServeHTTP(httptest.NewRecorder(), r)
	return kept.GetSpans()
}

// at returns the value of a span's attribute.
func at(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

func TestARequestAndWhatItSendsAreSpans(t *testing.T) {
	spans := traced(t, true, above)
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	child, server := spans[0], spans[1]
	if server.Name != "POST /tf-setup/{token}" || server.SpanKind != trace.SpanKindServer ||
		server.SpanContext.TraceID().String() != traceID || server.Parent.SpanID().String() != "b7ad6b7169203331" ||
		server.Status.Code != codes.Error || at(server, "http.response.status_code") != "503" ||
		at(server, "http.route") != "/tf-setup/{token}" || at(server, "http.request.method") != "POST" {
		t.Errorf("the request is %+v", server)
	}
	if child.Name != "send email" || child.SpanKind != trace.SpanKindClient || child.Status.Code != codes.Error ||
		child.Parent.SpanID() != server.SpanContext.SpanID() || child.SpanContext.TraceID().String() != traceID ||
		at(child, "twofold.channel") != "email" || child.EndTime.Sub(child.StartTime) != time.Second {
		t.Errorf("the message is %+v", child)
	}
	for _, secret := range []string{"s3cr3t", "hidden", "123456", "192.0.2.1"} {
		if strings.Contains(fmt.Sprintf("%+v", spans), secret) {
			t.Errorf("a span holds %q", secret)
		}
	}
}

func TestOnlyTheTraceOfATrustedCallerIsContinued(t *testing.T) {
	for _, c := range []struct {
		name        string
		trust       bool
		traceparent string
		spans       int
		continued   bool
	}{
		{"a trusted caller's", true, above, 2, true},
		{"one that a trusted caller does not record", true, strings.TrimSuffix(above, "01") + "00", 0, false},
		{"a stranger's", false, above, 2, false},
		{"a stranger's that is not recorded", false, strings.TrimSuffix(above, "01") + "00", 2, false},
		{"none", true, "", 2, false},
		{"no trace at all", true, "00-xyz-1-01", 2, false},
		{"zeros", true, "00-00000000000000000000000000000000-b7ad6b7169203331-01", 2, false},
	} {
		spans := traced(t, c.trust, c.traceparent)
		if len(spans) != c.spans {
			t.Errorf("%s: %d spans, want %d", c.name, len(spans), c.spans)
		}
		for _, s := range spans {
			if continued := s.SpanContext.TraceID().String() == traceID; continued != c.continued {
				t.Errorf("%s: continued %v", c.name, continued)
			}
		}
	}
}

func TestWithoutAProviderNothingIsTraced(t *testing.T) {
	tracer := tracing.New(nil)
	if tracer != nil {
		t.Fatal("there is a tracer")
	}
	tracer.Done(t.Context(), "send", 0, false)
	served := false
	tracer.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }), nil, nil).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if !served {
		t.Error("the handler was not called")
	}
}
