package main

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// originalDefaults lists the settings of the original with their default values, one a line.
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

// TestEveryDefaultOfTheOriginalStarts tries each default alone, and all of them at once.
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

// TestEveryDifferentDefaultIsListed checks that the table of differences lists exactly the defaults of
// the original that change the behavior of the server.
func TestEveryDifferentDefaultIsListed(t *testing.T) {
	does := func(s *settings) []any {
		c := s.Config
		return []any{
			c.Pages.Prefix, c.Accounts.Registerable, c.Accounts.Usernames, c.Accounts.RevealAccounts,
			c.TwoFactor.PhoneRegion, c.Accounts.RolesInPayload, c.Accounts, c.Sessions, c.Tokens, s.unified,
			s.passkeys, s.codes, c.TwoFactor, c.Pages.Paths, c.Pages.Views, c.Password.MinLength, c.Password.Scheme,
			c.Advanced.Limits, s.remember, s.rememberFor, s.smsService,
		}
	}
	base := does(mustLoad(t, mailOn...))
	listed := map[string]bool{}
	for _, d := range differences() {
		listed[d.name] = true
	}
	for _, line := range originalDefaults(t) {
		name, _, _ := strings.Cut(line, "=")
		switch name {
		case "SECURITY_TWO_FACTOR_ENABLED_METHODS", "SECURITY_US_ENABLED_METHODS", "SECURITY_POST_LOGIN_VIEW",
			"SECURITY_POST_LOGOUT_VIEW",
			"SECURITY_TWO_FACTOR_RESCUE_MAIL": // no effect if written out; an address that counts as none
			continue
		}
		s, err := with(t, append([]string{line}, mailOn...)...)
		if err != nil {
			t.Fatal(err)
		}
		switch same := reflect.DeepEqual(does(s), base); {
		case !same && !listed[name]:
			t.Errorf("%s has another effect than leaving it out, and differences() does not list it", line)
		case same && listed[name] &&
			!slices.ContainsFunc(s.noteworthy, func(n string) bool { return strings.Contains(n, "is taken as") }):
			t.Errorf("%s has the same effect as leaving it out, but differences() lists it", line)
		}
	}
}
