package howto_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// config is the configuration of the program. Tests use the same one.
func config() twofold.Config {
	return twofold.Config{
		Origin:   "https://example.org",
		Accounts: twofold.Accounts{Registerable: true, Recoverable: true},
	}
}

// newApp makes the handler of the program.
func newApp(auth *twofold.Auth) http.Handler {
	fresh := auth.RequireFresh(5 * time.Minute)
	mux := http.NewServeMux()
	mux.Handle("/admin", auth.RequireTwoFactor(auth.RequireRole("admin")(hello)))
	mux.Handle("/pay", auth.RequireTwoFactor(fresh(hello)))
	return mux
}

func TestNoSideDoor(t *testing.T) {
	twofoldtest.NoSideDoor(t, config(), newApp, "/admin", "admin")
}

func TestAdminPage(t *testing.T) {
	kit := twofoldtest.New(t, config())
	kit.Serve(newApp(kit.Auth))
	for _, c := range []struct {
		browser *twofoldtest.Browser
		want    int
	}{
		{kit.NewBrowser(), http.StatusUnauthorized},
		{kit.LoginAs("ada@example.org", 2), http.StatusForbidden},
		{kit.LoginAs("bo@example.org", 2, "admin"), http.StatusOK},
	} {
		if a := c.browser.Get("/admin"); a.Status != c.want {
			t.Errorf("status %d, want %d", a.Status, c.want)
		}
	}
}

func TestPaymentAsksAgain(t *testing.T) {
	kit := twofoldtest.New(t, config())
	kit.Serve(newApp(kit.Auth))
	ada := kit.LoginAs("ada@example.org", 2)
	kit.Clock.Move(6 * time.Minute)
	if a := ada.Page("/pay"); a.Header.Get("Location") != "/verify?next=/pay" {
		t.Errorf("status %d, Location %q", a.Status, a.Header.Get("Location"))
	}
}

func TestForgottenPasswordIsMailed(t *testing.T) {
	kit := twofoldtest.New(t, config())
	kit.Serve(newApp(kit.Auth))
	kit.User("ada@example.org")
	kit.NewBrowser().Post("/reset", map[string]any{"email": "ada@example.org"})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		mail, ok := kit.Mail.Last("ada@example.org")
		if ok && strings.Contains(mail.Text, kit.URL+"/reset/") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the mail: %v %q", ok, mail.Text)
		}
	}
}
