package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Types describes the Go types of the JSON answers of an operation.
type Types struct {
	Envelope reflect.Type   // the type of the whole answer
	Shared   reflect.Type   // its fields may be in any answer, but need not be in each schema
	Answers  []reflect.Type // the types of the field "response"
}

// CheckTypes returns how the Go types of answers differ from the schema of a status. Each type must
// fit the schema, or one of its alternatives. Each property of the schema must be a field of a type
// that fits, so it notices a renamed field.
func (d *Document) CheckTypes(op Operation, status string, types Types) error {
	alternatives := d.alternatives(op.answers[status])
	missing := map[string]bool{} // properties that no type has
	for i, s := range alternatives {
		for name := range d.responseOf(s).properties {
			missing[fmt.Sprint(i, " ", name)] = true
		}
	}
	var errs []error
	for _, t := range types.Answers {
		var misfits []error
		for i, s := range alternatives {
			w := walker{d, types.Shared}
			err := errors.Join(w.check(s, types.Envelope, ""), w.members(d.responseOf(s), t, "response", false))
			if misfits = append(misfits, err); err != nil {
				continue
			}
			for name := range membersOf(t, types.Shared) {
				delete(missing, fmt.Sprint(i, " ", name))
			}
		}
		if !slices.Contains(misfits, nil) {
			errs = append(errs, fmt.Errorf("%v: %w", t, errors.Join(misfits...)))
		}
	}
	if len(errs) > 0 {
		clear(missing) // a type that does not fit has none of them
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		_, name, _ = strings.Cut(name, " ")
		errs = append(errs, fmt.Errorf("response.%s is in the document, but %v do not have it", name, types.Answers))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s %s, %s: %w", op.Method, op.Path, status, err)
	}
	return nil
}

// schema is a resolved schema.
type schema struct {
	types      []string
	properties object
	required   []any
	closed     bool // no other properties
	open       any  // the schema of other properties, if it is one
	items      any
}

func (d *Document) schema(v any) schema {
	o, _, err := d.resolve(v, "schema")
	if err != nil {
		return schema{}
	}
	s := schema{items: o["items"], open: o["additionalProperties"], closed: o["additionalProperties"] == false}
	s.properties, _ = o["properties"].(object)
	s.required, _ = o["required"].([]any)
	switch t := o["type"].(type) {
	case string:
		s.types = []string{t}
	case []any:
		for _, one := range t {
			s.types = append(s.types, fmt.Sprint(one))
		}
	default:
		values, _ := o["enum"].([]any)
		if fixed, ok := o["const"]; ok {
			values = append(values, fixed)
		}
		for _, v := range values {
			s.types = append(s.types, typeOf(v))
		}
	}
	return s
}

// typeOf returns the JSON type of a value.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		return "integer"
	}
	return "object"
}

// responseOf returns the schema of what is in the envelope.
func (d *Document) responseOf(v any) schema {
	return d.schema(d.schema(v).properties["response"])
}

// alternatives returns the schemas of a oneOf, or the schema itself.
func (d *Document) alternatives(v any) []any {
	if o, _, err := d.resolve(v, "schema"); err == nil {
		if list, ok := o["oneOf"].([]any); ok {
			return list
		}
	}
	return []any{v}
}

// member is a field of the JSON of a struct.
type member struct {
	of               reflect.Type
	optional, shared bool // it may be missing; it is one of the shared type
}

// membersOf returns the fields of the JSON of a struct, as encoding/json does.
func membersOf(t, shared reflect.Type) map[string]member {
	out := map[string]member{}
	var embedded []reflect.StructField
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			embedded = append(embedded, f)
		case f.IsExported() && name != "-":
			if name == "" {
				name = f.Name
			}
			out[name] = member{of: f.Type, optional: strings.Contains(options, "omit"), shared: t == shared}
		}
	}
	for _, f := range embedded {
		in, pointer := f.Type, f.Type.Kind() == reflect.Pointer
		if pointer {
			in = in.Elem()
		}
		for name, m := range membersOf(in, shared) {
			if _, hidden := out[name]; !hidden {
				m.optional = m.optional || pointer
				out[name] = m
			}
		}
	}
	return out
}

// walker compares types with schemas.
type walker struct {
	d      *Document
	shared reflect.Type
}

// check returns how the JSON of a type differs from a schema.
func (w walker) check(v any, t reflect.Type, at string) error {
	if v == nil || t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]() {
		return nil
	}
	null := t.Kind() == reflect.Pointer
	if null {
		t = t.Elem()
	}
	var misfits []error
	for _, one := range w.d.alternatives(v) {
		s := w.d.schema(one)
		null = null && !slices.Contains(s.types, "null")
		misfits = append(misfits, w.one(s, t, at))
	}
	if null {
		return fmt.Errorf("%s may be null, and the document does not say so", at)
	}
	if slices.Contains(misfits, nil) {
		return nil
	}
	return errors.Join(misfits...)
}

func (w walker) one(s schema, t reflect.Type, at string) error {
	kind := kindOf(t)
	if len(s.types) > 0 && !slices.Contains(s.types, kind) {
		return fmt.Errorf("%s is of type %s, and in the document %v", at, kind, s.types)
	}
	switch t.Kind() {
	case reflect.Slice:
		return w.check(s.items, t.Elem(), at+"[]")
	case reflect.Map:
		if open, ok := s.open.(object); ok {
			return w.check(open, t.Elem(), at+".*")
		}
	case reflect.Struct:
		return w.members(s, t, at, true)
	}
	return nil
}

// members compares the fields of a struct. If all is set, each property must be a field.
func (w walker) members(s schema, t reflect.Type, at string, all bool) error {
	var errs []error
	fields := membersOf(t, w.shared)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		m, where := fields[name], at+"."+name
		p, ok := s.properties[name]
		switch {
		case !ok && (m.shared || !s.closed):
		case !ok:
			errs = append(errs, fmt.Errorf("%s is not in the document", where))
		case m.optional && m.of.Kind() == reflect.Pointer: // it is missing instead of null
			errs = append(errs, w.check(p, m.of.Elem(), where))
		default:
			errs = append(errs, w.check(p, m.of, where))
		}
	}
	for _, name := range s.required {
		m, ok := fields[fmt.Sprint(name)]
		if !ok || m.optional && !m.shared {
			errs = append(errs, fmt.Errorf("%s.%v may be missing, and the document requires it", at, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.properties)) {
		if _, ok := fields[name]; all && !ok {
			errs = append(errs, fmt.Errorf("%s.%s is in the document, but %v does not have it", at, name, t))
		}
	}
	return errors.Join(errs...)
}

// kindOf returns the JSON type of a Go type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "array"
	}
	return "object"
}
