package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPageSettingsReachTheLibrary checks that the settings of pages reach the library, and that
// errors name the setting.
func TestPageSettingsReachTheLibrary(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logo.svg"), []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := append([]string{
		"TWOFOLD_STATIC=" + dir, "TWOFOLD_LOGO=logo.svg", "TWOFOLD_ACCENT=#0b7285",
		"TWOFOLD_LINKS_HOME=https://acme.example/",
	}, mailOn...)
	s := mustLoad(t, good...)
	if err := s.try(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := s.Config.Pages; p.Static == nil || p.Logo != "logo.svg" || p.Accent != "#0b7285" || p.Home == "" {
		t.Errorf("pages %+v", p)
	}
	for setting, bad := range map[string]string{
		"TWOFOLD_LOGO": "none.svg", "TWOFOLD_ACCENT": "teal", "TWOFOLD_LINKS_TERMS": "javascript:alert(1)",
		"TWOFOLD_STATIC": dir + "/none",
	} {
		s, err := with(t, append([]string{setting + "=" + bad}, mailOn...)...)
		if err == nil {
			err = s.try(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s=%s: %v", setting, bad, err)
		}
	}
}
