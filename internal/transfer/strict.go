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

// strict reports the names of the outermost object, if the line is one JSON object
// that every reader understands in the same way: valid UTF-8, no name twice, none
// that differs from another in case only, no NUL, not deep. encoding/json lets all of
// these pass.
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

// readable is the part of strict that must be known before the line is decoded.
func readable(line []byte) error {
	if !utf8.Valid(line) {
		return errors.New("the line is not valid UTF-8")
	}
	if deep(line) {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	return nil
}

// names is the rest of strict, for a line that is JSON.
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

// deep counts brackets outside of texts, before anything follows them.
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

// walker goes through text that is known to be JSON.
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

// object stands at an opening brace and goes behind the closing one. The names of
// our own objects (fixed) are in lower case.
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
				return fmt.Errorf("%q stands there twice", plainText(name))
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

// str goes behind the text that begins here, and returns it if it is wanted. NUL, and
// halves of characters, which encoding/json would replace, are refused.
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
