package main

import (
	"log"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// testDir holds the program that the tests of serve run.
var testDir string

// cleaned runs the tests and removes what they left.
type cleaned struct{ m *testing.M }

func (c cleaned) Run() int {
	dir, err := os.MkdirTemp("", "twofold-test-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	testDir = dir
	return c.m.Run()
}

func TestMain(m *testing.M) {
	testscript.Main(cleaned{m}, map[string]func(){"twofold": main})
}

// TestCommands runs every command as people do; see testdata.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// TestHowTo runs the commands of the pages in docs/how-to. The tests of examples/howto
// compare the two.
func TestHowTo(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/howto"})
}
