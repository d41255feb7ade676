package sqlstore

import (
	"database/sql"
	"encoding/json"
	"time"
)

// rowError is an error of this package: a text without values.
type rowError struct{ text string }

func (e *rowError) Error() string { return e.text }

// micros returns the stored form of a time. The zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is the inverse of micros.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// stamp scans a time: (*stamp)(&x.CreatedAt).
type stamp time.Time

var _ sql.Scanner = (*stamp)(nil)

// Scan implements sql.Scanner.
func (s *stamp) Scan(src any) error {
	us, ok := src.(int64)
	if !ok {
		return &rowError{"a time is not a whole number"}
	}
	*s = stamp(moment(us))
	return nil
}

// bit returns the stored form of a bool: a number, which both databases compare in the same way.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// bytesOf returns the stored form of bytes. A nil slice is empty, not NULL, so that it equals
// itself in a condition.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// blob scans bytes; no bytes are nil.
type blob []byte

// Scan implements sql.Scanner.
func (b *blob) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = append(blob(nil), v...)
	default:
		return &rowError{"bytes are of another type"}
	}
	return nil
}

// text returns the stored form of a list. Strings and proofs can always be encoded as JSON.
func text[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil { // a time after the year 9999: no proof is better than a wrong one
		return "[]"
	}
	return string(b)
}

// listOf scans a list; an empty one is nil.
type listOf[T any] struct{ to *[]T }

// Scan implements sql.Scanner.
func (l listOf[T]) Scan(src any) error {
	var raw []byte
	switch v := src.(type) {
	case string:
		raw = []byte(v)
	case []byte:
		raw = v
	}
	*l.to = nil
	if string(raw) == "[]" {
		return nil
	}
	if err := json.Unmarshal(raw, l.to); err != nil {
		return &rowError{"a list is not JSON"} // the cause would contain the value
	}
	return nil
}

// limitOf returns the end of a query whose limit is a parameter. SQLite reads the value of a bare
// parameter when it plans, so it would prepare the statement again after each use.
func limitOf(parameter string) string { return ` LIMIT CAST(` + parameter + ` AS BIGINT)` }
