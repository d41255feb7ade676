package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/federated"
)

// site answers like GitHub: its token endpoint sends JSON, and its API requires the token.
type site struct {
	status int
	user   string
	emails string // empty: refused
	form   map[string]string
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/login/oauth/access_token":
		s.form = map[string]string{}
		for _, name := range []string{"client_id", "client_secret", "code", "code_verifier", "redirect_uri"} {
			s.form[name] = r.PostFormValue(name)
		}
		if s.form["code"] != "good" {
			// with 200, as GitHub does
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "bad_verification_code"})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "abc", "token_type": "bearer"})
	case "/user":
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(s.status)
		_, _ = w.Write([]byte(s.user))
	case "/user/emails":
		if s.emails == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(s.emails))
	}
}

func TestGitHubNamesAUserByNumber(t *testing.T) {
	s := &site{status: 200, user: `{"id": 583231, "login": "octocat", "email": "victim@example.org"}`}
	server := httptest.NewServer(s)
	defer server.Close()
	g, err := newGitHub(Settings{ClientID: "id", ClientSecret: "secret"}, server.URL, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := federated.Question{Redirect: "http://localhost/back", State: "s", Nonce: "n", Verifier: "v"}
	id, err := g.Finish(t.Context(), q, federated.Answer{Code: "good"})
	if err != nil || id != (federated.Identity{Issuer: server.URL, Subject: "583231", Label: "octocat"}) {
		t.Fatal(id, err)
	}
	if s.form["code_verifier"] != "v" || s.form["redirect_uri"] != q.Redirect || s.form["client_secret"] != "secret" {
		t.Fatalf("sent %v", s.form)
	}
	for name, c := range map[string]struct {
		status int
		user   string
		code   string
		want   error
	}{
		"a code it does not take": {200, s.user, "bad", federated.ErrRefused},
		"no number":               {200, `{"login": "octocat"}`, "good", federated.ErrRefused},
		"zero":                    {200, `{"id": 0}`, "good", federated.ErrRefused},
		"a text for a number":     {200, `{"id": "583231"}`, "good", federated.ErrRefused},
		"not JSON":                {200, `<html>`, "good", federated.ErrRefused},
		"refused":                 {403, s.user, "good", federated.ErrRefused},
		"broken":                  {502, s.user, "good", federated.ErrUnreachable},
	} {
		s.status, s.user = c.status, c.user
		if id, err := g.Finish(t.Context(), q, federated.Answer{Code: c.code}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v", name, id, err)
		}
	}
}

// TestGitHubTellsThePrimaryAddressIfItIsVerified.
func TestGitHubTellsThePrimaryAddressIfItIsVerified(t *testing.T) {
	s := &site{status: 200, user: `{"id": 583231, "login": "octocat", "name": "Mona", "email": "shown@example.org"}`}
	server := httptest.NewServer(s)
	defer server.Close()
	g, err := newGitHub(Settings{ClientID: "id", ClientSecret: "secret"}, server.URL, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := federated.Question{Redirect: "http://localhost/back", State: "s", Nonce: "n", Verifier: "v", Address: true}
	for want, emails := range map[string]string{
		"mona@example.org": `[{"email":"old@example.org","verified":true,"primary":false},
			{"email":"mona@example.org","verified":true,"primary":true}]`,
		"not verified": `[{"email":"mona@example.org","verified":false,"primary":true}]`,
		"not primary":  `[{"email":"mona@example.org","verified":true,"primary":false}]`,
		"not said":     `[{"email":"mona@example.org"}]`,
		"no list":      `{"message": "no"}`,
		"refused":      "",
	} {
		s.emails = emails
		id, err := g.Finish(t.Context(), q, federated.Answer{Code: "good"})
		if want != "mona@example.org" {
			want = ""
		}
		if err != nil || id.Email != want || id.Authoritative || id.Name != "Mona" || id.Username != "octocat" {
			t.Errorf("%q: %+v %v", emails, id, err)
		}
	}
	if address, err := g.Begin(t.Context(), q); err != nil || !strings.Contains(address, "scope=user%3Aemail") {
		t.Error(address, err)
	}
}

func TestNothingIsFetchedInTheClear(t *testing.T) {
	b := bounded{http.DefaultTransport}
	for _, address := range []string{"http://corp.test/keys", "http://localhost.evil.test/", "ftp://corp.test/"} {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		if resp, err := b.RoundTrip(r); err == nil {
			resp.Body.Close()
			t.Errorf("%s was fetched", address)
		}
	}
}
