package security_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// waiting returns the number of passwords that wait to be hashed.
func waitingAt(n *node, ctx context.Context) int {
	l, _ := n.Auth.Stats(ctx)
	return l.HashWaiting
}

// queued returns the number of passwords that wait or are being hashed.
func queued(n *node, ctx context.Context) int {
	l, _ := n.Auth.Stats(ctx)
	return l.HashWaiting + l.HashBusy
}

// flood sends wrong passwords for an account from many strangers in separate networks, and returns
// when all of them wait. No more arrive later, so if all were served in order of arrival, none
// would wait when the last arrival is served. The returned function waits for their answers.
func (w *world) flood(p *person, strangers int) (over func()) {
	w.T.Helper()
	var all sync.WaitGroup
	var answered atomic.Int64
	for i := range strangers {
		all.Go(func() {
			email := p.Email
			if i%2 == 1 {
				email = fmt.Sprintf("nobody%d@good.test", i)
			}
			b := w.at(fmt.Sprintf("198.51.%d.%d", i/200, i%200))
			b.Post("/login", m{"email": email, "password": "wrong password"})
			answered.Add(1)
		})
	}
	for queued(w.Nodes[0], w.T.Context())+int(answered.Load()) < strangers {
		time.Sleep(time.Millisecond)
	}
	return all.Wait
}

// TestR312_AFloodOfPasswordsDelaysNoKnownBrowser lets many strangers wait for their wrong passwords
// to be hashed. A browser that signed in to the account before, a re-authentication and the holder
// of a mailed link are served among the first. A stranger with the correct password or a forged
// cookie is served after the earlier arrivals.
func TestR312_AFloodOfPasswordsDelaysNoKnownBrowser(t *testing.T) {
	const strangers = 40 // a slow machine hashes so many before the wait is too long
	w := newWorld(t, proxied, life, func(c *twofold.Config) { c.Password.Slots = 1 })
	node := w.Nodes[0]
	p, other := w.person("alice"), w.person("erika")
	home, elsewhere := w.at("203.0.113.5"), w.at("203.0.113.6")
	home.login(p).Want(200)
	elsewhere.login(other).Want(200)
	w.at("203.0.113.7").Post("/reset", m{"email": p.Email}).Want(200)
	link := w.link("reset", p.Email)

	over := w.flood(p, strangers)
	home.noted().login(p).Want(200)
	if n := waitingAt(node, t.Context()); n == 0 {
		t.Error("a known browser was served after all strangers")
	}
	home.Post("/verify", m{"password": secret}).Want(200)
	if n := waitingAt(node, t.Context()); n == 0 {
		t.Error("a session was served after all strangers")
	}
	w.browser().Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	if n := waitingAt(node, t.Context()); n == 0 {
		t.Error("the holder of a link was served after all strangers")
	}
	over()

	name, forged := "twofold-known", w.at("203.0.113.8")
	content, mac, _ := strings.Cut(home.Jar[name], ".")
	raw, err := base64.RawURLEncoding.DecodeString(content)
	w.Must(err)
	content = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), `"b":"`, `"b":"A`, 1)))
	forged.Jar[name] = content + "." + mac
	for what, b := range map[string]*browser{
		"a stranger":                w.at("203.0.113.9"),
		"a forged note":             forged,
		"a note of another account": elsewhere.noted(),
		"a note of before a reset":  home.noted(),
	} {
		w.Advance(25 * time.Hour)
		over := w.flood(p, strangers)
		b.Post("/login", m{"email": p.Email, "password": newSecret}).Want(200)
		if n := waitingAt(node, t.Context()); n > 0 {
			t.Errorf("%s was served before %d who came earlier", what, n)
		}
		over()
	}
}
