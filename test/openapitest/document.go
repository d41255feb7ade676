package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// object is a part of a document.
type object = map[string]any

// Document is an OpenAPI document with resolved references.
type Document struct {
	root       object
	oracle     *oracle
	operations []Operation
}

// Operation is one method of one path.
type Operation struct {
	Method, Path string
	Access       string  // who may call it, in the words of x-access
	Fields       []Field // of the request's body

	answers map[string]any // the schemas of JSON answers, by status
}

// Statuses returns the statuses whose answers are JSON, in order.
func (o Operation) Statuses() []string { return slices.Sorted(maps.Keys(o.answers)) }

// Field is one field of a request.
type Field struct {
	Name string
	Type string // "string", "boolean", "array"; several are joined: "string|integer"
	Enum []string
}

// Common reports whether every form may have this field.
func Common(name string) bool { return name == "csrf_token" || name == "next" }

// Open reads docs/openapi.yaml for one test.
func Open(t testing.TB) *Document {
	t.Helper()
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Load reads docs/openapi.yaml. It is safe for concurrent use.
func Load() (*Document, error) {
	file, err := find("openapi.yaml")
	if err != nil {
		return nil, err
	}
	o, tree, err := start("openapi", file)
	if err != nil {
		return nil, err
	}
	var root object
	if err := json.Unmarshal(tree, &root); err != nil {
		return nil, err
	}
	d := &Document{root: root, oracle: o}
	paths, _ := root["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item, _ := paths[path].(object)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			if op, ok := item[method].(object); ok {
				if err := d.add(strings.ToUpper(method), path, op); err != nil {
					return nil, fmt.Errorf("%s %s: %w", method, path, err)
				}
			}
		}
	}
	return d, nil
}

// resolve follows references.
func (d *Document) resolve(v any, at string) (object, string, error) {
	o, ok := v.(object)
	if !ok {
		return nil, "", fmt.Errorf("%s is not an object", at)
	}
	ref, ok := o["$ref"].(string)
	if !ok {
		return o, at, nil
	}
	var found any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		in, _ := found.(object)
		if found = in[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]; found == nil {
			return nil, "", fmt.Errorf("%s leads nowhere", ref)
		}
	}
	return d.resolve(found, ref)
}

func (d *Document) add(method, path string, op object) error {
	o := Operation{Method: method, Path: path}
	o.Access, _ = op["x-access"].(string)
	if body, ok := op["requestBody"]; ok {
		r, _, err := d.resolve(body, "requestBody")
		if err != nil {
			return err
		}
		content, _ := r["content"].(object)
		media, _ := content["application/json"].(object)
		if o.Fields, err = d.fields(media["schema"]); err != nil {
			return err
		}
	}
	o.answers = map[string]any{}
	responses, _ := op["responses"].(object)
	for status, v := range responses {
		r, _, err := d.resolve(v, status)
		if err != nil {
			return err
		}
		content, _ := r["content"].(object)
		if media, ok := content["application/json"].(object); ok {
			o.answers[status] = media["schema"]
		}
	}
	d.operations = append(d.operations, o)
	return nil
}

func (d *Document) fields(v any) ([]Field, error) {
	if v == nil {
		return nil, nil
	}
	s, _, err := d.resolve(v, "schema")
	if err != nil {
		return nil, err
	}
	var out []Field
	parts, _ := s["allOf"].([]any)
	for _, part := range parts {
		more, err := d.fields(part)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	props, _ := s["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(props)) {
		p, _, err := d.resolve(props[name], name)
		if err != nil {
			return nil, err
		}
		f := Field{Name: name}
		f.Type, _ = p["type"].(string)
		types, _ := p["type"].([]any)
		for i, t := range types {
			if i > 0 {
				f.Type += "|"
			}
			f.Type += fmt.Sprint(t)
		}
		enum, _ := p["enum"].([]any)
		for _, e := range enum {
			f.Enum = append(f.Enum, fmt.Sprint(e))
		}
		out = append(out, f)
	}
	return out, nil
}

// Operations returns all operations.
func (d *Document) Operations() []Operation { return d.operations }

// Find returns the operation of a request.
func (d *Document) Find(method, path string) (Operation, bool) {
	for _, op := range d.operations {
		if op.Method == method && matches(op.Path, path) {
			return op, true
		}
	}
	return Operation{}, false
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		if w != got[i] && (!strings.HasPrefix(w, "{") || got[i] == "") {
			return false
		}
	}
	return true
}

// Check returns how an answer differs from the document. It ignores answers of paths and methods
// that are not in the document.
func (d *Document) Check(method, path string, status int, header http.Header, body []byte) error {
	op, ok := d.Find(method, path)
	if !ok {
		return nil
	}
	question, err := json.Marshal(answer{op.Method, op.Path, status, header, said(header, body)})
	if err != nil {
		return err
	}
	if err := d.oracle.ask(question); err != nil {
		return fmt.Errorf("%s %s -> %d %.300s\n\t%w", method, path, status, body, err)
	}
	return nil
}

// said returns the part of a body that the document can describe. It leaves out the content of
// pages.
func said(header http.Header, body []byte) []byte {
	if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		return body[:min(len(body), 1)]
	}
	return body
}

// answer is the input of test/oracle.
type answer struct {
	Method, Path string // of the operation
	Status       int
	Header       http.Header
	Body         []byte
}

// Watch checks every answer that passes through it and reports those that differ.
func (d *Document) Watch(next http.RoundTripper, tell func(error)) http.RoundTripper {
	return watch{d, next, tell}
}

type watch struct {
	d    *Document
	next http.RoundTripper
	tell func(error)
}

// RoundTrip implements http.RoundTripper.
func (w watch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	if resp.StatusCode == http.StatusNotFound && string(raw) == "404 page not found\n" {
		return resp, nil // a path that is not there, by the mux: not one of ours
	}
	if err := w.d.Check(r.Method, r.URL.Path, resp.StatusCode, resp.Header, raw); err != nil {
		w.tell(err)
	}
	return resp, nil
}
