package flaskconfig

import (
	"regexp"
	"strconv"
	"strings"
)

var variable = regexp.MustCompile(`^(?:export\s+)?` + name + `\s*=\s*(.*)$`)

// ReadEnv returns what a file of variables, one NAME=value a line, sets. Values are
// text, or what Literal makes of a list or dict.
func ReadEnv(source string) (taken []Assignment, left []Left) {
	for i, line := range strings.Split(strings.ReplaceAll(source, "\r\n", "\n"), "\n") {
		m := variable.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		text, err := unquoted(m[2])
		if err != nil || strings.Contains(text, "${") {
			left = append(left, Left{m[1], i + 1, "has quotes that do not close, or names another variable"})
			continue
		}
		a := Assignment{Name: m[1], Value: text, Line: i + 1}
		if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") || strings.HasPrefix(text, "(") {
			if v, err := Literal(text); err == nil {
				a.Value = v
			}
		}
		taken = append(taken, a)
	}
	return taken, left
}

// unquoted returns a value without its quotes or without the comment after it.
func unquoted(text string) (string, error) {
	switch {
	case strings.HasPrefix(text, `'`):
		inner, _, closed := strings.Cut(text[1:], `'`)
		if !closed {
			return "", strconv.ErrSyntax
		}
		return inner, nil
	case strings.HasPrefix(text, `"`):
		q, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", err
		}
		return strconv.Unquote(q)
	}
	if i := strings.Index(text, " #"); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text), nil
}
