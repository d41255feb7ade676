package twofold_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// application holds the imports of the measured program.
var application = []string{module, module + "/store/sqlite"}

// measureModules counts the modules that a program with the imports of application links, as listed
// by `go version -m`, and those that `go list -m all` lists in its module after `go mod tidy`.
// Modules that only the command, another engine or a test needs are not linked, but they are listed
// while they are in this module's go.mod.
func measureModules(t *testing.T, count map[string]int) {
	t.Helper()
	linked := map[string]string{} // versions
	args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}"}, application...)
	for line := range strings.Lines(goCommand(t, ".", args...)) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			linked[path] = version
		} else if path == module {
			linked[path] = "v0.0.0"
		}
	}
	dir := applicationModule(t, linked)
	listed := strings.Fields(goCommand(t, dir, "list", "-mod=mod", "-m", "-f", "{{.Path}}", "all"))
	count["linked modules, of an application"] = len(linked)
	count["listed modules, of an application"] = len(listed)
	for path := range linked {
		if !slices.Contains(listed, path) {
			t.Errorf("%s is linked and not listed: the wrong module is measured", path)
		}
	}
}

// applicationModule writes the module of the program as `go mod tidy` leaves it, with all linked
// modules.
func applicationModule(t *testing.T, linked map[string]string) (dir string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	mod := "module example.com/app\n\ngo 1.26.0\n\nreplace " + module + " => " + here + "\n"
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		mod += "require " + path + " " + linked[path] + "\n"
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"go.mod": []byte(mod), "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goCommand runs the go command in a folder, outside of any workspace.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, problem.String())
	}
	return string(out)
}
