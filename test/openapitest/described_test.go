package openapitest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// undescribed lists the parts of a document without a description: tags, operations, parameters,
// bodies, answers, headers, schemas and properties. A reference may have the description of its
// target.
func (d *Document) undescribed() []string {
	var out []string
	d.walk(d.root, "#", func(at string, o object) {
		if text, _ := o["description"].(string); strings.TrimSpace(text) == "" {
			out = append(out, at)
		}
	})
	return out
}

// described lists the keys whose values, by name or in a list, need a description.
var described = map[string]bool{
	"tags": true, "parameters": true, "responses": true, "headers": true, "schemas": true, "properties": true,
	"securitySchemes": true,
}

// methods lists the keys of the operations of a path.
var methods = []string{"get", "post", "delete", "put", "patch"}

// walk calls check for everything that needs a description. A reference without a description of
// its own is checked as its target.
func (d *Document) walk(v any, at string, check func(at string, o object)) {
	switch v := v.(type) {
	case []any:
		for i, inner := range v {
			d.walk(inner, at+"/"+nameOf(inner, i), check)
		}
	case object:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inner, where := v[key], at+"/"+key
			if key == "requestBody" || slices.Contains(methods, key) {
				d.check(inner, where, check)
			}
			if members, ok := inner.(object); ok && described[key] {
				for _, name := range slices.Sorted(maps.Keys(members)) {
					d.check(members[name], where+"/"+name, check)
				}
			}
			if members, ok := inner.([]any); ok && described[key] {
				for i, member := range members {
					d.check(member, where+"/"+nameOf(member, i), check)
				}
			}
			d.walk(inner, where, check)
		}
	}
}

// nameOf returns the name of a member of a list, or its number.
func nameOf(v any, i int) string {
	o, _ := v.(object)
	if name, ok := o["name"].(string); ok {
		return name
	}
	return strings.Repeat("+", i)
}

func (d *Document) check(v any, at string, check func(at string, o object)) {
	o, ok := v.(object)
	if !ok {
		return // the tags of an operation are names
	}
	if _, own := o["description"]; !own {
		if to, _, err := d.resolve(o, at); err == nil {
			o = to
		}
	}
	check(at, o)
}

// TestEveryPartIsDescribed checks that every part of docs/openapi.yaml, the reference of the API,
// has a description.
func TestEveryPartIsDescribed(t *testing.T) {
	d := Open(t)
	for _, at := range d.undescribed() {
		t.Errorf("docs/openapi.yaml has no description at %s", at)
	}
	tags := map[string]bool{}
	list, _ := d.root["tags"].([]any)
	for i, tag := range list {
		tags[nameOf(tag, i)] = true
	}
	paths, _ := d.root["paths"].(object)
	for path, item := range paths {
		for method, v := range item.(object) {
			op, _ := v.(object)
			summary, _ := op["summary"].(string)
			text, _ := op["description"].(string)
			if summary == "" || len(text) < 2*len(summary) {
				t.Errorf("%s %s: the description says hardly more than the summary", method, path)
			}
			of, _ := op["tags"].([]any)
			if len(of) != 1 || !tags[of[0].(string)] {
				t.Errorf("%s %s has the tags %v, want one of those of the document", method, path, of)
			}
		}
	}
}

// TestAMissingDescriptionIsFound removes the description of each kind of part, since a check that
// cannot fail proves nothing.
func TestAMissingDescriptionIsFound(t *testing.T) {
	text := func(more object) object { // a part with a description
		o := object{"description": "It is described."}
		maps.Copy(o, more)
		return o
	}
	schema := func() object {
		return object{"properties": object{"a": text(nil), "b": text(object{"items": object{
			"properties": object{"c": text(nil)},
		}})}}
	}
	whole := func() object {
		return object{
			"tags": []any{text(object{"name": "lists"})},
			"paths": object{"/x": object{"get": text(object{
				"tags":        []any{"lists"},
				"parameters":  []any{text(object{"name": "page"})},
				"requestBody": text(object{"schema": schema()}),
				"responses":   object{"200": text(object{"headers": object{"Location": text(nil)}})},
			})}},
			"components": object{"schemas": object{"S": text(schema()), "T": text(object{
				"properties": object{"a": object{"$ref": "#/components/schemas/S"}},
			})}},
		}
	}
	if got := (&Document{root: whole()}).undescribed(); len(got) > 0 {
		t.Fatalf("a whole document: %v", got)
	}
	parts := 0
	for n := 0; ; n++ {
		root, left := whole(), n
		var without func(v any) bool
		without = func(v any) bool { // takes the nth description away
			switch v := v.(type) {
			case []any:
				return slices.ContainsFunc(v, without)
			case object:
				if _, ok := v["description"]; ok {
					if left--; left < 0 {
						delete(v, "description")
						return true
					}
				}
				for _, key := range slices.Sorted(maps.Keys(v)) {
					if without(v[key]) {
						return true
					}
				}
			}
			return false
		}
		if !without(root) {
			break
		}
		if parts++; len((&Document{root: root}).undescribed()) == 0 {
			t.Errorf("without the description number %d nothing is missing", n)
		}
	}
	if parts < 12 {
		t.Errorf("only %d parts were tried", parts)
	}
}
