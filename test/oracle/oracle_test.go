package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

const own = "../../docs/openapi.yaml"

// TestTheDocumentIsOpenAPI validates the document with the schema of the OpenAPI Initiative
// (testdata/openapi-3.1.json, from https://spec.openapis.org/oas/3.1/schema).
func TestTheDocumentIsOpenAPI(t *testing.T) {
	raw, err := os.ReadFile("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := compile(raw)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = os.ReadFile(own); err != nil {
		t.Fatal(err)
	}
	d, err := open(raw)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = json.Marshal(d.tree); err != nil {
		t.Fatal(err)
	}
	if err := s.judge(raw); err != nil {
		t.Fatal(err)
	}
	for name := range d.spec.Components.Schemas {
		if !bytes.Contains(raw, []byte(`"#/components/schemas/`+name+`"`)) {
			t.Errorf("nothing uses the schema %s", name)
		}
	}
}

// TestADocumentThatIsNotOpenAPIIsRefused checks that a mistake in docs/openapi.yaml would be found.
func TestADocumentThatIsNotOpenAPIIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":    "openapi: [",
		"no version": "info: {title: a, version: '1'}\npaths: {}\n",
		"a loose reference": "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {'200': " +
			"{$ref: '#/components/responses/No'}}}}}\n",
		"no description": "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {'200': " +
			"{}}}}}\n",
	} {
		if _, err := open([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestQuestionsAreAnsweredOneByOne asks questions as test/openapitest does.
func TestQuestionsAreAnsweredOneByOne(t *testing.T) {
	ask := func(a answer) []byte {
		line, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return append(line, '\n')
	}
	page := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	data := http.Header{"Content-Type": {"application/json"}}
	text := http.Header{"Content-Type": {"text/plain"}}
	refused := func(header http.Header, body string) []byte {
		return ask(answer{Method: "POST", Path: "/login", Status: 400, Header: header, Body: []byte(body)})
	}
	const good = `{"meta":{"code":400},"response":{"errors":["No."]}}`
	questions := []struct {
		line []byte
		ok   bool
	}{
		{ask(answer{Method: "GET", Path: "/login", Status: 200, Header: page, Body: []byte("<html>")}), true},
		{ask(answer{Method: "GET", Path: "/login", Status: 299, Header: page}), false},
		{refused(text, "a"), false},
		{refused(data, good), true},
		{refused(data, good+"{}"), false},
		{refused(data, `{"meta":{"code":"400"},"response":{}}`), false},
		{refused(data, `[]`), false},
		{ask(answer{Method: "GET", Path: "/auth/verify", Status: 403, Header: text, Body: []byte("a")}), true},
		{ask(answer{Method: "GET", Path: "/auth/verify", Status: 403, Header: data, Body: []byte("{}")}), false},
		{[]byte("{\n"), false},
	}
	var in, out bytes.Buffer
	for _, q := range questions {
		in.Write(q.line)
	}
	if err := run("openapi", own, &in, &out); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 1+len(questions) {
		t.Fatalf("%d verdicts", len(lines)-1)
	}
	for i, q := range questions {
		if verdict := string(lines[i+1]); (verdict == `""`) != q.ok {
			t.Errorf("%s: %s", q.line, verdict)
		}
	}
}

func TestEachAnswerHasASchema(t *testing.T) {
	raw, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(raw)
	if err != nil {
		t.Fatal(err)
	}
	ranges := 0
	for path, item := range d.spec.Paths.Map() {
		for method, op := range item.Operations() {
			for status, described := range op.Responses.Map() {
				if strings.HasSuffix(status, "XX") {
					ranges++
				}
				for mime, media := range described.Value.Content {
					if media.Schema == nil {
						continue
					}
					if _, err := d.schema(method, path, status, mime, described); err != nil {
						t.Errorf("%s %s %s: %v", method, path, status, err)
					}
				}
			}
		}
	}
	if ranges == 0 {
		t.Error("the document has no range of statuses: judge needs none")
	}
}
