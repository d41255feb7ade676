package metrics

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/send"
)

// Watched reports its load. *twofold.Auth implements it.
type Watched interface {
	// Stats returns the load. If it returns an error, the figures that need the store are unknown.
	Stats(ctx context.Context) (twofold.Stats, error)
}

// Metrics counts events, requests and messages, and implements prometheus.Collector. It is safe for
// concurrent use.
type Metrics struct {
	signIns, seconds, pauses, events counters
	sends, requests, storeErrors     counters
	sendTime, accepted, requestTime  histograms
	all                              []prometheus.Collector
	watched                          atomic.Pointer[Watched]
	show                             http.Handler
}

// New returns metrics with all figures at zero.
func New() *Metrics {
	quick := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow := []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	m := &Metrics{}
	m.signIns = m.counters("twofold_sign_ins_total",
		"Sign-ins by how they ended: one_factor, two_factors, trusted (device), second_factor_asked, refused.",
		"outcome")
	m.seconds = m.counters("twofold_second_factors_total",
		"Second factors by method and outcome: ok, wrong, replayed.", "method", "outcome")
	m.pauses = m.counters("twofold_pauses_total", "Accounts that were paused after too many wrong guesses.", "what")
	m.events = m.counters("twofold_events_total", "Everything that happened, by the name of its event.", "event")
	m.sends = m.counters("twofold_sends_total",
		"Tries of a sender; place 1 is the first of its channel.", "channel", "sender", "place", "outcome")
	m.sendTime = m.histograms("twofold_send_seconds",
		"How long one try of a sender took.", slow, "channel", "sender", "place", "outcome")
	m.accepted = m.histograms("twofold_send_accepted_seconds",
		"From storing a message to a provider's taking it.", slow, "channel", "sender", "place")
	m.requests = m.counters("twofold_http_requests_total",
		"Requests by pattern of the route, method and status.", "route", "method", "status")
	m.requestTime = m.histograms("twofold_http_request_seconds", "How long requests took.", quick, "route", "method")
	m.storeErrors = m.counters("twofold_store_errors_total",
		"Verbs of the store that failed because of the store.", "verb")
	registry := prometheus.NewRegistry()
	registry.MustRegister(append(process(), m)...)
	m.show = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// Watch makes the metrics include the load of w whenever they are read.
func (m *Metrics) Watch(w Watched) { m.watched.Store(&w) }

// OnEvent counts an event; see twofold.Config.Advanced.OnEvent.
func (m *Metrics) OnEvent(_ context.Context, e event.Event) {
	m.events.inc(e.Name())
	switch e := e.(type) {
	case event.UserAuthenticated:
		switch {
		case e.Trusted:
			m.signIns.inc("trusted")
		case len(e.Via) > 1:
			m.signIns.inc("two_factors")
		default:
			m.signIns.inc("one_factor")
		}
	case event.FirstFactorProven:
		m.signIns.inc("second_factor_asked")
	case event.UserFailedAuthn:
		switch {
		case !e.SecondFactor:
			m.signIns.inc("refused")
		case e.Reason == "replayed":
			m.seconds.inc(e.Method, "replayed")
		default:
			m.seconds.inc(e.Method, "wrong")
		}
	case event.TFCodeConfirmed:
		m.seconds.inc(e.Method, "ok")
	case event.UserPaused:
		m.pauses.inc("password")
	case event.TFPaused:
		m.pauses.inc("second_factor")
	}
}

// OnSend counts a delivery attempt; see twofold.Config.Advanced.OnSend.
func (m *Metrics) OnSend(_ context.Context, a send.Attempt) {
	place := strconv.Itoa(a.Place)
	m.sends.inc(a.Channel, a.Sender, place, a.Outcome)
	m.sendTime.observe(a.Took, a.Channel, a.Sender, place, a.Outcome)
	if a.Outcome == send.Accepted {
		m.accepted.observe(a.Waited, a.Channel, a.Sender, place)
	}
}

// Request counts an answered request. route is the pattern that the request matched, never its
// path.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		method = "other" // clients can send any method
	}
	m.requests.inc(route, method, strconv.Itoa(status))
	m.requestTime.observe(took, route, method)
}

// StoreFailed counts a failed call of a store method.
func (m *Metrics) StoreFailed(verb string) { m.storeErrors.inc(verb) }

// ServeHTTP serves all figures, including those of the process. It works even if the store does not
// answer.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	m.show.ServeHTTP(w, r)
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(to)
	}
	for _, g := range gauges() {
		to <- g.desc
	}
}

// Collect implements prometheus.Collector. It waits at most one second for the load, so that a
// store that hangs does not hide the other figures.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(to)
	}
	watched := m.watched.Load()
	if watched == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	load, err := (*watched).Stats(ctx)
	for _, g := range gauges() {
		if v, known := g.of(load, err); known {
			to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
		}
	}
}
