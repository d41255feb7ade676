package storetest

import "github.com/twofold-auth/twofold/store"

func newInvitation(name string) store.Invitation {
	id := store.NewID()
	return store.Invitation{
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
			k.is(err, store.ErrNotFound)
		}
		_, err = k.s.Invitation(k.Context(), i.TokenHash, in(100))
		k.is(err, store.ErrNotFound)
		_, err = k.s.TakeInvitation(k.Context(), i.TokenHash, in(100))
		k.is(err, store.ErrUsed)
		n, err := k.s.Sweep(k.Context(), in(100), 10)
		k.ok(err)
		k.same(n, 1)
	}},
	{"an address has one invitation, the latest", func(k kit) {
		first, second := newInvitation("ann"), newInvitation("ann")
		k.ok(k.s.PutInvitation(k.Context(), first))
		k.ok(k.s.PutInvitation(k.Context(), second))
		_, err := k.s.TakeInvitation(k.Context(), first.TokenHash, now)
		k.is(err, store.ErrUsed)
		got, err := k.s.TakeInvitation(k.Context(), second.TokenHash, now)
		k.ok(err)
		k.same(got, second)
	}},
	{"invitations are listed in order of address and ended by it", func(k kit) {
		a, b, c := newInvitation("a"), newInvitation("b"), newInvitation("c")
		c.ExpiresAt = in(-1)
		for _, i := range []store.Invitation{b, c, a} {
			k.ok(k.s.PutInvitation(k.Context(), i))
		}
		list, err := k.s.ListInvitations(k.Context(), "", 10, now)
		k.ok(err)
		k.same(list, []store.Invitation{a, b})
		list, err = k.s.ListInvitations(k.Context(), a.EmailKey, 1, now)
		k.ok(err)
		k.same(list, []store.Invitation{b})
		k.ok(k.s.EndInvitation(k.Context(), a.EmailKey))
		k.is(k.s.EndInvitation(k.Context(), a.EmailKey), store.ErrNotFound)
		_, err = k.s.TakeInvitation(k.Context(), a.TokenHash, now)
		k.is(err, store.ErrUsed)
	}},
	{"an acceptance stores the account with its factors and ends the invitation", func(k kit) {
		i, u := newInvitation("ann"), newUser()
		f := newFactor(u)
		f.Method, f.Usage, f.Key = store.Passkey, store.UseFirst, "key of ann"
		k.ok(k.s.PutInvitation(k.Context(), i))
		k.is(k.s.AcceptInvitation(k.Context(), "another", now, u, f), store.ErrUsed)
		k.is(k.s.AcceptInvitation(k.Context(), i.TokenHash, in(100), u, f), store.ErrUsed)
		_, err := k.s.UserByID(k.Context(), u.ID)
		k.is(err, store.ErrNotFound)
		k.ok(k.s.AcceptInvitation(k.Context(), i.TokenHash, now, u, f))
		got, err := k.s.UserByID(k.Context(), u.ID)
		k.ok(err)
		k.same(got, u)
		made, err := k.s.PasskeysOf(k.Context(), u.ID)
		k.ok(err)
		k.same(made, []store.Factor{f})
		_, err = k.s.Invitation(k.Context(), i.TokenHash, now)
		k.is(err, store.ErrNotFound)
	}},
	{"an acceptance that makes no account leaves the invitation", func(k kit) {
		taken, i, u := k.user(), newInvitation("ann"), newUser()
		k.ok(k.s.PutInvitation(k.Context(), i))
		u.EmailKey = taken.EmailKey
		k.is(k.s.AcceptInvitation(k.Context(), i.TokenHash, now, u), store.ErrExists)
		got, err := k.s.Invitation(k.Context(), i.TokenHash, now)
		k.ok(err)
		k.same(got, i)
		_, err = k.s.UserByID(k.Context(), u.ID)
		k.is(err, store.ErrNotFound)
	}},
	{"a deletion takes the invitation of the account's address along", func(k kit) {
		u := k.user()
		i := newInvitation("ann")
		i.EmailKey = u.EmailKey
		k.ok(k.s.PutInvitation(k.Context(), i))
		k.ok(k.s.DeleteUser(k.Context(), deletion(u)))
		k.is(k.s.EndInvitation(k.Context(), u.EmailKey), store.ErrNotFound)
	}},
}

var invitationRaceRules = []rule{
	{"of parallel acceptances of an invitation one makes an account", func(k kit) {
		for range rounds() {
			i, made := newInvitation("ann"), 0
			k.ok(k.s.PutInvitation(k.Context(), i))
			users := make([]store.User, callers)
			for j := range users {
				users[j] = newUser()
			}
			k.one(k.race(func(s store.Store, j int) error {
				return s.AcceptInvitation(k.Context(), i.TokenHash, now, users[j])
			}), store.ErrUsed)
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
			k.one(k.race(func(s store.Store, _ int) error {
				_, err := s.TakeInvitation(k.Context(), i.TokenHash, now)
				return err
			}), store.ErrUsed)
		}
	}},
}
