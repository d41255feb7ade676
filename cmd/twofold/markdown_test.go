package main

import (
	goflag "flag"
	"os"
	"testing"
)

var update = goflag.Bool("update", false, "write docs/configuration.md")

func TestConfigurationDocIsUpToDate(t *testing.T) {
	const path = "../../docs/configuration.md"
	want := markdown()
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/configuration.md is out of date: go test ./cmd/twofold -run Doc -update")
	}
}
