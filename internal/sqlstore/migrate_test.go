package sqlstore_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/twofold-auth/twofold/internal/sqlstore"
)

// rebuilds lists migrations that recreate tables with all columns, so that statements of an older
// program keep their effect. Each needs a test of this, and a test that no data are lost.
var rebuilds = []string{"sqlite/010_places.sql"}

func TestStepsOnlyAdd(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		files, err := filepath.Glob("../../store/" + engine + "/schema/*.sql")
		if err != nil || len(files) < 2 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			if slices.Contains(rebuilds, engine+"/"+name) {
				continue
			}
			if why := sqlstore.OnlyAdds(name, string(script)); why != "" {
				t.Errorf("%s: %s: a node of the version before could not run beside it: add only, or name it %s",
					file, why, name[:len(name)-len(".sql")]+".breaking.sql")
			}
		}
	}
}

func TestOnlyAddsKnowsWhatBreaks(t *testing.T) {
	for script, safe := range map[string]bool{
		"CREATE TABLE a (b TEXT NOT NULL)":                      true,
		"ALTER TABLE a ADD COLUMN c BIGINT NOT NULL DEFAULT 0;": true,
		"ALTER TABLE a ADD COLUMN c BIGINT NOT NULL;":           false,
		"alter table a drop column b":                           false,
		"ALTER TABLE a RENAME TO b":                             false,
		"CREATE TABLE a (b TEXT); DELETE FROM a WHERE b = 'c'":  true,
		"CREATE TABLE a (b TEXT); DELETE FROM b WHERE b = 'c'":  false,
	} {
		if got := sqlstore.OnlyAdds("003_x.sql", script) == ""; got != safe {
			t.Errorf("%q: safe %v", script, got)
		}
		if sqlstore.OnlyAdds("003_x.breaking.sql", script) != "" {
			t.Errorf("%q: a step that says so may break", script)
		}
	}
}
