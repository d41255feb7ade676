package twofold_test

import (
	"encoding/json"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/factor/passkey/softkey"
)

// withPasskeys has everything of passkeys on, as the suite of the original.
func withPasskeys(c *twofold.Config) {
	c.Passkeys = twofold.Passkeys{On: true, Name: "My Flask App", FirstFactor: true, MultiFactor: true, Verify: []string{"first", "secondary"}, Hints: true}
	c.Account = true
}

// question is the options and the state that a JSON answer hands out.
func (r *reply) question() (options []byte, state string) {
	r.t.Helper()
	r.want(200)
	options, err := json.Marshal(r.json["credential_options"])
	if err != nil {
		r.t.Fatal(err)
	}
	return options, r.str("wan_state")
}

// key is a new passkey on a device of its own.
func (s *site) key(lies ...func(*softkey.Key)) *softkey.Key {
	s.t.Helper()
	k, err := softkey.New(s.origin, softkey.ES256)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, lie := range lies {
		lie(k)
	}
	return k
}

// plainKey does not verify its user and does not sync: a simple security key.
func plainKey(k *softkey.Key) { k.Flags = softkey.UP }

func (s *site) made(answer string, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// addKey registers a passkey by JSON.
func (c *client) addKey(k *softkey.Key, name, usage string, lies ...softkey.Lie) *reply {
	c.s.t.Helper()
	options, state := c.post("/wan-register", m{"name": name, "usage": usage}).question()
	return c.post("/wan-register/"+state, m{"credential": c.s.made(k.Create(options, lies...))})
}

// useKey answers the question of a path by JSON.
func (c *client) useKey(path string, k *softkey.Key, ask m, lies ...softkey.Lie) *reply {
	c.s.t.Helper()
	options, state := c.post(path, ask).question()
	return c.post(path+"/"+state, m{"credential": c.s.made(k.Get(options, lies...))})
}

// owner is a signed-in client with a passkey.
func (s *site) owner(user, usage string, lies ...func(*softkey.Key)) (*client, *softkey.Key) {
	s.t.Helper()
	c, k := s.client(), s.key(lies...)
	c.login(user).want(200)
	c.addKey(k, "testr1", usage).want(200)
	return c, k
}

func TestContractW15_tf_json(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, k := s.owner("matt", "secondary", plainKey)
	c := s.client()
	c.login("matt").want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "webauthn", "tf_signin_url", "/wan-signin")
	c.stranger()
	c.get("/wan-signin").want(200).has("is_secondary", true)
	c.useKey("/wan-signin", k, m{"identity": "joe@lp.com"}).want(200).has("tf_required", false)
	c.signedIn("matt", 2)
}
