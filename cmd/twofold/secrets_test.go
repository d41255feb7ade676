package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loadFile loads a file with a text and mode.
func loadFile(t *testing.T, text string, mode os.FileMode) (*settings, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "twofold.toml")
	if err := os.WriteFile(path, []byte("TWOFOLD_ORIGIN = 'https://login.example.org'\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return load(where{Config: path}, nil)
}

// TestEverySecretIsKeptFromOtherUsersOfTheMachine covers every setting that contains a secret.
func TestEverySecretIsKeptFromOtherUsersOfTheMachine(t *testing.T) {
	for _, row := range table() {
		if !row.Type.hidden() {
			continue
		}
		value := "'a secret'"
		switch row.Type {
		case secretMap:
			value = "{ a = 'a secret' }"
		case secrets:
			value = "['a secret']"
		}
		_, err := loadFile(t, row.Name+" = "+value+"\n", 0o644)
		if err == nil || !strings.Contains(err.Error(), row.Name+": is in ") ||
			strings.Contains(err.Error(), "a secret") {
			t.Errorf("%s, readable by all: %v", row.Name, err)
		}
		if _, err := loadFile(t, row.Name+" = "+value+"\n", 0o600); err != nil &&
			strings.Contains(err.Error(), "is in ") {
			t.Errorf("%s, readable by its owner: %v", row.Name, err)
		}
	}
	for value, open := range map[string]bool{
		"sqlite:///twofold.db": true, "postgresql://db.example.org/app": true,
		"postgresql://app@db.example.org/app":      true,
		"postgresql://app:word@db.example.org/app": false, "postgresql://db.example.org/app?password=word": false,
		"": true, "None": true,
	} {
		_, err := loadFile(t, "SQLALCHEMY_DATABASE_URI = '"+value+"'\nSECURITY_SMS_SERVICE = 'Dummy'\n", 0o644)
		if refused := err != nil && strings.Contains(err.Error(), "is in "); refused == open {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// TestNoneIsAValueWhereTheDocumentationSaysSo checks that None counts as "not set" for all other
// settings.
func TestNoneIsAValueWhereTheDocumentationSaysSo(t *testing.T) {
	for _, row := range table() {
		if documented := strings.Contains(row.Doc, "`None`"); documented && !row.TakesNone {
			t.Errorf("%s is documented to take None and does not", row.Name)
		}
	}
	for value, inBody := range map[string]bool{"None": true, "": false, "token": false} {
		if s := mustLoad(t, "SECURITY_REFRESH_TOKEN_COOKIE_NAME="+value); s.Config.Tokens.RefreshInBody != inBody {
			t.Errorf("%q: the token is in the body: %v", value, s.Config.Tokens.RefreshInBody)
		}
	}
	if s := mustLoad(t); s.Config.Tokens.RefreshInBody || s.Config.Tokens.RefreshCookie != "fs_refresh" {
		t.Error("not given, it is not the default")
	}
}
