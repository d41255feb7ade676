package security_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

// asksFor is a site with a profile field of each kind.
func asksFor(c *twofold.Config) {
	open(c)
	c.Accounts.Registerable, c.Pages.AccountPage = true, true
	c.Accounts.Fields = []twofold.Field{
		{Name: "name", Label: "Your name", Required: true},
		{Name: "terms", Label: "I accept the terms", Kind: "checkbox", Required: true},
		{Name: "plan", Kind: "select", Options: []string{"free", "pro"}},
	}
}

// TestR360_AProfileIsCheckedAndShownAsText checks that a registration without a required field, or
// with a value of the wrong kind, creates no account. Values are shown as text everywhere. Events
// contain the names of fields but no values.
func TestR360_AProfileIsCheckedAndShownAsText(t *testing.T) {
	w := newWorld(t, asksFor)
	evil := `<script>alert(1)</script>"'`
	good := m{"email": "ann@example.org", "password": newSecret, "password_confirm": newSecret,
		"name": evil, "terms": true, "plan": "pro"}
	for what, change := range map[string]m{
		"no name": {"name": nil}, "a blank name": {"name": "  "}, "two lines": {"name": "a\nb"},
		"a number": {"name": 7}, "a list": {"name": []any{"a"}}, "no terms": {"terms": false},
		"a list of terms": {"terms": []any{true}}, "another plan": {"plan": "admin"}, "an array": {"plan[]": "pro"},
	} {
		body := m{}
		for k, v := range good {
			body[k] = v
		}
		for k, v := range change {
			body[k] = v
		}
		w.browser().Post("/register", body).Want(400)
		if w.count("users") != 0 {
			t.Fatalf("%s: there is an account", what)
		}
	}
	b := w.browser()
	if r := b.Get("/register").Want(200); len(r.JSON["fields"].([]any)) != 3 {
		t.Errorf("a program is not told the fields: %s", r.Body)
	}
	want := m{"name": evil, "terms": true, "plan": "pro"}
	if r := b.Post("/register", good).Want(200); !reflect.DeepEqual(r.JSON["user"].(m)["fields"], want) {
		t.Errorf("the answer of a registration: %s", r.Body)
	}
	of := func(b *browser) any { return b.Get("/me").Want(200).JSON["user"].(m)["fields"] }
	if got := of(b); !reflect.DeepEqual(got, want) {
		t.Errorf("/me has %v", got)
	}
	for _, path := range []string{"/me", "/tf-profile"} {
		body := b.Page(path).Want(200).Body
		if strings.Contains(body, evil) || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s does not show the value as text", path)
		}
	}
	made := happened[event.UserRegistered](w)
	if len(made) != 1 || !slices.Equal(made[0].Fields, []string{"name", "plan", "terms"}) {
		t.Errorf("the event of the registration: %+v", made)
	}
	for _, bad := range []m{{"name": ""}, {"terms": false}, {"plan": "admin"}, {"name": strings.Repeat("x", 101)}} {
		b.Post("/tf-profile", bad).Want(400)
	}
	w.browser().Post("/tf-profile", m{"name": "Eve"}).Want(401)
	if got := of(b); !reflect.DeepEqual(got, want) {
		t.Errorf("a refusal changed the profile to %v", got)
	}
	b.Post("/tf-profile", m{"name": "Ann"}).Want(200)
	b.Form("/tf-profile", "name", "Ann", "terms", "true", "plan", "").Want(303)
	if got := of(b); !reflect.DeepEqual(got, m{"name": "Ann", "terms": true}) {
		t.Errorf("after two changes: %v", got)
	}
	e := happened[event.ProfileChanged](w)
	if len(e) != 2 || !slices.Equal(e[0].Fields, []string{"name"}) || !slices.Equal(e[1].Fields, []string{"plan"}) {
		t.Errorf("the events of the changes: %+v", e)
	}
	u, _ := w.found("ann@example.org")
	data, err := w.Nodes[0].Auth.Export(t.Context(), u.ID)
	if w.Must(err); !strings.Contains(string(data), `"fields": {
      "name": "Ann",
      "terms": true
    }`) {
		t.Errorf("the copy for the owner has another profile: %s", data)
	}
	if rows := w.rows("events"); strings.Contains(rows, "Ann") || strings.Contains(rows, "script") {
		t.Error("the audit trail has a value of the profile")
	}
}

// TestR395_ChangesOfAProfileAreBounded checks the limit of sixty changes an hour per account, since
// each writes rows that are kept. A request without a change does not count, and accounts have
// separate limits.
func TestR395_ChangesOfAProfileAreBounded(t *testing.T) {
	w := newWorld(t, asksFor)
	p, q := w.person("alice"), w.person("robert")
	b, other := w.browser(), w.browser()
	b.login(p).Want(200)
	other.login(q).Want(200)
	set := func(b *browser, n int) *answer {
		return b.Post("/tf-profile", m{"name": fmt.Sprint("name ", n), "terms": true})
	}
	for n := range 60 {
		set(b, n).Want(200)
		set(b, n).Want(200)
	}
	before := w.rows("users", "events")
	set(b, 60).Want(429)
	if w.rows("users", "events") != before {
		t.Error("a refused change changed something")
	}
	set(other, 1).Want(200)
	w.Advance(time.Hour + time.Second)
	b = w.browser()
	b.login(p).Want(200)
	set(b, 61).Want(200)
}
