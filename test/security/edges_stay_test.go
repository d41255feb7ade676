package security_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// More of edges_test.go: remembered browsers, accounts without a password, and factors that the
// policy no longer accepts.

// TestR008_APasswordIsReplacedByAPassword checks that a confirmation asks for a new password even
// if a mailed code also opens the account. If only a password opens the account, it asks for one
// even if there was none.
func TestR008_APasswordIsReplacedByAPassword(t *testing.T) {
	for name, site := range map[string]func(*twofold.Config){"opens by mail": keyless, "opens by password": life} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, site)
			p := w.of(testkit.Person{Email: "victim@good.test"})
			w.browser().Post("/register", m{"email": p.Email, "password": secret, "password_confirm": secret}).Want(200)
			if name == "opens by password" {
				w.write(`UPDATE twofold_users SET password_hash = ''`)
			}
			link, owner := w.link("confirm", p.Email), w.browser()
			if r := owner.Get(link).Want(200); r.JSON["password_required"] != true {
				t.Errorf("no password is asked for: %s", r.Body)
			}
			owner.Post(link, m{}).Want(400).Refused("no password")
			owner.Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
			w.signsIn(p.Email, newSecret).Want(200)
			w.signsIn(p.Email, secret).Want(400).Refused("the password planted")
		})
	}
}

// TestR023_OnlyTheLastUserIsRemembered checks that a browser remembers only the user who signed in last.
func TestR023_OnlyTheLastUserIsRemembered(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, v := w.withApp("alice"), w.person("victor")
	b := w.staying(a)
	former := b.copy()
	b.login(v, m{"remember": true}).Want(200)
	former.out("who stayed before")
	b.only(stayCookie)
	if user, _ := b.sees(); user != v.Email+" level 1 trusted false" {
		t.Errorf("back as %q, want %s", user, v.Email)
	}
}

// TestR023_AnOldCookieIsIgnoredIfNoBrowserIsRemembered checks that sign-in and sign-out ignore an old
// cookie and delete it if browsers are not remembered.
func TestR023_AnOldCookieIsIgnoredIfNoBrowserIsRemembered(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	p := w.person("alice")
	b, c := w.staying(p), w.staying(p)
	n := w.Restart(func(c *twofold.Config) { c.Sessions.Remember = 0 })
	b.on(n).login(p, m{"remember": true}).Want(200)
	b.in(p, 1)
	if b.Jar[stayCookie] != "" {
		t.Error("the cookie stays")
	}
	c.on(n).Form("/logout").Want(303)
	c.out("signed out")
}

// TestR023_OneFactorOpensNoAccountOfTwo checks that a browser that proved one factor stays signed
// in only to accounts that require one.
func TestR023_OneFactorOpensNoAccountOfTwo(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a := w.withApp("alice")
	b := w.staying(a)
	w.write(`UPDATE twofold_devices SET level = 1 WHERE user_id = ?`, a.ID)
	b.copy().out("one factor of two")
	w.write(`UPDATE twofold_devices SET level = 2 WHERE user_id = ?`, a.ID)
	w.staying(a).back(a)
}

// hurried is a store in which the user signs out everywhere just before a session is stored.
type hurried struct {
	storage.Store
	on *atomic.Bool
}

func (s hurried) PutSession(ctx context.Context, x storage.Session) error {
	if s.on.Load() {
		if err := s.RevokeDevices(ctx, x.UserID); err != nil {
			return err
		}
	}
	return s.Store.PutSession(ctx, x)
}

// TestR023_ACookieThatJustEndedRestoresNothing checks that a cookie that was valid a moment ago does
// not restore a session.
func TestR023_ACookieThatJustEndedRestoresNothing(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	var on atomic.Bool
	n := w.Start(func(s storage.Store) storage.Store { return hurried{s, &on} })
	p := w.person("alice")
	b := w.staying(p).on(n)
	sessions := w.count("sessions")
	on.Store(true)
	b.out("signed out meanwhile")
	on.Store(false)
	if got := w.count("sessions"); got != sessions {
		t.Errorf("%d sessions, then %d", sessions, got)
	}
	w.staying(p).on(n).in(p, 1)
}

// TestR052_AProofWithARetiredFactorSendsAnEvent checks that a proof with a factor that is no longer
// accepted still sends an event, although it only leads to enrollment.
func TestR052_AProofWithARetiredFactorSendsAnEvent(t *testing.T) {
	w := newWorld(t, plenty)
	s := w.person("susan").enrollSMS("+16505551212")
	n := w.Restart(strongOnly)
	b := w.browser().on(n)
	b.login(s).Want(200)
	b.validate(s.Texted()).Want(200)
	if heard := happened[event.TFCodeConfirmed](w); len(heard) != 1 || heard[0].Method != storage.SMS {
		t.Errorf("heard of %+v", heard)
	}
}

// unasked is a store that fails to list the first factors of an account.
type unasked struct{ storage.Store }

func (unasked) FirstFactorsOf(context.Context, string) ([]storage.Factor, error) {
	return nil, errors.New("the store is away")
}

// TestR146_NoFactorIsOfferedIfFirstFactorsCannotBeListed checks that if first factors cannot be listed,
// the library does not assume that a second factor is possible.
func TestR146_NoFactorIsOfferedIfFirstFactorsCannotBeListed(t *testing.T) {
	w := newWorld(t, keyless)
	broken := w.Start(func(s storage.Store) storage.Store { return unasked{s} })
	p := w.opened("alice")
	b := w.plantSession(p).on(broken)
	b.Get("/tf-setup").Want(503)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(503)
	b.on(w.Nodes[0]).Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
}

// TestR102_ALockCountsUntilTheLastMoment checks that a lock set at any moment of a sign-in or
// re-authentication makes it fail.
func TestR102_ALockCountsUntilTheLastMoment(t *testing.T) {
	var asked, from atomic.Int64
	w := newWorld(t, plenty, func(c *twofold.Config) {
		c.Accounts.Locked = func(twofold.User) bool { return asked.Add(1) > from.Load() }
	})
	const never = 1 << 40
	from.Store(never)
	p := w.person("alice")
	for name, does := range map[string]func(b *browser) *answer{
		"signs in":            func(b *browser) *answer { return b.login(p) },
		"proves itself again": func(b *browser) *answer { return b.Post("/verify", m{"password": secret}) },
	} {
		open := func() *browser {
			from.Store(never)
			if name == "signs in" {
				return w.browser()
			}
			return w.plantSession(p)
		}
		b := open()
		asked.Store(0)
		does(b).Want(200)
		times := asked.Load()
		if times == 0 {
			t.Fatalf("%s: nobody asks whether the account is locked", name)
		}
		for k := range times {
			b := open()
			was := b.Jar["twofold"]
			asked.Store(0)
			from.Store(k)
			if r := does(b); r.Status == 200 || b.Jar["twofold"] != "" && b.Jar["twofold"] != was {
				t.Errorf("%s: locked before question %d of %d: %d %s", name, k+1, times, r.Status, r.Body)
			}
		}
	}
}
