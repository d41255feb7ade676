package openapitest

import (
	"net/http"
	"testing"
)

// TestAnAnswerThatDiffersIsFound checks wrong answers, since a check that cannot fail proves
// nothing.
func TestAnAnswerThatDiffersIsFound(t *testing.T) {
	d := Open(t)
	jsonType, page := http.Header{"Content-Type": {"application/json"}},
		http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	const good = `{"meta":{"code":200},"response":{"csrf_token":"x","user":{"id":"1","anything":[1]}}}`
	for name, c := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		body         string
		ok           bool
	}{
		"as it should be":  {"POST", "/tf-validate", 200, jsonType, good, true},
		"a page":           {"GET", "/login", 200, page, "<html>", true},
		"a redirect":       {"POST", "/login", 303, http.Header{}, "", true},
		"not its business": {"GET", "/app", 500, http.Header{}, "x", true},
		"a key more": {"POST", "/tf-validate", 200, jsonType,
			`{"meta":{"code":200},"response":{"csrf_token":"x","user":{},"secret":"y"}}`, false},
		"a key less": {"POST", "/tf-validate", 200, jsonType, `{"meta":{"code":200},"response":{"user":{}}}`,
			false},
		"another type": {"POST", "/tf-validate", 200, jsonType,
			`{"meta":{"code":200},"response":{"csrf_token":7,"user":{}}}`, false},
		"beside the envelope": {"POST", "/tf-validate", 200, jsonType,
			`{"meta":{"code":200},"response":{"csrf_token":"x","user":{}},"more":1}`, false},
		"no envelope":        {"POST", "/tf-validate", 200, jsonType, `{"csrf_token":"x"}`, false},
		"no JSON":            {"POST", "/tf-validate", 200, jsonType, `{`, false},
		"another media type": {"POST", "/tf-validate", 200, http.Header{"Content-Type": {"text/plain"}}, "x", false},
		"another status":     {"POST", "/tf-validate", 201, jsonType, good, false},
		"after the JSON":     {"POST", "/tf-validate", 200, jsonType, good + `{}`, false},
		"a body more":        {"POST", "/login", 303, page, "<html>", false},
		"a crash": {"POST", "/tf-validate", 502, jsonType,
			`{"meta":{"code":502},"response":{"errors":["x"]}}`, false},
		"a refusal with more": {"POST", "/tf-setup/AAAA", 400, jsonType,
			`{"meta":{"code":400},"response":{"errors":["x"],"cause":"sql"}}`, false},
	} {
		if err := d.Check(c.method, c.path, c.status, c.header, []byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
