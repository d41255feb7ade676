// Package settings contains the table of the values of twofold.Config that have a default or bounds. New
// applies it, and the server's settings, docs/configuration.md and the tests are derived from it.
package settings

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Kind is the type of a value.
type Kind int

// Kinds of values.
const (
	Number Kind = iota
	Duration
	Score // a number with a fraction
	Text
)

// Side is the direction in which a value is safer.
type Side int

// Sides. Neutral means that neither direction is safer.
const (
	Neutral Side = iota
	Lower
	Higher
)

// NoMin and NoMax are bounds that do not exist.
const (
	NoMin = math.MinInt64
	NoMax = math.MaxInt64
)

// Row describes one value. Numbers that stand for durations are nanoseconds.
type Row struct {
	Field    string // path in twofold.Config, such as "Sessions.Idle"
	Kind     Kind
	Default  int64 // takes the place of zero
	Min, Max int64 // bounds of a value that is not zero
	Safer    Side
	Zero     string // what zero means, if it has no default
	Like     string // field whose value takes the place of Default, if it is greater
	Source   string // document that the numbers are from
	// ServerMin and ServerMax are the bounds of the server's setting. They are narrower than Min and
	// Max where a program may have a reason for a value that is a mistake in a file of settings.
	ServerMin, ServerMax int64

	Standard string   // default of a text
	Choices  []string // values of a text, if they are limited
}

// Order is a pair of fields of which the first must not be greater than the second.
type Order struct{ Low, High string }

// Of returns the row of a field. It reports false if the field has no default and no bounds.
func Of(field string) (Row, bool) {
	rows := Rows()
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Field == field })
	if i < 0 {
		return Row{}, false
	}
	return rows[i], true
}

// Default sets each field of a section that is zero to its default. The section is a pointer to a
// twofold.Config, or to a part of it; then prefix is the path of that part with a dot at the end.
func Default(section any, prefix string) {
	s := open(section, prefix)
	for _, r := range Rows() {
		f, ok := s.field(r.Field)
		switch {
		case !ok || !f.IsZero():
		case r.Kind == Text:
			f.SetString(r.Standard)
		case r.Kind != Score:
			f.SetInt(s.value(r))
		}
	}
}

// Check calls bad for each field of a section that is out of bounds, and for each pair of fields in the
// wrong order.
func Check(section any, prefix string, bad func(field, problem string)) {
	s, wrong := open(section, prefix), map[string]bool{}
	for _, r := range Rows() {
		if f, ok := s.field(r.Field); ok && !f.IsZero() && !r.holds(f) {
			wrong[r.Field] = true
			bad(r.Field, fmt.Sprintf("must be %s, not %s", r.Bounds(), r.shown(f)))
		}
	}
	for _, o := range Orders() {
		low, _ := Of(o.Low)
		high, _ := Of(o.High)
		_, has := s.field(o.High)
		if has && !wrong[o.Low] && !wrong[o.High] && s.value(low) > s.value(high) {
			bad(o.High, "must not be less than "+o.Low)
		}
	}
}

// Set sets the field of a row.
func (r Row) Set(section any, value int64) {
	if f, ok := open(section, "").field(r.Field); ok {
		f.SetInt(value)
	}
}

// SetText sets the field of a row of texts.
func (r Row) SetText(section any, value string) {
	if f, ok := open(section, "").field(r.Field); ok {
		f.SetString(value)
	}
}

// holds reports whether the value of a field is in bounds.
func (r Row) holds(f reflect.Value) bool {
	switch r.Kind {
	case Text:
		return len(r.Choices) == 0 || slices.Contains(r.Choices, f.String())
	case Score:
		return f.Float() >= float64(r.Min) && f.Float() <= float64(r.Max)
	}
	return f.Int() >= r.Min && f.Int() <= r.Max
}

func (r Row) shown(f reflect.Value) string {
	switch r.Kind {
	case Text:
		return fmt.Sprintf("%q", f.String())
	case Score:
		return fmt.Sprint(f.Float())
	}
	return r.Words(f.Int())
}

// Bounds returns the bounds in words, such as "between 30 seconds and 2 minutes". It returns an empty
// text if there are none.
func (r Row) Bounds() string { return r.bounds(r.Min, r.Max) }

// ServerBounds returns the bounds of the server's setting in words.
func (r Row) ServerBounds() string { return r.bounds(r.ServerMin, r.ServerMax) }

func (r Row) bounds(low, high int64) string {
	switch {
	case r.Kind == Text:
		return strings.Join(r.Choices, " or ")
	case low == NoMin && high == NoMax:
		return ""
	case low == NoMin:
		return "at most " + r.Words(high)
	case high == NoMax && low == 1:
		return "positive"
	case high == NoMax:
		return "at least " + r.Words(low)
	}
	return "between " + r.Words(low) + " and " + r.Words(high)
}

// Words returns a value of the row in words, such as "2 minutes" or "10,000".
func (r Row) Words(value int64) string {
	if r.Kind == Duration {
		return Words(time.Duration(value))
	}
	text := fmt.Sprint(value)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Words returns a duration in words, such as "90 seconds", "24 hours" or "30 days".
func Words(d time.Duration) string {
	if d == math.MinInt64 { // it has no positive counterpart
		return d.String()
	}
	if d < 0 {
		return "-" + Words(-d)
	}
	for _, u := range []struct {
		of, from time.Duration
		name     string
	}{{Day, 2 * Day, "day"}, {time.Hour, time.Hour, "hour"}, {time.Minute, time.Minute, "minute"},
		{time.Second, time.Second, "second"}} {
		if d < u.from || d%u.of != 0 {
			continue
		}
		if d == u.of {
			return "1 " + u.name
		}
		return fmt.Sprintf("%d %ss", d/u.of, u.name)
	}
	return d.String()
}

// part is a section of a configuration.
type part struct {
	of     reflect.Value
	prefix string
}

func open(section any, prefix string) part { return part{reflect.ValueOf(section).Elem(), prefix} }

// field returns a field by its path. It reports false if the field is in another section, or in one
// that is nil.
func (p part) field(path string) (reflect.Value, bool) {
	rest, ok := strings.CutPrefix(path, p.prefix)
	f := p.of
	for name := range strings.SplitSeq(rest, ".") {
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		if !ok || f.Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		f = f.FieldByName(name)
	}
	return f, f.IsValid()
}

// value returns the value of a row, or its default if it is zero.
func (p part) value(r Row) int64 {
	if f, ok := p.field(r.Field); ok && f.Int() != 0 {
		return f.Int()
	}
	if like, ok := Of(r.Like); ok {
		return max(r.Default, p.value(like))
	}
	return r.Default
}
