package twofold_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestHouseEnginesHaveTheSameSteps checks that every engine has each migration.
func TestHouseEnginesHaveTheSameSteps(t *testing.T) {
	steps := func(engine string) (names []string) {
		files, err := filepath.Glob("store/" + engine + "/schema/*.sql")
		if err != nil || len(files) < 2 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			names = append(names, filepath.Base(f))
			if number := fmt.Sprintf("%03d_", len(names)); !strings.HasPrefix(names[len(names)-1], number) {
				t.Errorf("%s: want a name that begins with %s", f, number)
			}
		}
		return names
	}
	if a, b := steps("sqlite"), steps("postgres"); !slices.Equal(a, b) {
		t.Errorf("store/sqlite/schema has %v\nstore/postgres/schema has %v\nin PostgreSQL's: TEXT COLLATE \"C\", "+
			"BIGINT, BYTEA, no STRICT, no WITHOUT ROWID", a, b)
	}
}
