package metrics

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/send"
)

// Watched tells how busy it is; *twofold.Auth does.
type Watched interface {
	Stats(ctx context.Context) (twofold.Stats, error)
}

// Metrics keeps the figures and serves them. It is safe for concurrent use.
type Metrics struct {
	signIns, seconds, pauses, events *family
	sends, sendTime, accepted        *family
	requests, requestTime            *family
	storeErrors                      *family
	watched                          atomic.Pointer[Watched]
	began                            time.Time
}

// New returns metrics that stand at zero.
func New() *Metrics {
	quick := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow := []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	return &Metrics{
		signIns:     newFamily("counter", "twofold_sign_ins_total", "Sign-ins by how they ended: one_factor, two_factors, trusted (device), second_factor_asked, refused.", "outcome"),
		seconds:     newFamily("counter", "twofold_second_factors_total", "Second factors by method and outcome: ok, wrong, replayed.", "method", "outcome"),
		pauses:      newFamily("counter", "twofold_pauses_total", "Accounts that were paused after too many wrong guesses.", "what"),
		events:      newFamily("counter", "twofold_events_total", "Everything that happened, by the name of its event.", "event"),
		sends:       newFamily("counter", "twofold_sends_total", "Tries of a sender; place 1 is the first of its channel.", "channel", "sender", "place", "outcome"),
		sendTime:    histogram("twofold_send_seconds", "How long one try of a sender took.", slow, "channel", "sender", "place", "outcome"),
		accepted:    histogram("twofold_send_accepted_seconds", "From storing a message to a provider's taking it.", slow, "channel", "sender", "place"),
		requests:    newFamily("counter", "twofold_http_requests_total", "Requests by pattern of the route, method and status.", "route", "method", "status"),
		requestTime: histogram("twofold_http_request_seconds", "How long requests took.", quick, "route", "method"),
		storeErrors: newFamily("counter", "twofold_store_errors_total", "Verbs of the store that failed because of the store.", "verb"),
		began:       time.Now(),
	}
}

// Watch asks w for its load whenever the metrics are read.
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

// OnSend counts a try of a sender; see twofold.Config.Advanced.OnSend.
func (m *Metrics) OnSend(_ context.Context, a send.Attempt) {
	place := strconv.Itoa(a.Place)
	m.sends.inc(a.Channel, a.Sender, place, a.Outcome)
	m.sendTime.observe(a.Took, a.Channel, a.Sender, place, a.Outcome)
	if a.Outcome == send.Accepted {
		m.accepted.observe(a.Waited, a.Channel, a.Sender, place)
	}
}

// Request counts a request that was answered. route is the pattern it matched,
// never its path.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		method = "other" // a stranger may write anything there
	}
	m.requests.inc(route, method, strconv.Itoa(status))
	m.requestTime.observe(took, route, method)
}

// StoreFailed counts a verb that failed.
func (m *Metrics) StoreFailed(verb string) { m.storeErrors.inc(verb) }

// ServeHTTP shows everything, also while the store does not answer.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	list := []*family{m.signIns, m.seconds, m.pauses, m.events, m.sends, m.sendTime, m.accepted, m.requests, m.requestTime, m.storeErrors}
	list = append(list, m.load(r.Context())...)
	list = append(list, process(m.began)...)
	slices.SortFunc(list, byName)
	out := bufio.NewWriter(w)
	for _, f := range list {
		f.write(out)
	}
	_ = out.Flush() // a collector that is gone asks again
}

// load is asked within a second, so that a store that hangs does not hide the
// figures that say so.
func (m *Metrics) load(ctx context.Context) []*family {
	watched := m.watched.Load()
	if watched == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	l, err := (*watched).Stats(ctx)
	up := 1.0
	if err != nil {
		up = 0
	}
	list := []*family{
		gauge("twofold_hash_slots", "Passwords that may be hashed at once.", float64(l.HashSlots)),
		gauge("twofold_hash_busy", "Passwords that are being hashed.", float64(l.HashBusy)),
		gauge("twofold_hash_waiting", "Sign-ins that wait for a slot.", float64(l.HashWaiting)),
		gauge("twofold_store_up", "1 if the store answered just now.", up),
	}
	if err != nil {
		return list
	}
	age := 0.0
	if !l.OutboxSince.IsZero() {
		age = max(0, time.Since(l.OutboxSince).Seconds())
	}
	return append(list,
		gauge("twofold_outbox_messages", "Messages that wait to be delivered, on all nodes together.", float64(l.Outbox)),
		gauge("twofold_outbox_oldest_seconds", "Age of the oldest of them.", age))
}

func gauge(name, help string, v float64) *family { return newFamily("gauge", name, help).set(v) }
