package openapitest

import (
	"encoding/json"
	"reflect"
	"testing"
)

type (
	shared struct {
		Token string `json:"token,omitempty"`
		News  int    `json:"news,omitempty"` // not in the document of this test
	}
	list struct {
		shared
		Items []item  `json:"items"`
		Next  *string `json:"next"`
		*more
	}
	item struct {
		Name string `json:"name"`
		On   bool   `json:"on,omitempty"`
	}
	more struct {
		Total int `json:"total"`
	}
	away struct {
		To string `json:"to"`
	}
)

// TestATypeThatDiffersIsFound checks wrong types, since a check that cannot fail proves nothing.
func TestATypeThatDiffersIsFound(t *testing.T) {
	type enclosing struct {
		Response any `json:"response"`
	}
	d, op := typed(t)
	for name, c := range map[string]struct {
		status  string
		answers []any
		ok      bool
	}{
		"as it should be":      {"200", []any{list{}}, true},
		"one more without any": {"200", []any{list{}, shared{}}, false},
		"both alternatives":    {"202", []any{list{}, away{}}, true},
		"an alternative less":  {"202", []any{list{}}, false},
		"a field less": {"200", []any{struct {
			shared
			Items []item  `json:"items"`
			Next  *string `json:"next"`
		}{}}, false},
		"a renamed field": {"200", []any{struct {
			shared
			Items []item  `json:"elements"`
			Next  *string `json:"next"`
			more
		}{}}, false},
		"a renamed optional field": {"200", []any{struct {
			shared
			Items []item  `json:"items"`
			Next  *string `json:"following"`
			more
		}{}}, false},
		"a renamed field inside": {"200", []any{struct {
			shared
			Items []struct {
				Name string `json:"label"`
			} `json:"items"`
			Next *string `json:"next"`
			more
		}{}}, false},
		"another type": {"200", []any{struct {
			shared
			Items []item `json:"items"`
			Next  *int   `json:"next"`
			more
		}{}}, false},
		"another type inside": {"200", []any{struct {
			shared
			Items []string `json:"items"`
			Next  *string  `json:"next"`
			more
		}{}}, false},
		"a required field that may be missing": {"200", []any{struct {
			shared
			Items []item  `json:"items,omitempty"`
			Next  *string `json:"next"`
			more
		}{}}, false},
		"null where the document has none": {"200", []any{struct {
			shared
			Items *[]item `json:"items"`
			Next  *string `json:"next"`
			more
		}{}}, false},
	} {
		types := Types{Envelope: reflect.TypeFor[enclosing](), Shared: reflect.TypeFor[shared]()}
		for _, a := range c.answers {
			types.Answers = append(types.Answers, reflect.TypeOf(a))
		}
		if err := d.CheckTypes(op, c.status, types); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// typed returns a document with one operation.
func typed(t *testing.T) (*Document, Operation) {
	const text = `{"components": {"schemas": {
		"List": {"type": "object", "properties": {"response": {
			"type": "object", "required": ["token", "items"], "additionalProperties": false,
			"properties": {
				"token": {"type": "string"}, "next": {"type": ["string", "null"]}, "total": {"type": "integer"},
				"items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}}}},
		"Item": {"type": "object", "required": ["name"], "additionalProperties": false,
			"properties": {"name": {"enum": ["a", "b"]}, "on": {"const": true}}},
		"Away": {"type": "object", "properties": {"response": {
			"type": "object", "required": ["to"], "additionalProperties": false,
			"properties": {"to": {"type": "string"}}}}}}},
		"op": {"responses": {
			"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/List"}}}},
			"202": {"content": {"application/json": {"schema": {"oneOf": [
				{"$ref": "#/components/schemas/List"}, {"$ref": "#/components/schemas/Away"}]}}}}}}}`
	d := &Document{}
	if err := json.Unmarshal([]byte(text), &d.root); err != nil {
		t.Fatal(err)
	}
	op, _ := d.root["op"].(object)
	if err := d.add("GET", "/x", op); err != nil {
		t.Fatal(err)
	}
	return d, d.operations[0]
}
