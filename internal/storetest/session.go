package storetest

import (
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

func newSession(u storage.User) storage.Session {
	return storage.Session{
		Hash: "hash " + storage.NewID(), ID: storage.NewID(), UserID: u.ID, CredentialVersion: u.CredentialVersion,
		Token: true,
		Level: storage.TwoFactors, Trusted: true, TrustedBy: "device",
		Proofs: []storage.Proof{{Method: "password", At: in(-3)},
			{Method: storage.Authenticator, At: in(-2), Rests: []string{"a", "b"}}},
		FreshAt: in(-2), Address: "192.0.2.1", Agent: "Mozilla/5.0 (…)",
		CreatedAt: in(-20), SeenAt: in(-1), IdleAt: in(100), ExpiresAt: in(1000),
	}
}

func (k kit) session(u storage.User) storage.Session {
	k.Helper()
	v := newSession(u)
	k.ok(k.s.PutSession(k.Context(), v))
	return v
}

func (k kit) alive(v storage.Session, at time.Time) {
	k.Helper()
	got, err := k.s.Session(k.Context(), v.Hash, at)
	k.ok(err)
	k.same(got, v)
}

func (k kit) dead(v storage.Session, at time.Time) {
	k.Helper()
	_, err := k.s.Session(k.Context(), v.Hash, at)
	k.is(err, storage.ErrNotFound)
}

var sessionRules = []rule{
	{"a session comes back as stored", func(k kit) {
		v := k.session(newUser())
		k.alive(v, now)
		v = storage.Session{Hash: "plain", IdleAt: in(1), ExpiresAt: in(1)}
		k.ok(k.s.PutSession(k.Context(), v))
		k.alive(v, now)
	}},
	{"a taken hash is ErrExists and the first stays", func(k kit) {
		v := k.session(newUser())
		w := newSession(newUser())
		w.Hash = v.Hash
		k.is(k.s.PutSession(k.Context(), w), storage.ErrExists)
		k.alive(v, now)
	}},
	{"an unknown session is ErrNotFound", func(k kit) {
		k.dead(newSession(newUser()), now)
		k.dead(storage.Session{}, now)
	}},
	{"a store of both reads a session and its user at once, as one after the other", func(k kit) {
		both, ok := k.s.(storage.SessionUser)
		if !ok {
			return // keeps sessions and users in different places
		}
		u := k.user()
		v := k.session(u)
		for _, at := range []time.Time{now, v.IdleAt.Add(-tick)} {
			gotSession, gotUser, err := both.SessionUser(k.Context(), v.Hash, at)
			k.ok(err)
			k.same(gotSession, v)
			k.same(gotUser, u)
		}
		apart := k.session(newUser()) // its user does not exist there
		for _, c := range []struct {
			hash string
			at   time.Time
		}{{v.Hash, v.IdleAt}, {apart.Hash, now}, {"unknown", now}, {"", now}} {
			gotSession, gotUser, err := both.SessionUser(k.Context(), c.hash, c.at)
			k.is(err, storage.ErrNotFound)
			k.same(gotSession, storage.Session{})
			k.same(gotUser, storage.User{})
		}
	}},
	{"a session is dead from its idle end on", func(k kit) {
		v := k.session(newUser())
		k.alive(v, v.IdleAt.Add(-tick))
		k.dead(v, v.IdleAt)
	}},
	{"a session is dead from its last end on, touched or not", func(k kit) {
		v := k.session(newUser())
		k.ok(k.s.TouchSession(k.Context(), v.Hash, in(50), in(5000)))
		v.SeenAt, v.IdleAt = in(50), in(5000)
		k.alive(v, v.ExpiresAt.Add(-tick))
		k.dead(v, v.ExpiresAt)
		k.is(k.s.TouchSession(k.Context(), v.Hash, v.ExpiresAt, in(9000)), storage.ErrNotFound)
		k.dead(v, v.ExpiresAt)
	}},
	{"a touch moves the idle end", func(k kit) {
		v := k.session(newUser())
		k.ok(k.s.TouchSession(k.Context(), v.Hash, in(90), in(190)))
		v.SeenAt, v.IdleAt = in(90), in(190)
		k.alive(v, in(189))
		k.dead(v, in(190))
	}},
	{"a touch that comes late takes nothing away", func(k kit) {
		v := k.session(newUser())
		k.ok(k.s.TouchSession(k.Context(), v.Hash, in(90), in(190)))
		k.ok(k.s.TouchSession(k.Context(), v.Hash, in(50), in(150)))
		v.SeenAt, v.IdleAt = in(90), in(190)
		k.alive(v, in(189))
	}},
	{"a touch does not revive a session that is idle, gone or unknown", func(k kit) {
		idle, gone := k.session(newUser()), k.session(newUser())
		_, err := k.s.TakeSession(k.Context(), gone.Hash)
		k.ok(err)
		k.is(k.s.TouchSession(k.Context(), idle.Hash, idle.IdleAt, in(500)), storage.ErrNotFound)
		k.is(k.s.TouchSession(k.Context(), gone.Hash, now, in(500)), storage.ErrNotFound)
		k.is(k.s.TouchSession(k.Context(), "unknown", now, in(500)), storage.ErrNotFound)
		k.dead(idle, idle.IdleAt)
		k.dead(gone, now)
	}},
	{"touches of several sessions move their idle ends, and skip a session that is gone", func(k kit) {
		a, b, gone := k.session(newUser()), k.session(newUser()), k.session(newUser())
		_, err := k.s.TakeSession(k.Context(), gone.Hash)
		k.ok(err)
		var list []storage.Touch
		for _, v := range []storage.Session{b, gone, a} {
			list = append(list, storage.Touch{Hash: v.Hash, Seen: in(90), Idle: in(190)})
		}
		k.ok(k.s.TouchSessions(k.Context(), append(list, storage.Touch{Hash: "unknown", Seen: in(90), Idle: in(190)})))
		k.ok(k.s.TouchSessions(k.Context(), nil))
		for _, v := range []storage.Session{a, b} {
			v.SeenAt, v.IdleAt = in(90), in(190)
			k.alive(v, in(189))
			k.dead(v, in(190))
		}
		k.dead(gone, in(1))
	}},
	{"touches of more sessions than one transaction takes are all stored", func(k kit) {
		u := newUser()
		k.ok(k.s.CreateUser(k.Context(), u))
		var list []storage.Touch
		for range 150 {
			v := newSession(u)
			k.ok(k.s.PutSession(k.Context(), v))
			list = append(list, storage.Touch{Hash: v.Hash, Seen: in(90), Idle: in(190)})
		}
		k.ok(k.s.TouchSessions(k.Context(), list))
		for _, touch := range list {
			if _, err := k.s.Session(k.Context(), touch.Hash, in(189)); err != nil {
				k.Fatal(err)
			}
		}
	}},
	{"a session is taken once and is gone", func(k kit) {
		v, keep := k.session(newUser()), k.session(newUser())
		got, err := k.s.TakeSession(k.Context(), v.Hash)
		k.ok(err)
		k.same(got, v)
		_, err = k.s.TakeSession(k.Context(), v.Hash)
		k.is(err, storage.ErrNotFound)
		k.dead(v, now)
		k.alive(keep, now)
	}},
	{"a rebound session has the new credential version and proofs and the same expiry times", func(k kit) {
		v := k.session(newUser())
		given := v
		given.CredentialVersion, given.Level, given.Trusted, given.TrustedBy, given.Proofs, given.FreshAt = "q",
			storage.OneFactor, false, "x", v.Proofs[:1], time.Time{}
		given.UserID, given.IdleAt, given.ExpiresAt = "someone else", in(9000), in(9000)
		k.ok(k.s.RebindSession(k.Context(), given))
		given.UserID, given.IdleAt, given.ExpiresAt = v.UserID, v.IdleAt, v.ExpiresAt
		k.alive(given, now)
		k.dead(given, v.IdleAt)
	}},
	{"all but a user's newest sessions are ended and returned", func(k kit) {
		u, other := newUser(), newUser()
		var all []storage.Session
		for i := range 5 {
			v := newSession(u)
			v.CreatedAt = in(-100 + i)
			k.ok(k.s.PutSession(k.Context(), v))
			all = append(all, v)
		}
		keep := k.session(other)
		none, err := k.s.TrimSessions(k.Context(), u.ID, 5)
		k.ok(err)
		if len(none) != 0 {
			k.Errorf("ended %v, want none", none)
		}
		ended, err := k.s.TrimSessions(k.Context(), u.ID, 3)
		k.ok(err)
		slices.SortFunc(ended, func(a, b storage.Session) int { return a.CreatedAt.Compare(b.CreatedAt) })
		k.same(ended, all[:2])
		k.dead(all[0], now)
		k.dead(all[1], now)
		for _, v := range append(all[2:], keep) {
			k.alive(v, now)
		}
	}},
	{"a session that is gone cannot be rebound", func(k kit) {
		v := k.session(newUser())
		_, err := k.s.TakeSession(k.Context(), v.Hash)
		k.ok(err)
		k.is(k.s.RebindSession(k.Context(), v), storage.ErrNotFound)
		k.dead(v, now)
	}},
	{"a user's living sessions are listed, the newest first", func(k kit) {
		u := newUser()
		old, young, idle := newSession(u), newSession(u), newSession(u)
		old.CreatedAt, idle.IdleAt = in(-100), now
		for _, v := range []storage.Session{old, young, idle, newSession(newUser())} {
			k.ok(k.s.PutSession(k.Context(), v))
		}
		list, err := k.s.SessionsOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(list, []storage.Session{young, old})
		list, err = k.s.SessionsOf(k.Context(), "unknown", now)
		k.ok(err)
		k.same(list, []storage.Session{})
	}},
	{"EndSession ends all of one id, of its user only, and says what", func(k kit) {
		u := newUser()
		browser, token, other, foreign := newSession(u), newSession(u), newSession(u), newSession(newUser())
		token.ID, token.Token, foreign.ID = browser.ID, true, browser.ID
		for _, v := range []storage.Session{browser, token, other, foreign} {
			k.ok(k.s.PutSession(k.Context(), v))
		}
		hashes, err := k.s.EndSession(k.Context(), u.ID, browser.ID)
		k.ok(err)
		slices.Sort(hashes)
		want := []string{browser.Hash, token.Hash}
		slices.Sort(want)
		k.same(hashes, want)
		k.dead(browser, now)
		k.dead(token, now)
		k.alive(other, now)
		k.alive(foreign, now)
		hashes, err = k.s.EndSession(k.Context(), u.ID, browser.ID)
		k.is(err, storage.ErrNotFound)
		k.same(len(hashes), 0)
	}},
	{"EndSessions ends all of a user's and no others", func(k kit) {
		u := newUser()
		a, b, keep := k.session(u), k.session(u), k.session(newUser())
		k.ok(k.s.EndSessions(k.Context(), u.ID))
		k.ok(k.s.EndSessions(k.Context(), u.ID))
		k.dead(a, now)
		k.dead(b, now)
		k.alive(keep, now)
	}},
}
