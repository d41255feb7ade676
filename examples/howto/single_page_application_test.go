package howto_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

func application(auth *twofold.Auth, static, api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", auth.RequireTwoFactor(api))
	mux.Handle("/", static)
	return auth.Wrap(mux)
}

var pages = twofold.Pages{SPA: twofold.SPA{
	Origin:      "https://app.example.org", // the only origin whose scripts may call
	TellInQuery: true,                      // mailed links lead to your views with ?success, ?info or ?error
}}

// answers checks the fields of an answer, by name.
func answers(t *testing.T, a twofoldtest.Answer, status int, fields map[string]any) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("%d, want %d: %s", a.Status, status, a.Body)
	}
	for name, want := range fields {
		got, there := a.Response[name]
		if !there || want != nil && got != want {
			t.Errorf("%s is %v, want %v: %s", name, got, want, a.Body)
		}
	}
}

type fields = map[string]any

// TestSinglePageApplication takes the steps of the table, each after the answer that
// names it.
func TestSinglePageApplication(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{
		Pages:     twofold.Pages{AccountPage: true},
		TwoFactor: twofold.TwoFactor{Required: true, RecoveryCodes: &twofold.RecoveryCodes{}},
	})
	k.ServeAll(application(k.Auth, http.NotFoundHandler(), hello))
	const email = "ada@example.org"
	k.User(email)
	b := k.NewBrowser()
	answers(t, b.Get("/api/me"), 401, fields{"errors": nil})
	answers(t, b.Post("/login", fields{"email": email, "password": "wrong wrong"}), 400, fields{"field_errors": nil})
	login := fields{"email": email, "password": twofoldtest.Password}
	answers(t, b.Post("/login", login), 200, fields{"tf_required": true, "tf_state": "setup_from_login"})
	answers(t, b.Get("/tf-setup"), 200, fields{"tf_available_methods": nil})
	answers(t, b.Post("/tf-setup", fields{"setup": "authenticator"}), 200, fields{
		"tf_authr_b32key": nil, "tf_authr_uri": nil, "tf_state": "validating_profile",
	})

	ada := k.LoginAs(email, 2)
	answers(t, ada.Get("/me"), 200, fields{"user": nil})
	answers(t, ada.Post("/mf-recovery-codes", fields{}), 200, fields{"recovery_codes": nil})
	b = k.NewBrowser()
	answers(t, b.Post("/login", login), 200, fields{
		"tf_required": true, "tf_state": "ready", "tf_method": "authenticator",
	})
	answers(t, b.Post("/tf-validate", fields{"code": "000000"}), 400, fields{"field_errors": nil})
	answers(t, b.Post("/tf-validate", fields{"code": k.Code(email)}), 200, fields{"user": nil})

	k.Clock.Move(16 * time.Minute)
	answers(t, b.Post("/tf-setup", fields{"setup": "email"}), 401, fields{"reauth_required": true})
	answers(t, b.Post("/verify", fields{"password": twofoldtest.Password}), 200, fields{"tf_required": true})
	answers(t, b.Post("/tf-validate", fields{"code": k.Code(email)}), 200, fields{"user": nil})
	setUp := b.Post("/tf-setup", fields{"setup": "email", "add": true})
	answers(t, setUp, 200, fields{"tf_state_token": nil})
	token, _ := setUp.Response["tf_state_token"].(string)
	answers(t, b.Post("/tf-setup/"+token, fields{"code": k.Mail.Code(t, email)}), 200, nil)

	b = k.NewBrowser()
	a := b.Post("/login", login)
	answers(t, a, 200, fields{"tf_required": true, "tf_select": true, "tf_factors": nil})
	list, _ := a.Response["tf_factors"].([]any)
	first, _ := list[0].(map[string]any)
	a = b.Post("/tf-select", fields{"which": first["id"]})
	answers(t, a, 200, fields{"tf_required": true, "tf_state": "ready"})
}

// TestApplicationMustSetUp checks that a page that needs a second factor names the path of the
// enrollment.
func TestApplicationMustSetUp(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{})
	k.ServeAll(application(k.Auth, http.NotFoundHandler(), hello))
	answers(t, k.LoginAs("ada@example.org", 1).Get("/api/me"), 403, fields{"tf_setup_url": "/tf-setup"})
}

// TestApplicationOnAnotherHost checks that only scripts of that origin may send requests.
func TestApplicationOnAnotherHost(t *testing.T) {
	auth := newAuth(t, twofold.Config{Origin: "https://login.example.org", Pages: pages})
	const app = "https://app.example.org"
	for origin, want := range map[string]string{app: app, "https://evil.example": ""} {
		header := serveOnce(auth, http.MethodGet, "https://login.example.org/login", "Origin", origin).Header
		if got := header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: allowed is %q", origin, got)
		}
	}
}
