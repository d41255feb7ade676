package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// document is an OpenAPI document. It compiles the schema of an answer once; the library would
// compile it for each answer.
type document struct {
	spec    *openapi3.T
	tree    any // as JSON has it
	schemas *jsonschema.Compiler
	bodies  map[string]*jsonschema.Schema // by place in the document
}

// answer is a site's answer to a request for an operation.
type answer struct {
	Method, Path string // of the operation
	Status       int
	Header       http.Header
	Body         []byte
}

// open reads a document and checks it.
func open(raw []byte) (*document, error) {
	d := &document{schemas: jsonschema.NewCompiler(), bodies: map[string]*jsonschema.Schema{}}
	if err := yaml.Unmarshal(raw, &d.tree); err != nil {
		return nil, err
	}
	var err error
	if d.spec, err = openapi3.NewLoader().LoadFromData(raw); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(d.tree)
	if err != nil {
		return nil, err
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON)) // with the numbers that it wants
	if err != nil {
		return nil, err
	}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource("openapi.json", tree); err != nil {
		return nil, err
	}
	return d, d.spec.Validate(context.Background())
}

// judge returns how an answer differs from the document.
func (d *document) judge(question []byte) error {
	var a answer
	if err := json.Unmarshal(question, &a); err != nil {
		return err
	}
	item := d.spec.Paths.Value(a.Path)
	if item == nil || item.GetOperation(a.Method) == nil {
		return errors.New("the document has no such operation")
	}
	op := item.GetOperation(a.Method)
	r, err := http.NewRequest(a.Method, "http://localhost/", nil)
	if err != nil {
		return err
	}
	status := strconv.Itoa(a.Status)
	if op.Responses.Value(status) == nil {
		status = status[:1] + "XX"
	}
	described := op.Responses.Value(status)
	if described == nil {
		return errors.New("the document has no such status")
	}
	if err := d.body(a, status, described); err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r,
			Route:   &routers.Route{Spec: d.spec, Path: a.Path, PathItem: item, Method: a.Method, Operation: op},
		},
		Status: a.Status, Header: a.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: true},
	})
}

// body returns how the body differs. A redirect may have no page.
func (d *document) body(a answer, status string, described *openapi3.ResponseRef) error {
	content, mime := described.Value.Content, a.Header.Get("Content-Type")
	if len(a.Body) == 0 && (len(content) == 0 || a.Status/100 == 3 || a.Method == http.MethodHead) {
		return nil
	}
	bare, _, _ := strings.Cut(mime, ";")
	media := content[bare]
	switch {
	case media == nil:
		return fmt.Errorf("the document has no %q there", mime)
	case media.Schema == nil:
		return nil
	}
	var v any = string(a.Body)
	if bare == "application/json" {
		var err error
		if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(a.Body)); err != nil {
			return err
		}
	}
	schema, err := d.schema(a.Method, a.Path, status, bare, described)
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// schema returns the compiled schema of a body, from the cache if possible.
func (d *document) schema(
	method, path, status, mime string, described *openapi3.ResponseRef,
) (*jsonschema.Schema, error) {
	own := pointer("paths", path, strings.ToLower(method), "responses", status)
	place := cmp.Or(described.Ref, "#"+own) + pointer("content", mime, "schema")
	if s := d.bodies[place]; s != nil {
		return s, nil
	}
	s, err := d.schemas.Compile("openapi.json" + place)
	if err == nil {
		d.bodies[place] = s
	}
	return s, err
}

// pointer returns a JSON Pointer (RFC 6901) as a URL fragment.
func pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(p)))
	}
	return b.String()
}
