// Package release_test tests the scripts that make a release.
package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sample is a module with one release. Each package has a name that may go.
var sample = map[string]string{
	"go.mod":              "module example.org/sample\n\ngo 1.26\n",
	"sample.go":           "package sample\n\ntype Config struct{ Site, Kept string }\n\nfunc Kept() {}\n",
	"store/store.go":      "package store\n\ntype Pool struct{}\n\nfunc (*Pool) Close() {}\n",
	"send/twilio/send.go": "package twilio\n\nfunc New() {}\n",
	"internal/x/x.go":     "package x\n\nfunc X() {}\n",
	"examples/hello/x.go": "package hello\n\nfunc X() {}\n",
	"client/go.mod":       "module example.org/sample/client\n\ngo 1.26\n",
	"client/client.go":    "package client\n\nfunc Ask() {}\n",
	"CHANGELOG.md": "# Changelog\n\n## v0.1.0 - 2026-01-01\n\n### Breaking\n\n* `Close` and `Site`, before " +
		"the release.\n",
	"tools/release/go.mod": "", "tools/release/go.sum": "", "scripts/apidiff": "",
}

// repository makes a repository of the sample with the tag v0.1.0, if any.
func repository(t *testing.T, tag string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range sample {
		if text == "" {
			raw, err := os.ReadFile(filepath.Join("../..", name))
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		write(t, dir, name, text)
	}
	command(t, dir, "git", "init", "-q")
	commit(t, dir)
	if tag != "" {
		command(t, dir, "git", "tag", tag)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	command(t, dir, "git", "add", "-A")
	command(t, dir, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "--allow-empty",
		"-m", "change")
}

// command runs a program that must succeed.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := run(dir, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

func run(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestAPIDiff changes the sample after its release.
func TestAPIDiff(t *testing.T) {
	const log = "# Changelog\n\n## Unreleased\n\n### Breaking\n\n"
	for _, test := range []struct {
		name    string
		changes map[string]string // files that change; an empty one goes
		fails   bool
		says    []string
	}{
		{name: "nothing", says: []string{"compared with v0.1.0: 0 incompatible changes"}},
		{name: "a new name", changes: map[string]string{"new.go": "package sample\n\nfunc New() {}\n"}},
		{
			name: "names that go", fails: true,
			says: []string{"- ./store.(*Pool).Close: removed", "- Config.Site: removed"},
			changes: map[string]string{
				"store/store.go": "package store\n\ntype Pool struct{}\n",
				"sample.go":      "package sample\n\ntype Config struct{ Kept string }\n\nfunc Kept() {}\n",
			},
		},
		{
			name: "one of two is announced", fails: true, says: []string{"- Config.Site: removed"},
			changes: map[string]string{
				"store/store.go": "package store\n\ntype Pool struct{}\n",
				"sample.go":      "package sample\n\ntype Config struct{ Kept string }\n\nfunc Kept() {}\n",
				"CHANGELOG.md": log + "* `Pool.Close` is gone; Site too.\n\n### Added\n\n* `Site`\n" +
					sample["CHANGELOG.md"][len("# Changelog\n"):],
			},
		},
		{
			name: "all are announced", says: []string{"compared with v0.1.0: 2 incompatible changes"},
			changes: map[string]string{
				"send/twilio/send.go": "",
				"sample.go":           "package sample\n\ntype Config struct{ Kept string }\n\nfunc Kept() {}\n",
				"CHANGELOG.md": log + "* `Config.Site` and the package `send/twilio` are gone.\n" +
					sample["CHANGELOG.md"][len("# Changelog\n"):],
			},
		},
		{name: "a package that goes", fails: true, says: []string{"- package example.org/sample/send/twilio: removed"},
			changes: map[string]string{"send/twilio/send.go": ""}},
		{name: "a name of the nested module", fails: true, says: []string{"- Ask: removed"},
			changes: map[string]string{"client/client.go": "package client\n"}},
		{
			name: "what nobody imports", says: []string{": 0 incompatible changes"},
			changes: map[string]string{"internal/x/x.go": "package x\n", "examples/hello/x.go": "package hello\n"},
		},
		{name: "code that does not compile", fails: true, says: []string{"undefined: Gone"},
			changes: map[string]string{"sample.go": "package sample\n\nvar X = Gone\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := repository(t, "v0.1.0")
			for name, text := range test.changes {
				if text != "" {
					write(t, dir, name, text)
				} else if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			commit(t, dir)
			out, err := run(dir, "scripts/apidiff")
			if (err != nil) != test.fails {
				t.Errorf("%v: %s", err, out)
			}
			for _, want := range test.says {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in: %s", want, out)
				}
			}
			if test.name == "one of two is announced" && strings.Contains(out, "Close") {
				t.Errorf("an announced change is reported: %s", out)
			}
			if trees := command(t, dir, "git", "worktree", "list"); strings.Count(trees, "\n") != 1 {
				t.Errorf("left behind: %s", trees)
			}
		})
	}
}

// TestAPIDiffBeforeTheFirstRelease says that there is nothing to compare with.
func TestAPIDiffBeforeTheFirstRelease(t *testing.T) {
	for _, tag := range []string{"", "other", "v0.1.0"} { // v0.1.0: the release that is being made
		if out := command(t, repository(t, tag), "scripts/apidiff"); !strings.Contains(out,
			"no release to compare with") {
			t.Errorf("tag %q: %s", tag, out)
		}
	}
}
