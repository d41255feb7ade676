package transfer

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/test/openapitest"
)

const schemaFile = "../../docs/account.schema.json"

// object is the description of an object in the schema.
type object struct {
	Properties map[string]json.RawMessage
	Required   []string
	Defs       map[string]object `json:"$defs"`
}

// TestTheSchemaIsThatOfTheTypes checks that the schema and the types have the same
// fields, and that the same fields are required.
func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	raw, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema object
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	compare(t, "account", reflect.TypeFor[Account](), schema, schema.Defs, seen)
	if got := slices.Sorted(maps.Keys(schema.Defs)); len(got) != len(seen) {
		t.Errorf("the schema describes %v, and the types are %v", got, slices.Sorted(maps.Keys(seen)))
	}
}

func compare(t *testing.T, name string, of reflect.Type, o object, defs map[string]object, seen map[string]bool) {
	t.Helper()
	var fields []string
	for i := range of.NumField() {
		f := of.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, tag)
		if (options == "") != slices.Contains(o.Required, tag) {
			t.Errorf("%s: %s is required in one of the two", name, tag)
		}
		kind := f.Type
		if kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct || kind == reflect.TypeFor[time.Time]() {
			continue
		}
		_, def, ok := strings.Cut(string(o.Properties[tag]), `"#/$defs/`)
		def, _, _ = strings.Cut(def, `"`)
		if !ok || defs[def].Properties == nil {
			t.Errorf("%s: %s is not described", name, tag)
			continue
		}
		seen[def] = true
		compare(t, def, kind, defs[def], defs, seen)
	}
	slices.Sort(fields)
	if got := slices.Sorted(maps.Keys(o.Properties)); !slices.Equal(got, fields) {
		t.Errorf("%s: the schema has %v, the type %v", name, got, fields)
	}
}

// TestTheSchemaAgreesWithTheReader checks that the reader accepts exactly what the
// schema allows.
func TestTheSchemaAgreesWithTheReader(t *testing.T) {
	s := openapitest.OpenSchema(t, "account.schema.json")
	allows := func(line []byte) bool { return s.Check(line) == nil }
	good, err := json.Marshal(whole())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(good); err != nil {
		t.Errorf("the schema does not allow a whole account: %v", err)
	}
	for _, line := range []string{
		`{"active":true}`, `{"id":"","active":true}`, `{"id":"1"}`, `{"id":"1","active":true,"admin":true}`,
		`{"id":7,"active":true}`, `{"id":"1","active":"yes"}`,
		`{"id":"1","active":true,"authenticators":[{"secret":"GEZDGNBVGY3TQOJQ","digits":9}]}`,
		`{"id":"1","active":true,"authenticators":[{"secret":"GEZDGNBVGY3TQOJQ","period":31}]}`,
		`{"id":"1","active":true,"authenticators":[{"secret":"GEZDGNBVGY3TQOJQ","algorithm":"MD5"}]}`,
		`{"id":"1","active":true,"phones":[{}]}`, `{"id":"1","active":true,"fields":{"a":[]}}`,
		`{"id":"1","active":true,"recovery_codes":[{"plain":"12345678","scheme":"bcrypt","value":"x"}]}`,
		`{"id":"1","active":true,"recovery_codes":[{}]}`,
		`{"id":"1","active":true,"phones":[{"number":"1","use":"x"}]}`,
		`{"id":"1","active":true,"passkeys":[{"credential_id":"YQ==","public_key":"YQ"}]}`,
		`{"id":"1","active":true,"sign_ins":{"count":-1}}`, `{"id":"1","active":true,"created":"yesterday"}`,
	} {
		a, err := Decode([]byte(line))
		if allows([]byte(line)) || err == nil && len(a.Check()) == 0 {
			t.Errorf("%s: the schema allows it: %v; the reader: %v", line, allows([]byte(line)), err)
		}
	}
}
