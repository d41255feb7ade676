package profile

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kinds of fields.
const (
	Text     = "text"     // a line of text
	Checkbox = "checkbox" // true or false
	Select   = "select"   // one of Options
)

// Bounds of the fields of a site.
const (
	maxFields  = 20
	maxLength  = 250 // of a text, in code points
	defLength  = 100
	maxOptions = 300
)

// Field is a profile field. A site asks for it when users register, and users can
// change it on their account page.
type Field struct {
	// Name is the name in forms, JSON and exports, such as "name" or "company". It
	// consists of lower-case letters, digits and underscores, and begins with a letter.
	Name string
	// Label is the text that users see. If a file of Config.Pages.Locales has a
	// text with the key "profile_field_" followed by the name, that text is used
	// instead. If Label is empty, it is Name.
	Label string
	// Required refuses an empty text or an unchecked box.
	Required bool
	// Kind is "text" (the default), "checkbox" or "select".
	Kind string
	// Options are the values of a select.
	Options []string
	// Min and Max bound the length of a text in code points. The defaults are 1
	// and 100, the maximum is 250. An optional text may be empty.
	Min, Max int
}

// List is the fields of a site.
type List []Field

// Problem describes an invalid value of a field.
type Problem struct {
	Field  string
	Reason string // one of the reasons below
	Bound  int    // the length that TooShort and TooLong refer to
}

// Reasons of a Problem.
const (
	Required  = "required"
	Unchecked = "unchecked"
	TooShort  = "too short"
	TooLong   = "too long"
	NotText   = "not a text"
	NotOption = "not an option"
)

// Check calls bad with each mistake in the list of fields.
func (l List) Check(bad func(problem string)) {
	seen := map[string]bool{}
	if len(l) > maxFields {
		bad(fmt.Sprintf("has %d fields, and at most %d are supported", len(l), maxFields))
	}
	for _, f := range l {
		switch {
		case !nameForm().MatchString(f.Name):
			bad(fmt.Sprintf("%q is not a name: use small letters, digits and underscores, a letter first", f.Name))
		case slices.Contains(taken(), f.Name):
			bad(fmt.Sprintf("%q is the name of another field of the forms: choose another one", f.Name))
		case seen[f.Name]:
			bad(fmt.Sprintf("has %q twice", f.Name))
		}
		seen[f.Name] = true
		if problem := f.check(); problem != "" {
			bad(fmt.Sprintf("%s: %s", f.Name, problem))
		}
	}
}

func nameForm() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`) }

// taken returns names that forms use for other values.
func taken() []string {
	return []string{
		"email", "username", "identity", "password", "password_confirm", "new_password", "new_password_confirm",
		"csrf_token", "next", "submit", "remember", "code", "passcode", "captcha", "altcha", "id", "roles", "fields",
		"resend",
	}
}

func (f Field) check() string {
	switch f.Kind {
	case "", Text, Checkbox, Select:
	default:
		return fmt.Sprintf("invalid kind %q: use text, checkbox or select", f.Kind)
	}
	low, high := f.bounds()
	switch {
	case (f.Kind == Select) != (len(f.Options) > 0):
		return "a select needs options, and no other kind has any"
	case len(f.Options) > maxOptions:
		return fmt.Sprintf("at most %d options are supported", maxOptions)
	case f.Min < 0 || f.Max < 0 || high > maxLength || low > high:
		return fmt.Sprintf("the bounds must be between 1 and %d, the first not above the second", maxLength)
	case (f.Min != 0 || f.Max != 0) && f.kind() != Text:
		return "only a text has bounds"
	case utf8.RuneCountInString(f.Label) > maxLength || !line(f.Label):
		return "the label is not a line of text"
	}
	for i, option := range f.Options {
		twice := slices.Contains(f.Options[:i], option)
		if twice || option == "" || clean(option) != option || len(option) > maxLength {
			return "an option is empty, too long, not a line of text, or stands twice"
		}
	}
	return ""
}

func (f Field) kind() string {
	if f.Kind == "" {
		return Text
	}
	return f.Kind
}

func (f Field) bounds() (low, high int) {
	low, high = f.Min, f.Max
	if low == 0 {
		low = 1
	}
	if high == 0 {
		high = max(defLength, low)
	}
	return low, high
}

// Filled returns the fields with their defaults.
func (l List) Filled() List {
	out := slices.Clone(l)
	for i, f := range out {
		out[i].Kind = f.kind()
		if f.Label == "" {
			out[i].Label = f.Name
		}
		if out[i].Kind == Text {
			out[i].Min, out[i].Max = f.bounds()
		}
	}
	return out
}

// Read reads the values of a form. It omits an optional text that is empty and a
// select without a choice. A box always has a value.
func (l List) Read(text func(name string) string, checked func(name string) bool) (map[string]any, []Problem) {
	values, problems := map[string]any{}, []Problem(nil)
	for _, f := range l {
		if f.kind() == Checkbox {
			values[f.Name] = checked(f.Name)
			if f.Required && !checked(f.Name) {
				problems = append(problems, Problem{Field: f.Name, Reason: Unchecked})
			}
			continue
		}
		v := clean(text(f.Name))
		if p := f.judge(v, text(f.Name)); p.Reason != "" {
			problems = append(problems, p)
		} else if v != "" {
			values[f.Name] = v
		}
	}
	return values, problems
}

// judge returns the problem of a text or a choice.
func (f Field) judge(v, typed string) Problem {
	low, high := f.bounds()
	n := utf8.RuneCountInString(v)
	switch {
	case !line(strings.TrimSpace(typed)):
		return Problem{f.Name, NotText, 0}
	case v == "" && f.Required:
		return Problem{f.Name, Required, 0}
	case v == "":
		return Problem{}
	case f.kind() == Select && !slices.Contains(f.Options, v):
		return Problem{f.Name, NotOption, 0}
	case f.kind() == Text && n < low:
		return Problem{f.Name, TooShort, low}
	case f.kind() == Text && n > high:
		return Problem{f.Name, TooLong, high}
	}
	return Problem{}
}

// clean returns a text as it is stored: composed (NFC) and without white space at
// the ends.
func clean(s string) string { return strings.TrimSpace(norm.NFC.String(s)) }

// line reports whether s is one line of text. It refuses characters that change the
// direction of the text after them, because a page would then show another text
// than the stored one.
func line(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
			r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	})
}

// Of returns the values that belong to fields of the site and are still of the
// right kind.
func (l List) Of(stored map[string]any) map[string]any {
	out := map[string]any{}
	for _, f := range l {
		switch v := stored[f.Name].(type) {
		case bool:
			if f.kind() == Checkbox {
				out[f.Name] = v
			}
		case string:
			if f.kind() != Checkbox {
				out[f.Name] = v
			}
		case json.Number:
			if f.kind() == Text {
				out[f.Name] = v.String()
			}
		}
	}
	return out
}

// Merge returns the stored values, with the fields of the site replaced by the values
// of a form. A field that the form does not have is removed. Other values are kept.
func (l List) Merge(stored, read map[string]any) map[string]any {
	out := maps.Clone(stored)
	if out == nil {
		out = map[string]any{}
	}
	for _, f := range l {
		delete(out, f.Name)
		if v, ok := read[f.Name]; ok {
			out[f.Name] = v
		}
	}
	return out
}

// Missing reports whether a required field has no value.
func (l List) Missing(stored map[string]any) bool {
	values := l.Of(stored)
	return slices.ContainsFunc(l, func(f Field) bool {
		v := values[f.Name]
		return f.Required && (v == nil || v == false || v == "")
	})
}

// Encode returns the stored form of the values: a JSON object with sorted names, or
// an empty string if there are no values.
func Encode(values map[string]any) string {
	if len(values) == 0 {
		return ""
	}
	raw, err := json.Marshal(values)
	if err != nil { // another program stored a value of another type
		return ""
	}
	return string(raw)
}

// Decode returns the values of a text that Encode returned. A text that is not a
// JSON object has no values.
func Decode(stored string) map[string]any {
	if stored == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(stored))
	d.UseNumber()
	var values map[string]any
	if d.Decode(&values) != nil {
		return nil
	}
	return values
}

// Names returns the sorted names of the fields whose values differ.
func Names(from, to map[string]any) []string {
	var out []string
	for name := range to {
		if !reflect.DeepEqual(from[name], to[name]) {
			out = append(out, name)
		}
	}
	for name := range from {
		if _, ok := to[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
