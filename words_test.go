package twofold_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wordsFile lists how often each folder uses words that this code avoids. A figure may only shrink.
const wordsFile = "testdata/words.txt"

// avoided matches words and phrases that are hard to understand for readers of technical English,
// "he" for a person of unknown gender, British spellings, and the former name of a package.
var avoided = regexp.MustCompile(
	`(?i)\b(recognis\w*|enrol|enrols|enrolment|whoever|whosoever|anew|lately|beside|begun|as ever|all the same|somebody|nobody|is no [a-z]|are no [a-z]|is none|` +
		`he|his|him|himself|errand|journey|abroad|the while|stands on|of the house|in the house|shut|` +
		`for who|to who|at the wish of|for ever|cancelled|honours?|honoured|package login)\b`)

// existence matches acceptable uses of "is no" and "is none".
var existence = regexp.MustCompile(`(?i)\bthere\s+(is|are)\s+(no|none)\b`)

// TestWords counts the avoided words in comments, texts, pages and documents.
// UPDATE=1 rewrites the file.
func TestWords(t *testing.T) {
	count := map[string]int{}
	examples := map[string][]string{}
	add := func(dir, where, text string) {
		text = existence.ReplaceAllString(text, "")
		for _, word := range avoided.FindAllString(text, -1) {
			count[dir]++
			examples[dir] = append(examples[dir], where+": "+word)
		}
	}
	for _, f := range sources(t, true) {
		dir := f.dir
		if strings.HasSuffix(f.name, "_test.go") {
			dir += " (tests)"
		}
		for _, group := range f.file.Comments {
			add(dir, f.fset.Position(group.Pos()).String(), group.Text())
		}
		if dir != f.dir || f.name == "words_test.go" {
			continue // the texts of tests are data
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				add(dir, f.fset.Position(lit.Pos()).String(), lit.Value)
			}
			return true
		})
	}
	for _, pattern := range []string{
		"*.md", "docs/*.md", "docs/how-to/*.md", "docs/explain/*.md", "docs/*.yaml", "bench/*.md",
		"internal/i18n/locales/en.json", "internal/web/templates/*.html",
		"internal/mail/templates/*.html",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			add(path.Join(path.Dir(pattern), path.Base(pattern)), name, string(raw))
		}
	}
	holdWords(t, count, examples)
}

// holdWords compares the figures with those of the file.
func holdWords(t *testing.T, count map[string]int, examples map[string][]string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		var b strings.Builder
		for _, dir := range slices.Sorted(maps.Keys(count)) {
			fmt.Fprintf(&b, "%s: %d\n", dir, count[dir])
		}
		if err := os.WriteFile(wordsFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(wordsFile)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int{}
	for line := range strings.Lines(string(raw)) {
		dir, n, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if known[dir], err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
	}
	for dir, n := range count {
		if n > known[dir] {
			t.Errorf("%s: %d avoided words, at most %d:\n%s", dir, n, known[dir], strings.Join(examples[dir], "\n"))
		}
	}
}
