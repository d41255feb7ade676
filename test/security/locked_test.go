package security_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

// lockable lets the application lock all accounts while it is set.
func lockable(on *atomic.Bool) func(*twofold.Config) {
	return func(c *twofold.Config) {
		c.Accounts.Changeable = true
		c.Accounts.Locked = func(twofold.User) bool { return on.Load() }
	}
}

// TestR119_TheApplicationsLockLeavesSessions checks that the lock applies to sign-in only. An
// existing session continues and can make changes, and a change that was made is never answered as
// a refusal.
func TestR119_TheApplicationsLockLeavesSessions(t *testing.T) {
	var locked atomic.Bool
	w := newWorld(t, tokens, lockable(&locked))
	p := w.withApp("alice")
	b, _, _ := p.pair()
	locked.Store(true)
	w.browser().login(p).Want(400).Refused("a locked account")
	b.in(p, 2)
	b.Post("/tf-sessions", m{}).Want(200)
	b.in(p, 2)
	b.Post("/access-tokens", m{"name": "x", "scopes": []string{"read"}}).Want(200)
	b.Post("/tf-setup", m{"setup": "disable"}).Want(200)
	b.in(p, 1)
	// Re-authentication counts as a sign-in.
	b.Post("/verify", m{"password": secret}).Want(400)
	locked.Store(false)
	b.Post("/verify", m{"password": secret}).Want(200)
	w.browser().login(p).Want(200)
}

// TestR084_ALockUsesUpNoRefreshToken checks that a token refused because of a lock is not spent.
// Otherwise its next use would count as reuse.
func TestR084_ALockUsesUpNoRefreshToken(t *testing.T) {
	var locked atomic.Bool
	w := newWorld(t, tokens, lockable(&locked))
	p := w.withApp("alice")
	b, _, refresh := p.pair()
	locked.Store(true)
	for range 2 {
		if r, header, _ := w.exchange(refresh); header != "" || !strings.Contains(r.Want(400).Body, "NOT_FOUND") {
			t.Errorf("%s", r.Body)
		}
	}
	locked.Store(false)
	r, header, _ := w.exchange(refresh)
	r.Want(200)
	w.program("Authentication-Token", header).in(p, 2)
	b.in(p, 2)
	if n := len(happened[event.TokenCopied](w)); n != 0 {
		t.Errorf("%d copies were seen where there are none", n)
	}
}
