package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheTutorialShowsThisProgram checks that each piece of code in docs/tutorial.md is a part of a
// file here.
func TestTheTutorialShowsThisProgram(t *testing.T) {
	page, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for _, name := range []string{"main.go", "customers.go", "site.go", "schema.sql", "invoices_test.go"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		program.Write(raw)
	}
	pieces := regexp.MustCompile("(?s)```(?:go|sql)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(pieces) < 10 {
		t.Errorf("%d pieces of code", len(pieces))
	}
	for _, piece := range pieces {
		if !strings.Contains(program.String(), piece[1]) {
			t.Errorf("not a part of the program:\n%s", piece[1])
		}
	}
}
