package twofold_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdFence   = regexp.MustCompile("(?s)```.*?```")
	mdHeading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// documents returns the pages for readers, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/how-to/*.md", "docs/explain/*.md", "*/README.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = mdFence.ReplaceAllString(string(raw), "")
		}
	}
	return out
}

// anchors returns the names of a page's headings as GitHub creates them.
func anchors(page string) map[string]bool {
	out := map[string]bool{}
	for _, m := range mdHeading.FindAllStringSubmatch(page, -1) {
		text := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		slug := notInSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "")
		out[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return out
}

// TestLinksInDocumentsLead checks every link to a file of this repository and to a heading.
func TestLinksInDocumentsLead(t *testing.T) {
	pages := documents(t)
	for name, page := range pages {
		for _, m := range mdLink.FindAllStringSubmatch(page, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue // another site
			}
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s is not there", name, m[1])
				continue
			}
			if text, ok := pages[file]; anchor != "" && (!ok || !anchors(text)[anchor]) {
				t.Errorf("%s: %s has no such heading", name, m[1])
			}
		}
	}
}

// TestDocumentsSayWhoTheyAreFor checks that the index links to every page, and that the first words
// of each page name its readers.
func TestDocumentsSayWhoTheyAreFor(t *testing.T) {
	var names []string
	for _, pattern := range []string{"docs/*", "docs/how-to/*", "docs/explain/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		names = append(names, found...)
	}
	folders := []string{"recipes", "how-to", "explain"}
	pages := documents(t)
	for _, name := range names {
		base := strings.TrimPrefix(name, "docs/")
		if strings.HasSuffix(base, ".md") {
			_, text, _ := strings.Cut(pages[name], "\n\n")
			if !strings.HasPrefix(text, "For ") {
				t.Errorf("%s begins with %.40q", name, text)
			}
		}
		if base != "README.md" && !strings.HasSuffix(base, ".svg") && !slices.Contains(folders, base) &&
			!strings.Contains(pages["docs/README.md"], "("+base) {
			t.Errorf("docs/README.md does not lead to %s", base)
		}
	}
}

// llmsHead is the beginning of docs/llms.txt; see https://llmstxt.org.
const llmsHead = `# Twofold

> Twofold adds sign-in with a second factor to a web application. It is a Go library, and a server for applications in
> any language, built from the same code.

The library is the Go module github.com/twofold-auth/twofold:
https://pkg.go.dev/github.com/twofold-auth/twofold documents it.
`

// llmsPages lists the sections of docs/llms.txt.
var llmsPages = []struct{ section, pattern string }{
	{"Documentation", "docs/*.md"},
	{"How-to pages", "docs/how-to/*.md"},
	{"Explanations", "docs/explain/*.md"},
	{"Project", "*.md"},
}

// llmsFiles holds descriptions of files without a heading.
const llmsFiles = `
## Files

- [OpenAPI](openapi.yaml): Every path, field and answer, for programs.
- [JSON Schema of accounts](account.schema.json): The file that import and export share.
`

// TestLLMsTextListsAllPages checks that docs/llms.txt has the title and the first words of every
// page. UPDATE=1 writes the file.
func TestLLMsTextListsAllPages(t *testing.T) {
	pages := documents(t)
	var b strings.Builder
	b.WriteString(llmsHead)
	for _, part := range llmsPages {
		names, err := filepath.Glob(part.pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(part.pattern, err)
		}
		fmt.Fprintf(&b, "\n## %s\n\n", part.section)
		for _, name := range names {
			title, text, _ := strings.Cut(pages[name], "\n\n")
			link, err := filepath.Rel("docs", name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "- [%s](%s): %s\n", strings.TrimPrefix(strings.TrimSpace(title), "# "), link, opening(text))
		}
	}
	b.WriteString(llmsFiles)
	const file = "docs/llms.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != b.String() {
		t.Errorf("%s is not what the pages say: UPDATE=1 go test -run TestLLMsText . writes it (%v)", file, err)
	}
}

// opening returns the beginning of a page in one line: its first sentence, and the second one if
// the first only names the readers.
func opening(text string) string {
	for strings.HasPrefix(text, "#") { // a heading of a section
		_, text, _ = strings.Cut(text, "\n\n")
	}
	text, _, _ = strings.Cut(text, "\n\n")
	text = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1")
	first, rest, more := strings.Cut(text, ". ")
	if second, _, _ := strings.Cut(rest, ". "); more && len(first) < 40 {
		first += ". " + second
	}
	return strings.TrimSuffix(first, ".") + "."
}

var (
	runsScript = regexp.MustCompile(`\bscripts/[\w/-]+`)
	runsTarget = regexp.MustCompile(`(?m)(?:^# |run: |exec )make ([a-z]+)`)
)

// TestWorkflowsRunWhatExists checks that workflows and the Makefile name only scripts and targets
// that exist.
func TestWorkflowsRunWhatExists(t *testing.T) {
	workflows, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(workflows) < 2 {
		t.Fatal(workflows, err)
	}
	read := func(name string) string {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	makefile := read("Makefile")
	for _, name := range append(workflows, "Makefile", ".ci/run") {
		text := read(name)
		scripts, targets := runsScript.FindAllString(text, -1), runsTarget.FindAllStringSubmatch(text, -1)
		if len(scripts)+len(targets) == 0 {
			t.Errorf("%s runs nothing of this repository", name)
		}
		for _, script := range scripts {
			// scripts/prepare is sourced by bash, so it need not be executable.
			if info, err := os.Stat(script); err != nil || info.IsDir() ||
				info.Mode()&0o100 == 0 && script != "scripts/prepare" {
				t.Errorf("%s runs %s, which is not a program", name, script)
			}
		}
		for _, target := range targets {
			if !strings.Contains(makefile, "\n"+target[1]+":") {
				t.Errorf("%s runs %q, and Makefile has no such target", name, target[0])
			}
		}
	}
}
