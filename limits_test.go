package twofold_test

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twofold-auth/twofold"
)

// limitsFile lists the exceeded limits with their figures. A figure may only shrink, and no entry
// may be added.
const limitsFile = "testdata/limits.txt"

// limits holds the limits of this code.
var limits = map[string]int{
	"importable packages": 20, // by an application, without commands, examples and tests
	"exported names":      30, // of an importable package; the root may have 40
	"methods of a type":   40,
	"interface methods":   6,
	"parameters":          6,
	"function lines":      65,
	"file lines":          420,
	"lines over 120":      0,
	"config fields":       16,
	"linked modules":      22,
	"listed modules":      45,
}

// TestLimits measures the code. Each exceeded limit must be in limitsFile, with a figure that is at
// least as large. UPDATE=1 rewrites the file.
func TestLimits(t *testing.T) {
	over := measure(t)
	var lines []string
	for what, n := range over {
		lines = append(lines, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(limitsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(limitsFile)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int{}
	for line := range strings.Lines(string(raw)) {
		what, n, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if known[what], err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(over)) {
		if n := over[what]; n > known[what] {
			t.Errorf("%s: %d, and at most %d", what, n, max(known[what], limits[strings.SplitN(what, ", ", 2)[0]]))
		}
	}
	for what, n := range known {
		if over[what] < n {
			t.Logf("%s shrank from %d to %d: UPDATE=1 go test . -run TestLimits", what, n, over[what])
		}
	}
}

// measure returns all exceeded limits, by limit and name.
func measure(t *testing.T) map[string]int {
	t.Helper()
	count, ours := map[string]int{}, map[string]bool{}
	for _, f := range sources(t, true) {
		test := strings.HasSuffix(f.name, "_test.go")
		long := longLines(t, f)
		if test {
			count["lines over 120, tests"] += long
			continue
		}
		count["lines over 120, product"] += long
		count["file lines, "+f.name] = f.fset.Position(f.file.End()).Line
		if importable(f) {
			ours[f.dir] = true
		}
		f.measure(count)
	}
	count["importable packages, all"] = len(ours)
	measureModules(t, count)
	count["config fields, direct"] = reflect.TypeFor[twofold.Config]().NumField()
	t.Logf("Config has %d leaves", leaves(reflect.TypeFor[twofold.Config]()))
	maps.DeleteFunc(count, func(what string, n int) bool {
		kind, _, _ := strings.Cut(what, ", ")
		limit := limits[kind]
		if what == "exported names, ." {
			limit = 40
		}
		return n <= limit
	})
	return count
}

// longLines counts the lines of a file over 120 columns. Lines with a raw string do not count,
// because a line break would be part of the text.
func longLines(t *testing.T, f source) (n int) {
	t.Helper()
	text, err := os.ReadFile(f.name)
	if err != nil {
		t.Fatal(err)
	}
	raw := map[int]bool{}
	ast.Inspect(f.file, func(node ast.Node) bool {
		if s, ok := node.(*ast.BasicLit); ok && s.Kind == token.STRING && s.Value[0] == '`' {
			for line := f.fset.Position(s.Pos()).Line; line <= f.fset.Position(s.End()).Line; line++ {
				raw[line] = true
			}
		}
		return true
	})
	line := 0
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line++
		if utf8.RuneCountInString(strings.ReplaceAll(s.Text(), "\t", "    ")) > 120 && !raw[line] {
			n++
			t.Logf("%s:%d is longer than 120 columns", f.name, line)
		}
	}
	return n
}

// measure counts in one file.
func (f source) measure(count map[string]int) {
	for _, d := range f.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := f.name + ":" + d.Name.Name
			from, to := f.fset.Position(d.Pos()).Line, f.fset.Position(d.End()).Line
			count["function lines, "+name] = to - from
			count["parameters, "+name] = d.Type.Params.NumFields()
			if d.Recv != nil {
				count["methods of a type, "+f.dir+"."+receiver(d)]++
			} else if d.Name.IsExported() && importable(f) {
				count["exported names, "+f.dir]++
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				f.measureSpec(count, s)
			}
		}
	}
}

func (f source) measureSpec(count map[string]int, s ast.Spec) {
	exported := func(name *ast.Ident) {
		if name.IsExported() && importable(f) && f.dir != "event" {
			count["exported names, "+f.dir]++
		}
	}
	switch s := s.(type) {
	case *ast.TypeSpec:
		exported(s.Name)
		if i, ok := s.Type.(*ast.InterfaceType); ok {
			for _, m := range i.Methods.List {
				count["interface methods, "+f.dir+"."+s.Name.Name] += len(m.Names) // embedded ones are free
			}
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			exported(name)
		}
	}
}

func receiver(d *ast.FuncDecl) string {
	x := d.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	if generic, ok := x.(*ast.IndexExpr); ok {
		x = generic.X
	}
	if id, ok := x.(*ast.Ident); ok {
		return id.Name
	}
	return "?"
}

// importable reports whether an application can import the file's package.
func importable(f source) bool {
	for _, dir := range []string{"internal", "test", "examples", "bench", "cmd"} {
		if f.dir == dir || strings.HasPrefix(f.dir, dir+"/") {
			return false
		}
	}
	return f.file.Name.Name != "main"
}

// leaves counts the fields of a configuration, without those that are structs
// themselves.
func leaves(t reflect.Type) (n int) {
	for i := range t.NumField() {
		f := t.Field(i).Type
		if f.Kind() == reflect.Pointer && f.Elem().PkgPath() == t.PkgPath() {
			f = f.Elem()
		}
		if f.Kind() == reflect.Struct && f != reflect.TypeFor[time.Time]() && f.NumField() > 0 &&
			f.Field(0).IsExported() {
			n += leaves(f)
		} else {
			n++
		}
	}
	return n
}
