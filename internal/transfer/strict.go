package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth = 6
	maxKeys  = 128 // of one object
)

// strict returns the names of the outermost object if the line is one JSON object that
// every reader understands in the same way. It refuses invalid UTF-8, duplicate names,
// names that differ only in case, NUL, and deep nesting. encoding/json accepts all of
// these.
func strict(line []byte) (top map[string]bool, err error) {
	if err := readable(line); err != nil {
		return nil, err
	}
	if !json.Valid(line) {
		return nil, errNotJSON
	}
	return names(line)
}

var errNotJSON = errors.New("the line is not JSON")

// readable does the checks of strict that must precede decoding.
func readable(line []byte) error {
	if !utf8.Valid(line) {
		return errors.New("the line is not valid UTF-8")
	}
	if deep(line) {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	return nil
}

// names does the other checks of strict, for valid JSON.
func names(line []byte) (top map[string]bool, err error) {
	w := walker{text: line}
	w.blank()
	if w.at >= len(line) || line[w.at] != '{' {
		return nil, errors.New("the line is not a JSON object")
	}
	if err := w.object(true); err != nil {
		return nil, err
	}
	return w.top, nil
}

// deep reports whether brackets outside of strings are nested too deeply.
func deep(line []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// walker reads text that is known to be valid JSON.
type walker struct {
	text []byte
	at   int
	top  map[string]bool
}

func (w *walker) blank() {
	for w.at < len(w.text) && strings.IndexByte(" \t\r\n", w.text[w.at]) >= 0 {
		w.at++
	}
}

// object reads the object at the current position. If fixed is set, its names are
// those of this format and must be in lower case.
func (w *walker) object(fixed bool) error {
	var few [16]string
	seen := few[:0]
	outermost := w.top == nil
	if outermost {
		w.top = map[string]bool{}
	}
	w.at++
	for {
		w.blank()
		switch w.text[w.at] {
		case '}':
			w.at++
			return nil
		case ',':
			w.at++
			continue
		}
		name, err := w.str(true)
		if err != nil {
			return err
		}
		if fixed && name != strings.ToLower(name) {
			return fmt.Errorf("unknown field %q", plainText(name))
		}
		folded := strings.ToLower(name)
		for _, former := range seen {
			if former == folded {
				return fmt.Errorf("%q is duplicated", plainText(name))
			}
		}
		if seen = append(seen, folded); len(seen) > maxKeys {
			return fmt.Errorf("an object has more than %d names", maxKeys)
		}
		if outermost {
			w.top[name] = true
		}
		w.blank()
		w.at++ // the colon
		if err := w.value(fixed && name != "fields" && name != "params"); err != nil {
			return err
		}
	}
}

func (w *walker) value(fixed bool) error {
	w.blank()
	switch w.text[w.at] {
	case '{':
		return w.object(fixed)
	case '"':
		_, err := w.str(false)
		return err
	case '[':
		w.at++
		for {
			w.blank()
			switch w.text[w.at] {
			case ']':
				w.at++
				return nil
			case ',':
				w.at++
			default:
				if err := w.value(fixed); err != nil {
					return err
				}
			}
		}
	}
	for w.at < len(w.text) && strings.IndexByte(",]} \t\r\n", w.text[w.at]) < 0 {
		w.at++
	}
	return nil
}

// str reads the string at the current position, and returns it if wanted is set. It
// refuses NUL and lone surrogates, which encoding/json would replace.
func (w *walker) str(wanted bool) (string, error) {
	from, escaped := w.at+1, false
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			escaped = true
			w.at++
		}
	}
	raw := w.text[from:w.at]
	w.at++
	var s string
	if escaped {
		if err := json.Unmarshal(w.text[from-1:w.at], &s); err != nil {
			return "", errNotJSON
		}
		raw = []byte(s)
	}
	if bytes.IndexByte(raw, 0) >= 0 || bytes.Contains(raw, []byte("\uFFFD")) {
		return "", errors.New("a text has a character that cannot be stored")
	}
	if wanted {
		s = string(raw)
	}
	return s, nil
}
