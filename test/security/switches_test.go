package security_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR062_RolesInThePayload checks that roles are sent only if this is enabled, and only to
// signed-in users.
func TestR062_RolesInThePayload(t *testing.T) {
	shown := map[string]any{"id": "mine"}
	w := newWorld(t, func(c *twofold.Config) {
		c.Accounts.RolesInPayload = true
		c.Accounts.UserPayload = func(twofold.User) map[string]any { return shown }
	})
	ctx, auth := context.Background(), w.Nodes[0].Auth
	w.Must(auth.Roles().Create(ctx, twofold.Role{Name: "editor", Permissions: []string{"write", "read"}}))
	p := w.withApp("alice")
	w.Must(auth.SetRoles(ctx, p.ID, "editor", "unknown"))
	b := w.browser()
	if r := b.login(p).Want(200); strings.Contains(r.Body, "editor") || strings.Contains(r.Body, "permissions") {
		t.Errorf("said before the second factor: %s", r.Body)
	}
	r := b.validate(p.Next()).Want(200)
	user, _ := r.JSON["user"].(m)
	if fmt.Sprint(user["roles"]) != "[editor unknown]" || fmt.Sprint(user["permissions"]) != "[read write]" ||
		user["id"] != "mine" {
		t.Errorf("payload %v", user)
	}
	if len(shown) != 1 {
		t.Errorf("the application's map was written to: %v", shown)
	}
	w.Must(auth.Roles().ChangePermissions(ctx, "editor", nil, []string{"write"}))
	user, _ = b.Get("/login").Want(200).JSON["user"].(m)
	if fmt.Sprint(user["permissions"]) != "[read]" {
		t.Errorf("after a permission was taken: %v", user)
	}

}

// TestR062_NoRolesUnlessWished.
func TestR062_NoRolesUnlessWished(t *testing.T) {
	w := newWorld(t)
	p := w.person("robert")
	w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), p.ID, "editor"))
	if r := w.browser().login(p).Want(200); strings.Contains(r.Body, "editor") {
		t.Errorf("roles are said unasked: %s", r.Body)
	}
}

// TestR107_LinksLeadToTheApplicationsPages checks that mailed links lead to the configured pages of
// the application, within this site only, and that their values work once.
func TestR107_LinksLeadToTheApplicationsPages(t *testing.T) {
	w := newWorld(t, life, unified, func(c *twofold.Config) {
		c.Pages.Views.Life.Reset, c.Pages.Views.Life.LoginError = "/app?page=reset#top", "/app#/error"
	})
	p := w.person("alice").begins(storage.Email)
	b := w.browser()
	link := b.resets(p.Email)
	token := strings.TrimPrefix(link, "/reset/")
	to := b.Page(link).Want(303).Header.Get("Location")
	if to != "/app?page=reset&token="+url.QueryEscape(token)+"#top" {
		t.Errorf("the link leads to %s", to)
	}
	b.Get(link).Want(200)
	if to := b.Page(link + "A").Want(303).Header.Get("Location"); to != "/reset" {
		t.Errorf("a bad link leads to %s", to)
	}
	b.Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	if to := b.Page(link).Want(303).Header.Get("Location"); to != "/reset" {
		t.Errorf("a spent link leads to %s", to)
	}
	for path, text := range map[string]string{"/us-verify-link": "Input not appropriate for requested API",
		"/us-verify-link/bogus": "link"} {
		to, err := url.Parse(b.Page(path).Want(303).Header.Get("Location"))
		if err != nil || to.Path != "/app" || to.Fragment != "/error" ||
			!strings.Contains(to.Query().Get("error"), text) || to.Host != "" {
			t.Errorf("%s leads to %v %v", path, to, err)
		}
	}
	for _, view := range []string{"https://evil.test/", "//evil.test/", "evil"} {
		for _, set := range []func(*twofold.Config){
			func(c *twofold.Config) { c.Pages.Views.Life.Reset = view },
			func(c *twofold.Config) { c.Pages.Views.Life.LoginError = view },
		} {
			c := twofold.Config{Origin: "https://good.test", Key: twofold.KeyText(firstKey), Store: w.Nodes[0].Store}
			set(&c)
			if _, err := twofold.New(c); err == nil {
				t.Errorf("a page at %s is taken", view)
			}
		}
	}
}

// TestR006_LengthsOfUsernames checks the limits, and their error messages, wherever a username is
// chosen.
func TestR006_LengthsOfUsernames(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.UsernameMin, c.Accounts.UsernameMax = 2, 6 })
	fill := m{"password": secret, "password_confirm": secret}
	for name, status := range map[string]int{"a": 400, "ab": 200, "abcdef": 200, "abcdefg": 400} {
		body := m{"email": name + "@good.test", "username": name}
		for k, v := range fill {
			body[k] = v
		}
		r := w.browser().Post("/register", body).Want(status)
		if status == 400 && !strings.Contains(r.Body, "at least 2 characters and less than 6") {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	b := w.plantSession(w.person("alice"))
	b.Post("/change-username", m{"username": "abcdefg"}).Want(400)
	b.Post("/change-username", m{"username": "xy"}).Want(200)
}
