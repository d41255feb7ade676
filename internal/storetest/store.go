package storetest

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

var storeRules = []rule{
	{"a store that works answers a ping", func(k kit) {
		k.ok(k.s.Ping(k.Context()))
		k.ok(k.s.Ping(k.Context()))
	}},
	{"a closed store is unavailable and grants nothing", func(k kit) {
		u := k.user()
		k.ok(k.s.Close())
		k.ok(k.s.Close())
		k.is(k.s.Ping(k.Context()), storage.ErrUnavailable)
		_, err := k.s.UserByID(k.Context(), u.ID)
		k.is(err, storage.ErrUnavailable)
		_, err = k.s.Reserve(k.Context(), now, claim("x", 5))
		k.is(err, storage.ErrUnavailable)
		k.is(k.s.TryChallenge(k.Context(), "x", nil, now), storage.ErrUnavailable)
		_, err = k.s.TakeSession(k.Context(), "x")
		k.is(err, storage.ErrUnavailable)
	}},
	{"a context that is done is unavailable and nothing happens", func(k kit) {
		u := k.user()
		k.ok(k.s.PutChallenge(k.Context(), newChallenge("c")))
		ctx, cancel := context.WithCancel(k.Context())
		cancel()
		k.is(k.s.CreateUser(ctx, newUser()), storage.ErrUnavailable)
		_, err := k.s.UserByID(ctx, u.ID)
		k.is(err, storage.ErrUnavailable)
		k.is(k.s.TryChallenge(ctx, "c", right, now), storage.ErrUnavailable)
		_, err = k.s.Reserve(ctx, now, claim("x", 1))
		k.is(err, storage.ErrUnavailable)
		k.ok(k.s.TryChallenge(k.Context(), "c", right, now))
		_, err = k.s.Reserve(k.Context(), now, claim("x", 1))
		k.ok(err)
	}},
	{"a deadline that passes is unavailable", func(k kit) {
		ctx, cancel := context.WithDeadline(k.Context(), time.Now().Add(-time.Second))
		defer cancel()
		k.is(k.s.Ping(ctx), storage.ErrUnavailable)
		_, err := k.s.Session(ctx, "x", now)
		k.is(err, storage.ErrUnavailable)
	}},
	{"what users write is data", func(k kit) {
		for _, odd := range []string{`'; DROP TABLE twofold_users; --`, `"`, `\`, `%_`, "é\u200b漢字🙂", "a\nb\tc", "$1",
			":x", "?"} {
			u := newUser()
			u.Email, u.EmailKey, u.Username = odd, odd, odd
			u.Roles = []string{odd, ""}
			k.ok(k.s.CreateUser(k.Context(), u))
			got, err := k.s.UserByIdentity(k.Context(), odd)
			k.ok(err)
			k.same(got, u)
			d := newDevice(u)
			d.Name = odd
			k.ok(k.s.PutDevice(k.Context(), d))
			k.same(k.stored(u.ID), u)
		}
	}},
	{"a store in order has nothing wrong in it", func(k kit) {
		u, _ := k.furnish()
		k.fill(u, 2, in(600))
		for i := range 4 { // spent, tried, used up, closed, given back
			c := newChallenge(name("code", i))
			c.UserID = u.ID
			k.ok(k.s.PutChallenge(k.Context(), c))
			for range i {
				_ = k.s.TryChallenge(k.Context(), c.Key, [][]byte{[]byte("wrong")}, now)
			}
			_ = k.s.TryChallenge(k.Context(), c.Key, [][]byte{c.MAC}, now)
			for range i {
				_, _ = k.s.Reserve(k.Context(), now,
					storage.Claim{Key: name("budget", i%2), Limit: 2, Window: time.Hour, Hold: time.Minute})
			}
		}
		k.ok(k.s.Release(k.Context(), []string{name("budget", 1)}, nil))
		wrong, err := k.s.Examine(k.Context(), now)
		k.ok(err)
		k.same(wrong, []string{})
	}},
	{"a new id is 26 characters and never the same", func(k kit) {
		seen := map[string]bool{}
		for range 1000 {
			id := storage.NewID()
			if len(id) != 26 || seen[id] {
				k.Fatalf("bad id %q", id)
			}
			seen[id] = true
		}
	}},
}

// fill stores n records of each kind, which expire at end.
func (k kit) fill(u storage.User, n int, end time.Time) {
	k.Helper()
	ctx := k.Context()
	for i := range n {
		k.ok(k.s.PutSession(ctx, func() storage.Session {
			v := newSession(u)
			v.ExpiresAt = end
			return v
		}()))
		p := newPending(u)
		p.ExpiresAt = end
		k.ok(k.s.PutPending(ctx, p))
		d := newDraft(u, name("owner", i))
		d.Owner += end.String()
		d.ExpiresAt = end
		k.ok(k.s.PutDraft(ctx, d))
		c := newChallenge(name("sweep", i) + end.String())
		c.UserID = u.ID
		c.ExpiresAt = end
		k.ok(k.s.PutChallenge(ctx, c))
		_, err := k.s.Reserve(ctx, end.Add(-time.Hour),
			storage.Claim{Key: name("sweep", i) + end.String(), Limit: 5, Window: time.Hour})
		k.ok(err)
		m := newMessage(storage.NewID())
		m.ExpiresAt = end
		k.ok(k.s.PutMessage(ctx, m))
		dev := newDevice(u)
		dev.ExpiresAt = end
		k.ok(k.s.PutDevice(ctx, dev))
	}
}

const kinds = 7 // number of kinds that fill stores

var sweepRules = []rule{
	{"a sweep deletes what is dead and nothing else", func(k kit) {
		u := k.user()
		k.fill(u, 3, in(10))
		k.fill(u, 2, in(20))
		n, err := k.s.Sweep(k.Context(), in(10).Add(-time.Microsecond), 1000)
		k.ok(err)
		k.same(n, 0)
		n, err = k.s.Sweep(k.Context(), in(10), 1000)
		k.ok(err)
		k.same(n, 3*kinds)
		list, err := k.s.SessionsOf(k.Context(), u.ID, in(11))
		k.ok(err)
		k.same(len(list), 2)
		k.devices(u, 2)
		n, err = k.s.Sweep(k.Context(), in(20), 1000)
		k.ok(err)
		k.same(n, 2*kinds)
		k.same(k.stored(u.ID), u)
	}},
	{"a sweep deletes up to limit of each kind", func(k kit) {
		k.fill(k.user(), 5, in(10))
		for _, want := range []int{2 * kinds, 2 * kinds, kinds, 0} {
			n, err := k.s.Sweep(k.Context(), in(30), 2)
			k.ok(err)
			k.same(n, want)
		}
		n, err := k.s.Sweep(k.Context(), in(30), 0)
		k.ok(err)
		k.same(n, 0)
	}},
	{"a session dead by idleness is swept", func(k kit) {
		v := newSession(newUser())
		v.IdleAt, v.ExpiresAt = in(5), in(500)
		k.ok(k.s.PutSession(k.Context(), v))
		n, err := k.s.Sweep(k.Context(), in(5), 10)
		k.ok(err)
		k.same(n, 1)
	}},
	{"a closed budget is not swept before it opens", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 1, Window: time.Second, Hold: time.Hour}
		_, err := k.s.Reserve(k.Context(), now, c)
		k.ok(err)
		n, err := k.s.Sweep(k.Context(), in(60), 10)
		k.ok(err)
		k.same(n, 0)
		_, err = k.s.Reserve(k.Context(), in(60), c)
		k.is(err, storage.ErrUsed)
	}},
}
