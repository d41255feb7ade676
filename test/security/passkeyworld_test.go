package security_test

import (
	"encoding/json"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
)

// passkeys enables every feature of passkeys, so that the tests attack all of them.
func passkeys() *twofold.Passkeys {
	return &twofold.Passkeys{FirstFactor: true, MultiFactor: true,
		Verify: []string{storage.UseFirst, storage.UseSecond},
		Hints:  true}
}

// There are two kinds of authenticators: a phone that verifies its user and syncs, and a simple
// security key.
const (
	phoneKey  = softkey.UP | softkey.UV | softkey.BE | softkey.BS
	simpleKey = softkey.UP
)

// key returns an authenticator in front of the first node.
func (w *world) key(flags byte) *softkey.Key {
	w.T.Helper()
	k, err := softkey.New(w.Nodes[0].Origin, softkey.ES256)
	w.Must(err)
	k.Flags = flags
	return k
}

// asks requests a challenge and returns its options and state.
func (b *browser) asks(path string, body m) (options []byte, state string) {
	b.w.T.Helper()
	r := b.Post(path, body).Want(200)
	options, err := json.Marshal(r.JSON["credential_options"])
	b.w.Must(err)
	return options, r.Text("wan_state")
}

// creates and gets return an authenticator's response to a challenge.
func (w *world) creates(k *softkey.Key, options []byte, lies ...softkey.Lie) string {
	w.T.Helper()
	answer, err := k.Create(options, lies...)
	w.Must(err)
	return answer
}

func (w *world) gets(k *softkey.Key, options []byte, lies ...softkey.Lie) string {
	w.T.Helper()
	answer, err := k.Get(options, lies...)
	w.Must(err)
	return answer
}

// register adds a passkey; signIn and verify use one.
func (b *browser) register(k *softkey.Key, name, usage string, lies ...softkey.Lie) *answer {
	b.w.T.Helper()
	options, state := b.asks("/wan-register", m{"name": name, "usage": usage})
	return b.Post("/wan-register/"+state, m{"credential": b.w.creates(k, options, lies...)})
}

func (b *browser) signInBy(k *softkey.Key, lies ...softkey.Lie) *answer {
	b.w.T.Helper()
	options, state := b.asks("/wan-signin", m{})
	return b.Post("/wan-signin/"+state, m{"credential": b.w.gets(k, options, lies...)})
}

func (b *browser) verifyBy(k *softkey.Key, lies ...softkey.Lie) *answer {
	b.w.T.Helper()
	options, state := b.asks("/wan-verify", m{})
	return b.Post("/wan-verify/"+state, m{"credential": b.w.gets(k, options, lies...)})
}

// withKey creates an account with a passkey.
func (w *world) withKey(name, usage string, flags byte) (*person, *softkey.Key) {
	w.T.Helper()
	p, k := w.person(name), w.key(flags)
	w.plantSession(p).register(k, "key of "+name, usage).Want(200)
	return p, k
}

// use is one place that accepts an assertion, with a browser that is ready for it. done reports
// whether the assertion was accepted.
type use struct {
	name  string
	open  func() *browser
	ask   string
	usage string
	done  func(*browser, *answer) bool
}

// uses returns all places: the first factor, the second factor, and re-authentication.
func (w *world) uses(first, second *person) []use {
	signedIn := func(b *browser, _ *answer) bool { user, _ := b.sees(); return user != "" }
	return []use{
		{"first factor", w.browser, "/wan-signin", storage.UseFirst, signedIn},
		{"second factor", func() *browser { return w.plantPending(second) }, "/wan-signin", storage.UseSecond,
			signedIn},
		{"fresh proof", func() *browser { return w.plantSession(first) }, "/wan-verify", storage.UseFirst,
			func(_ *browser, r *answer) bool { return r.Status == 200 }},
	}
}

// everyUse runs a test at each place with a suitable key.
func everyUse(t *testing.T, test func(t *testing.T, w *world, u use, k *softkey.Key)) {
	w := newWorld(t, open)
	first, k1 := w.withKey("alice", storage.UseFirst, phoneKey)
	second, k2 := w.withKey("bert", storage.UseSecond, phoneKey)
	for _, u := range w.uses(first, second) {
		k := k1
		if u.usage == storage.UseSecond {
			k = k2
		}
		t.Run(u.name, func(t *testing.T) { test(t, w, u, k) })
	}
}

// refuses fails if an invalid response was accepted or caused an error.
func (u use) refuses(t *testing.T, w *world, k *softkey.Key, what string, lies ...softkey.Lie) {
	t.Helper()
	w.forgive()
	b := u.open()
	options, state := b.asks(u.ask, m{})
	answer := w.gets(k, options, lies...)
	r := b.Post(u.ask+"/"+state, m{"credential": answer})
	if u.done(b, r) || r.Status < 400 || r.Status >= 500 {
		t.Errorf("%s: %d %s", what, r.Status, r.Body)
	}
}

// forgive resets the budgets of passkeys, since these tests send more wrong responses than the
// budgets allow.
func (w *world) forgive() {
	w.T.Helper()
	w.write(`DELETE FROM twofold_counters WHERE name LIKE 'passkey%'`)
}
