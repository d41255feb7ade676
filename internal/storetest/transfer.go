package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twofold-auth/twofold/internal/storage"
)

// newWhole returns an account with everything, as an import makes it.
func newWhole() storage.Whole {
	u := newUser()
	f, c := newFactor(u), newConnection(u, "subject of "+u.ID)
	f.Primary = true
	first := storage.Factor{ID: storage.NewID(), UserID: u.ID, Method: storage.Passkey, Key: "key of " + u.ID,
		Secret: []byte{7}, Usage: storage.UseFirst, CreatedAt: in(-45)}
	return storage.Whole{
		User: u, Factors: []storage.Factor{f, first},
		Codes: []storage.KeptCode{{MAC: []byte("a"), CreatedAt: in(-9)},
			{MAC: []byte("b"), Form: []byte{0, 1}, CreatedAt: in(-9)}},
		Connections: []storage.Connection{c},
		SignIns:     storage.SignIns{CurrentAt: in(-1), LastAt: in(-2), CurrentAddress: "192.0.2.1", Count: 7},
		Origin: &storage.Origin{Source: "old", OldID: "old " + u.ID, UserID: u.ID,
			CredentialVersion: u.CredentialVersion,
			UpdatedAt:         u.UpdatedAt, Codes: 2, Digest: []byte{1}, Password: []byte{2}, At: now},
	}
}

// wholeOf returns an account as EachAccount returns it.
func wholeOf(k kit, id string) (found storage.Whole) {
	k.Helper()
	n := 0
	k.ok(k.s.EachAccount(k.Context(), id, func(w storage.Whole) error {
		found, n = w, n+1
		return nil
	}))
	if n != 1 {
		k.Fatalf("called %d times for one account", n)
	}
	return found
}

// next returns an account that replaces w.
func next(w storage.Whole) storage.Whole {
	o := *w.Origin
	w.Origin = &o
	w.User.CredentialVersion, w.User.UpdatedAt = storage.NewID(), in(100)
	o.CredentialVersion, o.UpdatedAt = w.User.CredentialVersion, w.User.UpdatedAt
	w.Origin = &o
	return w
}

var transferRules = []rule{
	{"an account that is put comes back whole, and as every verb shows it", func(k kit) {
		a, b := newWhole(), newWhole()
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{a, b}))
		sameWhole(k, wholeOf(k, a.User.ID), a)
		k.same(k.stored(a.User.ID), a.User)
		k.same(k.factors(a.User.ID), a.Factors[:1])
		k.connections(b.User, b.Connections...)
		n, err := k.s.SignInsOf(k.Context(), a.User.ID)
		k.ok(err)
		k.same(n, a.SignIns)
		u, err := k.s.UserByIdentity(k.Context(), a.User.UsernameKey)
		k.ok(err)
		k.same(u, a.User)
		left, err := k.s.RecoveryCodesLeft(k.Context(), a.User.ID, in(-9))
		k.ok(err)
		k.same(left, 2)
		foreign, err := k.s.ForeignCodes(k.Context(), a.User.ID)
		k.ok(err)
		k.same(foreign, a.Codes[1:])
		_, err = k.s.SpendRecoveryCode(k.Context(), a.User.ID, [][]byte{[]byte("b")}, in(-9))
		k.ok(err)
	}},
	{"many accounts are put at once and read in order of id, and none is an empty list", func(k kit) {
		k.ok(k.s.PutAccounts(k.Context(), nil))
		k.ok(k.s.EachAccount(k.Context(), "", func(storage.Whole) error { return errors.New("there is none") }))
		var list []storage.Whole
		for range 700 {
			list = append(list, newWhole())
		}
		k.ok(k.s.PutAccounts(k.Context(), list))
		slices.SortFunc(list, func(a, b storage.Whole) int {
			if a.User.ID < b.User.ID {
				return -1
			}
			return 1
		})
		n := 0
		k.ok(k.s.EachAccount(k.Context(), "", func(w storage.Whole) error {
			sameWhole(k, w, list[n])
			n++
			return nil
		}))
		k.same(n, len(list))
		stop := errors.New("stop")
		k.is(k.s.EachAccount(k.Context(), "", func(storage.Whole) error { return stop }), stop)
		k.is(k.s.EachAccount(k.Context(), "no account", func(storage.Whole) error { return nil }), storage.ErrNotFound)
	}},
	{"accounts are read as of one moment, and reading keeps no one from writing", func(k kit) {
		first := newWhole()
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{first}))
		n := 0
		k.ok(k.s.EachAccount(k.Context(), "", func(w storage.Whole) error {
			n++
			late := rename(newWhole(), "zzzz")
			k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{late}))
			return k.s.SetRoles(k.Context(), first.User.ID, nil, in(50))
		}))
		k.same(n, 1)
	}},
	{"if a name of one account is taken, all of the accounts are refused", func(k kit) {
		there := newWhole()
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{there}))
		for name, take := range map[string]func(*storage.Whole){
			"id":       func(w *storage.Whole) { *w = rename(*w, there.User.ID) },
			"address":  func(w *storage.Whole) { w.User.EmailKey = there.User.EmailKey },
			"username": func(w *storage.Whole) { w.User.UsernameKey = there.User.EmailKey },
			"passkey":  func(w *storage.Whole) { w.Factors[1].Key = there.Factors[1].Key },
			"subject":  func(w *storage.Whole) { w.Connections[0].Subject = there.Connections[0].Subject },
			"old id":   func(w *storage.Whole) { w.Origin.OldID = there.Origin.OldID },
			"factor":   func(w *storage.Whole) { w.Factors[0].ID = there.Factors[0].ID },
		} {
			good, bad := newWhole(), newWhole()
			take(&bad)
			if err := k.s.PutAccounts(k.Context(), []storage.Whole{good, bad}); !errors.Is(err, storage.ErrExists) {
				k.Errorf("%s: %v", name, err)
			}
			_, err := k.s.UserByID(k.Context(), good.User.ID)
			k.is(err, storage.ErrNotFound)
		}
		sameWhole(k, wholeOf(k, there.User.ID), there)
	}},
	{"what belongs to another account is refused", func(k kit) {
		a, b := newWhole(), newWhole()
		a.Factors[0].UserID = b.User.ID
		if err := k.s.PutAccounts(k.Context(), []storage.Whole{a, b}); err == nil {
			k.Fatal("stored")
		}
		a.Factors[0].UserID, b.Connections[0].UserID = a.User.ID, a.User.ID
		if err := k.s.PutAccounts(k.Context(), []storage.Whole{a, b}); err == nil {
			k.Fatal("stored")
		}
	}},
	{"who has which names, and what came from where, is found by many at once", func(k kit) {
		w := newWhole()
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{w}))
		var free []string
		for i := range 300 {
			free = append(free, fmt.Sprint("free ", i))
		}
		for kind, name := range map[string]string{
			"id": w.User.ID, "identity": w.User.EmailKey, "passkey": w.Factors[1].Key,
			"subject": issuer + "\n" + w.Connections[0].Subject,
		} {
			got, err := k.s.HoldersOf(k.Context(), kind, append(slices.Clone(free), name))
			k.ok(err)
			if len(got) != 1 || got[name] != w.User.ID {
				k.Errorf("%s: %v", kind, got)
			}
		}
		if _, err := k.s.HoldersOf(k.Context(), "shoe size", free); err == nil {
			k.Error("an unknown kind is not an error")
		}
		if got, err := k.s.HoldersOf(k.Context(), "passkey", []string{""}); err != nil || len(got) > 0 {
			k.Errorf("the empty key: %v %v", got, err)
		}
		origins, err := k.s.OriginsOf(k.Context(), "old", append(free, w.Origin.OldID))
		k.ok(err)
		k.same(origins, []storage.Origin{*w.Origin})
		origins, err = k.s.OriginsOf(k.Context(), "other", []string{w.Origin.OldID})
		k.ok(err)
		k.same(len(origins), 0)
	}},
	{"an account that is replaced is the new one; counted sign-ins stay", func(k kit) {
		was := newWhole()
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{was}))
		k.device(was.User)
		w := next(was)
		w.User.Email, w.User.EmailKey, w.User.PasswordHash, w.User.Roles = "b@x.t", "b@x.t", "new", nil
		w.Factors, w.Connections = w.Factors[1:], nil
		w.Codes, w.Origin.Codes = w.Codes[:1], 1
		k.ok(k.s.ReplaceAccount(k.Context(), w, *was.Origin, false))
		w.User.PasswordAt = w.User.UpdatedAt
		sameWhole(k, wholeOf(k, w.User.ID), w)
		k.devices(w.User, 0)
		if _, err := k.s.UserByIdentity(k.Context(), was.User.EmailKey); !errors.Is(err, storage.ErrNotFound) {
			k.Errorf("the former address is still taken: %v", err)
		}
		last := next(w)
		last.User.PasswordHash, last.User.Language, last.User.Profile = "lost", "", ""
		k.ok(k.s.ReplaceAccount(k.Context(), last, *w.Origin, true))
		k.same(k.stored(w.User.ID).PasswordHash, "new")
		k.same(k.stored(w.User.ID).PasswordAt, w.User.PasswordAt)
		k.same(k.stored(w.User.ID).Language, w.User.Language)
		k.same(k.stored(w.User.ID).Profile, w.User.Profile)
	}},
	{"an account that was changed here is not replaced: ErrUsed, and nothing changes", func(k kit) {
		for name, change := range map[string]func(w storage.Whole){
			"its version": func(w storage.Whole) {
				k.ok(k.s.SetActive(k.Context(), w.User.ID, false, storage.NewID(), w.User.UpdatedAt))
			},
			"its roles": func(w storage.Whole) { k.ok(k.s.SetRoles(k.Context(), w.User.ID, nil, in(50))) },
			"a code was spent": func(w storage.Whole) {
				_, err := k.s.SpendRecoveryCode(k.Context(), w.User.ID, [][]byte{[]byte("a")}, in(-9))
				k.ok(err)
			},
		} {
			was := newWhole()
			k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{was}))
			change(was)
			before := wholeOf(k, was.User.ID)
			if err := k.s.ReplaceAccount(k.Context(), next(was), *was.Origin, false); !errors.Is(err, storage.ErrUsed) {
				k.Errorf("%s: %v", name, err)
			}
			sameWhole(k, wholeOf(k, was.User.ID), before)
		}
		w := newWhole()
		k.is(k.s.ReplaceAccount(k.Context(), next(w), *w.Origin, false), storage.ErrNotFound)
	}},
	{"an account is not replaced by one that takes another's name", func(k kit) {
		a, b := newWhole(), newWhole()
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{a, b}))
		w := next(a)
		w.User.EmailKey = b.User.EmailKey
		k.is(k.s.ReplaceAccount(k.Context(), w, *a.Origin, false), storage.ErrExists)
		sameWhole(k, wholeOf(k, a.User.ID), a)
	}},
}

// sameWhole compares two accounts, including the values of their pointers.
func sameWhole(k kit, got, want storage.Whole) {
	k.Helper()
	if (got.Origin == nil) != (want.Origin == nil) {
		k.Fatalf("got origin %v, want %v", got.Origin, want.Origin)
	}
	if got.Origin != nil {
		k.same(*got.Origin, *want.Origin)
	}
	got.Origin, want.Origin = nil, nil
	k.same(got, want)
}

// rename gives an account and everything that belongs to it another ID.
func rename(w storage.Whole, id string) storage.Whole {
	w.User.ID, w.Origin.UserID = id, id
	for i := range w.Factors {
		w.Factors[i].UserID = id
	}
	for i := range w.Connections {
		w.Connections[i].UserID = id
	}
	return w
}

var transferRaceRules = []rule{
	{"of imports of one account at once exactly one puts it", func(k kit) {
		for range rounds() {
			w := newWhole()
			k.one(k.race(func(s storage.Store, _ int) error {
				mine := newWhole()
				mine.Origin.OldID = w.Origin.OldID
				return s.PutAccounts(k.Context(), []storage.Whole{mine})
			}), storage.ErrExists)
		}
	}},
	{"of a replacement and a change at once one happens, and a spent code stays spent", func(k kit) {
		for range rounds() {
			was := newWhole()
			k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{was}))
			spent := false
			k.race(func(s storage.Store, i int) error {
				if i == 0 {
					_, err := s.SpendRecoveryCode(k.Context(), was.User.ID, [][]byte{[]byte("a")}, in(-9))
					spent = err == nil
					return nil
				}
				err := s.ReplaceAccount(k.Context(), next(was), *was.Origin, false)
				if err != nil && !errors.Is(err, storage.ErrUsed) {
					k.Error(err)
				}
				return nil
			})
			left, err := k.s.RecoveryCodesLeft(k.Context(), was.User.ID, in(-9))
			k.ok(err)
			if !spent || left != 1 {
				k.Fatalf("spent: %v, and %d codes are left", spent, left)
			}
		}
	}},
}
