package twofoldtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/twofold-auth/twofold/factor/passkey/softkey"
)

// passkeyStates are the ways to have got somewhere with a passkey and not to be
// signed in with two factors; none where passkeys are off.
func (k *Kit) passkeyStates() map[string]func() *Browser {
	if !slices.Contains(k.Auth.Paths(), k.config.Prefix+"/wan-register") {
		return nil
	}
	made := 0
	owner := func(usage string) (email string, key *softkey.Key) {
		made++
		email, key = fmt.Sprintf("passkey%d@example.org", made), k.softKey()
		b := k.LoginAs(email, 2)
		options, path := b.question("/wan-register", map[string]any{"name": "key", "usage": usage})
		b.must("passkey", b.answer(path)(key.Create(options)))
		return email, key
	}
	states := map[string]func() *Browser{
		"the password, and a passkey of somebody else": func() *Browser {
			email, _ := owner("secondary")
			_, other := owner("secondary")
			b := k.NewBrowser()
			b.must("first factor", b.Post("/login", map[string]any{"email": email, "password": Password}))
			b.Post("/tf-select", map[string]any{"which": "webauthn"})
			options, path := b.question("/wan-signin", map[string]any{})
			b.answer(path)(other.Get(options))
			return b
		},
		"the password, and a passkey whose signature is wrong": func() *Browser {
			email, key := owner("secondary")
			b := k.NewBrowser()
			b.must("first factor", b.Post("/login", map[string]any{"email": email, "password": Password}))
			b.Post("/tf-select", map[string]any{"which": "webauthn"})
			options, path := b.question("/wan-signin", map[string]any{})
			b.answer(path)(key.Get(options, softkey.SignedBy(k.softKey())))
			return b
		},
	}
	if !k.config.Passkeys.FirstFactor {
		return states
	}
	states["a passkey of nobody"] = func() *Browser {
		b, key := k.NewBrowser(), k.softKey()
		options, path := b.question("/wan-signin", map[string]any{})
		key.RPID, key.Handle = "127.0.0.1", make([]byte, 64)
		b.answer(path)(key.Get(options))
		return b
	}
	states["a passkey that is one factor, the second not proven"] = func() *Browser {
		_, key := owner("first")
		b := k.NewBrowser()
		options, path := b.question("/wan-signin", map[string]any{})
		b.answer(path)(key.Get(options, softkey.Clear(softkey.UV)))
		return b
	}
	states["a passkey for the second factor alone"] = func() *Browser {
		_, key := owner("secondary")
		b := k.NewBrowser()
		options, path := b.question("/wan-signin", map[string]any{})
		b.answer(path)(key.Get(options))
		return b
	}
	return states
}

func (k *Kit) softKey() *softkey.Key {
	k.t.Helper()
	key, err := softkey.New(k.config.Origin, softkey.ES256)
	if err != nil {
		k.t.Fatal(err)
	}
	return key
}

// question asks a path for one: its options, and where its answer goes.
func (b *Browser) question(path string, body map[string]any) (options []byte, to string) {
	b.k.t.Helper()
	a := b.Post(path, body)
	b.must("question of "+path, a)
	options, err := json.Marshal(a.Response["credential_options"])
	if err != nil {
		b.k.t.Fatal(err)
	}
	state, _ := a.Response["wan_state"].(string)
	return options, path + "/" + state
}

// answer posts what an authenticator says.
func (b *Browser) answer(path string) func(text string, err error) Answer {
	return func(text string, err error) Answer {
		b.k.t.Helper()
		if err != nil {
			b.k.t.Fatal(err)
		}
		return b.Post(path, map[string]any{"credential": text})
	}
}
