package storetest

import (
	"github.com/twofold-auth/twofold/internal/storage"
)

func newPending(u storage.User) storage.Pending {
	return storage.Pending{
		Hash: "hash " + storage.NewID(), UserID: u.ID, CredentialVersion: u.CredentialVersion, State: storage.Ready,
		Factor: "factor 1", Rescue: true,
		First: storage.Proof{Method: "password", At: in(-1), Rests: []string{"a",
			"b"}}, Remember: true, SessionID: "session 1", Known: true, Address: "192.0.2.1",
		CreatedAt: now, ExpiresAt: in(600),
	}
}

func (k kit) pending(p storage.Pending) storage.Pending {
	k.Helper()
	k.ok(k.s.PutPending(k.Context(), p))
	return p
}

func (k kit) waits(p storage.Pending) {
	k.Helper()
	got, err := k.s.Pending(k.Context(), p.Hash, now)
	k.ok(err)
	k.same(got, p)
}

func (k kit) ended(p storage.Pending) {
	k.Helper()
	_, err := k.s.Pending(k.Context(), p.Hash, now)
	k.is(err, storage.ErrNotFound)
}

var pendingRules = []rule{
	{"a pending sign-in comes back as stored", func(k kit) {
		k.waits(k.pending(newPending(newUser())))
		k.waits(k.pending(storage.Pending{Hash: "plain", State: storage.Setup, ExpiresAt: in(1)}))
	}},
	{"an unknown or expired pending is ErrNotFound", func(k kit) {
		k.ended(newPending(newUser()))
		p := k.pending(newPending(newUser()))
		_, err := k.s.Pending(k.Context(), p.Hash, p.ExpiresAt.Add(-tick))
		k.ok(err)
		_, err = k.s.Pending(k.Context(), p.Hash, p.ExpiresAt)
		k.is(err, storage.ErrNotFound)
	}},
	{"the oldest of a user's beyond five is dropped", func(k kit) {
		u := newUser()
		other := k.pending(newPending(newUser()))
		var list []storage.Pending
		for i := range 8 {
			p := newPending(u)
			p.CreatedAt = in(i)
			list = append(list, k.pending(p))
		}
		for i, p := range list {
			if i < 3 {
				k.ended(p)
			} else {
				k.waits(p)
			}
		}
		k.waits(other)
	}},
	{"pendings of known browsers and others never push each other out", func(k kit) {
		u := newUser()
		put := func(known bool, at int) storage.Pending {
			p := newPending(u)
			p.Known, p.CreatedAt = known, in(at)
			return k.pending(p)
		}
		for _, known := range []bool{true, false} {
			var mine []storage.Pending
			for i := range 5 {
				mine = append(mine, put(known, i))
			}
			for i := range 9 {
				put(!known, 10+i)
			}
			for _, p := range mine {
				k.waits(p)
			}
			put(known, 30)
			k.ended(mine[0])
			k.waits(mine[1])
			k.ok(k.s.EndPendings(k.Context(), u.ID))
			k.ended(mine[1])
		}
	}},
	{"a new pending is kept though the clock stepped back", func(k kit) {
		u := newUser()
		for i := range 5 {
			p := newPending(u)
			p.CreatedAt = in(i)
			k.pending(p)
		}
		p := newPending(u)
		p.CreatedAt = in(-300)
		k.waits(k.pending(p))
	}},
	{"a store of both reads a pending and what belongs to it at once, as one after the other", func(k kit) {
		s, ok := k.s.(storage.SessionUser)
		if !ok {
			return // keeps pendings and users in different places
		}
		u := k.user()
		p := k.pending(newPending(u))
		waits := func(want storage.Waiting) {
			k.Helper()
			got, err := s.Waiting(k.Context(), p.Hash, p.ExpiresAt.Add(-tick))
			k.ok(err)
			k.same(got, want)
		}
		waits(storage.Waiting{Pending: p, User: u})
		k.session(k.user())
		for range 2 {
			k.session(u)
			u = k.add(u, newFactor(u))
		}
		u = k.add(u, newPasskey(u, storage.UseFirst)) // not a second factor
		waits(storage.Waiting{Pending: p, User: u, Factors: k.factors(u.ID), Sessions: 2})
		apart := k.pending(newPending(newUser())) // its user does not exist there
		for _, hash := range []string{apart.Hash, "unknown", ""} {
			_, err := s.Waiting(k.Context(), hash, now)
			k.is(err, storage.ErrNotFound)
		}
		_, err := s.Waiting(k.Context(), p.Hash, p.ExpiresAt)
		k.is(err, storage.ErrNotFound)
	}},
	{"a pending advances from the version it has, and no other", func(k kit) {
		p := k.pending(newPending(newUser()))
		next := p
		next.State, next.Factor, next.Rescue = storage.Select, "", false
		next.UserID, next.ExpiresAt, next.Remember = "someone else", in(9000), false // not stored
		k.ok(k.s.AdvancePending(k.Context(), next))
		p.State, p.Factor, p.Rescue, p.Version = storage.Select, "", false, 1
		k.waits(p)
		k.is(k.s.AdvancePending(k.Context(), next), storage.ErrUsed)
		k.waits(p)
		p.State = storage.Ready
		k.ok(k.s.AdvancePending(k.Context(), p))
		p.Version = 2
		k.waits(p)
	}},
	{"a pending that is gone does not advance", func(k kit) {
		k.is(k.s.AdvancePending(k.Context(), newPending(newUser())), storage.ErrUsed)
		p := k.pending(newPending(newUser()))
		_, err := k.s.TakePending(k.Context(), p.Hash)
		k.ok(err)
		k.is(k.s.AdvancePending(k.Context(), p), storage.ErrUsed)
		k.ended(p)
	}},
	{"a pending is taken once", func(k kit) {
		p := k.pending(newPending(newUser()))
		got, err := k.s.TakePending(k.Context(), p.Hash)
		k.ok(err)
		k.same(got, p)
		_, err = k.s.TakePending(k.Context(), p.Hash)
		k.is(err, storage.ErrUsed)
		_, err = k.s.TakePending(k.Context(), "unknown")
		k.is(err, storage.ErrUsed)
		k.ended(p)
	}},
	{"EndPendings ends all of a user's and no others", func(k kit) {
		u := newUser()
		a, b, keep := k.pending(newPending(u)), k.pending(newPending(u)), k.pending(newPending(newUser()))
		k.ok(k.s.EndPendings(k.Context(), u.ID))
		k.ok(k.s.EndPendings(k.Context(), u.ID))
		k.ended(a)
		k.ended(b)
		k.waits(keep)
	}},
}

func newDraft(u storage.User, owner string) storage.Draft {
	return storage.Draft{
		Owner: owner, ID: storage.NewID(), UserID: u.ID, CredentialVersion: u.CredentialVersion,
		FactorID: storage.NewID(),
		Method:   storage.Authenticator,
		Name:     "my phone", Add: true, Destination: "+4912345", Secret: []byte{0, 9, 255}, CreatedAt: now,
		ExpiresAt: in(600),
	}
}

func (k kit) drafted(d storage.Draft) {
	k.Helper()
	got, err := k.s.Draft(k.Context(), d.Owner)
	k.ok(err)
	k.same(got, d)
}

var draftRules = []rule{
	{"a draft comes back as stored, expired or not", func(k kit) {
		d := newDraft(newUser(), "pending:1")
		d.ExpiresAt = in(-1000)
		k.ok(k.s.PutDraft(k.Context(), d))
		k.drafted(d)
		d = storage.Draft{Owner: "session:1", ID: "i"}
		k.ok(k.s.PutDraft(k.Context(), d))
		k.drafted(d)
	}},
	{"an owner without a draft is ErrNotFound", func(k kit) {
		_, err := k.s.Draft(k.Context(), "pending:1")
		k.is(err, storage.ErrNotFound)
	}},
	{"an owner has one draft: the new one replaces the former", func(k kit) {
		first, other := newDraft(newUser(), "pending:1"), newDraft(newUser(), "pending:2")
		second := storage.Draft{Owner: "pending:1", ID: "second", ExpiresAt: in(5)}
		for _, d := range []storage.Draft{first, other, second} {
			k.ok(k.s.PutDraft(k.Context(), d))
		}
		k.drafted(second)
		k.drafted(other)
		k.is(k.s.TakeDraft(k.Context(), "pending:1", first.ID), storage.ErrUsed)
		k.drafted(second)
	}},
	{"a draft is taken once, by its owner and id", func(k kit) {
		d, other := newDraft(newUser(), "pending:1"), newDraft(newUser(), "pending:2")
		k.ok(k.s.PutDraft(k.Context(), d))
		k.ok(k.s.PutDraft(k.Context(), other))
		k.is(k.s.TakeDraft(k.Context(), "pending:2", d.ID), storage.ErrUsed)
		k.is(k.s.TakeDraft(k.Context(), "pending:1", ""), storage.ErrUsed)
		k.ok(k.s.TakeDraft(k.Context(), "pending:1", d.ID))
		k.is(k.s.TakeDraft(k.Context(), "pending:1", d.ID), storage.ErrUsed)
		_, err := k.s.Draft(k.Context(), "pending:1")
		k.is(err, storage.ErrNotFound)
		k.drafted(other)
	}},
}
