package storetest

import (
	"strconv"

	"github.com/twofold-auth/twofold/internal/storage"
)

var signInRules = []rule{
	{"the newest sign-in and the one before it are kept, and how many there were", func(k kit) {
		u, other := k.user(), k.user()
		comesTo := func(u storage.User, want storage.SignIns) {
			k.Helper()
			got, err := k.s.SignInsOf(k.Context(), u.ID)
			k.ok(err)
			k.same(got, want)
		}
		comesTo(u, storage.SignIns{})
		k.ok(k.s.CountSignIn(k.Context(), u.ID, now, "192.0.2.1"))
		comesTo(u, storage.SignIns{CurrentAt: now, LastAt: now, CurrentAddress: "192.0.2.1", Count: 1})
		k.ok(k.s.CountSignIn(k.Context(), u.ID, in(10), ""))
		k.ok(k.s.CountSignIn(k.Context(), u.ID, in(20), "2001:db8::1"))
		comesTo(u, storage.SignIns{CurrentAt: in(20), LastAt: in(10), CurrentAddress: "2001:db8::1", Count: 3})
		comesTo(other, storage.SignIns{})
	}},
	{"no sign-in of an unknown user is counted", func(k kit) {
		k.is(k.s.CountSignIn(k.Context(), newUser().ID, now, ""), storage.ErrNotFound)
	}},
}

var signInRaceRules = []rule{
	{"sign-ins at once are all counted", func(k kit) {
		u := k.user()
		k.exactly(callers, k.race(func(s storage.Store, i int) error {
			return s.CountSignIn(k.Context(), u.ID, in(i), strconv.Itoa(i))
		}), nil)
		got, err := k.s.SignInsOf(k.Context(), u.ID)
		k.ok(err)
		k.same(got.Count, int64(callers))
	}},
}
