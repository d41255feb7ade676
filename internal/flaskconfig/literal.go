package flaskconfig

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/syntax"
)

// maxLiteral bounds the text of one literal, in bytes.
const maxLiteral = 64 << 10

// Literal returns the value of a Python literal as JSON would hold it: text, int64,
// float64, bool, nil, []any for a list or a tuple, map[string]any for a dict.
func Literal(text string) (any, error) {
	if len(text) > maxLiteral {
		return nil, errors.New("is too long")
	}
	expr, err := parse(text)
	if err != nil {
		return nil, err
	}
	v, err := (&reader{}).value(expr)
	return v, err
}

func parse(text string) (syntax.Expr, error) {
	expr, err := (&syntax.FileOptions{}).ParseExpr("", text, 0)
	if err != nil {
		return nil, errors.New("is not a literal that can be read")
	}
	return expr, nil
}

// reader reads expressions. Only those of a source may name the environment.
type reader struct {
	source bool
	// env are the variables of the environment that a value depends on.
	env []string
}

// errCalls says that a value is only known when the application runs.
var errCalls = errors.New("is computed when the application runs")

func (r *reader) value(x syntax.Expr) (any, error) {
	switch x := x.(type) {
	case *syntax.ParenExpr:
		return r.value(x.X)
	case *syntax.Literal:
		return literal(x)
	case *syntax.Ident:
		switch x.Name {
		case "True", "False":
			return x.Name == "True", nil
		case "None":
			return nil, nil
		}
		return nil, fmt.Errorf("is the value of the name %s", x.Name)
	case *syntax.ListExpr:
		return r.list(x.List)
	case *syntax.TupleExpr:
		return r.list(x.List)
	case *syntax.DictExpr:
		return r.dict(x)
	case *syntax.UnaryExpr:
		return r.negative(x)
	case *syntax.BinaryExpr:
		return r.sum(x)
	case *syntax.CallExpr:
		return r.call(x)
	case *syntax.IndexExpr:
		if key, ok := x.Y.(*syntax.Literal); ok && r.source && strings.HasSuffix(dotted(x.X), "environ") {
			return nil, fmt.Errorf("is read from the variable %v and has no default", key.Value)
		}
	}
	return nil, errCalls
}

func literal(x *syntax.Literal) (any, error) {
	switch v := x.Value.(type) {
	case string, int64, float64:
		return v, nil
	case *big.Int:
		return nil, errors.New("is a number that is too large")
	}
	return nil, errCalls
}

func (r *reader) list(all []syntax.Expr) (any, error) {
	out := make([]any, 0, len(all))
	for _, x := range all {
		v, err := r.value(x)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *reader) dict(x *syntax.DictExpr) (any, error) {
	out := map[string]any{}
	for _, e := range x.List {
		entry, ok := e.(*syntax.DictEntry)
		if !ok {
			return nil, errCalls
		}
		key, err := r.value(entry.Key)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprint(key) // {1: "key"} and {"1": "key"} mean one thing
		if out[name], err = r.value(entry.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *reader) negative(x *syntax.UnaryExpr) (any, error) {
	v, err := r.value(x.X)
	if err != nil {
		return nil, err
	}
	switch n := v.(type) {
	case int64:
		if x.Op == syntax.MINUS {
			return -n, nil
		}
	case float64:
		if x.Op == syntax.MINUS {
			return -n, nil
		}
	}
	return nil, errCalls
}

// sum is a sum or product of whole numbers, or one text after another.
func (r *reader) sum(x *syntax.BinaryExpr) (any, error) {
	a, err := r.value(x.X)
	if err != nil {
		return nil, err
	}
	b, err := r.value(x.Y)
	if err != nil {
		return nil, err
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok && x.Op == syntax.PLUS {
			return s + t, nil
		}
	}
	n, isNumber := a.(int64)
	m, too := b.(int64)
	const most = 1 << 31
	if !isNumber || !too || max(n, m) > most || min(n, m) < -most {
		return nil, errCalls
	}
	switch x.Op {
	case syntax.PLUS:
		return n + m, nil
	case syntax.MINUS:
		return n - m, nil
	case syntax.STAR:
		return n * m, nil
	}
	return nil, errCalls
}
