package storetest

import (
	"bytes"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// codes stores a set of codes and returns the changed user.
func (k kit) codes(u storage.User, macs ...string) storage.User {
	k.Helper()
	to := storage.NewID()
	k.ok(k.s.ChangeFactors(k.Context(),
		storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: to, Codes: asBytes(macs), Now: now}))
	return k.stored(u.ID)
}

func asBytes(in []string) [][]byte {
	out := [][]byte{}
	for _, s := range in {
		out = append(out, []byte(s))
	}
	return out
}

func (k kit) spend(s storage.Store, u storage.User, macs ...string) (int, error) {
	return s.SpendRecoveryCode(k.Context(), u.ID, asBytes(macs), in(-1000))
}

func (k kit) holds(u storage.User, want bool, macs ...string) {
	k.Helper()
	ok, err := k.s.HasRecoveryCode(k.Context(), u.ID, asBytes(macs), in(-1000))
	k.ok(err)
	k.same(ok, want)
}

func (k kit) left(u storage.User, want int) {
	k.Helper()
	n, err := k.s.RecoveryCodesLeft(k.Context(), u.ID, in(-1000))
	k.ok(err)
	k.same(n, want)
}

// enrolled returns a user with a second factor.
func (k kit) enrolled() storage.User {
	k.Helper()
	u := k.user()
	return k.add(u, newFactor(u))
}

var recoveryRules = []rule{
	{"a recovery code is spent once, and it is told how many are left", func(k kit) {
		u := k.codes(k.enrolled(), "a", "b", "c")
		k.left(u, 3)
		k.holds(u, true, "under another key", "b")
		k.holds(u, false, "under another key", "")
		k.holds(u, false)
		n, err := k.spend(k.s, u, "b")
		k.ok(err)
		k.same(n, 2)
		k.holds(u, false, "b")
		_, err = k.spend(k.s, u, "b")
		k.is(err, storage.ErrUsed)
		_, err = k.spend(k.s, u, "never")
		k.is(err, storage.ErrUsed)
		k.left(u, 2)
	}},
	{"one of the hashes under several keys is enough, and none is never right", func(k kit) {
		u := k.codes(k.enrolled(), "a", "b")
		n, err := k.spend(k.s, u, "under another key", "a", "b")
		k.ok(err)
		k.same(n, 1)
		_, err = k.spend(k.s, u)
		k.is(err, storage.ErrUsed)
		_, err = k.spend(k.s, u, "")
		k.is(err, storage.ErrUsed)
		k.left(u, 1)
	}},
	{"another user's code is not accepted, and stays", func(k kit) {
		a, b := k.codes(k.enrolled(), "a"), k.codes(k.enrolled(), "b")
		k.holds(b, false, "a")
		_, err := k.spend(k.s, b, "a")
		k.is(err, storage.ErrUsed)
		k.left(a, 1)
		k.left(b, 1)
	}},
	{"a code made before is too old", func(k kit) {
		u := k.codes(k.enrolled(), "a")
		_, err := k.s.SpendRecoveryCode(k.Context(), u.ID, asBytes([]string{"a"}), now.Add(time.Microsecond))
		k.is(err, storage.ErrUsed)
		n, err := k.s.RecoveryCodesLeft(k.Context(), u.ID, now.Add(time.Microsecond))
		k.ok(err)
		k.same(n, 0)
		_, err = k.s.SpendRecoveryCode(k.Context(), u.ID, asBytes([]string{"a"}), now)
		k.ok(err)
	}},
	{"a new set takes the place of the old one", func(k kit) {
		u := k.codes(k.codes(k.enrolled(), "a", "b"), "c")
		k.left(u, 1)
		_, err := k.spend(k.s, u, "a")
		k.is(err, storage.ErrUsed)
	}},
	{"a change of factors leaves the codes while a second factor stays", func(k kit) {
		u := k.codes(k.enrolled(), "a")
		old := k.factors(u.ID)[0]
		f := newFactor(u)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &f, Remove: []string{old.ID}, Now: now,
		}))
		k.left(u, 1)
	}},
	{"an empty set takes the place of the old one too", func(k kit) {
		u := k.codes(k.enrolled(), "a")
		f := newFactor(u)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &f, Codes: [][]byte{}, Now: now,
		}))
		k.left(u, 0)
		_, err := k.spend(k.s, u, "a")
		k.is(err, storage.ErrUsed)
	}},
	{"codes go with the last second factor", func(k kit) {
		u := k.codes(k.enrolled(), "a")
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Remove: []string{k.factors(u.ID)[0].ID}, Now: now,
		}))
		k.left(u, 0)
		f := newFactor(u)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{UserID: u.ID, From: "q", To: "r", Add: &f, Now: now}))
		_, err := k.spend(k.s, u, "a")
		k.is(err, storage.ErrUsed)
	}},
	{"no user without a second factor gets codes", func(k kit) {
		u := k.user()
		first := newFactor(u)
		first.Usage = storage.UseFirst
		u = k.add(u, first)
		k.device(u)
		k.is(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Codes: asBytes([]string{"a"}), Now: now,
		}), storage.ErrNoFactor)
		k.same(k.stored(u.ID), u)
		k.devices(u, 1)
		k.left(u, 0)
	}},
	{"a change that is too late leaves the codes", func(k kit) {
		u := k.codes(k.enrolled(), "a")
		k.is(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: "old", To: "q", Codes: asBytes([]string{"b"}), Now: now,
		}), storage.ErrUsed)
		_, err := k.spend(k.s, u, "a")
		k.ok(err)
	}},
}

var severalRules = []rule{
	{"the last second factor stays if one must be kept", func(k kit) {
		u := k.codes(k.enrolled(), "a")
		f := k.factors(u.ID)[0]
		k.device(u)
		for _, c := range []storage.FactorChange{{Remove: []string{f.ID}}, {RemoveAll: true}} {
			c.UserID, c.From, c.To, c.KeepOne, c.Now = u.ID, u.CredentialVersion, "q", true, now
			k.is(k.s.ChangeFactors(k.Context(), c), storage.ErrNoFactor)
		}
		k.same(k.stored(u.ID), u)
		k.same(k.factors(u.ID), []storage.Factor{f})
		k.devices(u, 1)
		k.left(u, 1)
	}},
	{"a change may say who is the primary afterwards", func(k kit) {
		u := k.user()
		a, b := newFactor(u), newFactor(u)
		a.Primary = true
		u = k.add(k.add(u, a), b)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Remove: []string{a.ID}, Prefer: b.ID, Now: now,
		}))
		b.Primary = true
		k.same(k.factors(u.ID), []storage.Factor{b})
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: "q", To: "r", Prefer: a.ID, Now: now}))
		k.same(k.factors(u.ID), []storage.Factor{b})
	}},
	{"a factor is named, and only by its owner", func(k kit) {
		u, other := k.user(), k.user()
		f := newFactor(u)
		u = k.add(u, f)
		k.ok(k.s.NameFactor(k.Context(), u.ID, f.ID, "Büro"))
		f.Name = "Büro"
		k.is(k.s.NameFactor(k.Context(), other.ID, f.ID, "mine"), storage.ErrNotFound)
		k.is(k.s.NameFactor(k.Context(), u.ID, "unknown", "x"), storage.ErrNotFound)
		k.same(k.factors(u.ID), []storage.Factor{f})
		k.same(k.stored(u.ID), u)
	}},
	{"a factor is preferred to the others, and only by its owner", func(k kit) {
		u, other := k.user(), k.user()
		a, b, theirs := newFactor(u), newFactor(u), newFactor(other)
		a.Primary, theirs.Primary = true, true
		k.add(other, theirs)
		u = k.add(k.add(u, a), b)
		k.device(u)
		k.is(k.s.PreferFactor(k.Context(), u.ID, theirs.ID), storage.ErrNotFound)
		k.is(k.s.PreferFactor(k.Context(), "nobody", theirs.ID), storage.ErrNotFound)
		k.same(k.factors(u.ID), []storage.Factor{a, b})
		k.ok(k.s.PreferFactor(k.Context(), u.ID, b.ID))
		k.ok(k.s.PreferFactor(k.Context(), u.ID, b.ID))
		a.Primary, b.Primary = false, true
		k.same(k.factors(u.ID), []storage.Factor{b, a})
		k.same(k.factors(other.ID), []storage.Factor{theirs})
		k.same(k.stored(u.ID), u)
		k.devices(u, 1)
	}},
	{"what begins a sign-in is never the primary second factor", func(k kit) {
		u := k.user()
		a, first := newFactor(u), newFactor(u)
		a.Primary, first.Usage = true, storage.UseFirst
		u = k.add(k.add(u, a), first)
		k.is(k.s.PreferFactor(k.Context(), u.ID, first.ID), storage.ErrNotFound)
		k.same(k.factors(u.ID), []storage.Factor{a})
	}},
}

var recoveryRaceRules = []rule{
	{"of parallel spenders of one recovery code exactly one gets it", func(k kit) {
		u := k.enrolled()
		for i := range rounds() {
			u = k.codes(u, name("a", i), name("b", i))
			k.one(k.race(func(s storage.Store, _ int) error {
				n, err := k.spend(s, u, "under another key", name("a", i))
				if err == nil && n != 1 {
					return errors.New("the count is wrong")
				}
				return err
			}), storage.ErrUsed)
			k.left(u, 1)
		}
	}},
	{"of parallel new sets one stands, whole", func(k kit) {
		u := k.enrolled()
		for range rounds() / 4 {
			k.one(k.race(func(s storage.Store, i int) error {
				set := [][]byte{}
				for j := range byte(5) {
					set = append(set, bytes.Repeat([]byte{byte(i), j}, 3))
				}
				return s.ChangeFactors(k.Context(),
					storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Codes: set,
						Now: now})
			}), storage.ErrUsed)
			u = k.stored(u.ID)
			k.left(u, 5)
			whole := 0
			for i := range byte(callers) {
				if _, err := k.spend(k.s, u, string(bytes.Repeat([]byte{i, 0}, 3))); err == nil {
					_, err := k.spend(k.s, u, string(bytes.Repeat([]byte{i, 4}, 3)))
					k.ok(err)
					whole++
				}
			}
			k.same(whole, 1)
		}
	}},
	{"a code that is spent while a new set is made is in no set afterwards", func(k kit) {
		u := k.enrolled()
		for i := range rounds() / 4 {
			u = k.codes(u, name("old", i))
			told := k.race(func(s storage.Store, j int) error {
				if j%2 == 0 {
					_, err := k.spend(s, u, name("old", i))
					return err
				}
				return s.ChangeFactors(k.Context(), storage.FactorChange{
					UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(),
					Codes: asBytes([]string{name("new", i)}), Now: now,
				})
			})
			spent, made := 0, 0
			for j, err := range told {
				switch {
				case err != nil:
					k.is(err, storage.ErrUsed)
				case j%2 == 0:
					spent++
				default:
					made++
				}
			}
			if spent > 1 || made != 1 {
				k.Fatalf("spent %d times, %d sets were made", spent, made)
			}
			u = k.stored(u.ID)
			k.left(u, 1)
		}
	}},
	{"of parallel removals of all factors one always stays if one must be kept", func(k kit) {
		for range rounds() / 4 {
			u := k.user()
			var ids []string
			for range 2 {
				f := newFactor(u)
				u = k.add(u, f)
				ids = append(ids, f.ID)
			}
			k.race(func(s storage.Store, i int) error {
				for range 3 { // again with the new credential version, as a persistent caller would
					now, err := s.UserByID(k.Context(), u.ID)
					if err != nil {
						return err
					}
					_ = s.ChangeFactors(k.Context(), storage.FactorChange{
						UserID: u.ID, From: now.CredentialVersion, To: storage.NewID(), Remove: ids[i%2 : i%2+1],
						KeepOne: true, Now: in(1),
					})
				}
				return nil
			})
			k.same(len(k.factors(u.ID)), 1)
		}
	}},
	{"parallel preferences and changes leave exactly one primary", func(k kit) {
		for range rounds() / 4 {
			u := k.user()
			var ids []string
			for i := range 3 {
				f := newFactor(u)
				f.Primary = i == 0
				u = k.add(u, f)
				ids = append(ids, f.ID)
			}
			told := k.race(func(s storage.Store, i int) error {
				if i == callers-1 {
					f := newFactor(u)
					f.Primary = true
					return s.ChangeFactors(k.Context(),
						storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Add: &f,
							Now: now})
				}
				return s.PreferFactor(k.Context(), u.ID, ids[i%3])
			})
			k.exactly(callers, told, nil)
			primaries := 0
			for _, f := range k.factors(u.ID) {
				if f.Primary {
					primaries++
				}
			}
			k.same(primaries, 1)
		}
	}},
}
