package main

import (
	"strings"
	"testing"
)

// TestProvidersBySettings covers the usual names of Flask settings and any issuer.
func TestProvidersBySettings(t *testing.T) {
	const corp = `SECURITY_OAUTH_PROVIDERS={"corp": {"ISSUER": "https://login.corp.test", "CLIENT_ID": "id", "CLIENT_SECRET": "hush hush", "TITLE": "Corp", "SCOPES": "email profile"}}`
	names := func(more ...string) string {
		s := mustLoad(t, more...)
		var out []string
		for _, p := range s.Config.Accounts.OAuth {
			out = append(out, p.Name()+"="+p.Title())
		}
		return strings.Join(out, " ")
	}
	on := "SECURITY_OAUTH_ENABLE=true"
	both := []string{"GITHUB_CLIENT_ID=a", "GITHUB_CLIENT_SECRET=b", "GOOGLE_CLIENT_ID=a", "GOOGLE_CLIENT_SECRET=b"}
	for want, given := range map[string][]string{
		"": {corp, "GITHUB_CLIENT_ID=a", "GITHUB_CLIENT_SECRET=b",
			"SECURITY_OAUTH_ENABLE=false"},
		"corp=Corp":     {on, corp},
		"github=GitHub": {on, "GITHUB_CLIENT_ID=a", "GITHUB_CLIENT_SECRET=b"},
		"google=Google": append([]string{on,
			"SECURITY_OAUTH_BUILTIN_PROVIDERS=google"}, both...),
		"github=GitHub google=Google corp=Corp": append([]string{on, corp}, both...),
	} {
		if got := names(given...); got != want {
			t.Errorf("%v: %q, want %q", given, got, want)
		}
	}
	for want, given := range map[string]string{
		"GITHUB_CLIENT_SECRET: is not set": "GITHUB_CLIENT_ID=a",
		"GOOGLE_CLIENT_ID: is not set":     "GOOGLE_CLIENT_SECRET=hush hush",
		"no provider is configured":        "SECURITY_OAUTH_BUILTIN_PROVIDERS=google",
		"neither github nor":               "SECURITY_OAUTH_BUILTIN_PROVIDERS=myspace",
		"not a dict of dicts":              "SECURITY_OAUTH_PROVIDERS=corp",
		"not one of ISSUER":                `SECURITY_OAUTH_PROVIDERS={"corp": {"SECRET": "hush hush"}}`,
		"is not https":                     `SECURITY_OAUTH_PROVIDERS={"corp": {"ISSUER": "http://corp.test", "CLIENT_ID": "id", "CLIENT_SECRET": "hush hush"}}`,
		"client id is missing":             `SECURITY_OAUTH_PROVIDERS={"corp": {"ISSUER": "https://corp.test", "CLIENT_SECRET": "hush hush"}}`,
		"1 to 32 lower-case letters":       `SECURITY_OAUTH_PROVIDERS={"Corp/..": {"ISSUER": "https://corp.test", "CLIENT_ID": "id"}}`,
	} {
		if _, err := with(t, on, given); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", given, err, want)
		}
	}
}
