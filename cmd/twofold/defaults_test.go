package main

import (
	"os"
	"strings"
	"testing"
)

// originalDefaults are the settings of the original at the values they have
// there when nothing is set, one a line.
func originalDefaults(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/original.env")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) < 250 {
		t.Fatalf("only %d lines", len(lines))
	}
	return lines
}

// TestEveryDefaultOfTheOriginalStarts: each alone, and all of them at once.
func TestEveryDefaultOfTheOriginalStarts(t *testing.T) {
	all := append([]string{}, mailOn...)
	for _, line := range originalDefaults(t) {
		if _, err := with(t, append([]string{line}, mailOn...)...); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !strings.HasPrefix(line, "SECURITY_EMAIL_SENDER=") {
			all = append(all, line)
		}
	}
	s, err := with(t, all...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.try(t.Context()); err != nil {
		t.Fatal(err)
	}
}
