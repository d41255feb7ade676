package sqlstore

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestNoLimitIsABareParameter checks that queries use limitOf.
func TestNoLimitIsABareParameter(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	bare := regexp.MustCompile(`LIMIT ([$?]|.[ +]*value\()`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := bare.Find(text); found != nil && file != "limit_test.go" {
			t.Errorf("%s has %q: SQLite would prepare the query again at each use", file, found)
		}
	}
}
