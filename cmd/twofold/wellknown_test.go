package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestBrowsersFindTheirWellKnownPaths checks the paths for changing a password, managing passkeys
// and the icon, with the paths in the settings.
func TestBrowsersFindTheirWellKnownPaths(t *testing.T) {
	ask := func(path string, env ...string) *httptest.ResponseRecorder {
		mux := http.NewServeMux()
		mustLoad(t, env...).wellKnown(mux, "/me")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	for _, row := range []struct{ path, to, env string }{
		{"/.well-known/change-password", "/me", "TWOFOLD_SITE=Acme"},
		{"/.well-known/change-password", "/change", "SECURITY_CHANGEABLE=true"},
		{"/favicon.ico", "/tf-static/mark.svg", "TWOFOLD_SITE=Acme"},
	} {
		w := ask(row.path, row.env)
		if w.Code != http.StatusFound || w.Header().Get("Location") != row.to {
			t.Errorf("%s with %s: %d to %q, want %q", row.path, row.env, w.Code, w.Header().Get("Location"), row.to)
		}
	}
	if w := ask("/.well-known/passkey-endpoints"); w.Code != http.StatusNotFound {
		t.Errorf("without passkeys: %d", w.Code)
	}
	w := ask("/.well-known/passkey-endpoints", "SECURITY_WEBAUTHN=true")
	var said map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	if at := "https://login.example.org/wan-register"; said["enroll"] != at || said["manage"] != at {
		t.Errorf("passkeys are managed at %v", said)
	}
}
