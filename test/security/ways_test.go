package security_test

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/store"
)

// TestR059_TheLastWayInStays: whatever begins an account's sign-ins, of
// whatever kind, the last of it cannot be taken away; all before it can.
func TestR059_TheLastWayInStays(t *testing.T) {
	w, corp, _ := sites(t)
	disconnect := func(b *browser) *answer {
		connections, _ := b.get("/me").want(200).json["oauth_connections"].([]any)
		id, _ := connections[0].(m)["id"].(string)
		return b.post("/login/oauth-disconnect", m{"id": id})
	}
	remove := func(b *browser) *answer { return b.post("/wan-delete", m{"name": "key"}) }
	// passwordless has a passkey, a connection and no password, and is signed in
	// by the passkey.
	passwordless := func(name string) (*person, *softkey.Key, *browser) {
		p, k := w.person(name), w.key(phoneKey)
		corp.SignIn(name)
		b := p.connected(corp, "corp")
		b.register(k, "key", store.UseFirst).want(200)
		w.write(`UPDATE twofold_users SET password_hash = '' WHERE email_key = $1`, p.email)
		b = w.browser()
		b.signInBy(k).want(200)
		return p, k, b
	}

	_, k, b := passwordless("alice")
	disconnect(b).want(200)
	remove(b).want(400)
	w.browser().signInBy(k).want(200)

	_, _, b = passwordless("robert")
	remove(b).want(200)
	disconnect(b).want(400)
	w.browser().through(corp, "corp").want(200)
}
