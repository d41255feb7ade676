package storetest

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

var userRules = []rule{
	{"a user comes back as stored", func(k kit) {
		u := k.user()
		k.same(k.stored(u.ID), u)
	}},
	{"a zero time stays zero and microseconds are kept", func(k kit) {
		u := newUser()
		u.ResetAt, u.Roles = time.Time{}, nil
		u.CreatedAt = now.Add(time.Microsecond)
		k.ok(k.s.CreateUser(k.Context(), u))
		got := k.stored(u.ID)
		k.same(got, u)
		if !got.ResetAt.IsZero() {
			k.Fatalf("ResetAt is %v", got.ResetAt)
		}
	}},
	{"a user is made with their factors, or not at all", func(k kit) {
		u, taken := newUser(), k.user()
		f := newFactor(u)
		f.Method, f.Usage, f.Primary = storage.Email, storage.UseFirst, false
		u.EmailKey, taken.EmailKey = taken.EmailKey, u.EmailKey
		k.is(k.s.CreateUser(k.Context(), u, f), storage.ErrExists)
		firsts, err := k.s.FirstFactorsOf(k.Context(), u.ID)
		k.ok(err)
		k.same(len(firsts), 0)
		u.EmailKey = taken.EmailKey
		k.ok(k.s.CreateUser(k.Context(), u, f))
		firsts, err = k.s.FirstFactorsOf(k.Context(), u.ID)
		k.ok(err)
		k.same(firsts, []storage.Factor{f})
		k.same(k.stored(u.ID), u)
	}},
	{"an unknown id is ErrNotFound everywhere", func(k kit) {
		ctx, u := k.Context(), newUser()
		_, err := k.s.UserByID(ctx, u.ID)
		k.is(err, storage.ErrNotFound)
		k.is(k.s.SetIdentity(ctx, u, "x"), storage.ErrNotFound)
		k.is(k.s.SetPassword(ctx, storage.NewPassword{
			UserID: u.ID, Hash: "h", CredentialVersion: "x", ViaMailbox: true, Now: now,
		}), storage.ErrNotFound)
		k.is(k.s.UpgradePassword(ctx, u.ID, "a", "b"), storage.ErrNotFound)
		k.is(k.s.SetActive(ctx, u.ID, true, "x", now), storage.ErrNotFound)
		k.is(k.s.SetRoles(ctx, u.ID, nil, now), storage.ErrNotFound)
		_, err = k.s.UserByIdentity(ctx, u.EmailKey)
		k.is(err, storage.ErrNotFound)
	}},
	{"users are listed in order of id, after one, up to limit", func(k kit) {
		want := []string{"A", "B", "Z", "a"} // by bytes, not by language
		for _, id := range []string{"a", "B", "Z", "A"} {
			u := newUser()
			u.ID = id
			k.ok(k.s.CreateUser(k.Context(), u))
		}
		list := func(after string, limit int) (ids []string) {
			users, err := k.s.ListUsers(k.Context(), after, limit)
			k.ok(err)
			for _, u := range users {
				ids = append(ids, u.ID)
			}
			return ids
		}
		k.same(list("", 10), want)
		k.same(list("A", 2), want[1:3])
		k.same(list("a", 10), []string(nil))
		k.same(list("", 0), []string(nil))
		k.same(list("", -1), []string(nil))
	}},
	{"SetPassword sets hash and credential version and deletes the devices", func(k kit) {
		u, other := k.user(), k.user()
		d := k.device(u)
		k.device(other)
		k.ok(k.s.SetPassword(k.Context(), storage.NewPassword{
			UserID: u.ID, Hash: "new hash", CredentialVersion: "new uniquifier", Now: in(9),
		}))
		u.PasswordHash, u.CredentialVersion, u.UpdatedAt, u.PasswordAt = "new hash", "new uniquifier", in(9), in(9)
		k.same(k.stored(u.ID), u) // ResetAt does not change: the reset was not through the mailbox
		k.same(k.stored(other.ID), other)
		k.devices(other, 1)
		k.gone(d)
	}},
	{"SetPassword through the mailbox records when", func(k kit) {
		u := k.user()
		k.ok(k.s.SetPassword(k.Context(), storage.NewPassword{
			UserID: u.ID, Hash: "h", CredentialVersion: "q", ViaMailbox: true, Now: in(9),
		}))
		k.same(k.stored(u.ID).ResetAt, in(9))
	}},
	{"UpgradePassword replaces the hash it knows and nothing else", func(k kit) {
		u := k.user()
		k.device(u)
		k.is(k.s.UpgradePassword(k.Context(), u.ID, "another hash", "new hash"), storage.ErrUsed)
		k.same(k.stored(u.ID), u)
		k.ok(k.s.UpgradePassword(k.Context(), u.ID, u.PasswordHash, "new hash"))
		u.PasswordHash = "new hash"
		k.same(k.stored(u.ID), u)
		k.devices(u, 1)
	}},
	{"SetActive sets uniquifier and deletes the devices", func(k kit) {
		u := k.user()
		d := k.device(u)
		k.ok(k.s.SetActive(k.Context(), u.ID, false, "q", in(9)))
		u.Active, u.CredentialVersion, u.UpdatedAt = false, "q", in(9)
		k.same(k.stored(u.ID), u)
		k.gone(d)
		k.ok(k.s.SetActive(k.Context(), u.ID, true, "r", in(10)))
		k.same(k.stored(u.ID).Active, true)
	}},
	{"SetRoles replaces the roles and nothing else", func(k kit) {
		u := k.user()
		k.device(u)
		u.UpdatedAt = in(9)
		for _, roles := range [][]string{{"one"}, {}, {"two", "three"}, nil} {
			u.Roles = roles
			k.ok(k.s.SetRoles(k.Context(), u.ID, roles, in(9)))
			k.same(k.stored(u.ID), u)
		}
		k.devices(u, 1)
	}},
}

// gone checks that a device is deleted, and not only expired.
func (k kit) gone(d storage.Device) {
	k.Helper()
	_, err := k.use(d, d.Secret, now, 0)
	k.is(err, storage.ErrNotFound)
	k.is(k.s.RevokeDevice(k.Context(), d.UserID, d.ID), storage.ErrNotFound)
}

var identityRules = []rule{
	{"a user is found by e-mail key and by username key", func(k kit) {
		u := k.user()
		k.user()
		for _, key := range []string{u.EmailKey, u.UsernameKey} {
			got, err := k.s.UserByIdentity(k.Context(), key)
			k.ok(err)
			k.same(got, u)
		}
		_, err := k.s.UserByIdentity(k.Context(), u.Email) // not the canonical form
		k.is(err, storage.ErrNotFound)
	}},
	{"an empty key finds no user and may be had by many", func(k kit) {
		for range 2 {
			u := newUser()
			u.Username, u.UsernameKey = "", ""
			k.ok(k.s.CreateUser(k.Context(), u))
		}
		_, err := k.s.UserByIdentity(k.Context(), "")
		k.is(err, storage.ErrNotFound)
	}},
	{"a taken id, e-mail or username is ErrExists, in either column", func(k kit) {
		have := k.user()
		for what, change := range map[string]func(*storage.User){
			"id":                   func(u *storage.User) { u.ID = have.ID },
			"e-mail":               func(u *storage.User) { u.EmailKey = have.EmailKey },
			"username":             func(u *storage.User) { u.UsernameKey = have.UsernameKey },
			"username like e-mail": func(u *storage.User) { u.UsernameKey = have.EmailKey },
			"e-mail like username": func(u *storage.User) { u.EmailKey = have.UsernameKey },
		} {
			u := newUser()
			change(&u)
			if err := k.s.CreateUser(k.Context(), u); err == nil {
				k.Fatalf("a second account got the same %s", what)
			} else {
				k.is(err, storage.ErrExists)
			}
		}
		k.same(k.stored(have.ID), have)
	}},
	{"a refused account leaves nothing behind", func(k kit) {
		have, u := k.user(), newUser()
		free := u.EmailKey
		u.UsernameKey = have.UsernameKey // refused because of its last key
		k.is(k.s.CreateUser(k.Context(), u), storage.ErrExists)
		_, err := k.s.UserByID(k.Context(), u.ID)
		k.is(err, storage.ErrNotFound)
		_, err = k.s.UserByIdentity(k.Context(), free)
		k.is(err, storage.ErrNotFound)
		u.UsernameKey = "another"
		k.ok(k.s.CreateUser(k.Context(), u))
	}},
	{"a username may be the account's own e-mail address", func(k kit) {
		u := newUser()
		u.UsernameKey = u.EmailKey
		k.ok(k.s.CreateUser(k.Context(), u))
		got, err := k.s.UserByIdentity(k.Context(), u.EmailKey)
		k.ok(err)
		k.same(got, u)
	}},
	{"SetIdentity moves the account, frees the old keys, deletes the devices", func(k kit) {
		u := k.user()
		old := u
		d := k.device(u)
		u.Email, u.EmailKey, u.Username, u.UsernameKey = "New@example.org", "new@example.org", "", ""
		u.UpdatedAt = in(9)
		k.ok(k.s.SetIdentity(k.Context(), u, "q"))
		u.CredentialVersion, u.MovedAt = "q", in(9)
		k.same(k.stored(u.ID), u)
		k.gone(d)
		u.UpdatedAt = in(10) // the same address again
		k.ok(k.s.SetIdentity(k.Context(), u, "q"))
		k.same(k.stored(u.ID), u)
		for _, key := range []string{old.EmailKey, old.UsernameKey} {
			_, err := k.s.UserByIdentity(k.Context(), key)
			k.is(err, storage.ErrNotFound)
		}
		next := newUser()
		next.EmailKey, next.UsernameKey = old.UsernameKey, old.EmailKey
		k.ok(k.s.CreateUser(k.Context(), next))
	}},
	{"SetIdentity changes nothing but the identity", func(k kit) {
		u := k.user()
		given := u
		given.EmailKey, given.PasswordHash, given.Active, given.Roles, given.ResetAt = "k@example.org", "x", false, nil,
			in(99)
		k.ok(k.s.SetIdentity(k.Context(), given, "q"))
		u.EmailKey, u.CredentialVersion, u.MovedAt = "k@example.org", "q", u.UpdatedAt
		k.same(k.stored(u.ID), u)
	}},
	{"SetIdentity sends factors by mail to the new address, and keeps no way in that is not the new mailbox's",
		func(k kit) {
			for _, c := range []struct{ password, mailed, moved, dropped bool }{
				{password: true, moved: true, dropped: true}, {mailed: true, moved: true, dropped: true},
				{moved: true}, {password: true}, // the only way in stays; so does all, if the mailbox does
			} {
				u := newUser()
				if !c.password {
					u.PasswordHash = ""
				}
				k.ok(k.s.CreateUser(k.Context(), u))
				mail, phone, second := newFactor(u), newFactor(u), newFactor(u)
				mail.Method, mail.Usage, mail.Primary = storage.Email, storage.UseFirst, false
				phone.Usage, phone.Primary = storage.UseFirst, false
				second.Method, second.Destination = storage.Email, u.Email
				u = k.add(k.add(u, phone), second)
				if c.mailed {
					u = k.add(u, mail)
				}
				u = k.connect(u, newConnection(u, "subject of "+u.ID))
				u.Email = "Moved." + u.ID + "@example.org"
				if c.moved {
					u.EmailKey = "moved." + u.ID + "@example.org"
				}
				k.ok(k.s.SetIdentity(k.Context(), u, "q"))
				if list := k.factors(u.ID); len(list) != 1 || list[0].Destination != u.Email {
					k.Fatalf("%+v: second factors %+v", c, list)
				}
				firsts, err := k.s.FirstFactorsOf(k.Context(), u.ID)
				k.ok(err)
				connections, err := k.s.ConnectionsOf(k.Context(), u.ID)
				k.ok(err)
				for _, f := range firsts {
					if f.Method == storage.Email && f.Destination != u.Email || f.Method != storage.Email && c.dropped {
						k.Fatalf("%+v: first factors %+v", c, firsts)
					}
				}
				if len(connections) == 0 != c.dropped {
					k.Fatalf("%+v: connections %+v", c, connections)
				}
			}
		}},
	{"SetIdentity keeps a key that stays, and swaps the two", func(k kit) {
		u := k.user()
		k.ok(k.s.SetIdentity(k.Context(), u, "q"))
		u.EmailKey, u.UsernameKey = u.UsernameKey, u.EmailKey
		k.ok(k.s.SetIdentity(k.Context(), u, "r"))
	}},
	{"SetIdentity to a taken key is ErrExists and changes nothing", func(k kit) {
		have, u := k.user(), k.user()
		k.device(u)
		for _, key := range []string{have.EmailKey, have.UsernameKey} {
			for _, change := range []func(*storage.User){
				func(u *storage.User) { u.EmailKey = key },
				func(u *storage.User) { u.UsernameKey = key },
			} {
				v := u
				change(&v)
				k.is(k.s.SetIdentity(k.Context(), v, "q"), storage.ErrExists)
				k.same(k.stored(u.ID), u)
			}
		}
		k.devices(u, 1)
		got, err := k.s.UserByIdentity(k.Context(), u.EmailKey)
		k.ok(err)
		k.same(got, u)
	}},
}
