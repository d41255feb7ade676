package main

import (
	goflag "flag"
	"os"
	"testing"
)

var update = goflag.Bool("update", false, "write the pages of docs that are generated here")

// isUpToDate compares a generated page of docs with its file. With -update it writes the file.
func isUpToDate(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: go test ./cmd/twofold -run Doc -update", path)
	}
}

func TestConfigurationDocIsUpToDate(t *testing.T) {
	isUpToDate(t, "../../docs/configuration.md", markdown())
}
