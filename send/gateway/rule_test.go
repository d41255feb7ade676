package gateway

import "testing"

// TestRules checks which answers match which rules.
func TestRules(t *testing.T) {
	const raw = `{"messages":[{"status":"0","n":7}],"ok":true,"deep":{"a":null}}`
	for rule, want := range map[string]bool{
		"200": true, "2xx": true, "202": false, "4xx": false, "messages.0.status=0": true, "200 messages.0.n=7": true,
		"202 messages.0.n=7": false, "messages.0.status=1": false, "messages.1.status=0": false,
		"messages.-1.status=0": false,
		"ok=true":              true, "ok=": false, "deep.a=": false, "deep.b=": false, "messages=": false,
		"ok.x=true": false,
	} {
		rules, err := parseRules([]string{rule})
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got := newAnswer(200, []byte(raw)).keepsOne(rules); got != want {
			t.Errorf("%s: %v", rule, got)
		}
		if newAnswer(500, []byte(raw[:20])).keepsOne(rules) {
			t.Errorf("%s: a cut answer keeps it", rule)
		}
	}
}

// FuzzRules checks that no rule or answer causes a panic, and that no rule matches an answer with
// only a status.
func FuzzRules(f *testing.F) {
	f.Add("200 messages.0.status=0", `{"messages":[{"status":"0"}]}`)
	f.Add("a=b", `[`)
	f.Fuzz(func(t *testing.T, text, raw string) {
		rules, err := parseRules([]string{text})
		if err != nil {
			return
		}
		newAnswer(200, []byte(raw)).keepsOne(rules)
		if newAnswer(0, nil).keepsOne(rules) {
			t.Errorf("%q holds for nothing", text)
		}
	})
}
