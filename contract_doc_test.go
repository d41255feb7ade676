package twofold_test

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
	page, err := os.ReadFile("docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := rowsIn(t, rowLine, page)
	files, err := filepath.Glob("contract*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, raw...)
	}
	tests := rowsIn(t, rowTest, source)
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

// TestContractOfRecoveryCodesIsWhole: each row of the two small suites has a
// line and a test of the same name.
func TestContractOfRecoveryCodesIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, f := range []string{"contract_recovery_test.go", "contract_wan2_test.go"} {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, raw...)
	}
	for letter, rows := range map[string]int{"R": 8, "P": 3} {
		lines := rowsIn(t, regexp.MustCompile(`(?m)^\| `+letter+`(\d) \| (\w+) \| (?:same|differs)\b`), page)
		tests := rowsIn(t, regexp.MustCompile(`(?m)^func TestContract`+letter+`(\d)_(\w+)\(`), source)
		for n := 1; n <= rows; n++ {
			if lines[n] == "" || lines[n] != tests[n] {
				t.Errorf("row %s%d: the page says %q, the test %q", letter, n, lines[n], tests[n])
			}
		}
	}
}

var (
	passkeyTest = regexp.MustCompile(`(?m)^func TestContractW(\d\d)_(\w+)\(`)
	passkeyLine = regexp.MustCompile(`(?m)^\| W(\d+) \| (\w+) \| (?:same|differs)\b`)
	passkeySame = regexp.MustCompile(`(?m)^\| W(\d+) \| (\w+) \| same\b`)
)

// TestContractOfPasskeysIsWhole: each of the 47 rows has a line, and what is
// the same has a test of the same name.
func TestContractOfPasskeysIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, f := range []string{"contract_wan_test.go", "contract_wan2_test.go"} {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, raw...)
	}
	lines, same, tests := rowsIn(t, passkeyLine, page), rowsIn(t, passkeySame, page), rowsIn(t, passkeyTest, source)
	for n := 1; n <= 47; n++ {
		switch {
		case lines[n] == "":
			t.Errorf("row W%d has no line in docs/contract.md", n)
		case same[n] != "" && tests[n] != same[n], tests[n] != "" && tests[n] != lines[n]:
			t.Errorf("row W%d: the page says %s, the test %q", n, lines[n], tests[n])
		}
	}
}
