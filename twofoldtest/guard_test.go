package twofoldtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAProgramThatShipsItDoesNotRun checks that a program that imports the package, directly or
// not, exits at its start.
func TestAProgramThatShipsItDoesNotRun(t *testing.T) {
	dir, err := os.MkdirTemp(".", "testdata-") // of this module, so that it may import
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	main := `package main

import _ "github.com/twofold-auth/twofold/twofoldtest"

func main() { println("it runs") }
`
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "./"+dir).CombinedOutput()
	if err == nil || strings.Contains(string(out), "it runs") ||
		!strings.Contains(string(out), "twofoldtest is for tests") {
		t.Errorf("%v: %s", err, out)
	}
}
