package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/twofold-auth/twofold/internal/flaskconfig"
)

// A raw value is the input for a setting: text from the environment; text, number, bool, array or
// table from the file. The functions below convert it to the type of the setting. Their errors
// contain the problem and the solution, but never the value, which may be a secret.

func asText(raw any) (string, error) {
	s, ok := raw.(string)
	if !ok {
		return "", errors.New("is not text: put it in quotes")
	}
	s = strings.TrimSpace(s)
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", errors.New("contains a line break or another control character: write it on one line")
	}
	return s, nil
}

func asBool(raw any) (bool, error) {
	switch v := raw.(type) {
	case bool:
		return v, nil
	case int64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
	}
	return false, errors.New("is neither true nor false: write true or false")
}

func asInt(raw any) (int, error) {
	switch v := raw.(type) {
	case int64:
		if int64(int(v)) == v {
			return int(v), nil
		}
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
	}
	return 0, errors.New("is not a whole number: write it in digits")
}

func asDuration(raw any) (time.Duration, error) {
	switch v := raw.(type) {
	case int64:
		return parseDuration(strconv.FormatInt(v, 10))
	case string:
		return parseDuration(v)
	}
	return 0, errors.New("is not a duration: " + durationHint)
}

func asList(raw any) ([]string, error) {
	bad := errors.New(`is not a list of texts: write a,b in the environment or ["a", "b"] in the file`)
	if s, ok := raw.(string); ok {
		s = strings.TrimSpace(s)
		if !strings.HasPrefix(s, "[") && !strings.HasPrefix(s, "(") {
			return splitList(s), nil
		}
		var err error
		if raw, err = decode(s); err != nil {
			return nil, bad
		}
	}
	items, ok := raw.([]any)
	if !ok {
		return nil, bad
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		s, err := asText(it)
		if err != nil {
			return nil, bad
		}
		out = append(out, s)
	}
	return out, nil
}

func splitList(s string) []string {
	out := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func asDict(raw any) (map[string]string, error) {
	bad := errors.New(`is not a dict: write {"KEY": "value"} in the environment or { KEY = "value" } in the file`)
	if s, ok := raw.(string); ok {
		var err error
		if raw, err = decode(s); err != nil {
			return nil, bad
		}
	}
	m, ok := raw.(map[string]any)
	if !ok {
		return nil, bad
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if v == nil { // in Flask's defaults, None means "not given"
			continue
		}
		s, err := asText(v)
		if err != nil {
			return nil, errors.New("contains a value that is not text: put every value in quotes")
		}
		out[k] = s
	}
	return out, nil
}

// decode parses one JSON value or one Python literal.
func decode(s string) (any, error) {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		return v, nil
	}
	return flaskconfig.Literal(s)
}

// plain returns a raw value in a form that can be compared with the text of a default: lists joined
// by commas, true and false in lower case.
func plain(raw any) string {
	switch v := raw.(type) {
	case string:
		s := strings.TrimSpace(v)
		if strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") || strings.HasPrefix(s, "(") {
			if inner, err := decode(s); err == nil {
				return plain(inner)
			}
		}
		return s
	case []any:
		parts := make([]string, len(v))
		for i, it := range v {
			parts[i] = plain(it)
		}
		return strings.Join(parts, ",")
	case nil:
		return ""
	case map[string]any:
		b, err := json.Marshal(v) // keys are sorted
		if err != nil {
			return "?"
		}
		return string(b)
	}
	return fmt.Sprint(raw)
}

// isNone reports whether a value means "not given": an empty variable, or Python's None as text.
func isNone(raw any) bool {
	s, ok := raw.(string)
	return raw == nil || ok && (strings.TrimSpace(s) == "" || s == "None")
}
