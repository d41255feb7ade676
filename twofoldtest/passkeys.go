package twofoldtest

import (
	"encoding/json"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
)

// passkeyStates returns the states in which a passkey was used without a sign-in with two factors.
func passkeyStates(k *Kit) []state {
	if !k.has("/wan-register") {
		return nil
	}
	states := []state{
		{name: "the password, and a passkey of someone else", open: func() *Browser {
			email, _, _ := k.owner("secondary")
			_, other, _ := k.owner("secondary")
			b := k.firstFactor(email)
			b.Post(k.at("/tf-select"), fields{"which": "webauthn"})
			options, path := b.question("/wan-signin", fields{})
			b.answer(path)(other.Get(options))
			return b
		}},
		{name: "the password, and a passkey whose signature is wrong", open: func() *Browser {
			email, key, _ := k.owner("secondary")
			b := k.firstFactor(email)
			b.Post(k.at("/tf-select"), fields{"which": "webauthn"})
			options, path := b.question("/wan-signin", fields{})
			b.answer(path)(key.Get(options, softkey.SignedBy(k.softKey())))
			return b
		}},
		{name: "the password and a passkey, and signed out", open: func() *Browser {
			email, key, _ := k.owner("secondary")
			b := k.firstFactor(email)
			b.Post(k.at("/tf-select"), fields{"which": "webauthn"})
			options, path := b.question("/wan-signin", fields{})
			b.must("passkey", b.answer(path)(key.Get(options)))
			return b.signedOut()
		}},
		{name: "a passkey made, and signed out",
			open: func() *Browser { _, _, b := k.owner("secondary"); return b.signedOut() }},
		{name: "a passkey asked for while the second factor was not proven", open: func() *Browser {
			email, _, _ := k.owner("secondary")
			b := k.firstFactor(email)
			b.Post(k.at("/wan-register"), fields{"name": "another", "usage": "secondary"})
			return b
		}},
	}
	if k.mustEnroll() {
		states = append(states, enrollPasskeyStates(k)...)
	}
	if p := k.config.Passkeys; p == nil || !p.FirstFactor {
		return states
	}
	return append(states, firstPasskeyStates(k)...)
}

// enrollPasskeyStates returns the states of a sign-in that must set up a second factor and that has
// requested a passkey.
func enrollPasskeyStates(k *Kit) []state {
	asked := func() (b *Browser, options []byte, to string) {
		email := k.address("enrolls")
		b = k.oneFactor(email)
		if k.config.TwoFactor.EnrollProof {
			b.must("mailbox", b.Post(k.at("/tf-validate"), fields{"code": k.Mail.Code(k.t, email)}))
		}
		options, to = b.question("/wan-register", fields{"unnamed": true})
		return b, options, to
	}
	return []state{
		{name: "a passkey asked for in place of a second factor, and none made", open: func() *Browser {
			b, _, _ := asked()
			return b
		}},
		{name: "a passkey made for the sign-in of another user", open: func() *Browser {
			_, options, to := asked()
			b, _, _ := asked()
			b.answer(to)(k.softKey().Create(options))
			return b
		}},
		{name: "a passkey made that says it is of another site", open: func() *Browser {
			b, options, to := asked()
			b.answer(to)(k.softKey().Create(options, softkey.Say("origin", "https://other.test")))
			return b
		}},
	}
}

// firstPasskeyStates returns the states of passkeys that start a sign-in.
func firstPasskeyStates(k *Kit) []state {
	enter := func(key *softkey.Key, lies ...softkey.Lie) (*Browser, Answer) {
		b := k.NewBrowser()
		options, path := b.question("/wan-signin", fields{})
		return b, b.answer(path)(key.Get(options, lies...))
	}
	states := []state{
		{name: "a passkey of no one", open: func() *Browser {
			key := k.softKey()
			key.RPID, key.Handle = "127.0.0.1", make([]byte, 64)
			b, _ := enter(key)
			return b
		}},
		{name: "a passkey that is one factor, the second not proven", open: func() *Browser {
			_, key, _ := k.owner("first")
			b, a := enter(key, softkey.Clear(softkey.UV))
			b.must("passkey", a)
			return b
		}},
		{name: "a passkey for the second factor alone", open: func() *Browser {
			_, key, _ := k.owner("secondary")
			b, _ := enter(key)
			return b
		}},
	}
	if noPasskeyVerifies(k) {
		return states
	}
	return append(states, state{name: "proven again by a passkey, and signed out", open: func() *Browser {
		_, key, b := k.owner("first")
		options, path := b.question("/wan-verify", fields{})
		b.must("passkey", b.answer(path)(key.Get(options)))
		return b.signedOut()
	}})
}

// owner returns a signed-in user with an app and a passkey.
func (k *Kit) owner(usage string) (email string, key *softkey.Key, b *Browser) {
	k.t.Helper()
	email, b = k.someone("passkey")
	key = k.softKey()
	options, path := b.question("/wan-register", fields{"name": "key", "usage": usage})
	b.must("passkey", b.answer(path)(key.Create(options)))
	return email, key, b
}

func (k *Kit) softKey() *softkey.Key {
	k.t.Helper()
	key, err := softkey.New(k.config.Origin, softkey.ES256)
	if err != nil {
		k.t.Fatal(err)
	}
	return key
}

// question requests a challenge at a path. It returns the options and the path for the answer.
func (b *Browser) question(path string, body fields) (options []byte, to string) {
	b.k.t.Helper()
	a := b.Post(b.k.at(path), body)
	b.must("question of "+path, a)
	options, err := json.Marshal(a.Response["credential_options"])
	if err != nil {
		b.k.t.Fatal(err)
	}
	state, _ := a.Response["wan_state"].(string)
	return options, b.k.at(path) + "/" + state
}

// answer posts the answer of an authenticator.
func (b *Browser) answer(path string) func(text string, err error) Answer {
	return func(text string, err error) Answer {
		b.k.t.Helper()
		if err != nil {
			b.k.t.Fatal(err)
		}
		return b.Post(path, fields{"credential": text})
	}
}
