package flaskconfig

import (
	"regexp"
	"strings"

	"go.starlark.net/syntax"
)

// Assignment is a setting that was read.
type Assignment struct {
	Name  string
	Value any // as Literal returns it
	Line  int
	// Env are the variables that the application lets the environment set.
	Env []string
}

// Left is a setting that could not be read.
type Left struct {
	Name string
	Line int
	Why  string
}

// Read returns what a Python source assigns, in its order. Where a name is assigned
// twice, both are there.
func Read(source string) (taken []Assignment, left []Left) {
	for _, s := range statements(source) {
		switch {
		case item.MatchString(s.text):
			m := item.FindStringSubmatch(s.text)
			taken, left = assign(taken, left, m[1], m[2], s.line)
		case plain.MatchString(s.text):
			m := plain.FindStringSubmatch(s.text)
			taken, left = assign(taken, left, m[1], m[2], s.line)
		case several.MatchString(s.text):
			taken, left = update(taken, left, s)
		case object.MatchString(s.text): // app.config.from_object(...): another file
			left = append(left, Left{"config", s.line, "is read from elsewhere: import that file, too"})
		}
	}
	return taken, left
}

// name is what a setting is called, as a pattern.
const name = `([A-Z][A-Z0-9_]*)`

var (
	item    = regexp.MustCompile(`(?s)^[\w.]*config\[\s*["']` + name + `["']\s*\]\s*=\s*([^=].*)$`)
	plain   = regexp.MustCompile(`(?s)^` + name + `\s*(?::[^=]*)?=\s*([^=].*)$`)
	several = regexp.MustCompile(`(?s)^[\w.]*config\.(?:update|from_mapping)\s*\(`)
	object  = regexp.MustCompile(`^[\w.]*config\.from_\w+\s*\(`)
)

func assign(taken []Assignment, left []Left, name, text string, line int) ([]Assignment, []Left) {
	x, err := parse(text)
	if err != nil {
		return taken, append(left, Left{name, line, err.Error()})
	}
	return keep(taken, left, name, x, line)
}

func keep(taken []Assignment, left []Left, name string, x syntax.Expr, line int) ([]Assignment, []Left) {
	r := reader{source: true}
	v, err := r.value(x)
	if err != nil {
		return taken, append(left, Left{name, line, err.Error()})
	}
	return append(taken, Assignment{Name: name, Value: v, Line: line, Env: r.env}), left
}

// update takes the arguments of config.update and config.from_mapping.
func update(taken []Assignment, left []Left, s statement) ([]Assignment, []Left) {
	x, err := parse(s.text)
	call, ok := x.(*syntax.CallExpr)
	if err != nil || !ok {
		return taken, append(left, Left{"config", s.line, "is not a call that can be read"})
	}
	at := func(x syntax.Expr) int {
		start, _ := x.Span()
		return s.line + int(start.Line) - 1
	}
	for _, a := range call.Args {
		switch a := a.(type) {
		case *syntax.BinaryExpr: // NAME=value
			if a.Op == syntax.EQ && upper.MatchString(dotted(a.X)) {
				taken, left = keep(taken, left, dotted(a.X), a.Y, at(a))
			}
		case *syntax.DictExpr:
			for _, e := range a.List {
				entry, _ := e.(*syntax.DictEntry)
				if entry == nil {
					continue
				}
				if key, ok := entry.Key.(*syntax.Literal); ok {
					if k, _ := key.Value.(string); upper.MatchString(k) {
						taken, left = keep(taken, left, k, entry.Value, at(entry))
					}
				}
			}
		default:
			left = append(left, Left{"config", at(a), errCalls.Error()})
		}
	}
	return taken, left
}

var upper = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// statement is a logical line of Python: without comments, and as long as its
// brackets and texts are.
type statement struct {
	text string
	line int
}

// statements cuts a source into logical lines.
func statements(source string) []statement {
	var out []statement
	var b strings.Builder
	line, start, depth := 1, 1, 0
	end := func() {
		if text := strings.TrimSpace(b.String()); text != "" {
			out = append(out, statement{text, start})
		}
		b.Reset()
	}
	source = strings.ReplaceAll(source, "\r\n", "\n")
	for i := 0; i < len(source); i++ {
		if strings.TrimSpace(b.String()) == "" {
			start = line
		}
		switch c := source[i]; {
		case c == '#':
			for i+1 < len(source) && source[i+1] != '\n' {
				i++
			}
			continue
		case c == '"' || c == '\'':
			n := quoted(source[i:])
			b.WriteString(source[i : i+n])
			line += strings.Count(source[i:i+n], "\n")
			i += n - 1
			continue
		case c == '\\' && i+1 < len(source) && source[i+1] == '\n':
			i++
			line++
			b.WriteByte(' ')
			continue
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth = max(0, depth-1)
		case c == '\n':
			line++
			if depth == 0 {
				end()
				continue
			}
		case c == ';' && depth == 0:
			end()
			continue
		}
		b.WriteByte(source[i])
	}
	end()
	return out
}

// quoted is the length of the text that a source begins with, quotes included.
func quoted(s string) int {
	quote := s[:1]
	if len(s) >= 3 && s[1] == s[0] && s[2] == s[0] {
		quote = s[:3]
	}
	for i := len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote)
		case s[i] == '\n' && len(quote) == 1: // not closed: the line ends it
			return i
		}
	}
	return len(s)
}
