package metrics_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/metrics"
	"github.com/twofold-auth/twofold/send"
)

// exposition has the metrics of one busy day as in the first release that had them. Dashboards and
// alerts depend on these names, labels and values.
const exposition = "testdata/exposition.txt"

// TestSeriesKeepNamesAndLabels compares the series with those of exposition. There may
// be more of go_ and process_.
func TestSeriesKeepNamesAndLabels(t *testing.T) {
	raw, err := os.ReadFile(exposition)
	if err != nil {
		t.Fatal(err)
	}
	want, got := series(string(raw)), series(shown(t, busyDay(t)))
	if len(want) < 100 {
		t.Fatalf("%s has %d series only", exposition, len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, ok := got[name]
		switch ours := strings.Contains(name, "twofold_"); {
		case !ok:
			t.Errorf("there is no %s any more", name)
		case ours && !changing.MatchString(name) && value != want[name]:
			t.Errorf("%s is %s, want %s", name, value, want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok && strings.Contains(name, "twofold_") {
			t.Errorf("%s is new: add it to %s", name, exposition)
		}
	}
}

// changing matches values that depend on the time and the build of the test.
var changing = regexp.MustCompile(`twofold_build_info|twofold_outbox_oldest_seconds`)

// version matches a label that every build changes.
var version = regexp.MustCompile(`version="[^"]*"`)

// series reads an exposition: values by name with sorted labels, and types by "TYPE name".
func series(text string) map[string]string {
	label := regexp.MustCompile(`[a-z_]+="(?:[^"\\]|\\.)*"`)
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = version.ReplaceAllString(strings.TrimSpace(line), `version="any"`)
		if kind, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(kind, " ")
			out["TYPE "+name] = kind
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		labels := label.FindAllString(line[len(name):at], -1)
		slices.Sort(labels)
		out[name+"{"+strings.Join(labels, ",")+"}"] = line[at+1:]
	}
	return out
}

// busyDay adds a value to every metric family.
func busyDay(t *testing.T) *metrics.Metrics {
	m, ctx := metrics.New(), t.Context()
	for _, e := range []event.Event{
		event.FirstFactorProven{}, event.TFCodeConfirmed{Method: "sms"}, event.UserPaused{}, event.TFPaused{},
		event.UserAuthenticated{Via: []string{"password", "sms"}}, event.UserAuthenticated{Via: []string{"password"}},
		event.UserAuthenticated{Trusted: true}, event.UserFailedAuthn{},
		event.UserFailedAuthn{SecondFactor: true, Method: "sms"},
		event.UserFailedAuthn{SecondFactor: true, Method: "authenticator", Reason: "replayed"},
	} {
		m.OnEvent(ctx, e)
	}
	for i, outcome := range []string{send.Failed, send.Accepted} {
		m.OnSend(ctx, send.Attempt{Channel: "email", Sender: "smtp", Place: i + 1, Outcome: outcome,
			Took: 40 * time.Millisecond, Waited: 6 * time.Second})
	}
	m.Request("/tf-setup/{token}", "GET", 200, 2500*time.Microsecond)
	m.Request("/tf-setup/{token}", "POST", 400, time.Minute)
	m.Request("a\"b\\c\nd\xff", "PROPFIND", 405, 0)
	m.StoreFailed("put session")
	m.Watch(busy{load: twofold.Stats{HashSlots: 2, HashBusy: 1, HashWaiting: 7, Outbox: 3,
		OutboxSince: time.Now().Add(-time.Hour)}})
	return m
}
