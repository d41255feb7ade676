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
	ctx, auth := context.Background(), w.nodes[0].auth
	w.must(auth.Roles().Create(ctx, twofold.Role{Name: "editor", Permissions: []string{"write", "read"}}))
	p := w.withApp("alice")
	w.must(auth.SetRoles(ctx, p.id, "editor", "unknown"))
	b := w.browser()
	if r := b.login(p).want(200); strings.Contains(r.body, "editor") || strings.Contains(r.body, "permissions") {
		t.Errorf("said before the second factor: %s", r.body)
	}
	r := b.validate(p.next()).want(200)
	user, _ := r.json["user"].(m)
	if fmt.Sprint(user["roles"]) != "[editor unknown]" || fmt.Sprint(user["permissions"]) != "[read write]" ||
		user["id"] != "mine" {
		t.Errorf("payload %v", user)
	}
	if len(shown) != 1 {
		t.Errorf("the application's map was written to: %v", shown)
	}
	w.must(auth.Roles().ChangePermissions(ctx, "editor", nil, []string{"write"}))
	user, _ = b.get("/login").want(200).json["user"].(m)
	if fmt.Sprint(user["permissions"]) != "[read]" {
		t.Errorf("after a permission was taken: %v", user)
	}

}

// TestR062_NoRolesUnlessWished.
func TestR062_NoRolesUnlessWished(t *testing.T) {
	w := newWorld(t)
	p := w.person("robert")
	w.must(w.nodes[0].auth.SetRoles(t.Context(), p.id, "editor"))
	if r := w.browser().login(p).want(200); strings.Contains(r.body, "editor") {
		t.Errorf("roles are said unasked: %s", r.body)
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
	link := b.resets(p.email)
	token := strings.TrimPrefix(link, "/reset/")
	to := b.page(link).want(303).header.Get("Location")
	if to != "/app?page=reset&token="+url.QueryEscape(token)+"#top" {
		t.Errorf("the link leads to %s", to)
	}
	b.get(link).want(200)
	if to := b.page(link + "A").want(303).header.Get("Location"); to != "/reset" {
		t.Errorf("a bad link leads to %s", to)
	}
	b.post(link, m{"password": newSecret, "password_confirm": newSecret}).want(200)
	if to := b.page(link).want(303).header.Get("Location"); to != "/reset" {
		t.Errorf("a spent link leads to %s", to)
	}
	for path, text := range map[string]string{"/us-verify-link": "Input not appropriate for requested API",
		"/us-verify-link/bogus": "link"} {
		to, err := url.Parse(b.page(path).want(303).header.Get("Location"))
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
			c := twofold.Config{Origin: "https://good.test", Key: twofold.KeyText(firstKey), Store: w.nodes[0].db}
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
		r := w.browser().post("/register", body).want(status)
		if status == 400 && !strings.Contains(r.body, "at least 2 characters and less than 6") {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	b := w.plantSession(w.person("alice"))
	b.post("/change-username", m{"username": "abcdefg"}).want(400)
	b.post("/change-username", m{"username": "xy"}).want(200)
}
