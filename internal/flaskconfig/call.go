package flaskconfig

import (
	"fmt"
	"strconv"
	"strings"

	"go.starlark.net/syntax"
)

// call is one of the few calls whose value can be known.
func (r *reader) call(x *syntax.CallExpr) (any, error) {
	name := dotted(x.Fn)
	switch {
	case !r.source:
	case name == "os.environ.get", name == "os.getenv", name == "environ.get", name == "getenv":
		return r.environment(x.Args)
	case name == "timedelta", name == "datetime.timedelta":
		return r.timedelta(x.Args)
	case (name == "int" || name == "str" || name == "bool") && len(x.Args) == 1:
		v, err := r.value(x.Args[0])
		if err != nil {
			return nil, err
		}
		return converted(name, v)
	}
	return nil, errCalls
}

// dotted is a name such as os.environ.get; empty for any other expression.
func dotted(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.Ident:
		return x.Name
	case *syntax.DotExpr:
		if of := dotted(x.X); of != "" {
			return of + "." + x.Name.Name
		}
	}
	return ""
}

func (r *reader) environment(args []syntax.Expr) (any, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, errCalls
	}
	v, err := r.value(args[0])
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint(v)
	if len(args) == 1 {
		return nil, fmt.Errorf("is read from the variable %s and has no default", name)
	}
	r.env = append(r.env, name)
	return r.value(args[1])
}

// seconds are the units of timedelta.
var seconds = map[string]int64{"weeks": 7 * 86400, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}

func (r *reader) timedelta(args []syntax.Expr) (any, error) {
	total := int64(0)
	for i, a := range args {
		unit := "days"
		if named, ok := a.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			unit, a = dotted(named.X), named.Y
		} else if i > 0 {
			return nil, errCalls
		}
		v, err := r.value(a)
		if err != nil {
			return nil, err
		}
		n, whole := v.(int64)
		if !whole || seconds[unit] == 0 || n > 1<<31 || n < 0 {
			return nil, errCalls
		}
		total += n * seconds[unit]
	}
	return strconv.FormatInt(total, 10) + " seconds", nil
}

// converted is int, str or bool of a value.
func converted(to string, v any) (any, error) {
	switch text, isText := v.(string); {
	case to == "str":
		return fmt.Sprint(v), nil
	case to == "bool" && isText: // any text but the empty one, even "False"
		return text != "", nil
	case to == "bool":
		return v != nil && v != int64(0) && v != false, nil
	case isText:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, errCalls
		}
		return n, nil
	}
	if n, ok := v.(int64); ok {
		return n, nil
	}
	return nil, errCalls
}
