package openapitest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const own = "../../docs/openapi.yaml"

// TestTheDocumentIsOpenAPI by the schema of the OpenAPI Initiative
// (testdata/openapi-3.1.json, of https://spec.openapis.org/oas/3.1/schema).
func TestTheDocumentIsOpenAPI(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	if raw, err = json.Marshal(tree); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Fatal(err)
	}
	for name := range v.(object)["components"].(object)["schemas"].(object) {
		if !bytes.Contains(raw, []byte(`"#/components/schemas/`+name+`"`)) {
			t.Errorf("nothing uses the schema %s", name)
		}
	}
}

// TestAnAnswerThatDiffersIsFound: a check that cannot fail proves nothing.
func TestAnAnswerThatDiffersIsFound(t *testing.T) {
	d := Open(t, own)
	jsonType, page := http.Header{"Content-Type": {"application/json"}}, http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	const good = `{"meta":{"code":200},"response":{"csrf_token":"x","user":{"id":"1","anything":[1]}}}`
	for name, c := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		body         string
		ok           bool
	}{
		"as it should be":     {"POST", "/tf-validate", 200, jsonType, good, true},
		"a page":              {"GET", "/login", 200, page, "<html>", true},
		"a redirect":          {"POST", "/login", 303, http.Header{}, "", true},
		"not its business":    {"GET", "/app", 500, http.Header{}, "x", true},
		"a key more":          {"POST", "/tf-validate", 200, jsonType, `{"meta":{"code":200},"response":{"csrf_token":"x","user":{},"secret":"y"}}`, false},
		"a key less":          {"POST", "/tf-validate", 200, jsonType, `{"meta":{"code":200},"response":{"user":{}}}`, false},
		"another type":        {"POST", "/tf-validate", 200, jsonType, `{"meta":{"code":200},"response":{"csrf_token":7,"user":{}}}`, false},
		"beside the envelope": {"POST", "/tf-validate", 200, jsonType, `{"meta":{"code":200},"response":{"csrf_token":"x","user":{}},"more":1}`, false},
		"no envelope":         {"POST", "/tf-validate", 200, jsonType, `{"csrf_token":"x"}`, false},
		"no JSON":             {"POST", "/tf-validate", 200, jsonType, `{`, false},
		"another media type":  {"POST", "/tf-validate", 200, http.Header{"Content-Type": {"text/plain"}}, "x", false},
		"another status":      {"POST", "/tf-validate", 201, jsonType, good, false},
		"a crash":             {"POST", "/tf-validate", 502, jsonType, `{"meta":{"code":502},"response":{"errors":["x"]}}`, false},
		"a refusal with more": {"POST", "/tf-setup/AAAA", 400, jsonType, `{"meta":{"code":400},"response":{"errors":["x"],"cause":"sql"}}`, false},
	} {
		if err := d.Check(c.method, c.path, c.status, c.header, []byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
