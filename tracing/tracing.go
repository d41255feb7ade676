package tracing

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	queue   = 2048 // spans that wait
	batch   = 512  // spans in one request
	within  = 5 * time.Second
	timeout = 10 * time.Second
)

// Tracer sends spans. A nil Tracer sends none and costs nothing.
type Tracer struct {
	s      Settings
	log    *slog.Logger
	client http.Client
	spans  chan span
	stop   chan struct{}
	done   chan struct{}
}

// attribute is a text or, if that is empty, a number.
type attribute struct {
	key, text string
	number    int
}

// parent is what a span is part of.
type parent struct {
	trace    [16]byte
	span     [8]byte
	recorded bool
}

type parentKey struct{}

// span is one that is over.
type span struct {
	parent
	id         [8]byte
	name       string
	kind       int // 2 server, 3 client
	start, end time.Time
	attributes []attribute
	failed     bool
}

// New starts a tracer, or none if the settings want none. Close it.
func New(s Settings, log *slog.Logger) *Tracer {
	if s.Endpoint == "" {
		return nil
	}
	t := &Tracer{s: s, log: log, client: http.Client{Timeout: timeout}, spans: make(chan span, queue), stop: make(chan struct{}), done: make(chan struct{})}
	go t.run()
	return t
}

// Close sends what waits. What ends afterwards is not sent.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	close(t.stop)
	<-t.done
}

// Handler records a span for each request. route says, once it was answered,
// the pattern it matched; trusted says whether to believe the request's own
// traceparent (a stranger's would have us record anything).
func (t *Tracer) Handler(next http.Handler, route func(*http.Request) string, trusted func(*http.Request) bool) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var above parent
		if trusted(r) {
			above = readParent(r.Header.Get("Traceparent"))
		}
		s := t.begin(above, 2)
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(context.WithValue(r.Context(), parentKey{}, parent{s.trace, s.id, s.recorded}))
		defer func() {
			if !s.recorded {
				return
			}
			name := route(r)
			s.name = strings.TrimSpace(r.Method + " " + name)
			s.attributes = []attribute{{key: "http.request.method", text: r.Method}, {key: "http.response.status_code", number: rec.status}}
			if name != "" {
				s.attributes = append(s.attributes, attribute{key: "http.route", text: name})
			}
			s.failed = rec.status >= 500
			t.finish(s, time.Now())
		}()
		next.ServeHTTP(rec, r)
	})
}

// Done records something that has just ended, as a part of ctx's request.
func (t *Tracer) Done(ctx context.Context, name string, took time.Duration, failed bool, pairs ...string) {
	if t == nil {
		return
	}
	above, _ := ctx.Value(parentKey{}).(parent)
	s := t.begin(above, 3)
	if !s.recorded {
		return
	}
	now := time.Now()
	s.name, s.start, s.failed = name, now.Add(-took), failed
	for i := 0; i+1 < len(pairs); i += 2 {
		s.attributes = append(s.attributes, attribute{key: pairs[i], text: pairs[i+1]})
	}
	t.finish(s, now)
}

// begin decides whether a span is recorded: as its parent was, or by the
// number of its trace, so that all nodes decide alike.
func (t *Tracer) begin(above parent, kind int) span {
	s := span{parent: above, kind: kind, start: time.Now()}
	_, _ = rand.Read(s.id[:]) // never fails
	root := above.trace == [16]byte{}
	if root {
		_, _ = rand.Read(s.trace[:])
	}
	if root || !t.s.parented {
		s.recorded = binary.BigEndian.Uint64(s.trace[8:])>>1 < t.s.below
	}
	return s
}

func (t *Tracer) finish(s span, end time.Time) {
	s.end = end
	select {
	case t.spans <- s:
	default: // full: the collector is away or too slow
	}
}

// run sends batches until Close.
func (t *Tracer) run() {
	defer close(t.done)
	tick := time.NewTicker(within)
	defer tick.Stop()
	var list []span
	for {
		select {
		case s := <-t.spans:
			if list = append(list, s); len(list) < batch {
				continue
			}
		case <-tick.C:
		case <-t.stop:
			for range len(t.spans) {
				list = append(list, <-t.spans)
			}
			t.send(list)
			return
		}
		t.send(list)
		list = list[:0]
	}
}

// send posts a batch. What is not accepted is lost: a trace is not a record.
func (t *Tracer) send(list []span) {
	if len(list) == 0 {
		return
	}
	if err := t.post(list); err != nil {
		t.log.Warn("traces were not taken", "spans", len(list), "cause", err)
	}
}

func (t *Tracer) post(list []span) error {
	body, err := json.Marshal(t.encode(list))
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, t.s.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = t.s.headers.Clone()
	r.Header.Set("Content-Type", "application/json")
	resp, err := t.client.Do(r)
	if err != nil {
		return fmt.Errorf("the collector does not answer: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answers %d", resp.StatusCode)
	}
	return nil
}

type object = map[string]any

// encode is an ExportTraceServiceRequest in the JSON form of OTLP 1.x: ids in
// hexadecimal digits, times as text.
func (t *Tracer) encode(list []span) object {
	spans := make([]object, len(list))
	for i, s := range list {
		spans[i] = object{
			"traceId": hex.EncodeToString(s.trace[:]), "spanId": hex.EncodeToString(s.id[:]), "name": s.name, "kind": s.kind,
			"startTimeUnixNano": strconv.FormatInt(s.start.UnixNano(), 10), "endTimeUnixNano": strconv.FormatInt(s.end.UnixNano(), 10),
			"attributes": encodeAttributes(s.attributes),
		}
		if s.span != [8]byte{} {
			spans[i]["parentSpanId"] = hex.EncodeToString(s.span[:])
		}
		if s.failed {
			spans[i]["status"] = object{"code": 2}
		}
	}
	return object{"resourceSpans": []object{{
		"resource":   object{"attributes": encodeAttributes(t.s.resource)},
		"scopeSpans": []object{{"scope": object{"name": "github.com/twofold-auth/twofold"}, "spans": spans}},
	}}}
}

func encodeAttributes(list []attribute) []object {
	out := make([]object, len(list))
	for i, a := range list {
		value := object{"stringValue": a.text}
		if a.text == "" {
			value = object{"intValue": strconv.Itoa(a.number)}
		}
		out[i] = object{"key": a.key, "value": value}
	}
	return out
}

// readParent reads a traceparent (W3C Trace Context, version 00); anything else
// is not a parent.
func readParent(v string) (p parent) {
	parts := strings.Split(v, "-")
	if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || v != strings.ToLower(v) {
		return parent{}
	}
	var flags [1]byte
	_, err1 := hex.Decode(p.trace[:], []byte(parts[1]))
	_, err2 := hex.Decode(p.span[:], []byte(parts[2]))
	_, err3 := hex.Decode(flags[:], []byte(parts[3]))
	if err1 != nil || err2 != nil || err3 != nil || p.trace == [16]byte{} || p.span == [8]byte{} {
		return parent{}
	}
	p.recorded = flags[0]&1 == 1
	return p
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
