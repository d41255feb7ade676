package howto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/metrics"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// watched is a configuration whose events are counted, and of which one wakes people.
func watched(m *metrics.Metrics, alarm func(text string)) twofold.Config {
	return twofold.Config{
		Advanced: twofold.Advanced{
			OnSend: m.OnSend,
			OnEvent: func(ctx context.Context, e event.Event) {
				m.OnEvent(ctx, e)
				if _, ok := e.(event.PasswordsGuessed); ok {
					alarm("many failed sign-ins: possible password spraying")
				}
			},
		},
	}
}

// copyTrail writes the rows of the audit trail after the last one that was written, one
// JSON object a line, and returns the last one now.
func copyTrail(ctx context.Context, auth *twofold.Auth, last int64, w io.Writer) (int64, error) {
	out := json.NewEncoder(w)
	for {
		rows, err := auth.Audit().List(ctx, event.AuditFilter{After: last})
		if err != nil || len(rows) == 0 {
			return last, err
		}
		for _, row := range rows {
			if err := out.Encode(row); err != nil {
				return last, err
			}
			last = row.Row
		}
	}
}

func TestItIsWatched(t *testing.T) {
	m := metrics.New()
	var alarms []string
	c := watched(m, func(text string) { alarms = append(alarms, text) })
	c.Advanced.Limits.HourFailures = 10
	k := twofoldtest.New(t, c)
	k.Serve(k.Auth.RequireTwoFactor(hello))
	m.Watch(k.Auth)
	k.LoginAs("ada@example.org", 2)
	k.NewBrowser().Post("/login", map[string]any{"email": "ada@example.org", "password": "wrong"})
	for n := range 12 {
		k.NewBrowser().Post("/login", map[string]any{"email": fmt.Sprintf("no%d@example.org", n), "password": "wrong"})
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, figure := range []string{`twofold_sign_ins_total{outcome="refused"} `, "twofold_hash_slots "} {
		if !strings.Contains(w.Body.String(), figure) {
			t.Errorf("no %s in %s", figure, w.Body)
		}
	}
	if len(alarms) != 1 {
		t.Errorf("alarms: %v", alarms)
	}
	var first, second bytes.Buffer
	last, err := copyTrail(t.Context(), k.Auth, 0, &first)
	if err != nil || !strings.Contains(first.String(), `"event":"user-authenticated"`) {
		t.Errorf("%v: %s", err, &first)
	}
	if again, err := copyTrail(t.Context(), k.Auth, last, &second); err != nil || again != last || second.Len() != 0 {
		t.Errorf("%v: %d, %s", err, again, &second)
	}
}
