package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/twofold-auth/twofold"
)

// mostSeries is the maximum number of series of a family. If a label has more values than expected,
// new values count as "other", so that memory stays bounded.
const mostSeries = 2000

// bounded counts the series of a family.
type bounded struct {
	mu   sync.Mutex
	seen map[string]bool
}

// values returns the label values under which to count.
func (b *bounded) values(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.ToValidUTF8(v, "?") // client_golang accepts only valid UTF-8
	}
	key := strings.Join(out, "\xff")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[key] {
		return out
	}
	if len(b.seen) >= mostSeries {
		for i := range out {
			out[i] = "other"
		}
		return out
	}
	b.seen[key] = true
	return out
}

// counters is a family of counters.
type counters struct {
	*bounded
	vec *prometheus.CounterVec
}

// counters adds a family.
func (m *Metrics) counters(name, help string, labels ...string) counters {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.all = append(m.all, vec)
	return counters{&bounded{seen: map[string]bool{}}, vec}
}

// inc adds one.
func (c counters) inc(values ...string) { c.vec.WithLabelValues(c.values(values)...).Inc() }

// histograms is a family of histograms of durations.
type histograms struct {
	*bounded
	vec *prometheus.HistogramVec
}

// histograms adds a family.
func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) histograms {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.all = append(m.all, vec)
	return histograms{&bounded{seen: map[string]bool{}}, vec}
}

// observe counts a duration.
func (h histograms) observe(d time.Duration, values ...string) {
	h.vec.WithLabelValues(h.values(values)...).Observe(d.Seconds())
}

// loadGauge is one figure of the load. It may be unknown if the store does not answer.
type loadGauge struct {
	desc *prometheus.Desc
	of   func(twofold.Stats, error) (v float64, known bool)
}

// gauges returns the figures of the load.
func gauges() []loadGauge {
	gauge := func(name, help string, of func(twofold.Stats, error) (float64, bool)) loadGauge {
		return loadGauge{prometheus.NewDesc(name, help, nil, nil), of}
	}
	return []loadGauge{
		gauge("twofold_hash_slots", "Passwords that may be hashed at once.",
			func(s twofold.Stats, _ error) (float64, bool) { return float64(s.HashSlots), true }),
		gauge("twofold_hash_busy", "Passwords that are being hashed.",
			func(s twofold.Stats, _ error) (float64, bool) { return float64(s.HashBusy), true }),
		gauge("twofold_hash_waiting", "Sign-ins that wait for a slot.",
			func(s twofold.Stats, _ error) (float64, bool) { return float64(s.HashWaiting), true }),
		gauge("twofold_store_up", "1 if the store answered just now.",
			func(_ twofold.Stats, err error) (float64, bool) {
				if err != nil {
					return 0, true
				}
				return 1, true
			}),
		gauge("twofold_outbox_messages", "Messages that wait to be delivered, on all nodes together.",
			func(s twofold.Stats, err error) (float64, bool) { return float64(s.Outbox), err == nil }),
		gauge("twofold_outbox_oldest_seconds", "Age of the oldest of them.",
			func(s twofold.Stats, err error) (float64, bool) {
				if s.OutboxSince.IsZero() {
					return 0, err == nil
				}
				return max(0, time.Since(s.OutboxSince).Seconds()), err == nil
			}),
	}
}
