package metrics_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/metrics"
	"github.com/twofold-auth/twofold/send"
)

func shown(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4; charset=utf-8") {
		t.Errorf("content type %q", got)
	}
	return w.Body.String()
}

// has checks whole lines. The order of labels does not matter.
func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	got := series(text)
	for _, line := range lines {
		want := series(line)
		if len(want) != 1 {
			t.Errorf("%s has %d series", line, len(want))
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("no line %s", line)
			}
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

var joan = event.Subject{ID: "JOANSID", Email: "joan@example.org", Username: "joan"}

func TestEventsAreCounted(t *testing.T) {
	m, ctx := metrics.New(), t.Context()
	m.OnEvent(ctx, event.FirstFactorProven{User: joan})
	m.OnEvent(ctx, event.TFCodeConfirmed{User: joan, Method: "sms"})
	m.OnEvent(ctx, event.UserAuthenticated{User: joan, Via: []string{"password", "sms"}})
	m.OnEvent(ctx, event.UserAuthenticated{User: joan, Via: []string{"password"}})
	m.OnEvent(ctx, event.UserAuthenticated{User: joan, Via: []string{"password"}, Trusted: true})
	m.OnEvent(ctx, event.UserFailedAuthn{User: joan, AuthType: "password"})
	m.OnEvent(ctx, event.UserFailedAuthn{User: joan, AuthType: "password"})
	m.OnEvent(ctx, event.UserFailedAuthn{User: joan, AuthType: "code", SecondFactor: true, Method: "sms"})
	m.OnEvent(ctx, event.UserFailedAuthn{User: joan, AuthType: "code", SecondFactor: true, Method: "authenticator",
		Reason: "replayed"})
	m.OnEvent(ctx, event.UserPaused{User: joan})
	m.OnEvent(ctx, event.TFPaused{User: joan})
	text := shown(t, m)
	has(t, text,
		`# TYPE twofold_sign_ins_total counter`,
		`twofold_sign_ins_total{outcome="second_factor_asked"} 1`,
		`twofold_sign_ins_total{outcome="two_factors"} 1`,
		`twofold_sign_ins_total{outcome="one_factor"} 1`,
		`twofold_sign_ins_total{outcome="trusted"} 1`,
		`twofold_sign_ins_total{outcome="refused"} 2`,
		`twofold_second_factors_total{method="sms",outcome="ok"} 1`,
		`twofold_second_factors_total{method="sms",outcome="wrong"} 1`,
		`twofold_second_factors_total{method="authenticator",outcome="replayed"} 1`,
		`twofold_pauses_total{what="password"} 1`,
		`twofold_pauses_total{what="second_factor"} 1`,
		`twofold_events_total{event="user-failed-authn"} 4`,
	)
	if strings.Contains(strings.ToLower(text), "joan") {
		t.Error("the figures name somebody")
	}
}

func TestSendsAndRequestsAreMeasured(t *testing.T) {
	m := metrics.New()
	for _, outcome := range []string{send.Failed, send.Accepted} {
		m.OnSend(t.Context(), send.Attempt{Channel: "email", Sender: "smtp", Place: 1, Outcome: outcome,
			Took: 40 * time.Millisecond, Waited: 6 * time.Second})
	}
	m.Request("/tf-setup/{token}", "GET", 200, 2500*time.Microsecond)
	m.Request("/tf-setup/{token}", "GET", 200, time.Minute)
	m.Request("other", "X-EVIL\"\n", 405, time.Millisecond)
	m.StoreFailed("put session")
	has(t, shown(t, m),
		`twofold_sends_total{channel="email",sender="smtp",place="1",outcome="failed"} 1`,
		`twofold_send_seconds_bucket{channel="email",sender="smtp",place="1",outcome="accepted",le="0.025"} 0`,
		`twofold_send_seconds_bucket{channel="email",sender="smtp",place="1",outcome="accepted",le="0.05"} 1`,
		`twofold_send_accepted_seconds_bucket{channel="email",sender="smtp",place="1",le="5"} 0`,
		`twofold_send_accepted_seconds_bucket{channel="email",sender="smtp",place="1",le="10"} 1`,
		`twofold_send_accepted_seconds_count{channel="email",sender="smtp",place="1"} 1`,
		`twofold_http_requests_total{route="/tf-setup/{token}",method="GET",status="200"} 2`,
		`twofold_http_requests_total{route="other",method="other",status="405"} 1`,
		// a value equal to the bound belongs to its bucket
		`twofold_http_request_seconds_bucket{route="/tf-setup/{token}",method="GET",le="0.0025"} 1`,
		`twofold_http_request_seconds_bucket{route="/tf-setup/{token}",method="GET",le="10"} 1`,
		`twofold_http_request_seconds_bucket{route="/tf-setup/{token}",method="GET",le="+Inf"} 2`,
		`twofold_http_request_seconds_sum{route="/tf-setup/{token}",method="GET"} 60.0025`,
		`twofold_store_errors_total{verb="put session"} 1`,
	)
}

// busy is a node whose state a test sets.
type busy struct {
	load twofold.Stats
	err  error
}

func (b busy) Stats(context.Context) (twofold.Stats, error) { return b.load, b.err }

func TestLoadIsAskedWhenTheFiguresAre(t *testing.T) {
	m := metrics.New()
	m.Watch(busy{load: twofold.Stats{HashSlots: 2, HashBusy: 1, HashWaiting: 7, Outbox: 3,
		OutboxSince: time.Now().Add(-time.Hour)}})
	text := shown(t, m)
	has(t, text, `twofold_hash_slots 2`, `twofold_hash_busy 1`, `twofold_hash_waiting 7`, `twofold_store_up 1`,
		`twofold_outbox_messages 3`)
	if !regexp.MustCompile(`(?m)^twofold_outbox_oldest_seconds 36\d\d\.`).MatchString(text) {
		t.Error("the oldest message is not an hour old")
	}
	m.Watch(busy{load: twofold.Stats{HashSlots: 2}, err: errors.New("gone")})
	text = shown(t, m)
	has(t, text, `twofold_hash_slots 2`, `twofold_store_up 0`)
	if strings.Contains(text, "twofold_outbox_messages") {
		t.Error("a depth is shown that nobody knows")
	}
}

// Every line must be valid, because a collector drops the whole response if it cannot parse one
// line.
func TestTheFormatIsKept(t *testing.T) {
	m := metrics.New()
	m.Watch(busy{})
	m.Request("/a\"b\\c\nd\xff", "GET", 200, 0)
	m.OnEvent(t.Context(), event.UserFailedAuthn{SecondFactor: true, Method: "sms"})
	line := regexp.MustCompile(
		`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\\n]|\\[\\"n])*"(,[a-z]+="([^"\\\n]|\\[\\"n])*")*\})? -?[0-9][0-9.e+-]*)$`)
	text := shown(t, m)
	for l := range strings.Lines(text) {
		if l = strings.TrimSuffix(l, "\n"); !line.MatchString(l) {
			t.Errorf("no line of the format: %q", l)
		}
	}
	has(t, text, `twofold_http_requests_total{route="/a\"b\\c\nd?",method="GET",status="200"} 1`)
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_start_time_seconds"} {
		if !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("no %s", name)
		}
	}
}

// A label with unbounded values must not use unbounded memory.
func TestSeriesAreBounded(t *testing.T) {
	m := metrics.New()
	for i := range 5000 {
		m.StoreFailed(strings.Repeat("x", i))
	}
	text := shown(t, m)
	if n := strings.Count(text, "\ntwofold_store_errors_total{"); n > 2001 {
		t.Errorf("%d series", n)
	}
	has(t, text, `twofold_store_errors_total{verb="other"} 3000`)
}
