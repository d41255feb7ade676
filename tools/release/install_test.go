package release_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

const (
	ours    = "github.com/twofold-auth/twofold"
	version = "v0.9.0"
)

// proxy serves this module, as it is after a commit with the tag, by the protocol of Go's module
// proxies. Any other module is not found here, so that Go asks the next proxy.
func proxy(t *testing.T) string {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "clone")
	command(t, "../..", "git", "clone", "-q", "--no-tags", "--depth=1", "file://"+top(t), clone)
	command(t, clone, "git", "tag", version)
	dir := t.TempDir()
	files := filepath.Join(dir, ours, "@v")
	write(t, files, "list", version+"\n")
	write(t, files, version+".info", `{"Version":"`+version+`","Time":"2026-11-29T12:00:00Z"}`)
	mod, err := os.ReadFile(filepath.Join(clone, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, files, version+".mod", string(mod))
	zip, err := os.Create(filepath.Join(files, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer zip.Close()
	// It keeps the rules of module zips: sizes, names of files, no nested modules.
	if err := modzip.CreateFromVCS(zip, module.Version{Path: ours, Version: version}, clone, version, ""); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL
}

// top is the root of the repository.
func top(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(command(t, ".", "git", "rev-parse", "--show-toplevel"))
}

// environment is that of a machine that has nothing of ours: its modules come from the proxy,
// then from what this machine has downloaded, then from where Go looks by default.
func environment(t *testing.T, proxy string) []string {
	t.Helper()
	had, next, _ := strings.Cut(strings.TrimSpace(command(t, ".", "go", "env", "GOMODCACHE", "GOPROXY")), "\n")
	home := t.TempDir()
	return append(os.Environ(),
		"GOPROXY="+strings.Join([]string{proxy, "file://" + had + "/cache/download", next}, ","),
		"GONOSUMDB="+ours, "GOPRIVATE=", "GONOPROXY=", "GOVCS=*:off", "GOWORK=off",
		"GOFLAGS=-modcacherw -trimpath", "GOMODCACHE="+filepath.Join(home, "mod"), "GOBIN="+filepath.Join(home, "bin"),
	)
}

// TestInstallAndGet does what README and pkg.go.dev say, with a release that a proxy serves.
func TestInstallAndGet(t *testing.T) {
	if os.Getenv("TWOFOLD_THOROUGH") == "" {
		t.Skip("skipped: it builds the program from downloaded modules; TWOFOLD_THOROUGH=1 does")
	}
	env := environment(t, proxy(t))
	in := func(dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	app := t.TempDir()
	in(app, "go", "install", ours+"/cmd/twofold@"+version)
	program := filepath.Join(strings.TrimSpace(in(app, "go", "env", "GOBIN")), "twofold")
	if out := in(app, program, "version"); !strings.HasPrefix(out, "twofold "+version+", ") {
		t.Errorf("the program says %q", out)
	}

	hello, err := os.ReadFile("../../examples/hello/main.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, app, "main.go", string(hello))
	in(app, "go", "mod", "init", "example.org/app")
	in(app, "go", "get", ours) // the latest version
	if out := in(app, "go", "list", "-m", ours); strings.TrimSpace(out) != ours+" "+version {
		t.Errorf("go get chose %q", out)
	}
	in(app, "go", "mod", "tidy")
	in(app, "go", "build", "-o", filepath.Join(app, "app"), ".")
}
