package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"go.yaml.in/yaml/v3"
)

// document is an OpenAPI document.
type document struct {
	spec *openapi3.T
	tree any // as JSON has it
}

// answer is what a site answered to a request for an operation.
type answer struct {
	Method, Path string // of the operation
	Status       int
	Header       http.Header
	Body         []byte
}

// open reads a document and checks it.
func open(raw []byte) (*document, error) {
	d := &document{}
	if err := yaml.Unmarshal(raw, &d.tree); err != nil {
		return nil, err
	}
	var err error
	if d.spec, err = openapi3.NewLoader().LoadFromData(raw); err != nil {
		return nil, err
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	return d, d.spec.Validate(context.Background())
}

// judge says how an answer differs from what the document says of it.
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
	if wrong := outside(op, a); wrong != nil {
		return wrong
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r,
			Route:   &routers.Route{Spec: d.spec, Path: a.Path, PathItem: item, Method: a.Method, Operation: op},
		},
		Status: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)),
		// A redirect may come without a page.
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: len(a.Body) == 0 && a.Status/100 == 3,
		},
	})
}

// outside finds what the library lets through: a status of a redirect and a body that
// the document does not have, and JSON with something after it.
func outside(op *openapi3.Operation, a answer) error {
	described := op.Responses.Status(a.Status)
	switch {
	case described == nil:
		return errors.New("the document has no such status")
	case len(described.Value.Content) == 0 && len(a.Body) > 0:
		return fmt.Errorf("the document has no %q there", a.Header.Get("Content-Type"))
	case described.Value.Content.Get("application/json") != nil && a.Header.Get("Content-Type") == "application/json" &&
		!json.Valid(a.Body):
		return errors.New("no JSON")
	}
	return nil
}
