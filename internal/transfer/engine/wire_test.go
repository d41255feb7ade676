package engine

import (
	"encoding/binary"
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"
)

// filler sets every field of a value, each to a different value.
type filler struct{ n int64 }

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(f.n, 1000*f.n).In(time.FixedZone("", 3600))))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"a": "text", "b": json.Number("7"), "c": true}))
		return
	case map[string]string:
		v.Set(reflect.ValueOf(map[string]string{"salt": strconv.FormatInt(f.n, 10)}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("text " + strconv.FormatInt(f.n, 10))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(uint64(f.n % 251))
	default: // panics if v is not an integer: then add its kind
		v.SetInt(f.n)
	}
}

// TestAnItemComesBackFromTheScratchFile encodes and decodes an item with every
// field set, with none, and with pointers to zero values.
func TestAnItemComesBackFromTheScratchFile(t *testing.T) {
	var full, sparse item
	new(filler).fill(reflect.ValueOf(&full).Elem())
	new(filler).fill(reflect.ValueOf(&sparse).Elem())
	no := false
	sparse.Account.Passkeys[0].Discoverable = &no
	sparse.Account.Password.Value, sparse.Account.Fields = "", nil
	sparse.Account.Created = time.Time{}
	for name, was := range map[string]item{"full": full, "sparse": sparse, "empty": {}} {
		b, err := appendItem(nil, was)
		if err != nil {
			t.Fatal(err)
		}
		size, head := binary.Uvarint(b)
		if int(size) != len(b)-head {
			t.Fatalf("%s: %d bytes are called %d", name, len(b)-head, size)
		}
		b = b[head:]
		is, err := readItem(b)
		// Times are compared as JSON, because pointers to their zones differ.
		before, _ := json.Marshal(was)
		after, _ := json.Marshal(is)
		if err != nil || string(before) != string(after) {
			t.Errorf("%s: %v\n%s\n%s", name, err, before, after)
		}
		for n := range b { // truncated at every length, and with trailing bytes
			if _, err := readItem(b[:n]); err == nil {
				t.Fatalf("%s: read from %d of %d bytes", name, n, len(b))
			}
		}
		if _, err := readItem(append(b, 0)); err == nil {
			t.Errorf("%s: read with a byte behind it", name)
		}
	}
}

func TestATimeKeepsItsZone(t *testing.T) {
	for _, text := range []string{
		"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000001-00:01", "2026-03-01T12:00:00+05:45",
		"0001-01-01T00:00:00-23:59", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+23:59",
	} {
		var was, is item
		if err := json.Unmarshal([]byte(strconv.Quote(text)), &was.Account.Created); err != nil {
			t.Fatal(err)
		}
		was.Account.Language = "de" // something follows
		b, err := appendItem(nil, was)
		if err != nil {
			t.Fatal(err)
		}
		_, head := binary.Uvarint(b)
		if is, err = readItem(b[head:]); err != nil || is.Account.Language != "de" {
			t.Fatalf("%s: %v", text, err)
		}
		if got, _ := json.Marshal(is.Account.Created); string(got) != strconv.Quote(text) {
			t.Errorf("%s: %s comes back", text, got)
		}
	}
}
