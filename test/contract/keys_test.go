package contract_test

import (
	"maps"
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestAKeyThatIsMissingIsNotTheUsersFault removes the key of a factor's secret. A correct code is
// then neither called wrong nor counted as a guess.
func TestAKeyThatIsMissingIsNotTheUsersFault(t *testing.T) {
	first, second := twofold.NewKey(), twofold.NewKey()
	s := newSite(t, func(c *twofold.Config) { c.TwoFactor.Secrets = map[string]string{"1": first} })
	c := s.client()
	c.login("matt").want(200)
	setup := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	app := s.app(setup.Text("tf_authr_b32key"))
	c.post("/tf-setup/"+setup.Text("tf_state_token"), m{"code": app.Code(s.Now())}).want(200)
	if missing, err := s.Auth.Checks().MissingKeys(t.Context()); err != nil || len(missing) != 0 {
		t.Fatalf("%v %v", missing, err)
	}

	// a node that was given the new key alone
	other := s.another(func(c *twofold.Config) { c.TwoFactor.Secrets = map[string]string{"2": second} })
	missing, err := other.Auth.Checks().MissingKeys(t.Context())
	if err != nil || !maps.Equal(missing, map[string]int{"1": 1}) {
		t.Errorf("missing %v (%v), want one factor under tag 1", missing, err)
	}
	d := other.client()
	d.login("matt").want(200)
	for range 8 { // more than a pause takes
		d.post("/tf-validate", m{"code": app.next()}).want(503)
	}
	e := s.client()
	e.login("matt").want(200)
	e.post("/tf-validate", m{"code": app.next()}).want(200)
	for _, letter := range s.Mail.All() {
		if letter.Kind == "notice_codes_tried" {
			t.Error("the owner is warned of an attack")
		}
	}
}
