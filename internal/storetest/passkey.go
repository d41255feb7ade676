package storetest

import "github.com/twofold-auth/twofold/internal/storage"

func newPasskey(u storage.User, usage string) storage.Factor {
	f := newFactor(u)
	f.Method, f.Destination, f.LastStep = storage.Passkey, "", 0
	f.Key, f.Usage = "key of "+f.ID, usage
	return f
}

func (k kit) passkeys(userID string) []storage.Factor {
	k.Helper()
	list, err := k.s.PasskeysOf(k.Context(), userID)
	k.ok(err)
	return list
}

var passkeyRules = []rule{
	{"a passkey comes back as stored, by its user and by its key", func(k kit) {
		u := k.user()
		f := newPasskey(u, storage.UseSecond)
		f.Primary = true
		k.add(u, f)
		k.same(k.passkeys(u.ID), []storage.Factor{f})
		got, err := k.s.PasskeyByKey(k.Context(), f.Key)
		k.ok(err)
		k.same(got, f)
	}},
	{"a passkey for the first factor is not a second factor", func(k kit) {
		u := k.user()
		first, second, app := newPasskey(u, storage.UseFirst), newPasskey(u, storage.UseSecond), newFactor(u)
		first.CreatedAt, second.CreatedAt, app.CreatedAt = in(-30), in(-20), in(-10)
		k.add(k.add(k.add(u, first), second), app)
		k.same(k.factors(u.ID), []storage.Factor{second, app})
		k.same(k.passkeys(u.ID), []storage.Factor{first, second})
	}},
	{"an unknown or empty key finds nothing, although other factors have an empty one", func(k kit) {
		u := k.user()
		k.add(u, newFactor(u))
		for _, key := range []string{"", "unknown"} {
			_, err := k.s.PasskeyByKey(k.Context(), key)
			k.is(err, storage.ErrNotFound)
		}
		k.same(k.passkeys(u.ID), []storage.Factor{})
	}},
	{"a key that anybody has is ErrExists and changes nothing", func(k kit) {
		u, other := k.user(), k.user()
		theirs, mine := newPasskey(other, storage.UseFirst), newPasskey(u, storage.UseSecond)
		k.add(other, theirs)
		u = k.add(u, mine)
		for _, taken := range []string{theirs.Key, mine.Key} {
			double := newPasskey(u, storage.UseSecond)
			double.Key = taken
			k.is(k.s.ChangeFactors(k.Context(), storage.FactorChange{
				UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &double, RemoveAll: taken == theirs.Key,
				Now: now,
			}), storage.ErrExists)
		}
		k.same(k.stored(u.ID), u)
		k.same(k.passkeys(u.ID), []storage.Factor{mine})
		k.same(k.passkeys(other.ID), []storage.Factor{theirs})
	}},
	{"a use replaces the record it knows and says when", func(k kit) {
		u := k.user()
		f := newPasskey(u, storage.UseFirst)
		k.add(u, f)
		k.is(k.s.UsePasskey(k.Context(), f.ID, []byte("another"), []byte("new"), in(9)), storage.ErrUsed)
		k.is(k.s.UsePasskey(k.Context(), "unknown", f.Secret, []byte("new"), in(9)), storage.ErrNotFound)
		k.same(k.passkeys(u.ID), []storage.Factor{f})
		k.ok(k.s.UsePasskey(k.Context(), f.ID, f.Secret, []byte("new"), in(9)))
		k.is(k.s.UsePasskey(k.Context(), f.ID, f.Secret, []byte("newer"), in(10)), storage.ErrUsed)
		f.Secret, f.LastUsedAt = []byte("new"), in(9)
		k.same(k.passkeys(u.ID), []storage.Factor{f})
	}},
	{"a passkey that is removed is gone by every way", func(k kit) {
		u := k.user()
		first, second := newPasskey(u, storage.UseFirst), newPasskey(u, storage.UseSecond)
		u = k.add(k.add(u, first), second)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Remove: []string{first.ID},
				Now: now}))
		_, err := k.s.PasskeyByKey(k.Context(), first.Key)
		k.is(err, storage.ErrNotFound)
		k.is(k.s.UsePasskey(k.Context(), first.ID, first.Secret, []byte("new"), now), storage.ErrNotFound)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: "q", To: "r", RemoveAll: true, Now: now}))
		k.same(k.passkeys(u.ID), []storage.Factor{})
		again := newPasskey(u, storage.UseSecond)
		again.Key = first.Key // any user may register it again
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: "r", To: "s", Add: &again, Now: now}))
	}},
	{"what is not a passkey cannot be used as one", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		k.is(k.s.UsePasskey(k.Context(), f.ID, f.Secret, []byte("new"), now), storage.ErrNotFound)
	}},
}

var passkeyRaceRules = []rule{
	{"of parallel uses of a passkey that saw the same record exactly one is taken", func(k kit) {
		u := k.user()
		f := newPasskey(u, storage.UseSecond)
		k.add(u, f)
		for i := range rounds() {
			next := []byte(name("record", i))
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.UsePasskey(k.Context(), f.ID, f.Secret, next, now)
			}), storage.ErrUsed)
			f.Secret = next
		}
	}},
	{"of parallel registrations of one key exactly one is taken", func(k kit) {
		for i := range rounds() / 4 {
			var users []storage.User
			for range callers {
				users = append(users, k.user())
			}
			k.one(k.race(func(s storage.Store, n int) error {
				f := newPasskey(users[n], storage.UseSecond)
				f.Key = name("key", i)
				return s.ChangeFactors(k.Context(), storage.FactorChange{
					UserID: users[n].ID, From: users[n].CredentialVersion, To: storage.NewID(), Add: &f, Now: now,
				})
			}), storage.ErrExists)
		}
	}},
}
