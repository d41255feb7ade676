package rows

import (
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Row is a row of a table. Its methods return the zero value for NULL and for a
// value of another type. In the latter case, Problem returns a description.
type Row struct {
	values  map[string]any
	problem *string
}

// Problem names the value of another type, without the value itself. It is empty if
// there is none.
func (r Row) Problem() string { return *r.problem }

func (r Row) bad(column, kind string) {
	if *r.problem == "" {
		*r.problem = fmt.Sprintf("column %s is not %s", column, kind)
	}
}

// Text returns a string. Values of other types are converted.
func (r Row) Text(column string) string {
	switch v := r.values[column].(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case [16]byte: // a UUID
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
	case driver.Valuer:
		if text, err := v.Value(); err == nil {
			if s, ok := text.(string); ok {
				return s
			}
		}
	}
	r.bad(column, "a text")
	return ""
}

// Int returns an integer.
func (r Row) Int(column string) int64 {
	switch v := r.values[column].(type) {
	case nil:
		return 0
	case int64:
		return v
	case int32:
		return int64(v)
	case float64:
		if float64(int64(v)) == v && v < 1<<53 && v > -1<<53 {
			return int64(v)
		}
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	r.bad(column, "a whole number")
	return 0
}

// Bool returns a boolean, which SQLite may store as a number.
func (r Row) Bool(column string) bool {
	switch v := r.values[column].(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		if v == 0 || v == 1 {
			return v == 1
		}
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	}
	r.bad(column, "a truth")
	return false
}

// Null reports whether a value is NULL or its column is missing.
func (r Row) Null(column string) bool { return r.values[column] == nil }

// layouts are the formats of times that are stored as text.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02",
}

// Time returns a time. A time without a zone is in UTC. A number is a number of
// seconds or milliseconds since 1970.
func (r Row) Time(column string) time.Time {
	var text string
	switch v := r.values[column].(type) {
	case nil:
		return time.Time{}
	case time.Time:
		return v.UTC()
	case int64:
		return number(v)
	case float64:
		return number(int64(v))
	case string:
		text = v
	case []byte:
		text = string(v)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			return t.UTC()
		}
	}
	r.bad(column, "a time")
	return time.Time{}
}

func number(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	if n > 1<<37 || n < -1<<37 {
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}
