package storetest

import "github.com/twofold-auth/twofold/internal/storage"

func newInvitation(name string) storage.Invitation {
	id := storage.NewID()
	return storage.Invitation{
		ID: id, TokenHash: "hash of " + id, Email: name + "@Example.org", EmailKey: name + "@example.org",
		Username: name, Roles: []string{"admin", "b"}, Language: "de", Profile: `{"a":"b"}`,
		CreatedAt: now, ExpiresAt: in(100),
	}
}

var invitationRules = []rule{
	{"an invitation comes back as stored until it expires", func(k kit) {
		i := newInvitation("ann")
		k.ok(k.s.PutInvitation(k.Context(), i, newMessage("m")))
		k.claims(in(1), 10, "m")
		got, err := k.s.Invitation(k.Context(), i.TokenHash, in(99))
		k.ok(err)
		k.same(got, i)
		for _, hash := range []string{"", "another", i.ID} {
			_, err = k.s.Invitation(k.Context(), hash, now)
			k.is(err, storage.ErrNotFound)
		}
		_, err = k.s.Invitation(k.Context(), i.TokenHash, in(100))
		k.is(err, storage.ErrNotFound)
		_, err = k.s.TakeInvitation(k.Context(), i.TokenHash, in(100))
		k.is(err, storage.ErrUsed)
		n, err := k.s.Sweep(k.Context(), in(100), 10)
		k.ok(err)
		k.same(n, 1)
	}},
	{"an address has one invitation, the latest", func(k kit) {
		first, second := newInvitation("ann"), newInvitation("ann")
		k.ok(k.s.PutInvitation(k.Context(), first))
		k.ok(k.s.PutInvitation(k.Context(), second))
		_, err := k.s.TakeInvitation(k.Context(), first.TokenHash, now)
		k.is(err, storage.ErrUsed)
		got, err := k.s.TakeInvitation(k.Context(), second.TokenHash, now)
		k.ok(err)
		k.same(got, second)
	}},
	{"invitations are listed in order of address and ended by it", func(k kit) {
		a, b, c := newInvitation("a"), newInvitation("b"), newInvitation("c")
		c.ExpiresAt = in(-1)
		for _, i := range []storage.Invitation{b, c, a} {
			k.ok(k.s.PutInvitation(k.Context(), i))
		}
		list, err := k.s.ListInvitations(k.Context(), "", 10, now)
		k.ok(err)
		k.same(list, []storage.Invitation{a, b})
		list, err = k.s.ListInvitations(k.Context(), a.EmailKey, 1, now)
		k.ok(err)
		k.same(list, []storage.Invitation{b})
		k.ok(k.s.EndInvitation(k.Context(), a.EmailKey))
		k.is(k.s.EndInvitation(k.Context(), a.EmailKey), storage.ErrNotFound)
		_, err = k.s.TakeInvitation(k.Context(), a.TokenHash, now)
		k.is(err, storage.ErrUsed)
	}},
	{"an acceptance stores the account with its factors and ends the invitation", func(k kit) {
		i, u := newInvitation("ann"), newUser()
		f := newFactor(u)
		f.Method, f.Usage, f.Key = storage.Passkey, storage.UseFirst, "key of ann"
		k.ok(k.s.PutInvitation(k.Context(), i))
		k.is(k.s.AcceptInvitation(k.Context(), "another", now, u, f), storage.ErrUsed)
		k.is(k.s.AcceptInvitation(k.Context(), i.TokenHash, in(100), u, f), storage.ErrUsed)
		_, err := k.s.UserByID(k.Context(), u.ID)
		k.is(err, storage.ErrNotFound)
		k.ok(k.s.AcceptInvitation(k.Context(), i.TokenHash, now, u, f))
		got, err := k.s.UserByID(k.Context(), u.ID)
		k.ok(err)
		k.same(got, u)
		made, err := k.s.PasskeysOf(k.Context(), u.ID)
		k.ok(err)
		k.same(made, []storage.Factor{f})
		_, err = k.s.Invitation(k.Context(), i.TokenHash, now)
		k.is(err, storage.ErrNotFound)
	}},
	{"an acceptance that makes no account leaves the invitation", func(k kit) {
		taken, i, u := k.user(), newInvitation("ann"), newUser()
		k.ok(k.s.PutInvitation(k.Context(), i))
		u.EmailKey = taken.EmailKey
		k.is(k.s.AcceptInvitation(k.Context(), i.TokenHash, now, u), storage.ErrExists)
		got, err := k.s.Invitation(k.Context(), i.TokenHash, now)
		k.ok(err)
		k.same(got, i)
		_, err = k.s.UserByID(k.Context(), u.ID)
		k.is(err, storage.ErrNotFound)
	}},
	{"a deletion takes the invitation of the account's address along", func(k kit) {
		u := k.user()
		i := newInvitation("ann")
		i.EmailKey = u.EmailKey
		k.ok(k.s.PutInvitation(k.Context(), i))
		k.ok(k.s.DeleteUser(k.Context(), deletion(u)))
		k.is(k.s.EndInvitation(k.Context(), u.EmailKey), storage.ErrNotFound)
	}},
}

var invitationRaceRules = []rule{
	{"of parallel acceptances of an invitation one makes an account", func(k kit) {
		for range rounds() {
			i, made := newInvitation("ann"), 0
			k.ok(k.s.PutInvitation(k.Context(), i))
			users := make([]storage.User, callers)
			for j := range users {
				users[j] = newUser()
			}
			k.one(k.race(func(s storage.Store, j int) error {
				return s.AcceptInvitation(k.Context(), i.TokenHash, now, users[j])
			}), storage.ErrUsed)
			for _, u := range users {
				if _, err := k.s.UserByID(k.Context(), u.ID); err == nil {
					made++
				}
			}
			k.same(made, 1)
		}
	}},
	{"of parallel takers of an invitation one gets it", func(k kit) {
		for range rounds() {
			i := newInvitation("ann")
			k.ok(k.s.PutInvitation(k.Context(), i))
			k.one(k.race(func(s storage.Store, _ int) error {
				_, err := s.TakeInvitation(k.Context(), i.TokenHash, now)
				return err
			}), storage.ErrUsed)
		}
	}},
}
