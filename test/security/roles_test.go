package security_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR138_PermissionsAreThoseOfNow checks that a page that requires a permission opens only to
// users whose current roles grant it.
func TestR138_PermissionsAreThoseOfNow(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, open)
	auth := w.Nodes[0].Auth
	page := auth.RequirePermission("read",
		"write")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	p := w.person("alice")
	status := func(b *browser) int {
		r := httptest.NewRequest("GET", w.Nodes[0].Origin+"/page", nil)
		r.Header.Set("Accept", testkit.TypeJSON)
		if b != nil {
			r.AddCookie(&http.Cookie{Name: "twofold", Value: b.Jar["twofold"]})
		}
		out := httptest.NewRecorder()
		page.ServeHTTP(out, r)
		return out.Code
	}
	b := w.plantSession(p)
	want := func(why string, code int) {
		t.Helper()
		if got := status(b); got != code {
			t.Errorf("%s: status %d, want %d", why, got, code)
		}
	}
	if got := status(nil); got != 401 {
		t.Errorf("nobody: %d", got)
	}
	want("no role", 403)
	w.Must(auth.SetRoles(ctx, p.ID, "editor", "reader", "write"))
	want("roles that permit nothing", 403)
	w.Must(auth.Roles().Create(ctx, twofold.Role{Name: "reader", Permissions: []string{"read"}}))
	want("one of two", 403)
	w.Must(auth.Roles().Create(ctx, twofold.Role{Name: "editor", Permissions: []string{"write"}}))
	want("both, by two roles", 204)
	w.Must(auth.Roles().ChangePermissions(ctx, "editor", nil, []string{"write"}))
	want("taken away", 403)
	w.Must(auth.Roles().ChangePermissions(ctx, "editor", []string{"write"}, nil))
	want("given again", 204)
	w.Must(auth.Roles().Delete(ctx, "reader"))
	want("a role that is gone", 403)
	for _, bad := range []string{"", "a b", "a,b", "a\nb"} {
		if auth.Roles().Create(ctx, twofold.Role{Name: bad}) == nil ||
			auth.Roles().ChangePermissions(ctx, "editor", []string{bad}, nil) == nil {
			t.Errorf("name %q is taken", bad)
		}
	}
	if got := b.Get("/me").Want(200).JSON["user"].(m)["permissions"]; len(got.([]any)) != 1 {
		t.Errorf("/me says %v", got)
	}
}
