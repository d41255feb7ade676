package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send/gateway"
)

// former is a former system, implemented as the documentation says.
func former(t *testing.T, answer func(w http.ResponseWriter, identity, password string)) (*gateway.Passwords,
	*[]string) {
	t.Helper()
	ids := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || gateway.Verify(secret, r.Header, body, time.Now(), 0) != nil {
			t.Errorf("a question that is not signed: %v", err)
		}
		var q struct{ Type, ID, Identity, Password string }
		if err := json.Unmarshal(body, &q); err != nil || q.Type != "password" || len(q.ID) < 20 {
			t.Errorf("%s: %v", body, err)
		}
		*ids = append(*ids, q.ID)
		answer(w, q.Identity, q.Password)
	}))
	t.Cleanup(server.Close)
	p, err := gateway.NewPasswords(gateway.WebhookConfig{URL: server.URL, Secret: secret, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return p, ids
}

// TestPasswords checks that a correct password returns the account, that a wrong one returns nothing,
// and that every request has its own id.
func TestPasswords(t *testing.T) {
	p, ids := former(t, func(w http.ResponseWriter, identity, password string) {
		if identity == "alice@good.test" && password == `pass"word` {
			_, _ = io.WriteString(w,
				`{"ok":true,"email":"a@good.test","email_verified":true,"username":"alice","language":"de"}`)
			return
		}
		_, _ = io.WriteString(w, `{"ok":false,"email":"a@good.test"}`)
	})
	got, ok, err := p.CheckPassword(t.Context(), "alice@good.test", `pass"word`)
	if err != nil || !ok || got.Email != "a@good.test" || !got.Proven || got.Username != "alice" ||
		got.Language != "de" {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if got, ok, err := p.CheckPassword(t.Context(), "alice@good.test", "wrong"); err != nil || ok || got.Email != "" {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if len(*ids) != 2 || (*ids)[0] == (*ids)[1] {
		t.Errorf("ids %q", *ids)
	}
	for _, try := range [][2]string{{"alice@good.test", ""}, {"", "x"}} {
		if _, ok, err := p.CheckPassword(t.Context(), try[0], try[1]); ok || err != nil || len(*ids) != 2 {
			t.Errorf("%q: %v, %v, asked %d times", try, ok, err, len(*ids))
		}
	}
}

// TestStrangeAnswers checks that an answer other than a plain yes or no is an error, and that no
// error contains sent or received values.
func TestStrangeAnswers(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	for name, answer := range map[string]func(w http.ResponseWriter, identity, password string){
		"empty": func(http.ResponseWriter, string, string) {},
		"no ok": func(w http.ResponseWriter, _, _ string) { _, _ = io.WriteString(w, `{"email":"a@good.test"}`) },
		"null":  func(w http.ResponseWriter, _, _ string) { _, _ = io.WriteString(w, `{"ok":null}`) },
		"text":  func(w http.ResponseWriter, _, _ string) { _, _ = io.WriteString(w, `{"ok":"true"}`) },
		"two":   func(w http.ResponseWriter, _, _ string) { _, _ = io.WriteString(w, `{"ok":true}{"ok":true}`) },
		"html":  func(w http.ResponseWriter, _, p string) { _, _ = fmt.Fprintf(w, "<p>true %s", p) },
		"201": func(w http.ResponseWriter, _, _ string) {
			w.WriteHeader(201)
			_, _ = io.WriteString(w,
				`{"ok":true}`)
		},
		"401": func(w http.ResponseWriter, _, p string) { http.Error(w, p, http.StatusUnauthorized) },
		"500": func(w http.ResponseWriter, _, p string) {
			http.Error(w, `{"ok":true}`+p, http.StatusInternalServerError)
		},
		"redirect": func(w http.ResponseWriter, _, _ string) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(307)
		},
		"too long": func(w http.ResponseWriter, _, _ string) {
			_, _ = io.WriteString(w, strings.Repeat(" ", 1<<17)+`{"ok":true}`)
		},
		"too late": func(http.ResponseWriter, string, string) { time.Sleep(2100 * time.Millisecond) },
		"cut short": func(w http.ResponseWriter, _, _ string) {
			w.Header().Set("Content-Length", "99")
			_, _ = io.WriteString(w, `{"ok":true}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := former(t, answer)
			got, ok, err := p.CheckPassword(t.Context(), "alice@good.test", "a secret word")
			if ok || err == nil || got.Email != "" || strings.Contains(err.Error(), "secret word") {
				t.Errorf("%+v, %v, %v", got, ok, err)
			}
		})
	}
	if reached {
		t.Error("a redirect was followed")
	}
}

// TestPasswordsAreNotSentInTheClear checks that only https or loopback and a secret of 32 bytes are
// accepted.
func TestPasswordsAreNotSentInTheClear(t *testing.T) {
	for _, c := range []gateway.WebhookConfig{
		{URL: "http://example.org/check", Secret: secret}, {URL: "ftp://example.org", Secret: secret},
		{URL: "https://u:p@example.org/", Secret: secret}, {URL: "https://example.org/", Secret: "short"},
	} {
		if _, err := gateway.NewPasswords(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	p, err := gateway.NewPasswords(gateway.WebhookConfig{URL: "https://example.org/x", Secret: secret})
	if err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v", p, p, p), "example.org") {
		t.Errorf("%#v, %v", p, err)
	}
}
