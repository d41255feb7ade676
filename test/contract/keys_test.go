package contract_test

import (
	"maps"
	"net"
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestAKeyThatIsMissingIsNotTheUsersFault removes the key of a factor's secret. A right code is
// then neither called wrong nor counted as a guess.
func TestAKeyThatIsMissingIsNotTheUsersFault(t *testing.T) {
	first, second := twofold.NewKey(), twofold.NewKey()
	s := newSite(t, func(c *twofold.Config) { c.TwoFactor.Secrets = map[string]string{"1": first} })
	c := s.client()
	c.login("matt").want(200)
	setup := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	app := s.app(setup.str("tf_authr_b32key"))
	c.post("/tf-setup/"+setup.str("tf_state_token"), m{"code": app.at(s.Now())}).want(200)
	if missing, err := s.auth.Checks().MissingKeys(t.Context()); err != nil || len(missing) != 0 {
		t.Fatalf("%v %v", missing, err)
	}

	without := s.config
	without.TwoFactor.Secrets = map[string]string{"2": second}
	auth, err := twofold.New(without)
	if err != nil {
		t.Fatal(err)
	}
	missing, err := auth.Checks().MissingKeys(t.Context())
	if err != nil || !maps.Equal(missing, map[string]int{"1": 1}) {
		t.Errorf("missing %v (%v), want one factor under tag 1", missing, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := *s // a node that was given the new key alone
	other.auth, other.origin = auth, "http://"+l.Addr().String()
	other.serve(l)
	d := other.client()
	d.login("matt").want(200)
	for range 8 { // more than a pause takes
		d.post("/tf-validate", m{"code": app.next()}).want(503)
	}
	e := s.client()
	e.login("matt").want(200)
	e.post("/tf-validate", m{"code": app.next()}).want(200)
	for _, letter := range s.mail.All() {
		if letter.Kind == "notice_codes_tried" {
			t.Error("the owner is warned of an attack")
		}
	}
}
