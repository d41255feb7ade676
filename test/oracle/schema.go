package main

import (
	"bytes"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema is a JSON Schema.
type schema struct{ *jsonschema.Schema }

// compile reads a schema. It validates formats.
func compile(raw []byte) (schema, error) {
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return schema{}, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", tree); err != nil {
		return schema{}, err
	}
	s, err := c.Compile("schema.json")
	return schema{s}, err
}

// judge returns how JSON violates the schema.
func (s schema) judge(question []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(question))
	if err != nil {
		return err
	}
	return s.Validate(v)
}
