package main

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/password/ldap"
	"github.com/twofold-auth/twofold/send/gateway"
)

// TestLegacySettings covers a directory and a webhook as the former system, and checks that errors
// name the setting without showing a secret.
func TestLegacySettings(t *testing.T) {
	s := mustLoad(t, "TWOFOLD_LEGACY=LDAP",
		`TWOFOLD_LEGACY_CONFIG={"URL": "ldaps://ldap.example.org", "BASE_DN": "dc=example,dc=org", "PROVEN": "true"}`)
	if _, ok := s.Config.Password.Legacy.(*ldap.Directory); !ok {
		t.Errorf("asks %T", s.Config.Password.Legacy)
	}
	s = mustLoad(t, "TWOFOLD_LEGACY=Webhook",
		`TWOFOLD_LEGACY_CONFIG={"URL": "https://old.example.org/check", "SECRET": "`+goodKey+`"}`)
	if _, ok := s.Config.Password.Legacy.(*gateway.Passwords); !ok {
		t.Errorf("asks %T", s.Config.Password.Legacy)
	}
	if s = mustLoad(t); s.Config.Password.Legacy != nil {
		t.Errorf("asks %T by default", s.Config.Password.Legacy)
	}
	const hidden = "hunter2-hunter2"
	for _, c := range [][2]string{
		{"Pigeon", `{"URL": "https://old.example.org"}`}, {"", `{"URL": "https://old.example.org"}`}, {"LDAP", `{}`},
		{"LDAP", `{"URL": "ldaps://ldap.example.org"}`}, {"LDAP",
			`{"URL": "ldaps://ldap.example.org", "BASE_DN": "dc=x", "X": "y"}`},
		{"LDAP", `{"URL": "ldaps://ldap.example.org", "BASE_DN": "dc=x", "BIND_PASSWORD": "` + hidden + `"}`},
		{"LDAP", `{"URL": "ldaps://ldap.example.org", "BASE_DN": "dc=x", "PROVEN": "perhaps"}`},
		{"LDAP", `{"URL": "ldaps://ldap.example.org", "BASE_DN": "dc=x", "CA_FILE": "/nowhere.pem"}`},
		{"Webhook", `{"URL": "https://old.example.org"}`}, {"Webhook",
			`{"URL": "http://old.example.org", "SECRET": "` + goodKey + `"}`},
		{"Webhook", `{"URL": "https://old.example.org", "SECRET": "` + hidden + `"}`},
	} {
		set := []string{"TWOFOLD_LEGACY_CONFIG=" + c[1]}
		if c[0] != "" {
			set = append(set, "TWOFOLD_LEGACY="+c[0])
		}
		_, err := with(t, set...)
		if err == nil || !strings.Contains(err.Error(), "TWOFOLD_LEGACY") || strings.Contains(err.Error(), hidden) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
