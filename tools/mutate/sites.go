package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is one change. Its number switches it on.
type mutant struct {
	Number          int
	Where, Function string
	What            string
}

func (m mutant) String() string { return m.Where + " " + m.Function + " " + m.What }

// helper is the code added to each mutated package: the switch, and functions that replace
// comparisons and connectives.
const helper = `
import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

var mutantOn = func() map[int]bool {
	on := map[int]bool{}
	for word := range strings.SplitSeq(os.Getenv("MUTANT"), ",") {
		n, _ := strconv.Atoi(word)
		on[n] = true
	}
	return on
}()
var mutantHits = os.Getenv("MUTANT_HITS")
var mutantSeen sync.Map

func mutant(n int) bool {
	if mutantHits != "" {
		if _, seen := mutantSeen.LoadOrStore(n, true); !seen {
			if f, err := os.OpenFile(mutantHits, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
				fmt.Fprintln(f, n)
				f.Close()
			}
		}
	}
	return mutantOn[n]
}

func mutantLess[T cmp.Ordered](n int, a, b T) bool {
	if a == b && mutant(n) {
		return a <= b
	}
	return a < b
}

func mutantLessOrEqual[T cmp.Ordered](n int, a, b T) bool {
	if a == b && mutant(n) {
		return a < b
	}
	return a <= b
}

func mutantAnd(n int, pure, a bool, b func() bool) bool {
	if mutantConnective(n, pure, a, b) {
		return a || b()
	}
	return a && b()
}

func mutantOr(n int, pure, a bool, b func() bool) bool {
	if mutantConnective(n, pure, a, b) {
		return a && b()
	}
	return a || b()
}

// mutantConnective records a hit only if the connective between a and b matters and b has no side
// effects.
func mutantConnective(n int, pure, a bool, b func() bool) bool {
	if mutantHits == "" || !pure {
		return mutant(n)
	}
	defer func() {
		if recover() != nil {
			mutant(n)
		}
	}()
	return a != b() && mutant(n)
}

var _ = mutantLess[int]
var _ = mutantLessOrEqual[int]
var _ = mutantAnd
var _ = mutantOr
`

// edit replaces cut bytes at an offset with text.
type edit struct {
	at, cut int
	text    string
	closes  bool
	order   int
}

// sites returns the source with every mutant in it, numbered from first+1.
func sites(src []byte, name string, first int) (out []byte, pkg string, found []mutant, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, "", nil, err
	}
	var edits []edit
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	function := ""
	around := func(n ast.Node, what string, at token.Pos, before, after string) {
		number := first + len(found) + 1
		p := fset.Position(at)
		found = append(found, mutant{
			Number: number, Where: fmt.Sprintf("%s:%d:%d", name, p.Line, p.Column), Function: function,
			What: what + ": " + short(string(src[offset(n.Pos()):offset(n.End())])),
		})
		edits = append(edits,
			edit{at: offset(n.Pos()), text: strings.ReplaceAll(before, "#", fmt.Sprint(number)), order: number},
			edit{at: offset(n.End()), text: strings.ReplaceAll(after, "#", fmt.Sprint(number)), closes: true,
				order: -number})
	}
	whole := map[ast.Expr]bool{} // conditions that are inverted as they are
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			function = n.Name.Name
		case *ast.GenDecl:
			return n.Tok != token.CONST
		case *ast.IfStmt:
			whole[n.Cond] = true
			around(n.Cond, "if inverted", n.Cond.Pos(), "mutant(#) != (", ")")
		case *ast.BinaryExpr:
			binary(n, whole[n], around, func(text string) {
				edits = append(edits, edit{at: offset(n.OpPos), cut: len(n.Op.String()), text: text})
			})
		case *ast.BlockStmt:
			for _, s := range n.List {
				if e, ok := s.(*ast.ExprStmt); ok && !panics(e) {
					around(s, "call left out", s.Pos(), "if !mutant(#) { ", " }")
				}
			}
		}
		return true
	})
	return apply(src, edits), file.Name.Name, found, nil
}

func binary(n *ast.BinaryExpr, inverted bool, around func(ast.Node, string, token.Pos, string, string),
	operator func(string)) {
	wrap := func(name, to string) {
		around(n, to+" for "+n.Op.String(), n.OpPos, name+"(#, ", ")")
		operator(", ")
	}
	switch n.Op {
	case token.EQL:
		if !inverted {
			around(n, "!= for ==", n.OpPos, "((", ") != mutant(#))")
		}
	case token.NEQ:
		if !inverted {
			around(n, "== for !=", n.OpPos, "((", ") != mutant(#))")
		}
	case token.LSS:
		wrap("mutantLess", "<=")
	case token.LEQ:
		wrap("mutantLessOrEqual", "<")
	case token.GTR: // a > b is !(a <= b)
		around(n, ">= for >", n.OpPos, "!mutantLessOrEqual(#, ", ")")
		operator(", ")
	case token.GEQ:
		around(n, "> for >=", n.OpPos, "!mutantLess(#, ", ")")
		operator(", ")
	case token.LAND:
		around(n, "|| for &&", n.OpPos, "mutantAnd(#, "+pure(n.Y)+", ", ") })")
		operator(", func() bool { return (")
	case token.LOR:
		around(n, "&& for ||", n.OpPos, "mutantOr(#, "+pure(n.Y)+", ", ") })")
		operator(", func() bool { return (")
	}
}

// pure reports whether an expression calls nothing and so changes nothing.
func pure(e ast.Expr) string {
	calls := false
	ast.Inspect(e, func(n ast.Node) bool {
		_, call := n.(*ast.CallExpr)
		calls = calls || call
		return !calls
	})
	return fmt.Sprint(!calls)
}

// short returns source code on one line, truncated if it is long.
func short(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if len(line) > 120 {
		line = strings.ToValidUTF8(line[:120], "") + "..."
	}
	return line
}

func panics(s *ast.ExprStmt) bool {
	call, ok := s.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "panic"
}

// apply applies the edits. Of two edits that begin at one place the outer one comes first; of two
// that end at one place, the inner one.
func apply(src []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		if a.closes != b.closes {
			if a.closes {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.order, b.order)
	})
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, src[at:e.at]...), e.text...)
		at = e.at + e.cut
	}
	return append(out, src[at:]...)
}
