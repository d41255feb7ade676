package main

import (
	"log"
	"os"
	"testing"
)

// testDir contains the program that the tests of serve run.
var testDir string

func TestMain(m *testing.M) { os.Exit(inTestDir(m)) }

// inTestDir runs the tests and removes their files.
func inTestDir(m *testing.M) int {
	dir, err := os.MkdirTemp("", "twofold-test-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	testDir = dir
	return m.Run()
}
