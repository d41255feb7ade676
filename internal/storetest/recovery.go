package storetest

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

func newRequest(u storage.User) storage.Recovery {
	return storage.Recovery{
		UserID: u.ID, ID: storage.NewID(), CredentialVersion: u.CredentialVersion, FactorID: storage.NewID(),
		Address: "192.0.2.1", Agent: "Firefox",
		CreatedAt: now, OpensAt: in(100), ExpiresAt: in(200),
	}
}

func addRequest(k kit, u storage.User) storage.Recovery {
	k.Helper()
	r := newRequest(u)
	k.ok(k.s.PutRecovery(k.Context(), r))
	return r
}

func wantRequest(k kit, u storage.User, want storage.Recovery) {
	k.Helper()
	got, err := k.s.Recovery(k.Context(), u.ID)
	k.ok(err)
	k.same(got, want)
}

func takeRequest(k kit, r storage.Recovery, at time.Time) error {
	got, err := k.s.TakeRecovery(k.Context(), r.UserID, r.ID, r.CredentialVersion, at)
	if err == nil {
		k.same(got, r)
	}
	return err
}

var requestRules = []rule{
	{"a request comes back as stored; of an unknown user there is none and none is kept", func(k kit) {
		u := k.user()
		_, err := k.s.Recovery(k.Context(), u.ID)
		k.is(err, storage.ErrNotFound)
		wantRequest(k, u, addRequest(k, u))
		k.is(k.s.PutRecovery(k.Context(), newRequest(newUser())), storage.ErrNotFound)
		k.is(k.s.BlockRecovery(k.Context(), newUser().ID, now), storage.ErrNotFound)
	}},
	{"a request that lives is neither replaced nor put off", func(k kit) {
		u := k.user()
		r := addRequest(k, u)
		for _, at := range []time.Time{in(-50), now, in(99), in(150), in(199)} {
			again := newRequest(u)
			again.CreatedAt, again.OpensAt, again.ExpiresAt = at, at, at.Add(time.Hour)
			k.is(k.s.PutRecovery(k.Context(), again), storage.ErrExists)
			wantRequest(k, u, r)
		}
	}},
	{"one that has expired, or has another credential version, is replaced", func(k kit) {
		u := k.user()
		addRequest(k, u)
		late := newRequest(u)
		late.CreatedAt, late.OpensAt, late.ExpiresAt = in(200), in(300), in(400)
		k.ok(k.s.PutRecovery(k.Context(), late))
		wantRequest(k, u, late)
		other := newRequest(u)
		other.CredentialVersion = "another"
		k.ok(k.s.PutRecovery(k.Context(), other))
		wantRequest(k, u, other)
	}},
	{"it is taken once, from when it opens until it expires, by its own ID, user and credential version", func(k kit) {
		u, other := k.user(), k.user()
		r := addRequest(k, u)
		mine := addRequest(k, other)
		for _, at := range []time.Time{now, in(99), in(200), in(1000)} {
			k.is(takeRequest(k, r, at), storage.ErrUsed)
		}
		for _, change := range []func(*storage.Recovery){
			func(v *storage.Recovery) { v.ID = "another" }, func(v *storage.Recovery) { v.ID = mine.ID },
			func(v *storage.Recovery) { v.ID = "" },
			func(v *storage.Recovery) { v.UserID = other.ID },
			func(v *storage.Recovery) { v.CredentialVersion = "another" },
		} {
			v := r
			change(&v)
			k.is(takeRequest(k, v, in(150)), storage.ErrUsed)
		}
		wantRequest(k, u, r)
		k.ok(takeRequest(k, r, in(100)))
		k.is(takeRequest(k, r, in(100)), storage.ErrUsed)
		k.is(takeRequest(k, r, in(150)), storage.ErrUsed)
		wantRequest(k, other, mine)
	}},
	{"an ended request is gone, and one may be asked again", func(k kit) {
		u, other := k.user(), k.user()
		r, mine := addRequest(k, u), addRequest(k, other)
		k.ok(k.s.EndRecovery(k.Context(), u.ID))
		k.ok(k.s.EndRecovery(k.Context(), u.ID))
		k.is(takeRequest(k, r, in(150)), storage.ErrUsed)
		_, err := k.s.Recovery(k.Context(), u.ID)
		k.is(err, storage.ErrNotFound)
		addRequest(k, u)
		wantRequest(k, other, mine)
	}},
	{"a block ends the request and refuses every other one until it is lifted", func(k kit) {
		u, other := k.user(), k.user()
		r := addRequest(k, u)
		k.ok(k.s.BlockRecovery(k.Context(), u.ID, in(1)))
		k.ok(k.s.BlockRecovery(k.Context(), u.ID, in(2)))
		k.is(takeRequest(k, r, in(150)), storage.ErrUsed)
		k.is(takeRequest(k, storage.Recovery{UserID: u.ID}, in(150)), storage.ErrUsed)
		for _, at := range []time.Time{now, in(1_000_000)} {
			again := newRequest(u)
			again.CreatedAt, again.CredentialVersion = at, "another"
			k.is(k.s.PutRecovery(k.Context(), again), storage.ErrExists)
		}
		wantRequest(k, u, storage.Recovery{UserID: u.ID, Blocked: true, CreatedAt: in(2)})
		addRequest(k, other)
		k.ok(k.s.EndRecovery(k.Context(), u.ID))
		addRequest(k, u)
	}},
	{"a sweep removes what has expired, never the mark", func(k kit) {
		u, other, third := k.user(), k.user(), k.user()
		addRequest(k, u)
		k.ok(k.s.BlockRecovery(k.Context(), other.ID, now))
		late := newRequest(third)
		late.ExpiresAt = in(201)
		k.ok(k.s.PutRecovery(k.Context(), late))
		n, err := k.s.Sweep(k.Context(), in(200), 100)
		k.ok(err)
		if n != 1 {
			k.Fatalf("%d records were swept, want 1", n)
		}
		wantRequest(k, third, late)
		wantRequest(k, other, storage.Recovery{UserID: other.ID, Blocked: true, CreatedAt: now})
	}},
}

var requestRaceRules = []rule{
	{"of parallel requests one is kept, and it is the winner's", func(k kit) {
		for range rounds() {
			u := k.user()
			asked := make([]storage.Recovery, callers)
			for i := range asked {
				asked[i] = newRequest(u)
			}
			errs := k.race(func(s storage.Store, i int) error { return s.PutRecovery(k.Context(), asked[i]) })
			k.one(errs, storage.ErrExists)
			for i, err := range errs {
				if err == nil {
					wantRequest(k, u, asked[i])
				}
			}
		}
	}},
	{"of parallel takers one gets it; with the mark set meanwhile, none after it", func(k kit) {
		for i := range rounds() {
			u := k.user()
			r := addRequest(k, u)
			shuts := i%2 == 1
			errs := k.race(func(s storage.Store, i int) error {
				if shuts && i == 0 {
					if err := s.BlockRecovery(k.Context(), u.ID, now); err != nil {
						return err
					}
					return storage.ErrUsed
				}
				_, err := s.TakeRecovery(k.Context(), u.ID, r.ID, r.CredentialVersion, in(150))
				return err
			})
			if !shuts {
				k.one(errs, storage.ErrUsed)
				continue
			}
			wantRequest(k, u, storage.Recovery{UserID: u.ID, Blocked: true, CreatedAt: now})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				}
			}
			if won > 1 {
				k.Fatalf("%d took it", won)
			}
		}
	}},
}
