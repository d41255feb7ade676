package profile_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/profile"
)

// site has one field of each kind.
var site = profile.List{
	{Name: "name", Required: true},
	{Name: "pin", Min: 2, Max: 3},
	{Name: "terms", Kind: profile.Checkbox, Required: true},
	{Name: "plan", Kind: profile.Select, Options: []string{"free", "pro"}},
}

func read(texts map[string]string, terms bool) (map[string]any, []profile.Problem) {
	return site.Read(func(n string) string { return texts[n] }, func(string) bool { return terms })
}

// TestEveryValueIsJudged checks that each invalid value is refused with its reason,
// and that the other values of the form are still read.
func TestEveryValueIsJudged(t *testing.T) {
	for _, c := range []struct{ field, value, reason string }{
		{"name", "", profile.Required}, {"name", "  \t ", profile.Required},
		{"name", "Ann\nAdmin", profile.NotText}, {"name", "Ann\u202egnp.exe", profile.NotText},
		{"name", "Ann\x00", profile.NotText}, {"name", "\xff", profile.NotText},
		{"name", strings.Repeat("é", 101), profile.TooLong},
		{"pin", "1", profile.TooShort}, {"pin", "1234", profile.TooLong},
		{"plan", "admin", profile.NotOption}, {"plan", "Free", profile.NotOption},
	} {
		texts := map[string]string{"name": "Ann"}
		texts[c.field] = c.value
		values, problems := read(texts, true)
		if len(problems) != 1 || problems[0].Field != c.field || problems[0].Reason != c.reason {
			t.Errorf("%s %q: %v, want %s", c.field, c.value, problems, c.reason)
		}
		if _, kept := values[c.field]; kept {
			t.Errorf("%s %q was refused and read", c.field, c.value)
		}
	}
	_, problems := read(map[string]string{"name": "Ann"}, false)
	if len(problems) != 1 || problems[0].Reason != profile.Unchecked {
		t.Errorf("terms that were not accepted: %v", problems)
	}
	texts := map[string]string{"name": " Zoe\u0308 ", "pin": "éé", "plan": "pro", "admin": "true"}
	values, problems := read(texts, true)
	want := map[string]any{"name": "Zoë", "pin": "éé", "plan": "pro", "terms": true}
	if len(problems) > 0 || !reflect.DeepEqual(values, want) {
		t.Errorf("read %v %v, want %v", values, problems, want)
	}
}

// TestADescriptionIsChecked checks that each mistake in the list of fields is
// reported.
func TestADescriptionIsChecked(t *testing.T) {
	for what, f := range map[string]profile.Field{
		"a capital": {Name: "Name"}, "no name": {}, "a blank": {Name: "a b"}, "a field of the form": {Name: "password"},
		"the CSRF token": {Name: "csrf_token"}, "an unknown kind": {Name: "a", Kind: "file"},
		"a select of nothing": {Name: "a", Kind: profile.Select},
		"a text with options": {Name: "a", Options: []string{"b"}},
		"bounds crossed":      {Name: "a", Min: 5, Max: 4}, "too long": {Name: "a", Max: 251},
		"a box with bounds":    {Name: "a", Kind: profile.Checkbox, Max: 3},
		"an option twice":      {Name: "a", Kind: profile.Select, Options: []string{"b", "b"}},
		"a label of two lines": {Name: "a", Label: "b\nc"},
	} {
		found := 0
		profile.List{f}.Check(func(string) { found++ })
		if found == 0 {
			t.Errorf("%s is accepted", what)
		}
	}
	twice, none := 0, 0
	profile.List{{Name: "a"}, {Name: "a"}}.Check(func(string) { twice++ })
	site.Check(func(problem string) { t.Log(problem); none++ })
	if twice != 1 || none != 0 {
		t.Errorf("twice the same name: %d problems; a good list: %d", twice, none)
	}
}

// TestOtherFieldsStay checks that a change keeps values that are not fields of the
// site, such as those of an import.
func TestOtherFieldsStay(t *testing.T) {
	stored := profile.Decode(`{"age":7,"name":"Ann","plan":"pro"}`)
	to := site.Merge(stored, map[string]any{"name": "Bea", "terms": true})
	if got := profile.Encode(to); got != `{"age":7,"name":"Bea","terms":true}` {
		t.Error(got)
	}
	if names := profile.Names(stored, to); !slices.Equal(names, []string{"name", "plan", "terms"}) {
		t.Error(names)
	}
	if of := site.Of(map[string]any{"name": true, "terms": "yes", "plan": 3, "age": 7}); len(of) != 0 {
		t.Errorf("values of another kind are shown: %v", of)
	}
	if !site.Missing(profile.Decode(`{"name":"Ann"}`)) || site.Missing(profile.Decode(`{"name":"Ann","terms":true}`)) {
		t.Error("what is missing is not what is required")
	}
}

// FuzzValues checks that the values that were read are unchanged after they are
// stored, and can be read again.
func FuzzValues(f *testing.F) {
	f.Add("Ann", "123", "pro", true)
	f.Add("Zoe\u0308", "\u202e", "x", false)
	f.Fuzz(func(t *testing.T, name, pin, plan string, terms bool) {
		values, _ := read(map[string]string{"name": name, "pin": pin, "plan": plan}, terms)
		back := profile.Decode(profile.Encode(values))
		if !reflect.DeepEqual(back, values) {
			t.Fatalf("%v became %v", values, back)
		}
		texts := map[string]string{}
		for n, v := range values {
			if s, ok := v.(string); ok {
				texts[n] = s
				if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\x00") || s != strings.TrimSpace(s) {
					t.Fatalf("%s is %q", n, s)
				}
			}
		}
		if again, _ := read(texts, terms); !reflect.DeepEqual(again, values) {
			t.Fatalf("%v is read as %v", values, again)
		}
	})
}
