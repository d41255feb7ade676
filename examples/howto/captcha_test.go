package howto_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// guessing asks for a captcha where strangers send forms.
var guessing = twofold.Accounts{
	Registerable: true,
	Recoverable:  true,
	Captcha:      "altcha",
	CaptchaAt:    []string{"register", "reset", "sign-in"},
}

// turnstile asks a service. Its keys are those that the service shows.
func turnstile(siteKey, secret string) twofold.Accounts {
	return twofold.Accounts{
		Registerable:   true,
		Captcha:        "turnstile",
		CaptchaSiteKey: siteKey,
		CaptchaSecret:  secret,
	}
}

// site makes a sign-in without twofoldtest, which switches captchas off.
func site(t *testing.T, a twofold.Accounts) *twofold.Auth {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	auth, err := twofold.New(twofold.Config{
		Origin: "https://example.org", Key: twofold.KeyText(twofold.NewKey()), Store: db,
		Mail: &sendtest.Sink{}, Accounts: a,
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// asks reports whether the answer to a form asks for a captcha.
func asks(auth *twofold.Auth, path, form string) bool {
	r := httptest.NewRequest(http.MethodPost, "https://example.org"+path, strings.NewReader(form))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	auth.ServeHTTP(w, r)
	return w.Code == http.StatusBadRequest && strings.Contains(w.Body.String(), `"captcha_required":true`)
}

func TestCaptchaIsAskedFor(t *testing.T) {
	auth := site(t, guessing)
	user := twofold.NewUser{Email: "ada@example.org", Password: "walking a dog by the canal"}
	if _, err := auth.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	const form = `{"email":"new@example.org","password":"two words, a comma","password_confirm":"two words, a comma"}`
	if !asks(auth, "/register", form) {
		t.Error("registration asks for none")
	}
	if !asks(auth, "/reset", `{"email":"ada@example.org"}`) {
		t.Error("a forgotten password asks for none")
	}
	for n := range 4 {
		if got := asks(auth, "/login", `{"email":"ada@example.org","password":"wrong"}`); got != (n == 3) {
			t.Errorf("wrong password %d: %v", n+1, got)
		}
	}
	site(t, turnstile("site", "secret")) // the configuration is taken
}
