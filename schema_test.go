package twofold_test

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestHouseEnginesHaveTheSameSteps: a migration is written for every engine.
func TestHouseEnginesHaveTheSameSteps(t *testing.T) {
	steps := func(engine string) (names []string) {
		files, err := filepath.Glob("store/" + engine + "/schema/*.sql")
		if err != nil || len(files) < 2 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
		return names
	}
	if a, b := steps("sqlite"), steps("postgres"); !slices.Equal(a, b) {
		t.Errorf("store/sqlite/schema has %v\nstore/postgres/schema has %v\nin PostgreSQL's: TEXT COLLATE \"C\", BIGINT, BYTEA, no STRICT, no WITHOUT ROWID", a, b)
	}
}
