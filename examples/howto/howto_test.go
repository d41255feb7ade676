// Package howto_test runs the code of the pages in docs/how-to. The code of a page is in
// the file of its name: docs/how-to/order-of-guards.md shows order_of_guards_test.go. The
// commands and settings of a page are in a script of cmd/twofold/testdata/howto.
package howto_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// also are further files that the code of a page may be a part of. Their own tests run
// them.
var also = map[string][]string{
	"native-clients":                  {"../clients/session.go"},
	"python-and-node-behind-the-gate": {"../gate/rules.toml", "../gate/verify.py", "../gate/app.mjs"},
	"routers":                         {"../routers/routers_test.go"},
	"single-page-application":         {"../spa/app.ts"},
}

// notRun are blocks that nothing runs, by page and first line, and why.
var notRun = map[string]map[string]string{
	"own-users": {
		"// FindUser: ErrRecordNotFound in place of sql.ErrNoRows.": "gorm is not a dependency of this module",
	},
}

// fenced is a block of code: its language and its text.
var fenced = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// TestPagesShowCodeThatRuns checks that each block of code in docs/how-to is a part of a file that
// a test runs.
func TestPagesShowCodeThatRuns(t *testing.T) {
	pages, err := filepath.Glob("../../docs/how-to/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(len(pages), err)
	}
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		for _, block := range fenced.FindAllStringSubmatch(string(raw), -1) {
			lang, text := block[1], block[2]
			first, _, _ := strings.Cut(text, "\n")
			if _, known := notRun[name][first]; known {
				delete(notRun[name], first)
				continue
			}
			if lang != "mermaid" && !shown(t, name, lang, text) {
				t.Errorf("docs/how-to/%s.md: not a part of the file that a test runs:\n%s", name, text)
			}
		}
	}
	for name, blocks := range notRun {
		for first := range blocks {
			t.Errorf("docs/how-to/%s.md has no block that begins with %q", name, first)
		}
	}
}

// shown reports whether a block is a part of one of the files of its page. White space
// does not count. Each line of a block of commands is a line of its own there.
func shown(t *testing.T, name, lang, text string) bool {
	t.Helper()
	code := strings.ReplaceAll(name, "-", "_") + "_test.go"
	files := append([]string{code, "../../cmd/twofold/testdata/howto/" + name + ".txtar"}, also[name]...)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if lang != "sh" && strings.Contains(squeezed(string(raw)), squeezed(text)) {
			return true
		}
		if lang == "sh" && allLines(string(raw), text) {
			return true
		}
	}
	return false
}

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// allLines reports whether each command of a block is a line of a script, where it is run
// by exec.
func allLines(script, block string) bool {
	lines := map[string]bool{}
	for line := range strings.Lines(script) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "! ")
		lines[strings.TrimPrefix(line, "exec ")] = true
	}
	for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !lines[line] {
			return false
		}
	}
	return true
}

// TestTheComparisonSeesADifference checks that a block that differs in one letter is not found.
func TestTheComparisonSeesADifference(t *testing.T) {
	for _, c := range []struct {
		name, lang, text string
		want             bool
	}{
		{"order-of-guards", "go", "mux.Handle(\"/\", auth.Identify(welcome))", true},
		{"order-of-guards", "go", "mux.Handle(\"/\", auth.Identify(welcom))", false},
		{"no-such-page", "go", "package", false},
		{"first-administrator", "sh", "twofold user create you@example.org --role admin\n", false},
	} {
		if got := shown(t, c.name, c.lang, c.text); got != c.want {
			t.Errorf("%s: %s: %v", c.name, c.text, got)
		}
	}
}

// newAuth makes a sign-in with a database of its own, at https://login.example.org.
func newAuth(t *testing.T, c twofold.Config) *twofold.Auth {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "twofold.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c.Origin, c.Key, c.Store = "https://login.example.org", twofold.KeyText(twofold.NewKey()), db
	auth, err := twofold.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// served is an answer.
type served struct {
	Status int
	Header http.Header
	Body   string
}

// serveOnce sends one request to a handler. Headers come in pairs.
func serveOnce(h http.Handler, method, address string, headers ...string) served {
	r := httptest.NewRequest(method, address, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return served{w.Code, w.Header(), w.Body.String()}
}

// hello is a page that says who is signed in.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	_, _ = w.Write([]byte("hello, " + user.Email))
})
