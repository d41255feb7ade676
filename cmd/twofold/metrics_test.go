package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var metricsAddress = regexp.MustCompile(`"msg":"metrics","address":"(http://[^"]+)"`)

// figures returns the metrics of a running server from its second listener.
func (s *server) figures() string {
	s.t.Helper()
	address := metricsAddress.FindStringSubmatch(s.text())
	if address == nil {
		s.t.Fatal("no listener for metrics: ", s.text())
	}
	resp, err := http.Get(address[1])
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		s.t.Fatal(resp.Status, err)
	}
	return string(raw)
}

// Only the second listener serves the metrics, and no metric identifies a user.
func TestServeMetrics(t *testing.T) {
	s := start(t, []string{"TWOFOLD_METRICS_LISTEN=127.0.0.1:0"}, "--dev")
	s.want(400, "POST", "/login", `{"email":"test@me.com","password":"wrong"}`)
	who := s.want(200, "POST", "/login", `{"email":"test@me.com","password":"password"}`)
	state := stateToken.FindStringSubmatch(s.want(200, "POST", "/tf-setup", `{"setup":"sms","phone":"+16502530000"}`))
	s.want(400, "POST", "/tf-setup/"+state[1], `{"code":"000000"}`)
	s.want(404, "GET", "/metrics", "")
	s.want(404, "GET", "/nothing/here", "")
	text := s.figures()
	for _, line := range []string{
		`twofold_sign_ins_total{outcome="one_factor"} 1`,
		`twofold_sign_ins_total{outcome="refused"} 1`,
		`twofold_sends_total{channel="sms",outcome="accepted",place="1",sender="send"} 1`,
		`twofold_http_requests_total{method="POST",route="/login",status="400"} 1`,
		`twofold_http_requests_total{method="POST",route="/tf-setup/{token}",status="400"} 1`,
		`twofold_http_requests_total{method="GET",route="other",status="404"} 2`,
		`twofold_store_up 1`,
		`twofold_hash_busy 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	id := regexp.MustCompile(`"id":"([A-Z0-9]+)"`).FindStringSubmatch(who)
	for _, secret := range []string{"test@me.com", id[1], state[1], "16502530000", "nothing/here"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics contain %q", secret)
		}
	}
	s.stop()
}

func TestMetricsListenIsChecked(t *testing.T) {
	for _, v := range []string{"9090", "localhost:port", "metrics.example.org:9090"} {
		if _, err := with(t, "TWOFOLD_METRICS_LISTEN="+v); err == nil ||
			!strings.HasPrefix(err.Error(), "TWOFOLD_METRICS_LISTEN: ") {
			t.Errorf("%s: %v", v, err)
		}
	}
}

// With the OTEL_ variables the server sends spans to a collector, including those that are queued
// when it stops.
func TestServeTraces(t *testing.T) {
	var mu sync.Mutex
	var got strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got.Write(raw)
	}))
	defer collector.Close()
	s := start(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL}, "--dev")
	s.want(200, "POST", "/login", `{"email":"test@me.com","password":"password"}`)
	state := stateToken.FindStringSubmatch(s.want(200, "POST", "/tf-setup", `{"setup":"sms","phone":"+16502530000"}`))
	s.want(400, "POST", "/tf-setup/"+state[1], `{"code":"000000"}`)
	s.stop()
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"POST /login", "POST /tf-setup/{token}", "send sms"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no span %s in %s", want, got.String())
		}
	}
	for _, secret := range []string{state[1], "test@me.com", "16502530000"} {
		if strings.Contains(got.String(), secret) {
			t.Errorf("a span contains %q", secret)
		}
	}
}
