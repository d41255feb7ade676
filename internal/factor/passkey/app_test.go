package passkey

import (
	"slices"
	"testing"
)

// TestAnApplicationsPagesAskOnlyUnderTheRelyingParty checks that the origin App
// must have the relying party's ID as its host or as a parent domain, as browsers
// require.
func TestAnApplicationsPagesAskOnlyUnderTheRelyingParty(t *testing.T) {
	for app, taken := range map[string]bool{
		"": false, "https://app.example.org": true, "https://example.org:8443": true, "https://notexample.org": false,
		"https://example.org.evil.test": false,
		"https://org":                   false,
	} {
		m, err := New(Config{Origin: "https://example.org", App: app})
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(m.origins, app); got != taken {
			t.Errorf("%q: %v", app, got)
		}
	}
}
