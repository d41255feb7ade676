package howto_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// shoppers asks for a name and a plan, and takes addresses of one domain only.
func shoppers(suspended func(id string) bool) twofold.Config {
	return twofold.Config{
		Pages: twofold.Pages{AccountPage: true},
		Accounts: twofold.Accounts{
			Registerable: true,
			Confirmable:  true, // the domain counts once the address is proven
			Fields: []twofold.Field{
				{Name: "name", Label: "Your name", Required: true},
				{Name: "plan", Kind: "select", Options: []string{"free", "pro"}},
				{Name: "terms", Label: "I accept the terms", Kind: "checkbox", Required: true},
			},
			OnRegister: func(_ context.Context, u twofold.User, _ event.Context) (string, error) {
				if !strings.HasSuffix(u.Email, "@example.org") {
					return "Only addresses of example.org can register.", nil
				}
				return "", nil
			},
			Locked: func(u twofold.User) bool { return suspended(u.ID) },
		},
	}
}

// greet shows a profile field on a page.
func greet(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	name, _ := user.Fields["name"].(string)
	_, _ = w.Write([]byte("hello, " + name))
}

func TestFieldsAndHooks(t *testing.T) {
	out := map[string]bool{}
	k := twofoldtest.New(t, shoppers(func(id string) bool { return out[id] }))
	k.Serve(k.Auth.RequireUser(http.HandlerFunc(greet)))
	register := func(email string, more map[string]any) (*twofoldtest.Browser, twofoldtest.Answer) {
		form := map[string]any{"email": email, "password": twofoldtest.Password}
		form["password_confirm"] = form["password"]
		for name, value := range more {
			form[name] = value
		}
		b := k.NewBrowser()
		return b, b.Post("/register", form)
	}
	whole := map[string]any{"name": "Ada", "plan": "pro", "terms": true}
	if _, a := register("ada@example.org", nil); a.Status != http.StatusBadRequest {
		t.Errorf("without fields: %d", a.Status)
	}
	if _, a := register("eve@example.net", whole); a.Status != http.StatusBadRequest ||
		!strings.Contains(a.Body, "Only addresses of example.org") {
		t.Errorf("another domain: %d %s", a.Status, a.Body)
	}
	b, a := register("ada@example.org", whole)
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Post(mailed(t, k, "ada@example.org", "/confirm"), nil); a.Status != http.StatusOK {
		t.Fatalf("confirming: %d %s", a.Status, a.Body)
	}
	in := map[string]any{"email": "ada@example.org", "password": twofoldtest.Password}
	b = k.NewBrowser()
	if a := b.Post("/login", in); a.Status != http.StatusOK {
		t.Fatalf("signing in: %d %s", a.Status, a.Body)
	}
	if a := b.Get("/"); a.Body != "hello, Ada" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	u, err := k.Auth.FindUser(t.Context(), "ada@example.org")
	if err != nil || u.Fields["plan"] != "pro" || u.Fields["terms"] != true {
		t.Errorf("%v, %v", u.Fields, err)
	}
	out[u.ID] = true
	if a := k.NewBrowser().Post("/login", in); a.Status != http.StatusBadRequest {
		t.Errorf("a suspended customer: %d %s", a.Status, a.Body)
	}
}
