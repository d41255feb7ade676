package security_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// More of edges_test.go: codes and links that replace the password.

// TestR050_ACorrectCodeReleasesItsPlace checks that a correct code, or the link sent with it, releases
// its place in the budget of messages.
func TestR050_ACorrectCodeReleasesItsPlace(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) {
		open(c)
		c.Advanced.Limits.SendShort, c.Advanced.Limits.FirstDay = 1, 1
	})
	p := w.person("alice").begins(storage.Email)
	for range 2 {
		b := w.browser()
		b.ask(p.Email, storage.Email).Want(200)
		b.passcode(p, p.Mailed()).Want(200)
		b.in(p, 1)
		w.Advance(31 * time.Second)
		b = w.browser()
		b.ask(p.Email, storage.Email).Want(200)
		b.Post(p.linked(), m{}).Want(200)
		b.in(p, 1)
		w.Advance(31 * time.Second)
	}
	w.browser().ask(p.Email, storage.Email).Want(200)
	w.Advance(31 * time.Second)
	w.browser().ask(p.Email, storage.Email).Want(429).Refused("nobody answered the one before")
	// A message that is sent writes an audit row and an event. For an unknown recipient there is
	// only the row.
	w.browser().ask("nobody@good.test", storage.Email)
	if rows, heard := w.rowsNamed("us-security-token-sent"), happened[event.USSecurityTokenSent](w); len(rows) != 6 ||
		len(heard) != 5 {
		t.Errorf("%d rows, %d heard of", len(rows), len(heard))
	}
}

// TestR042_ACodeByTextEndsTheOneByMail covers codes sent for the same browser.
func TestR042_ACodeByTextEndsTheOneByMail(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) {
		open(c)
		c.Passwordless.EnabledMethods = []string{"password", storage.Email, storage.SMS}
	})
	p := w.person("alice").begins(storage.Email).begins(storage.SMS, "+16505551212")
	b := w.browser()
	b.ask(p.Email, storage.Email).Want(200)
	old := p.Mailed()
	w.Advance(31 * time.Second)
	b.ask(p.Email, storage.SMS).Want(200)
	b.passcode(p, old).Want(400).Refused("the code by mail")
	b.passcode(p, p.Texted()).Want(200)
	b.in(p, 1)
}

// TestR025_NothingIsSentByAMethodThatSendsNothing covers sites where an app is a first factor.
func TestR025_NothingIsSentByAMethodThatSendsNothing(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) {
		open(c)
		c.Passwordless.EnabledMethods = []string{"password", storage.Authenticator}
	})
	p := w.person("alice").begins(storage.Authenticator)
	b := w.plantSession(p)
	for _, method := range []string{storage.Authenticator, storage.SMS, storage.Email, "password"} {
		b.Post("/us-verify/send-code", m{"chosen_method": method}).Want(400).Refused(method)
		w.browser().ask(p.Email, method).Want(400).Refused(method)
	}
}

// untried is a store that fails to verify codes.
type untried struct{ storage.Store }

func (untried) TryChallenge(context.Context, string, [][]byte, time.Time) error {
	return errors.New("the store is away")
}

// TestR146_ALinkThatCannotBeTriedOpensNothing.
func TestR146_ALinkThatCannotBeTriedOpensNothing(t *testing.T) {
	w := newWorld(t, unified, open)
	broken := w.Start(func(s storage.Store) storage.Store { return untried{s} })
	p := w.person("alice").begins(storage.Email)
	b := w.browser()
	b.ask(p.Email, storage.Email).Want(200)
	link := p.linked()
	b.on(broken)
	b.Post(link, m{}).Refused("while the store is away")
	b.out("while the store is away")
	b.on(w.Nodes[0]).Post(link, m{}).Want(200)
	b.in(p, 1)
}

// TestR059_TheLastWayInIsNotOfferedForRemoval, another is.
func TestR059_TheLastWayInIsNotOfferedForRemoval(t *testing.T) {
	w := newWorld(t, keyless)
	for p, offered := range map[*person]bool{w.opened("alice"): false, w.person("bobby").begins(storage.Email): true} {
		if len(p.firsts()) == 0 {
			p.begins(storage.Email)
		}
		page := w.plantSession(p).Page("/us-setup").Want(200)
		if strings.Contains(page.Body, `name="delete_method"`) != offered {
			t.Errorf("%s: offered for removal, want %v", p.Name, offered)
		}
	}
}

// firsts returns the first factors of the person.
func (p *person) firsts() []storage.Factor {
	p.w.T.Helper()
	list, err := p.w.Nodes[0].Store.FirstFactorsOf(p.w.T.Context(), p.ID)
	p.w.Must(err)
	return list
}

// TestR101_SigningOutEndsBoth checks that sign-out ends the session and a pending re-authentication
// in its browser.
func TestR101_SigningOutEndsBoth(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	b := w.plantSession(p)
	b.Post("/verify", m{"password": secret}).Want(200)
	old := b.copy()
	b.Form("/logout")
	old.out("signed out")
	old.validate(p.Next()).Refused("signed out")
	old.out("signed out")
}

// TestR143_EventsFromTheSameNetworkAreShown checks that an event from the same network or kind
// of browser is still shown to the user as unseen activity.
func TestR143_EventsFromTheSameNetworkAreShown(t *testing.T) {
	w := newWorld(t, open, proxied)
	at := func(b *browser, address, agent string) *browser {
		b.Header["X-Forwarded-For"], b.Header["User-Agent"] = address, agent
		return b
	}
	for name, thief := range map[string]func() *browser{
		"shares": func() *browser { return at(w.browser(), "203.0.113.9", linuxFox) },
		"lives":  func() *browser { return at(w.browser(), "198.51.100.7", phone) },
	} {
		p := w.withApp(name)
		b := at(w.browser(), "198.51.100.7", linuxFox)
		b.login(p).Want(200)
		b.validate(p.Next()).Want(200)
		list := func() int {
			all, _ := b.Get("/me").Want(200).JSON["tf_notices"].([]any)
			return len(all)
		}
		before := list()
		w.Advance(time.Minute)
		thief().login(p).Want(200)
		if got := list(); got != before+1 {
			t.Errorf("who %s: %d lines, then %d", name, before, got)
		}
	}
}

// TestR125_ANewAccountIsGreeted checks that a new account gets a welcome mail, unless this mail is
// disabled.
func TestR125_ANewAccountIsGreeted(t *testing.T) {
	for name, quiet := range map[string]bool{"greeted": false, "left out": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open, func(c *twofold.Config) { c.Accounts.NoWelcome = quiet })
			w.registers("new@good.test", secret).Want(200)
			w.settled()
			if n := len(w.letters("welcome", "new@good.test")); (n == 0) != quiet || n > 1 {
				t.Errorf("%d letters", n)
			}
		})
	}
}
