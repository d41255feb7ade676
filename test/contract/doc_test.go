package contract_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

var (
	rowTest = regexp.MustCompile(`(?m)^func TestContract(\d\d)_(\w+)\(`)
	rowLine = regexp.MustCompile(`(?m)^\| (\d+) \| (\w+) \| (same|differs)\b`)
)

// TestContractIsWhole holds the page and the tests together: each of the 46
// rows has a line and a test of the same name.
func TestContractIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := rowsIn(t, rowLine, page)
	tests := rowsIn(t, rowTest, contractTests(t))
	for n := 1; n <= 46; n++ {
		switch line, test := lines[n], tests[n]; {
		case line == "":
			t.Errorf("row %d has no line in docs/contract.md", n)
		case test == "":
			t.Errorf("row %d (%s) has no test", n, line)
		case line != test:
			t.Errorf("row %d: the page says %s, the test %s", n, line, test)
		}
	}
	if len(lines) != 46 || len(tests) != 46 {
		t.Errorf("%d lines and %d tests, want 46 of each", len(lines), len(tests))
	}
}

// rowsIn are the names of rows by number; a number that stands twice fails.
func rowsIn(t *testing.T, pattern *regexp.Regexp, text []byte) map[int]string {
	t.Helper()
	out := map[int]string{}
	for _, found := range pattern.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		if out[n] != "" {
			t.Errorf("row %d stands twice", n)
		}
		out[n] = string(found[2])
	}
	return out
}

// suites are the other suites of the original: the letter of their rows, how
// many there are, and whether what differs has a test as well, always.
var suites = []struct {
	letter string
	rows   int
	strict bool
}{
	{letter: "R", rows: 8, strict: true}, {letter: "P", rows: 3, strict: true}, {letter: "W", rows: 47},
	{letter: "U", rows: 64},
	{letter: "A", rows: 32}, {letter: "C", rows: 18}, {letter: "F", rows: 22}, {letter: "H", rows: 13},
	{letter: "E", rows: 8}, {letter: "T", rows: 12},
}

// TestContractOfTheOtherSuitesIsWhole: each of their rows has a line; what is
// the same has a test of the same name; and no test is of a row that the page
// does not know.
func TestContractOfTheOtherSuitesIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	source := contractTests(t)
	for _, s := range suites {
		lines := rowsIn(t, regexp.MustCompile(`(?m)^\| `+s.letter+`(\d+) \| (\w+) \| (?:same|differs)\b`), page)
		same := rowsIn(t, regexp.MustCompile(`(?m)^\| `+s.letter+`(\d+) \| (\w+) \| same\b`), page)
		tests := rowsIn(t, regexp.MustCompile(`(?m)^func TestContract`+s.letter+`(\d+)_(\w+)\(`), source)
		for n := 1; n <= s.rows; n++ {
			switch line, test := lines[n], tests[n]; {
			case line == "":
				t.Errorf("row %s%d has no line in docs/contract.md", s.letter, n)
			case test == "" && (s.strict || same[n] != ""), test != "" && test != line:
				t.Errorf("row %s%d: the page says %q, the test %q", s.letter, n, line, test)
			}
		}
		if len(lines) != s.rows {
			t.Errorf("%s: %d lines, want %d", s.letter, len(lines), s.rows)
		}
		for n, name := range tests {
			if lines[n] == "" {
				t.Errorf("%s%d_%s: docs/contract.md has no such row", s.letter, n, name)
			}
		}
	}
}

// contractTests is the source of the tests of all rows.
func contractTests(t *testing.T) (source []byte) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, raw...)
	}
	return source
}
