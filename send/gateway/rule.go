package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// A rule holds if all its conditions hold.
type rule []condition

// A condition compares the status of an answer with a range from lowest to highest, or a value in
// it with a text.
type condition struct {
	lowest, highest int
	path            []string // names and indices; nil if the condition is about the status
	value           string
}

func parseRules(texts []string) ([]rule, error) {
	var rules []rule
	for _, text := range texts {
		var r rule
		for _, word := range strings.Fields(text) {
			path, value, isValue := strings.Cut(word, "=")
			c := condition{value: value}
			switch status, err := strconv.Atoi(word); {
			case isValue && path != "":
				c.path = strings.Split(path, ".")
			case err == nil && len(word) == 3 && status >= 100:
				c.lowest, c.highest = status, status
			case len(word) == 3 && word[0] >= '1' && word[0] <= '5' && word[1:] == "xx":
				c.lowest = 100 * int(word[0]-'0')
				c.highest = c.lowest + 99
			default:
				return nil, errors.New(`has an invalid rule: use the form "202", "2xx" or "a.b=c"`)
			}
			r = append(r, c)
		}
		if len(r) == 0 {
			return nil, errors.New("has an empty rule")
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// An answer is the response of a provider.
type answer struct {
	status int
	value  any
}

func newAnswer(status int, raw []byte) answer {
	a := answer{status: status}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // numbers are compared as text
	if d.Decode(&a.value) != nil {
		a.value = nil // not JSON, or truncated: no condition about a value holds
	}
	return a
}

func (a answer) keepsOne(rules []rule) bool {
	for _, r := range rules {
		if a.keeps(r) {
			return true
		}
	}
	return false
}

func (a answer) keeps(r rule) bool {
	for _, c := range r {
		if c.path == nil {
			if a.status < c.lowest || a.status > c.highest {
				return false
			}
			continue
		}
		if got, ok := a.at(c.path); !ok || got != c.value {
			return false
		}
	}
	return true
}

// at returns the string, number or boolean at a path, as text.
func (a answer) at(path []string) (string, bool) {
	v := a.value
	for _, step := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return "", false
			}
			v = in[i]
		default:
			return "", false
		}
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
