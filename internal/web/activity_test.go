package web

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/auth"
)

// TestActivityQueriesExactlyTheEventsWithAText checks that recent activity queries the audit trail
// for exactly the events that have a text.
func TestActivityQueriesExactlyTheEventsWithAText(t *testing.T) {
	raw, err := os.ReadFile("../i18n/locales/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var english map[string]any
	if err := json.Unmarshal(raw, &english); err != nil {
		t.Fatal(err)
	}
	names := append(auth.Done(), auth.Tried()...)
	said := map[string]bool{}
	for key := range english {
		rest, ok := strings.CutPrefix(key, "lately_")
		if !ok {
			continue
		}
		at := slices.IndexFunc(names, func(name string) bool {
			name = strings.ReplaceAll(name, "-", "_")
			return rest == name || strings.HasPrefix(rest, name+"_")
		})
		if at < 0 {
			t.Errorf("%s is said of no event that is looked for", key)
			continue
		}
		said[names[at]] = true
	}
	for _, name := range names {
		if !said[name] {
			t.Errorf("%s is looked for and has no text", name)
		}
	}
}
