package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// suites lists the original's test suites: the letter of their rows, the number of rows, and
// whether a row that differs needs a test too.
var suites = []struct {
	letter string
	rows   int
	strict bool
}{
	{letter: "", rows: 46, strict: true},
	{letter: "R", rows: 8, strict: true}, {letter: "P", rows: 3, strict: true}, {letter: "W", rows: 47},
	{letter: "U", rows: 64},
	{letter: "A", rows: 32}, {letter: "C", rows: 18}, {letter: "F", rows: 22}, {letter: "H", rows: 13},
	{letter: "E", rows: 8}, {letter: "T", rows: 12},
}

// TestEveryRowHasALineAndItsTest checks that docs/contract.md has a line for each
// row of the original's suites, that each row with the same behavior has a test,
// and that each test names a row by its number and name.
func TestEveryRowHasALineAndItsTest(t *testing.T) {
	t.Parallel()
	lines, same := linesOfRows(t)
	tests := testsOfRows(t)
	for _, s := range suites {
		for n := 1; n <= s.rows; n++ {
			row := s.letter + strconv.Itoa(n)
			switch line, test := lines[row], tests[row]; {
			case line == "":
				t.Errorf("row %s has no line in docs/contract.md", row)
			case test == "" && (s.strict || same[row]), test != "" && test != line:
				t.Errorf("row %s: the page says %q, the comment of its test %q", row, line, test)
			}
			delete(lines, row)
			delete(tests, row)
		}
	}
	for row, name := range lines {
		t.Errorf("row %s, %s: the original's suites have no such row", row, name)
	}
	for row, name := range tests {
		t.Errorf("row %s, %s: docs/contract.md has no such row", row, name)
	}
}

// linesOfRows returns the names of the rows of docs/contract.md by their numbers, and the rows
// whose behavior is the same as in the original.
func linesOfRows(t *testing.T) (names map[string]string, same map[string]bool) {
	t.Helper()
	page, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	names, same = map[string]string{}, map[string]bool{}
	line := regexp.MustCompile(`(?m)^\| ([A-Z]?\d+) \| (\w+) \| (same|differs)\b`)
	for _, m := range line.FindAllStringSubmatch(string(page), -1) {
		if names[m[1]] != "" {
			t.Errorf("docs/contract.md has row %s twice", m[1])
		}
		names[m[1]], same[m[1]] = m[2], m[3] == "same"
	}
	return names, same
}

// testsOfRows returns the names of the rows that comments of tests name, by their
// numbers.
func testsOfRows(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`^Row ([A-Z]?\d+), (\w+)\.`)
	names := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Test") {
				continue
			}
			m := comment.FindStringSubmatch(fn.Doc.Text())
			if m == nil {
				continue
			}
			if names[m[1]] != "" {
				t.Errorf("%s: row %s has another test", fn.Name.Name, m[1])
			}
			names[m[1]] = m[2]
		}
	}
	return names
}
