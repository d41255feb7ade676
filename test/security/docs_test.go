package security_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/security.md anew")

const docFile = "../../docs/security.md"

// TestTheTableOfRequirementsIsTrue checks that docs/security.md matches the tests of each
// requirement.
func TestTheTableOfRequirementsIsTrue(t *testing.T) { saysOf(t, "requirements", table(t)) }

// saysOf compares a table of the page with the tests.
func saysOf(t *testing.T, what, table string) {
	t.Helper()
	raw, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+what+": made from the tests -->\n", "<!-- end of "+what+" -->\n"
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/security.md has no place for the table of %s", what)
	}
	want := before + begin + table + end + after
	if want == string(raw) {
		return
	}
	if !*update {
		t.Fatalf("docs/security.md does not say what the tests do of %s: go test ./test/security -run Table -update",
			what)
	}
	if err := os.WriteFile(docFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table(t *testing.T) string {
	tests := testNames(t)
	var b strings.Builder
	b.WriteString("| requirement | class | proven by | state |\n|---|---|---|---|\n")
	for _, r := range requirements() {
		names, state := tests[r.number], ""
		switch {
		case len(names) > 0 && r.waits != "":
			state = "holds for what is built; the rest waits for " + r.waits
		case len(names) > 0:
			state = "holds"
		case r.elsewhere != "":
			names, state = []string{r.elsewhere}, "holds"
			checkElsewhere(t, r)
		case r.waits != "":
			state = "not built: " + r.waits
		default:
			state = "no test yet"
		}
		for i, n := range r.also {
			if i == 0 {
				names = append(slices.Clone(names), "and those of")
			}
			names = append(names, fmt.Sprint("R", n))
		}
		delete(tests, r.number)
		proof := strings.ReplaceAll(strings.Join(names, ", "), "those of,", "those of")
		fmt.Fprintf(&b, "| R%d %s | P%d | %s | %s |\n", r.number, r.title, r.class, proof, state)
	}
	for n, names := range tests {
		t.Errorf("%v name requirement %d, which is not in the table", names, n)
	}
	return b.String()
}

// checkElsewhere checks that the tests of other folders which a requirement names exist.
func checkElsewhere(t *testing.T, r requirement) {
	t.Helper()
	folder := ""
	for word := range strings.FieldsSeq(strings.NewReplacer(",", " ", ";", " ").Replace(r.elsewhere)) {
		if strings.Contains(word, "/") || folder == "" {
			folder = word
			continue
		}
		tests := testsIn(t, filepath.Join("../..", folder))
		if strings.HasPrefix(word, "Test") && !slices.Contains(tests, word) {
			t.Errorf("R%d: %s has no test %s", r.number, folder, word)
		}
	}
}

// testNames returns the tests of this folder by the requirement they name.
func testNames(t *testing.T) map[int][]string {
	named := regexp.MustCompile(`^TestR(\d{3})_`)
	out := map[int][]string{}
	for _, name := range testsIn(t, ".") {
		if m := named.FindStringSubmatch(name); m != nil {
			n, _ := strconv.Atoi(m[1])
			out[n] = append(out[n], name)
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

// testsIn returns the names of all tests of a folder.
func testsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}
